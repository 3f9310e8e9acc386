//===- Timing.cpp - How long each pass took -------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Timing.h"

#include <algorithm>
#include <cstdio>

using namespace kvlift;

void Timing::add(const std::string &name, double seconds) {
  auto found =
      std::find_if(entries.begin(), entries.end(),
                   [&](const auto &entry) { return entry.first == name; });
  if (found == entries.end())
    found = entries.insert(entries.end(), {name, 0.0});
  found->second += seconds;
}

static std::string row(const std::string &name, double seconds, double total) {
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, "  %8.4f (%5.1f%%)  ", seconds,
                total > 0 ? 100 * seconds / total : 0.0);
  return numbers + name + "\n";
}

std::string Timing::print() const {
  double total = 0;
  for (const auto &[name, seconds] : entries)
    total += seconds;

  std::string rule = "===" + std::string(73, '-') + "===\n";
  std::string text =
      rule + std::string(25, ' ') + "... Execution time report ...\n" + rule;
  text += "  ----Wall Time----  ----Name----\n";
  for (const auto &[name, seconds] : entries)
    text += row(name, seconds, total);
  return text + row("Total", total, total);
}
