//===- PassOptions.cpp - Options as pipelines give them -------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Passes.h"

#include <charconv>

using namespace kvlift;

std::string kvlift::optionOr(const PassOptions &options,
                             const std::string &name,
                             const std::string &fallback) {
  auto entry = options.find(name);
  return entry == options.end() ? fallback : entry->second;
}

std::optional<int64_t> kvlift::numberAfter(std::string_view text,
                                           std::string_view prefix) {
  int64_t number = 0;
  if (!text.starts_with(prefix))
    return std::nullopt;
  text.remove_prefix(prefix.size());
  auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<TargetModel> kvlift::targetModelOf(const PassOptions &options,
                                                 DiagnosticLog &log) {
  std::string target = optionOr(options, "target", std::string(anyTarget));
  auto model = TargetModel::named(target);
  if (!model)
    log.error({}, "target=" + target + " is not one of " +
                      join(TargetModel::names(), ", "));
  return model;
}
