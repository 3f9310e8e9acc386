//===- LoopCounter.h - What a loop counts -----------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LOOPCOUNTER_H
#define KVLIFT_LOOPCOUNTER_H

#include "kvlift/IR.h"

namespace kvlift {

/// In iteration n, from 0 on, a counter is `first + n * step`.
struct LoopCounter {
  int64_t first, step;
};

/// What a carried value of a `stablehlo.while` counts: one integer that starts
/// with a constant and has a constant added to it in each iteration.
std::optional<LoopCounter> counterOf(Operation loop, int64_t carried);

/// How often the body of a `stablehlo.while` runs, when it runs while a counter
/// is below a constant.
std::optional<int64_t> tripCountOf(Operation loop);

/// The smallest and largest number that an argument of a loop's body holds,
/// when it is a counter of a loop that runs a constant number of times.
std::optional<std::pair<int64_t, int64_t>> counterRange(Value argument);

} // namespace kvlift

#endif // KVLIFT_LOOPCOUNTER_H
