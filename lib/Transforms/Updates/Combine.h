//===- Combine.h - Bodies of scatters on whole windows ----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_COMBINE_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_COMBINE_H

#include "kvlift/Builder.h"

namespace kvlift {

/// Whether the body of a scatter of one input, which combines an old element
/// with a new one, can be computed on whole windows: element by element, by
/// ops that cannot fail on elements that are then dropped.
bool canCombine(Operation scatter);

/// What the body makes of the windows `old` and `update`, of one type.
Value combine(Builder &build, Operation scatter, Value old, Value update);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_COMBINE_H
