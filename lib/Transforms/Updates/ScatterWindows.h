//===- ScatterWindows.h - The windows that a scatter writes -----*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_SCATTERWINDOWS_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_SCATTERWINDOWS_H

#include "ScatterMap.h"

namespace kvlift {

/// Where one window of the update goes.
struct ScatterPiece {
  Window part;
  /// For each dim of the slot.
  std::vector<IndexFact> starts;
};

/// The windows of a scatter, in the order in which they are written.
struct ScatterWindows {
  ScatterMap map;
  std::vector<ScatterPiece> pieces;
  /// For each dim of the slot the update's dim that counts along it, or -1.
  Dims updateDims;
  /// The type that positions are computed in.
  Type index;
};

struct WindowsOrReason {
  std::optional<ScatterWindows> windows;
  std::string reason;
};

/// The windows that write what a scatter writes, or why there are none that do,
/// or too many. A body that combines has to be one that can be computed on
/// windows (Combine.h).
WindowsOrReason findWindows(IndexFacts &facts, const ScatterMap &map);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_SCATTERWINDOWS_H
