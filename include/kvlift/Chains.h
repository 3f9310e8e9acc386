//===- Chains.h - The versions of slots in a block --------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A slot's storage enters a block as a root: an argument of a function, a
// carried value of a while, a captured value of a branch. Updates make versions
// of it, and the block's terminator carries one of them on. An op with regions
// or a call is one op of its block: it updates what its regions update and
// reads what they read.
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_CHAINS_H
#define KVLIFT_CHAINS_H

#include "kvlift/State.h"

#include <deque>
#include <span>

namespace kvlift {

struct BlockChains;

/// A root of a block inside of an op: of a body, a branch, a callee.
struct InnerRoot {
  const BlockChains *chains;
  int64_t root;
};

/// A value of a slot's storage between two updates.
struct Version {
  int64_t root;
  /// The version that its update consumed; -1 for a root.
  int64_t parent;
  /// The update's position in the block; -1 for a root.
  int64_t maker;
  Value value;
  /// Whether the update wrote a transposed view of its parent.
  bool isTransposed;
  /// Where inside of the maker the update is, if that has regions or a callee.
  std::vector<InnerRoot> inside;
};

/// What lies between a version and an op that reads it. A runtime may compute
/// these ops as late as their reader, so that the reader reads the storage.
struct Deferral {
  bool bySlice = false;
  bool byElements = false;
  bool bySum = false;
  /// Whether an optimization_barrier comes after them.
  bool isPinned = false;
  explicit operator bool() const { return bySlice || byElements || bySum; }
  friend bool operator==(const Deferral &, const Deferral &) = default;
};

/// An op that looks at a version. There are more of them than of anything else,
/// hence the narrow numbers.
struct Read {
  int32_t op;
  int32_t version;
  /// The operand through which it looks, which it may capture.
  Value through;
  /// The version that it makes of it; -1 when it only reads.
  int32_t makes;
  Deferral deferral;
};

/// `to` needs a result of `from`; positions in the block.
struct Need {
  int32_t from, to;
};

/// Where a slot's storage enters a block.
struct Root {
  std::string slot;
  /// The position of the terminator's operand that carries it on; -1 if none
  /// does.
  int64_t carriedBy;
};

/// The versions of all roots in one block.
struct BlockChains {
  Block block;
  std::vector<Operation> ops;
  std::vector<Root> roots;
  /// The first ones are the roots, in order; a version follows its parent.
  std::vector<Version> versions;
  /// In program order.
  std::vector<Read> reads;
  /// Sorted by `to`.
  std::vector<Need> needs;
  /// The version in each operand of the terminator; -1 for other values.
  std::vector<int64_t> yielded;
  /// For each version the one that the chain goes on with; -1 at the end and
  /// for versions that are on no chain.
  std::vector<int64_t> next;

  /// The version that leaves the block in place of a root; -1 if none does.
  int64_t lastVersion(int64_t root) const {
    int64_t by = roots[root].carriedBy;
    return by < 0 ? -1 : yielded[by];
  }
  /// The reads of the op at a position.
  std::span<const Read> readsOf(int64_t op) const;
  const std::vector<int64_t> &nextOnChain() const { return next; }
  const std::string &slotOf(const Version &version) const {
    return roots[version.root].slot;
  }
};

/// The chains of a function's slots: its own block first, then the blocks of
/// ops in it and of functions that it calls with a version. Empty for a
/// declaration or a function of several blocks.
std::deque<BlockChains> chainsOf(Operation module, const FuncOp &function,
                                 const std::vector<Slot> &slots);

/// The chains of every public function as JSON, for people to look at:
/// versions, their readers, conflicts, verdicts. Reports and gives nothing when
/// marks contradict each other.
std::optional<std::string> chainsJson(Operation module, DiagnosticLog &log);

} // namespace kvlift

#endif // KVLIFT_CHAINS_H
