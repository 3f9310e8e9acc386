//===- TargetModel.h - What each runtime does badly or wrongly --*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TARGETMODEL_H
#define KVLIFT_TARGETMODEL_H

#include "kvlift/Support.h"

#include <span>

namespace kvlift {

/// What a runtime may do to a slot though an order without a copy exists.
enum class Habit {
  /// Updates of such element types rewrite the whole slot.
  rewritesNarrowFloats,
  /// A slot with a dim of extent 1 is copied for a product with a new version
  /// of it, and for an update of a reshape of it.
  copiesUnitDims,
  /// Updates of a slot in several shapes, or in another shape than its own if
  /// the new version is read in part.
  copiesShapes,
  /// An update of a bitcast_convert of the slot.
  copiesBitcasts,
  /// An update of the whole slot.
  copiesWholeUpdates,
  /// An update in a branch copies.
  copiesInBranches,
  /// An update in some branch copies, if another branch passes the slot on.
  copiesPassedBranches,
  /// In a program with loops or branches, an update copies if its version is
  /// read by an op that the update does not need a result of, or if what it
  /// makes is read by an op that takes the update in.
  copiesReadsBesideControlFlow,
  /// An update in a loop copies, in each iteration.
  copiesInLoops,
  /// A scatter whose positions are not in the leading dims, in order.
  transposesScatters,
  /// An update between two transposes.
  copiesTransposed,
  /// A product that does not read the slot's dims in an order that it likes.
  transposesProducts,
  /// The same, when it also minds whether summed dims come last.
  transposesFactors,
  /// A sum over a transposed slot.
  transposesSums,
  /// A sum over a reversed slot.
  reversesSums,
  /// A product of f16, or of elements that the program converts for it.
  convertsProducts,
  /// A sum of converted or reversed elements over many rows.
  buildsSummands,
  /// Elements of the whole slot that are moved or converted for an op which
  /// cannot do that on the way.
  buildsMoved,
  /// A slice, or what is computed of it element by element, is computed
  /// together with an op that runs after the update.
  fusesLate,
  /// A version between two updates that something reads.
  copiesBetween,
  /// An update whose data is a slice of the same version reads what it writes.
  readsOwnWrites,
  /// A slot that is returned in a second result too is copied for it.
  copiesSecondResult,
  /// A new value that is made of the old one by more than arithmetic on the
  /// same elements.
  copiesMoved,
  /// A masked select of new rows rewrites the whole slot.
  rewritesMasked,
  /// A new value that is computed of the old one element by element.
  copiesComputed,
  /// An update whose version does not stay in the slot.
  copiesForks,
};

/// What to write instead: "leave the dimension of extent 1 out of the slot".
std::string_view wayOut(Habit habit);

/// One thing that one target was seen doing.
struct TargetFact {
  std::string_view target;
  Habit habit;
  /// Completes "slot 'k' is copied: ".
  std::string_view why;
  /// The program of the corpus or the test that shows it, or where it was read.
  std::string_view evidence;
  /// Whether results are wrong, not just slow.
  bool isWrong = false;
};

/// An option that a runtime must pass to a target's compiler, or the model does
/// not hold.
struct TargetOption {
  std::string_view target, name, value, evidence;
};

/// The target without habits: only what no order of ops could satisfy counts.
inline constexpr std::string_view anyTarget = "any";

/// What is known of one target.
class TargetModel {
public:
  /// Nothing for an unknown target.
  static std::optional<TargetModel> named(std::string_view target);
  static std::vector<std::string> names();
  /// All facts, of all targets.
  static std::span<const TargetFact> facts();
  /// The compiler options that the facts were measured with, of all targets.
  static std::span<const TargetOption> options();

  /// The fact that the target has this habit; null when it has not.
  const TargetFact *find(Habit habit) const;
  std::string_view name() const { return target; }

private:
  explicit TargetModel(std::string_view target) : target(target) {}
  std::string_view target;
};

} // namespace kvlift

#endif // KVLIFT_TARGETMODEL_H
