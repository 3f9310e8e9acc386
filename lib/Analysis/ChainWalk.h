//===- ChainWalk.h - Follows versions through a block -----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_ANALYSIS_CHAINWALK_H
#define KVLIFT_LIB_ANALYSIS_CHAINWALK_H

#include "OpRole.h"
#include "PointerMap.h"
#include "kvlift/Chains.h"

#include <map>

namespace kvlift::chainwalk {

/// A version that a value shows, and how.
struct Held {
  int32_t version;
  /// How the value's dims permute the slot's: its number among the layouts of
  /// the walk; 0 when they do not.
  int32_t layout = 0;
  Deferral deferral = {};
  friend bool operator==(const Held &, const Held &) = default;
};

/// A value that shows a root of a block.
struct Entry {
  Value value;
  Held held;
};

/// What a block knows of a value: the position of the op that makes it, -1 for
/// values from outside, and where the versions that it shows are in the pool.
struct Facts {
  int32_t maker = -1;
  uint32_t first = 0, count = 0;
};

struct Operand {
  Value value;
  Facts facts;
};

/// The values from outside that the regions of an op use.
class Captures {
public:
  const std::vector<Value> &of(Operation op);

private:
  std::vector<Value> find(const std::vector<Region> &regions);

  // Nodes stay where they are while more are found.
  std::map<const void *, std::vector<Value>> known;
  const std::vector<Value> none;
};

/// Permutations of dims by number. Number 0 is the one that changes nothing.
class Layouts {
public:
  int32_t numberOf(const Dims &dims);
  const Dims &operator[](int32_t number) const { return all[number]; }

private:
  std::vector<Dims> all{Dims{}};
};

/// State that all blocks of one function share.
struct Walk {
  std::map<std::string, FuncOp> functions;
  std::deque<BlockChains> blocks;
  OpRoles roles;
  Captures captures;
  Layouts layouts;
  /// Callees by name and by the arguments that are versions; null while one is
  /// being walked.
  std::map<std::pair<std::string, Dims>, BlockChains *> callees;
};

class BlockWalk {
public:
  BlockWalk(Walk &shared, BlockChains &chains)
      : shared(shared), chains(chains) {}

  void addRoot(const std::string &slot, Value value, int64_t carriedBy);
  /// The value shows this version and nothing else.
  void show(Value value, Held held);
  void run(Block block);

private:
  // Enough for what real programs combine; more are not told apart.
  static constexpr size_t versionLimit = 4;
  using HeldList = std::vector<Held>;

  Facts factsOf(Value value) const {
    const Facts *found = known.find(value.raw.ptr);
    return found ? *found : Facts();
  }
  /// The version that the value is, if it is one as a whole.
  std::optional<Held> versionIn(const Facts &facts) const {
    if (facts.count != 1 || pool[facts.first].deferral)
      return std::nullopt;
    return pool[facts.first];
  }
  /// The same, if the value has the slot's own dims too.
  std::optional<Held> wholeVersionIn(Value value) const {
    std::optional<Held> held = versionIn(factsOf(value));
    return held && held->layout == 0 ? held : std::nullopt;
  }

  void visit(Operation op);
  void collectOperands(Operation op, OpRole role);
  void addNeed(const Facts &facts);
  void read(const Operand &operand);
  void readAll(const std::vector<Operand> &operands) {
    for (const Operand &operand : operands)
      read(operand);
  }
  /// The value shows what `from` shows, changed by `change`.
  template <typename Change>
  void showChanged(const Facts &from, Value to, Change change);
  void showAll(Operation op, const HeldList &all);
  void view(Operation op, bool isBarrier);
  void transpose(Operation op);
  bool showSame(Operation op);
  void defer(Operation op, OpRole role);
  void update(Operation op);
  void loop(Operation op);
  void carryThroughLoop(const BlockChains &body,
                        const std::vector<int64_t> &carried, Operation op);
  void branch(Operation op);
  void call(Operation op);
  BlockChains *callee(Operation op, const Dims &numbers,
                      const std::vector<std::string> &slots);
  /// The op's result `to` is the version that it finds in `from`, updated.
  void make(const Held &held, Value from, Value to,
            std::vector<InnerRoot> inside = {});
  void carryOut(Operation op, const std::vector<BlockChains *> &inner,
                const std::vector<Held> &outer,
                const std::vector<Operand> &from);
  /// `slots` are the names of the roots that the entries show.
  BlockChains &walkInner(Block block, const std::vector<Entry> &entries,
                         const std::vector<std::string> &slots);
  std::vector<std::string> slotsOf(const std::vector<Held> &versions) const;

  Walk &shared;
  BlockChains &chains;
  PointerMap<Facts> known;
  std::vector<Held> pool;
  /// Of the op that is visited: its operands, and what its regions capture.
  std::vector<Operand> operands, captured;
  HeldList deferred;
  int32_t position = -1;
  int32_t lastOrdered = -1;
};

} // namespace kvlift::chainwalk

#endif // KVLIFT_LIB_ANALYSIS_CHAINWALK_H
