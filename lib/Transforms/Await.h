//===- Await.h - Values that wait for other values --------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_AWAIT_H
#define KVLIFT_LIB_TRANSFORMS_AWAIT_H

#include "kvlift/Builder.h"

namespace kvlift {

/// Whether `computeAfter` can wait for a value of this type.
bool canBeAwaited(Type type);

/// Whether a value of this type can wait.
bool canWait(Type type);

/// The same integers, which a compiler that orders ops by data alone (XLA
/// expands optimization_barrier before it fuses) computes after `first`:
///   minimum(%integers, maximum(%integers, <bits of an element of %first>))
/// That is %integers, whatever the bits are, and no compiler that we know of
/// says so at the level of buffers.
Value computeAfter(Builder &build, Value integers, Value first);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_AWAIT_H
