//===- ChainWalk.h - Follows versions through a block -----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_ANALYSIS_CHAINWALK_H
#define KVLIFT_LIB_ANALYSIS_CHAINWALK_H

#include "OpRole.h"
#include "kvlift/Chains.h"

#include <map>

namespace kvlift::chainwalk {

/// A version that a value shows, and how.
struct Held {
  int64_t version;
  Deferral deferral;
  /// How the value's dims permute the slot's; empty when they do not.
  Dims layout;
};

/// A value that shows a root of a block.
struct Entry {
  Value value;
  Held held;
};

/// The values from outside that the regions of an op use.
class Captures {
public:
  const std::vector<Value> &of(Operation op) {
    if (op.regions().empty())
      return none;
    auto [entry, isNew] = known.try_emplace(op.raw.ptr);
    if (isNew)
      entry->second = find(op);
    return entry->second;
  }

private:
  std::vector<Value> find(Operation op);

  // Nodes stay where they are while more are found.
  std::map<const void *, std::vector<Value>> known;
  const std::vector<Value> none;
};

/// State that all blocks of one function share.
struct Walk {
  std::map<std::string, FuncOp> functions;
  std::deque<BlockChains> blocks;
  OpRoles roles;
  Captures captures;
  /// Callees by name and by the arguments that are versions; null while one is
  /// being walked.
  std::map<std::pair<std::string, Dims>, BlockChains *> callees;
};

class BlockWalk {
public:
  BlockWalk(Walk &shared, BlockChains &chains)
      : shared(shared), chains(chains) {}

  void addRoot(const std::string &slot, Value value, int64_t carriedBy) {
    int64_t root = chains.roots.size();
    chains.roots.push_back({slot, carriedBy});
    chains.versions.push_back({root, -1, -1, value, false, {}});
  }
  void show(Value value, Held held) {
    shown[value.raw.ptr].push_back(std::move(held));
  }
  void run(Block block);

private:
  // Enough for what real programs combine; more are not told apart.
  static constexpr size_t versionLimit = 4;

  const std::vector<Held> &heldBy(Value value) const {
    auto found = shown.find(value.raw.ptr);
    return found == shown.end() ? nothing : found->second;
  }
  /// The version that the value is, if it is one as a whole.
  const Held *versionIn(Value value) const {
    const std::vector<Held> &held = heldBy(value);
    return held.size() == 1 && !held.front().deferral ? &held.front() : nullptr;
  }

  bool showsVersion(Operation op) const {
    for (int64_t i = 0, n = op.numOperands(); i < n; ++i)
      if (!heldBy(op.operand(i)).empty())
        return true;
    return false;
  }

  void visit(Operation op);
  void visitOperand(Value value);
  void read(Value value, int64_t makes = -1);
  void view(Value from, Value to);
  void transpose(Operation op);
  void defer(Operation op, bool bySlice);
  void update(Operation op);
  void loop(Operation op);
  void branch(Operation op);
  void call(Operation op);
  BlockChains *callee(Operation op, const Dims &numbers,
                      const std::vector<std::string> &slots);
  /// The op's result `to` is the version that it finds in `from`, updated.
  void make(const Held &held, Value from, Value to,
            std::vector<InnerRoot> inside = {});
  void carryOut(Operation op, const std::vector<BlockChains *> &inner,
                const std::vector<Held> &outer, const std::vector<Value> &from);
  BlockChains &walkInner(Block block, const std::vector<Entry> &entries);

  Walk &shared;
  BlockChains &chains;
  std::unordered_map<const void *, std::vector<Held>> shown;
  std::unordered_map<const void *, int64_t> positions;
  const std::vector<Held> nothing;
  int64_t position = -1;
  int64_t lastOrdered = -1;
};

} // namespace kvlift::chainwalk

#endif // KVLIFT_LIB_ANALYSIS_CHAINWALK_H
