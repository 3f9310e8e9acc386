//===- ChainsRegions.cpp - Versions through loops, branches and calls -----===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChainWalk.h"

#include <algorithm>
#include <set>

using namespace kvlift;
using namespace kvlift::chainwalk;

const std::vector<Value> &Captures::of(Operation op) {
  std::vector<Region> regions = op.regions();
  if (regions.empty())
    return none;
  auto [entry, isNew] = known.try_emplace(op.raw.ptr);
  if (isNew)
    entry->second = find(regions);
  return entry->second;
}

std::vector<Value> Captures::find(const std::vector<Region> &regions) {
  std::vector<Value> found;
  std::vector<Block> blocks;
  for (Region region : regions)
    for (Block block : region.blocks())
      blocks.push_back(block);
  std::set<const void *> seen;
  auto use = [&](Value value) {
    Operation maker = value.definingOp();
    Block home = maker ? maker.block() : value.argumentOwner();
    if (std::find(blocks.begin(), blocks.end(), home) == blocks.end() &&
        seen.insert(value.raw.ptr).second)
      found.push_back(value);
  };
  for (Block block : blocks)
    for (Operation inner : block) {
      for (int64_t i = 0, n = inner.numOperands(); i < n; ++i)
        use(inner.operand(i));
      for (Value value : of(inner))
        use(value);
    }
  return found;
}

std::vector<std::string>
BlockWalk::slotsOf(const std::vector<Held> &versions) const {
  std::vector<std::string> slots;
  for (const Held &held : versions)
    slots.push_back(chains.slotOf(chains.versions[held.version]));
  return slots;
}

BlockChains &BlockWalk::walkInner(Block block,
                                  const std::vector<Entry> &entries,
                                  const std::vector<std::string> &slots) {
  BlockChains &inner = shared.blocks.emplace_back();
  BlockWalk walk(shared, inner);
  for (const Entry &entry : entries) {
    int64_t root = entry.held.version;
    if (root == static_cast<int64_t>(inner.roots.size()))
      walk.addRoot(slots[root], entry.value, -1);
    walk.show(entry.value, entry.held);
  }
  walk.run(block);
  return inner;
}

/// A carried value of a while is one root of the body. It stays in its storage
/// if the body yields a version of it in the same place.
void BlockWalk::loop(Operation op) {
  std::vector<int64_t> carried;
  std::vector<Held> outer;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (std::optional<Held> held = wholeVersionIn(operands[i].value)) {
      carried.push_back(i);
      outer.push_back(*held);
    } else {
      read(operands[i]);
    }
  }
  readAll(captured);
  if (carried.empty())
    return;
  std::vector<Region> regions = op.regions();
  for (size_t region = 0; region < regions.size(); ++region) {
    bool isBody = region == 1;
    Block block = regions[region].firstBlock();
    std::vector<Entry> entries;
    for (size_t root = 0; root < carried.size(); ++root)
      entries.push_back(
          {block.argument(carried[root]), {static_cast<int32_t>(root)}});
    BlockChains &inner = walkInner(block, entries, slotsOf(outer));
    if (!isBody)
      continue;
    for (size_t root = 0; root < carried.size(); ++root)
      inner.roots[root].carriedBy = carried[root];
    carryThroughLoop(inner, carried, op);
  }
}

void BlockWalk::carryThroughLoop(const BlockChains &body,
                                 const std::vector<int64_t> &carried,
                                 Operation op) {
  for (int64_t root = 0, n = carried.size(); root < n; ++root) {
    const Operand &from = operands[carried[root]];
    Value to = op.result(carried[root]);
    int64_t last = body.lastVersion(root);
    bool isCarried = last >= 0 && body.versions[last].root == root;
    if (!isCarried)
      read(from);
    else if (body.versions[last].parent < 0)
      show(to, *versionIn(from.facts));
    else
      make(*versionIn(from.facts), from.value, to, {{&body, root}});
  }
}

/// Result i goes on with an outer version if each inner block ends it with a
/// version of that one. `outer[r]` is the version outside of inner root r and
/// `from[r]` the value that brings it in.
void BlockWalk::carryOut(Operation op, const std::vector<BlockChains *> &inner,
                         const std::vector<Held> &outer,
                         const std::vector<Operand> &from) {
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
      make(outer[root], from[root].value, op.result(i), inside);
    else
      show(op.result(i), outer[root]);
  }
  for (size_t root = 0; root < outer.size(); ++root)
    if (!isTaken[root])
      read(from[root]);
}

/// What a branch captures enters it: every captured version is one root.
void BlockWalk::branch(Operation op) {
  readAll(operands);
  std::vector<Entry> entries;
  std::vector<Held> outer;
  std::vector<Operand> from;
  std::unordered_map<int32_t, int32_t> rootOf;
  for (const Operand &operand : captured) {
    std::optional<Held> held = versionIn(operand.facts);
    if (!held) {
      read(operand);
      continue;
    }
    auto [root, isNew] = rootOf.emplace(held->version, outer.size());
    if (isNew) {
      outer.push_back({held->version});
      from.push_back(operand);
    }
    entries.push_back({operand.value, {root->second, held->layout}});
  }
  if (entries.empty())
    return;
  std::vector<BlockChains *> inner;
  for (Region region : op.regions())
    inner.push_back(&walkInner(region.firstBlock(), entries, slotsOf(outer)));
  carryOut(op, inner, outer, from);
}

void BlockWalk::call(Operation op) {
  std::vector<Held> outer;
  std::vector<Operand> from;
  Dims numbers;
  for (size_t i = 0; i < operands.size(); ++i) {
    std::optional<Held> held = wholeVersionIn(operands[i].value);
    if (!held) {
      read(operands[i]);
      continue;
    }
    numbers.push_back(i);
    outer.push_back(*held);
    from.push_back(operands[i]);
  }
  if (BlockChains *inner = callee(op, numbers, slotsOf(outer)))
    carryOut(op, {inner}, outer, from);
  else
    readAll(from);
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
    entries.push_back(
        {body.argument(number), {static_cast<int32_t>(entries.size())}});
  return entry->second = &walkInner(body, entries, slots);
}
