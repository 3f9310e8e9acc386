//===- InPlace.h - Can every chain run without a copy? ----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_INPLACE_H
#define KVLIFT_INPLACE_H

#include "kvlift/OrderGraph.h"
#include "kvlift/TargetModel.h"

namespace kvlift {

/// Why no order of a block's ops lets all its chains run in place.
struct Conflict {
  const BlockChains *chains;
  OrderCycle cycle;
  /// Other reads through the same value that the update comes too early for: a
  /// copy of it serves them as well.
  std::vector<int32_t> otherReads;

  /// The read that comes too late, and the update that it should precede.
  int32_t readNumber() const { return cycle.edges.front().read; }
  const Read &read() const { return chains->reads[readNumber()]; }
  Operation update() const { return chains->ops[cycle.edges.front().to]; }
  const std::string &slot() const {
    return chains->slotOf(chains->versions[read().version]);
  }
};

/// The conflicts of a block: one for each set of ops that wait for each other.
std::vector<Conflict> conflictsOf(const BlockChains &chains);

/// Conflicts that leave no other when all their reads look at a copy instead.
std::vector<Conflict> conflictsToCopyFor(const BlockChains &chains);

/// An error at the update, with a note for each edge of the cycle.
Diagnostic &report(const Conflict &conflict, DiagnosticLog &log);

/// A sum of a version that the target may compute after the update of it.
struct LateSum {
  Operation sum, update;
};

/// The sums of old versions that XLA computes with an op which comes after the
/// update, in program order.
std::vector<LateSum> lateSumsOf(const BlockChains &chains);

/// Something that a target is known to do to a slot.
struct Finding {
  std::string slot;
  const TargetFact *fact;
  /// The op that it does it for, and what to say of it.
  Operation op;
  std::string detail;
};

/// What the target does to the slots of a function though no order forbids it
/// to run in place, in program order. Slots that are smaller than a cache line
/// are left out.
std::vector<Finding> findingsOf(const FuncOp &function,
                                const std::vector<Slot> &slots,
                                const std::deque<BlockChains> &blocks,
                                const TargetModel &model);

/// Bytes of a static tensor; 0 when unknown.
int64_t byteSize(Type type);

} // namespace kvlift

#endif // KVLIFT_INPLACE_H
