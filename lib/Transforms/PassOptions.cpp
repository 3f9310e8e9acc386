//===- PassOptions.cpp - Options as pipelines give them -------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Passes.h"

std::string kvlift::optionOr(const PassOptions &options,
                             const std::string &name,
                             const std::string &fallback) {
  auto entry = options.find(name);
  return entry == options.end() ? fallback : entry->second;
}
