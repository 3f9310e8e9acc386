//===- ScatterGuard.h - Scatters that write in range only -------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_GUARDS_SCATTERGUARD_H
#define KVLIFT_LIB_TRANSFORMS_GUARDS_SCATTERGUARD_H

#include "kvlift/Ops.h"

namespace kvlift {

/// The bits of a signalling NaN, and of the quiet one that arithmetic makes of
/// it.
struct Marker {
  int64_t signalling, quiet;
};

/// How one scatter is kept from writing out of range.
struct GuardPlan {
  Operation scatter;
  ScatterNumbers numbers;
  bool isInRange;
  /// For each component, the last index at which the window fits.
  Dims last;
  /// What a body that combines integers leaves an element as it is with.
  Attribute identity;
  /// The bits that mark what a body that combines floats is to leave alone.
  std::optional<Marker> marker;
  /// Whether it must index whole elements first: it has batched dims, or
  /// windows of which a part may be out of range.
  bool isSpread = false;
};

/// Checks one scatter; on failure `reason` says why it cannot be guarded
/// (PlanGuard.cpp).
std::optional<GuardPlan> planGuard(Operation scatter, std::string &reason);

/// Guards a scatter whose plan needs no spreading (ApplyGuard.cpp).
void applyGuard(const GuardPlan &plan);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_GUARDS_SCATTERGUARD_H
