//===- ScatterMap.h - Where a scatter's elements go -------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_SCATTERMAP_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_SCATTERMAP_H

#include "kvlift/IndexFacts.h"
#include "kvlift/Ops.h"

namespace kvlift {

/// The position along one dim of the slot: a component of the index vector plus
/// a coordinate of the update, each if there is one.
struct ScatterDim {
  int64_t component = -1;
  int64_t updateDim = -1;
};

/// A scatter of one input, in the layout of the slot that it updates, which may
/// be transposed for it.
struct ScatterMap {
  Operation scatter;
  Value slot;
  /// Dim i of the scatter's operand is the slot's dim view[i].
  Dims view;
  ScatterNumbers numbers;
  /// For each dim of the slot.
  std::vector<ScatterDim> dims;
  /// For each dim of the update the indices' dim that it counts, or -1.
  Dims indexDims;

  Value indices() const { return scatter.operand(1); }
  Value update() const { return scatter.operand(2); }
  int64_t rank() const { return dims.size(); }
  int64_t extent(int64_t dim) const { return slot.type().shape()[dim]; }
  /// The window of the indices that has one component for a window of the
  /// update.
  Window componentWindow(int64_t component, const Window &part) const;
};

/// The scatter has one input and static shapes, and its result is of the
/// operand's type.
ScatterMap scatterMapOf(Operation scatter);

/// Where a window of the update goes along a dim of the slot, as a fact with
/// the update's dims.
IndexFact positionsOf(IndexFacts &facts, const ScatterMap &map, int64_t dim,
                      const Window &part);

/// Whether a window along this dim may lie across the edge of the slot: there
/// StableHLO drops single elements, XLA whole windows.
bool mayCrossEdge(IndexFacts &facts, const ScatterMap &map, int64_t dim,
                  const Window &part);

/// Puts the new version in the place of the scatter's result: its users see it
/// in their own layout, and a transpose back is the new version itself.
void replaceScatter(const ScatterMap &map, Value updated);

/// A scatter with a body of any kind, or that stays a scatter, becomes one on
/// the leading dims of the slot, with the largest windows that it can have:
/// LeadingScatter.cpp. Runtimes run those in place. Null when it is one
/// already, or cannot be one.
///
/// Windows that may lie across the edge lose single elements there, as
/// StableHLO says; XLA drops them whole. So such a scatter is left alone unless
/// the target is known to be another one.
enum class Edges { leave, dropElements };
Operation makeLeadingScatter(IndexFacts &facts, const ScatterMap &map,
                             Edges edges);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_SCATTERMAP_H
