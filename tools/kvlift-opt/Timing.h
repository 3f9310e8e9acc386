//===- Timing.h - How long each pass took -----------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_TIMING_H
#define KVLIFT_TOOLS_KVLIFT_OPT_TIMING_H

#include <string>
#include <utility>
#include <vector>

namespace kvlift {

/// Seconds by name, in the order in which the names came.
class Timing {
public:
  void add(const std::string &name, double seconds);
  /// A table like the one that mlir-opt prints.
  std::string print() const;

private:
  std::vector<std::pair<std::string, double>> entries;
};

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_TIMING_H
