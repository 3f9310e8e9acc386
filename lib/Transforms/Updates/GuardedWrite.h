//===- GuardedWrite.h - Write a window, drop what is outside ----*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_GUARDEDWRITE_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_GUARDEDWRITE_H

#include "kvlift/Builder.h"

namespace kvlift {

/// Where a window begins along one dim of a slot: at `base + offset`.
struct WindowStart {
  /// A tensor of one integer, of any rank; null for 0.
  Value base;
  int64_t offset = 0;
  /// Whether the window provably lies in the slot along this dim.
  bool isInRange = false;
};

/// A window of a slot that gets new elements. Elements whose position is
/// outside of the slot are dropped, as `scatter` does it.
struct GuardedWrite {
  Value slot;
  /// In the slot's layout: the window's extents are its own.
  Value update;
  /// One for each dim of the slot. Bases are of the element type `index`.
  std::vector<WindowStart> starts;
  /// The signed integer type that positions are computed in.
  Type index;
  /// The scatter whose body combines old and new elements; null where the new
  /// ones overwrite. `canCombine` of it is true.
  Operation combiner{};
};

/// Whether the type is a signed integer that can hold `number`.
bool canHold(Type index, int64_t number);

/// Why a window of these extents cannot be written; nothing when it can.
std::optional<std::string> obstacleTo(const Dims &slot, const Dims &window,
                                      const std::vector<WindowStart> &starts,
                                      Type index);

/// The new version of the slot: one dynamic_update_slice, guarded where the
/// window may lie outside; the slot itself when nothing can be written.
Value writeGuarded(Builder &build, const GuardedWrite &write);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_GUARDEDWRITE_H
