//===- Versions.cpp - Which StableHLO versions the host speaks ------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Versions.h"
#include "kvlift/IR.h"

#include <array>
#include <cstdio>

using namespace kvlift;

/// `1.19.0` as numbers that compare.
static std::optional<std::array<int, 3>> parseVersion(const std::string &text) {
  std::array<int, 3> parts{};
  char rest = 0;
  if (std::sscanf(text.c_str(), "%d.%d.%d%c", &parts[0], &parts[1], &parts[2],
                  &rest) != 3)
    return std::nullopt;
  return parts;
}

std::string kvlift::findVersionProblem(std::string_view what,
                                       const std::string &version) {
  StablehloVersions known = stablehloVersions();
  if (known.current.empty())
    return "this MLIR library knows no StableHLO portable artifacts";

  std::string has =
      std::string(what) + " has the StableHLO version " + quote(version);
  auto parsed = parseVersion(version);
  if (!parsed)
    return has + ", which is not of the form X.Y.Z";
  if (*parsed > *parseVersion(known.current))
    return has + ", newer than the library's " + known.current;
  if (*parsed < *parseVersion(known.minimum))
    return has + ", older than " + known.minimum +
           ", the oldest that the library knows";
  return "";
}
