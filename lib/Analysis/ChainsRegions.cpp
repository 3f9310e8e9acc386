//===- ChainsRegions.cpp - Versions through loops, branches and calls -----===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChainWalk.h"

#include <set>

using namespace kvlift;
using namespace kvlift::chainwalk;

std::vector<Value> Captures::find(Operation op) {
  std::vector<Value> found;
  std::set<const void *> blocks, seen;
  for (Region region : op.regions())
    for (Block block : region.blocks())
      blocks.insert(block.raw.ptr);
  auto use = [&](Value value) {
    Block home = value.isBlockArgument() ? value.argumentOwner()
                                         : value.definingOp().block();
    if (!blocks.count(home.raw.ptr) && seen.insert(value.raw.ptr).second)
      found.push_back(value);
  };
  for (Region region : op.regions())
    for (Block block : region.blocks())
      for (Operation inner : block) {
        for (int64_t i = 0, n = inner.numOperands(); i < n; ++i)
          use(inner.operand(i));
        for (Value value : of(inner))
          use(value);
      }
  return found;
}

BlockChains &BlockWalk::walkInner(Block block,
                                  const std::vector<Entry> &entries) {
  BlockChains &inner = shared.blocks.emplace_back();
  BlockWalk walk(shared, inner);
  for (const Entry &entry : entries) {
    int64_t root = entry.held.version;
    if (root == static_cast<int64_t>(inner.roots.size()))
      walk.addRoot("", entry.value, -1);
    walk.show(entry.value, entry.held);
  }
  walk.run(block);
  return inner;
}

/// A carried value of a while is one root of the body. It stays in its storage
/// if the body yields a version of it in the same place.
void BlockWalk::loop(Operation op) {
  Block condition = op.regions()[0].firstBlock();
  Block body = op.regions()[1].firstBlock();
  std::vector<int64_t> operands;
  std::vector<Entry> inBody, inCondition;
  std::vector<std::string> slots;
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i) {
    const Held *held = versionIn(op.operand(i));
    if (!held || !held->layout.empty()) {
      read(op.operand(i));
      continue;
    }
    int64_t root = operands.size();
    operands.push_back(i);
    slots.push_back(chains.slotOf(chains.versions[held->version]));
    inBody.push_back({body.argument(i), {root, {}, {}}});
    inCondition.push_back({condition.argument(i), {root, {}, {}}});
  }
  for (Value value : shared.captures.of(op))
    read(value);
  if (operands.empty())
    return;
  for (Block block : {condition, body}) {
    BlockChains &inner = walkInner(block, block == body ? inBody : inCondition);
    for (size_t root = 0; root < operands.size(); ++root) {
      inner.roots[root].slot = slots[root];
      if (block == body)
        inner.roots[root].carriedBy = operands[root];
    }
    if (!(block == body))
      continue;
    for (size_t root = 0; root < operands.size(); ++root) {
      Value from = op.operand(operands[root]);
      int64_t last = inner.lastVersion(root);
      bool isCarried =
          last >= 0 && inner.versions[last].root == static_cast<int64_t>(root);
      Value to = op.result(operands[root]);
      if (!isCarried)
        read(from);
      else if (inner.versions[last].parent < 0)
        show(to, Held(*versionIn(from)));
      else
        make(Held(*versionIn(from)), from, to,
             {{&inner, static_cast<int64_t>(root)}});
    }
  }
}

/// Result i goes on with an outer version if each inner block ends it with a
/// version of that one. `outer[r]` is the version outside of inner root r and
/// `from[r]` the value that brings it in.
void BlockWalk::carryOut(Operation op, const std::vector<BlockChains *> &inner,
                         const std::vector<Held> &outer,
                         const std::vector<Value> &from) {
  std::vector<bool> isTaken(outer.size(), false);
  for (int64_t i = 0, n = op.numResults(); i < n; ++i) {
    int64_t root = -1;
    bool isUpdated = false, agree = true;
    for (BlockChains *each : inner) {
      int64_t version = each->yielded[i];
      if (version < 0 || (root >= 0 && each->versions[version].root != root)) {
        agree = false;
        break;
      }
      root = each->versions[version].root;
      isUpdated |= each->versions[version].parent >= 0;
    }
    if (!agree || root < 0 || isTaken[root])
      continue;
    isTaken[root] = true;
    std::vector<InnerRoot> inside;
    for (BlockChains *each : inner) {
      each->roots[root].carriedBy = i;
      inside.push_back({each, root});
    }
    if (isUpdated)
      make(outer[root], from[root], op.result(i), inside);
    else
      show(op.result(i), outer[root]);
  }
  for (size_t root = 0; root < outer.size(); ++root)
    if (!isTaken[root])
      read(from[root]);
}

/// What a branch captures enters it: every captured version is one root.
void BlockWalk::branch(Operation op) {
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i)
    read(op.operand(i));
  std::vector<Entry> entries;
  std::vector<Held> outer;
  std::vector<Value> from;
  std::map<int64_t, int64_t> rootOf;
  for (Value value : shared.captures.of(op)) {
    const Held *held = versionIn(value);
    if (!held) {
      read(value);
      continue;
    }
    auto [root, isNew] = rootOf.emplace(held->version, outer.size());
    if (isNew) {
      outer.push_back({held->version, {}, {}});
      from.push_back(value);
    }
    entries.push_back({value, {root->second, {}, held->layout}});
  }
  if (entries.empty())
    return;
  std::vector<BlockChains *> inner;
  for (Region region : op.regions()) {
    BlockChains &chain = walkInner(region.firstBlock(), entries);
    for (size_t root = 0; root < outer.size(); ++root)
      chain.roots[root].slot =
          chains.slotOf(chains.versions[outer[root].version]);
    inner.push_back(&chain);
  }
  carryOut(op, inner, outer, from);
}

void BlockWalk::call(Operation op) {
  std::vector<Held> outer;
  std::vector<Value> from;
  Dims numbers;
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i) {
    const Held *held = versionIn(op.operand(i));
    if (!held || !held->layout.empty()) {
      read(op.operand(i));
      continue;
    }
    numbers.push_back(i);
    outer.push_back(*held);
    from.push_back(op.operand(i));
  }
  std::vector<std::string> slots;
  for (const Held &held : outer)
    slots.push_back(chains.slotOf(chains.versions[held.version]));
  if (BlockChains *inner = callee(op, numbers, slots))
    return carryOut(op, {inner}, outer, from);
  for (Value value : from)
    read(value);
}

/// The callee's chains, whose roots are the arguments of these numbers. Null
/// when its body is not known, or is in a recursion.
BlockChains *BlockWalk::callee(Operation op, const Dims &numbers,
                               const std::vector<std::string> &slots) {
  bool isComposite = op.is("stablehlo.composite");
  Attribute symbol = op.attribute(isComposite ? "decomposition" : "callee");
  auto found = shared.functions.find(symbol.asSymbol().value_or(""));
  if (numbers.empty() || found == shared.functions.end() ||
      found->second.isDeclaration() || !found->second.hasOneBlock())
    return nullptr;
  Block body = found->second.body();
  auto [entry, isNew] =
      shared.callees.emplace(std::pair(found->first, numbers), nullptr);
  if (!isNew)
    return entry->second;
  std::vector<Entry> entries;
  for (int64_t number : numbers)
    entries.push_back({body.argument(number),
                       {static_cast<int64_t>(entries.size()), {}, {}}});
  BlockChains &inner = walkInner(body, entries);
  for (size_t root = 0; root < slots.size(); ++root)
    inner.roots[root].slot = slots[root];
  return entry->second = &inner;
}
