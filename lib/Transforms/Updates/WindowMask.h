//===- WindowMask.h - Which window does a mask choose? ----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_WINDOWMASK_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_WINDOWMASK_H

#include "Spread.h"

namespace kvlift {

/// The elements whose position in each dim is `base + offset + j` for a j in
/// [0, count), and for which all flags hold.
struct WindowMask {
  struct Rows {
    /// Integers of the type `index`, one for each element of the dims that they
    /// vary along; a null value for 0.
    Spread base;
    int64_t offset;
    int64_t count;
  };
  struct Flag {
    /// Booleans.
    Spread value;
    bool wanted;
  };
  /// One for each dim of the mask. Where there is no base, the rows are in the
  /// mask; else they may lie outside of it.
  std::vector<Rows> dims;
  std::vector<Flag> flags;
  /// The signed integer type that positions are compared in, and wrap in.
  Type index;

  /// Whether the mask says nothing about the dim.
  bool isWhole(int64_t dim, const Dims &shape) const {
    const Rows &rows = dims[dim];
    return !rows.base.value && rows.offset == 0 && rows.count == shape[dim];
  }
  /// Whether bases or flags vary along the dim.
  bool varies(int64_t dim) const;
};

/// The elements for which the mask has the value `chosen`, when it says so by
/// comparing positions, or when it is a constant. No base and no flag varies
/// along a dim that is not whole.
std::optional<WindowMask> windowMaskOf(Value mask, bool chosen);

/// The same for a mask that is a constant, or a padded one: ConstantMask.cpp.
std::optional<WindowMask> constantMaskOf(Value mask, bool chosen);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_WINDOWMASK_H
