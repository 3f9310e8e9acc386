//===- UpdateRewrite.h - What rewrites one update of a slot -----*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_UPDATEREWRITE_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_UPDATEREWRITE_H

#include "kvlift/IR.h"

namespace kvlift {

/// An update of a slot, as it stands when its turn comes.
struct SlotUpdate {
  Operation op;
  /// The operand that brings the old version; -1 when that is not one operand.
  int64_t oldOperand;
  std::string slot;
  /// The result that is the slot's new value where no update leads to it from
  /// the slot; -1 for an update.
  int64_t madeResult = -1;
  /// Whether it updates a layer that was taken out of the slot. Nothing is said
  /// of those: what puts the layer back says why it stays.
  bool isOfLayer = false;
};

/// What became of an update.
struct Rewritten {
  enum Outcome {
    /// Another rewriter may know this form.
    notMine,
    /// The op is gone.
    replaced,
    /// It is of this form but stays as it is; `reason` says why: "it has
    /// several inputs".
    stays,
  } outcome;
  std::string reason;

  static Rewritten no() { return {notMine, ""}; }
  static Rewritten yes() { return {replaced, ""}; }
  static Rewritten because(std::string reason) {
    return {stays, std::move(reason)};
  }
};

/// Replaces one update of a slot by something cheaper that has the same
/// results, bit for bit, or leaves it alone. May erase the update, and ops
/// before it that nothing uses any more, but no later update.
using UpdateRewriter = Rewritten(const SlotUpdate &update);

/// `stablehlo.scatter` that overwrites several inputs: SplitScatter.cpp.
UpdateRewriter splitScatter;
/// `stablehlo.scatter` of one input: SimplifyScatter.cpp.
UpdateRewriter simplifyScatter;
/// An update of a transposed, reshaped or bitcast slot: SimplifyViews.cpp.
UpdateRewriter simplifyViews;
/// `select(mask, new, slot)`: SimplifySelect.cpp.
UpdateRewriter simplifySelect;
/// `concatenate(slice(slot), new, slice(slot))`: SimplifyConcatenate.cpp.
UpdateRewriter simplifyConcatenate;
/// `if(p, update(slot), slot)`: SimplifyBranch.cpp.
UpdateRewriter simplifyBranch;
/// A loop that builds a stack beside the slot: SimplifyScan.cpp.
UpdateRewriter simplifyScan;
/// An update right behind another one: MergeUpdates.cpp.
UpdateRewriter mergeUpdates;
/// `slot * (1 - mask) + new * mask`, which stays: SimplifySum.cpp.
UpdateRewriter simplifySum;
/// A layer that is taken out, updated and put back: SimplifyStack.cpp.
UpdateRewriter simplifyStack;

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_UPDATEREWRITE_H
