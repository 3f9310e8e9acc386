//===- Finder.h - Looks for what a target does to slots ---------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_ANALYSIS_FINDER_H
#define KVLIFT_LIB_ANALYSIS_FINDER_H

#include "OpRole.h"
#include "kvlift/InPlace.h"
#include "kvlift/Provenance.h"

#include <map>
#include <set>

namespace kvlift {

/// Numbers of versions by their root, and of reads by their version, in program
/// order: a function may have thousands of slots.
struct BlockIndex {
  explicit BlockIndex(const BlockChains &chains);
  std::vector<std::vector<int32_t>> versionsOf, readsOf;
};

/// Collects the findings of one function on one target.
class Finder {
public:
  Finder(const FuncOp &function, const std::deque<BlockChains> &blocks,
         const TargetModel &model)
      : function(function), blocks(blocks), model(model) {}

  void inspect(const std::vector<Slot> &slots);
  std::vector<Finding> found;

private:
  void add(Habit habit, const std::string &slot, Operation op,
           std::string detail);
  void add(Habit habit, const std::string &slot, Operation op);

  const BlockIndex &indexOf(const BlockChains &chains);

  // Findings.cpp: the slot, its updates, what leaves in its place.
  void inspectType(const Slot &slot, int64_t root);
  void inspectForks(const Slot &slot, int64_t root);
  void inspectChain(const BlockChains &chains, int64_t root);
  void inspectUpdate(const BlockChains &chains, const Version &version);
  void inspectShapes(const BlockChains &chains, const Version &version,
                     Type &first);
  Value behindViews(Value value);
  Value behindTransposes(Value value);
  void inspectResult(const Slot &slot, int64_t root);
  bool isUpdate(const Slot &slot);
  void inspectWholeValue(const Slot &slot, int64_t root);

  // FindingsReads.cpp: the readers of each version.
  void inspectReads(const BlockChains &chains);
  void inspectProduct(const BlockChains &chains, const Read &read);
  void inspectFactors(Operation dot, Value through, const std::string &slot);
  void inspectMoved(const BlockChains &chains, const Read &read);
  void inspectSum(const BlockChains &chains, const Read &read);
  bool isFused(Operation op);

  // FindingsLate.cpp: readers that a runtime may run after the update.
  void inspectLateReads(const BlockChains &chains);
  void inspectReadsBetween(const BlockChains &chains);
  bool hasControlFlow();
  bool isComputed(Operation maker);
  void inspectBesideControlFlow(const BlockChains &chains);

  const FuncOp &function;
  const std::deque<BlockChains> &blocks;
  const TargetModel &model;
  OpRoles roles;
  std::optional<Provenance> provenance;
  std::map<const BlockChains *, BlockIndex> indices;
  // How many results show each value, as it lies and also turned around.
  std::unordered_map<const void *, int64_t> returned, returnedInAnyOrder;
  std::set<std::string> large;
  std::set<std::pair<const BlockChains *, int64_t>> seen;
};

/// Whether the op only moves elements.
inline bool isMove(Operation op) {
  return op.is("stablehlo.concatenate") || op.is("stablehlo.reverse") ||
         op.is("stablehlo.pad") || op.is("stablehlo.transpose") ||
         op.is("stablehlo.broadcast_in_dim");
}

} // namespace kvlift

#endif // KVLIFT_LIB_ANALYSIS_FINDER_H
