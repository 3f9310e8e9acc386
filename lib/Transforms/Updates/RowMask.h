//===- RowMask.h - Which rows does a mask choose? ---------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_ROWMASK_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_ROWMASK_H

#include "kvlift/IR.h"

namespace kvlift {

/// The positions `base + offset + j` of one dim, for j in [0, count).
struct RowMask {
  int64_t dim;
  /// A tensor of one integer, of any rank; null for 0.
  Value base;
  int64_t offset;
  int64_t count;
  /// The integer type that positions were compared in.
  Type index;
};

/// A window at constant positions.
struct BoxMask {
  Dims low, high;
};

/// The rows of one dim for which the mask has the value `chosen`, when it says
/// so by comparing positions; rows outside of the mask's extent may be named.
std::optional<RowMask> rowMaskOf(Value mask, bool chosen);

/// The window that a padded constant mask chooses.
std::optional<BoxMask> boxMaskOf(Value mask);

/// The one element that a value repeats everywhere, as a tensor of any rank.
std::optional<Value> repeatedElement(Value value);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_ROWMASK_H
