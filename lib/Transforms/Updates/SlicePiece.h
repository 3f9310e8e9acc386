//===- SlicePiece.h - Windows that are taken out of a stack -----*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_SLICEPIECE_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_SLICEPIECE_H

#include "kvlift/IR.h"

namespace kvlift {

/// Where a window starts along one dim: at a number, or at what a value says,
/// moved into range.
struct PieceStart {
  std::optional<int64_t> number;
  Value value;
};

/// A slice or dynamic_slice of step 1.
struct SlicePiece {
  Operation op;
  Value source;
  std::vector<PieceStart> starts;
  Dims sizes;
};

/// The slice that makes a value, if it is one with static shapes.
std::optional<SlicePiece> slicePieceOf(Value value);

/// The starts of a dynamic_slice or dynamic_update_slice of a window.
std::vector<PieceStart> pieceStartsOf(Operation op, const Dims &slot,
                                      const Dims &window);

/// Whether two windows of these sizes start at the same place.
bool isSamePlace(const std::vector<PieceStart> &a,
                 const std::vector<PieceStart> &b);

/// The value without reshapes and broadcasts that only add or remove unit dims.
Value withoutUnitDims(Value value);

/// A layer that was taken out of a stack, updated, and perhaps reshaped:
///   dynamic_update_slice(... dynamic_update_slice(slice, update) ...)
struct UpdatedPiece {
  SlicePiece slice;
  /// The updates, the first one first.
  std::vector<Operation> updates;
};

/// What the value is, if it is such a layer; at least one update.
std::optional<UpdatedPiece> updatedPieceOf(Value value);

/// The condition of `select(condition, new, old)`, one for all elements, if
/// `old` is what the window of the stack holds already: then `data` becomes
/// `new`. Null when it is something else.
Value takeCondition(Value &data, Value stack,
                    const std::vector<PieceStart> &starts);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_SLICEPIECE_H
