//===- Chains.cpp - The versions of slots in a block ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Chains.h"
#include "ChainWalk.h"
#include "Identity.h"

#include <algorithm>

using namespace kvlift;
using namespace kvlift::chainwalk;

std::span<const Read> BlockChains::readsOf(int64_t op) const {
  auto byOp = [](const Read &read, int64_t op) { return read.op < op; };
  auto first = std::lower_bound(reads.begin(), reads.end(), op, byOp);
  auto last = std::lower_bound(first, reads.end(), op + 1, byOp);
  return {first, last};
}

void BlockWalk::addRoot(const std::string &slot, Value value,
                        int64_t carriedBy) {
  int64_t root = chains.roots.size();
  chains.roots.push_back({slot, carriedBy});
  chains.versions.push_back({root, -1, -1, value, false, {}});
}

void BlockWalk::show(Value value, Held held) {
  Facts &facts = known[value.raw.ptr];
  facts.first = pool.size();
  facts.count = 1;
  pool.push_back(held);
}

void BlockWalk::run(Block block) {
  chains.block = block;
  for (Operation op : block) {
    position = chains.ops.size();
    chains.ops.push_back(op);
    visit(op);
  }
  for (Value value : chains.ops.back().operands()) {
    std::optional<Held> held = wholeVersionIn(value);
    chains.yielded.push_back(held ? held->version : -1);
  }
}

void BlockWalk::visit(Operation op) {
  OpRole role = shared.roles.of(op);
  collectOperands(op, role);
  for (int64_t i = 0, n = op.numResults(); i < n; ++i)
    known[op.result(i).raw.ptr].maker = position;
  if (OpRoles::isOrdered(op, role)) {
    if (lastOrdered >= 0)
      chains.needs.push_back({lastOrdered, position});
    lastOrdered = position;
  }
  switch (role) {
  case OpRole::view:
    return view(op, /*isBarrier=*/false);
  case OpRole::barrier:
    return view(op, /*isBarrier=*/true);
  case OpRole::transpose:
    return transpose(op);
  case OpRole::slice:
  case OpRole::elements:
    return defer(op, role);
  case OpRole::sum:
    readAll(captured);
    return defer(op, role);
  case OpRole::update:
    return update(op);
  case OpRole::loop:
    return loop(op);
  case OpRole::branch:
    return branch(op);
  case OpRole::call:
    return call(op);
  case OpRole::terminator:
    // A computed value that leaves the block is made where it stands.
    for (const Operand &operand : operands)
      if (versionIn(operand.facts))
        read(operand);
    return;
  case OpRole::other:
    readAll(operands);
    readAll(captured);
  }
}

void BlockWalk::collectOperands(Operation op, OpRole role) {
  operands.clear();
  captured.clear();
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i) {
    Value value = op.operand(i);
    operands.push_back({value, factsOf(value)});
    addNeed(operands.back().facts);
  }
  if (!OpRoles::mayHaveRegions(role))
    return;
  for (Value value : shared.captures.of(op)) {
    captured.push_back({value, factsOf(value)});
    addNeed(captured.back().facts);
  }
}

void BlockWalk::addNeed(const Facts &facts) {
  if (facts.maker < 0)
    return;
  // One op often has an operand twice; the same edge need not be there twice.
  if (chains.needs.empty() || chains.needs.back().from != facts.maker ||
      chains.needs.back().to != position)
    chains.needs.push_back({facts.maker, position});
}

void BlockWalk::read(const Operand &operand) {
  for (uint32_t i = 0; i < operand.facts.count; ++i) {
    const Held &held = pool[operand.facts.first + i];
    chains.reads.push_back(
        {position, held.version, operand.value, -1, held.deferral});
  }
}

template <typename Change>
void BlockWalk::showChanged(const Facts &from, Value to, Change change) {
  uint32_t first = pool.size();
  bool isSame = true;
  for (uint32_t i = 0; i < from.count; ++i) {
    Held held = pool[from.first + i];
    change(held);
    isSame &= held == pool[from.first + i];
    pool.push_back(held);
  }
  if (isSame) {
    pool.resize(first);
    first = from.first;
  }
  Facts &facts = known[to.raw.ptr];
  facts.first = first;
  facts.count = from.count;
}

void BlockWalk::view(Operation op, bool isBarrier) {
  for (size_t i = 0; i < operands.size(); ++i) {
    const auto &[from, facts] = operands[i];
    if (facts.count == 0)
      continue;
    Value to = op.result(i);
    bool isReshaped = !(from.type() == to.type());
    showChanged(facts, to, [&](Held &held) {
      // A reshaped transpose has no permutation that we could follow.
      held.deferral.byElements |= held.layout != 0 && isReshaped;
      held.deferral.isPinned |= isBarrier;
    });
  }
}

void BlockWalk::transpose(Operation op) {
  if (operands.front().facts.count == 0)
    return;
  Dims permutation = permutationOf(op);
  showChanged(operands.front().facts, op.result(), [&](Held &held) {
    Dims layout = permutation;
    const Dims &before = shared.layouts[held.layout];
    if (before.size() == layout.size())
      for (int64_t &dim : layout)
        dim = before[dim];
    held.layout = shared.layouts.numberOf(isIdentity(layout) ? Dims{} : layout);
  });
}

/// Whether compilers put one of the op's operands in its place: then the result
/// shows what that operand does.
bool BlockWalk::showSame(Operation op) {
  auto showsVersion = [](const Operand &operand) {
    return operand.facts.count != 0;
  };
  if (std::none_of(operands.begin(), operands.end(), showsVersion))
    return false;
  Value same = sameAs(op);
  if (!same)
    return false;
  showChanged(factsOf(same), op.result(), [](Held &) {});
  return true;
}

/// The op reads where it stands, and may be computed again later.
void BlockWalk::defer(Operation op, OpRole role) {
  if (showSame(op))
    return;
  deferred.clear();
  for (const Operand &operand : operands) {
    read(operand);
    for (uint32_t i = 0; i < operand.facts.count; ++i) {
      Held held = pool[operand.facts.first + i];
      auto same = std::find_if(
          deferred.begin(), deferred.end(),
          [&](const Held &other) { return other.version == held.version; });
      if (same != deferred.end())
        for (bool Deferral::*way : {&Deferral::byElements, &Deferral::bySum})
          same->deferral.*way |= held.deferral.*way;
      else if (deferred.size() < versionLimit)
        deferred.push_back(held);
    }
  }
  if (deferred.empty())
    return;
  bool Deferral::*way = role == OpRole::slice ? &Deferral::bySlice
                        : role == OpRole::sum ? &Deferral::bySum
                                              : &Deferral::byElements;
  for (Held &held : deferred) {
    held.deferral.*way = true;
    // What comes after the barrier is not pinned by it.
    held.deferral.isPinned = false;
    held.layout = 0;
  }
  showAll(op, deferred);
}

/// Each result of the op shows all of these.
void BlockWalk::showAll(Operation op, const HeldList &all) {
  uint32_t first = pool.size(), count = all.size();
  // A chain of such ops shows the same over and over.
  const Facts &before = operands.front().facts;
  if (before.count == count &&
      std::equal(all.begin(), all.end(), pool.begin() + before.first))
    first = before.first;
  else
    pool.insert(pool.end(), all.begin(), all.end());
  for (int64_t i = 0, n = op.numResults(); i < n; ++i) {
    Facts &facts = known[op.result(i).raw.ptr];
    facts.first = first;
    facts.count = count;
  }
}

/// Whether the permutation moves elements: dims of one element do not count.
static bool movesElements(const Dims &permutation, Type permuted) {
  Dims shape = permuted.shape(), moved;
  for (size_t dim = 0; dim < permutation.size(); ++dim)
    if (shape[dim] != 1)
      moved.push_back(permutation[dim]);
  return !std::is_sorted(moved.begin(), moved.end());
}

void BlockWalk::make(const Held &held, Value from, Value to,
                     std::vector<InnerRoot> inside) {
  int32_t made = chains.versions.size();
  int64_t root = chains.versions[held.version].root;
  chains.reads.push_back({position, held.version, from, made, {}});
  chains.versions.push_back(
      {root, held.version, position, to,
       movesElements(shared.layouts[held.layout], to.type()),
       std::move(inside)});
  show(to, {made, held.layout, {}});
}

void BlockWalk::update(Operation op) {
  size_t updated = op.is("stablehlo.scatter") ? scatterInputs(op) : 1;
  for (size_t i = 0; i < operands.size(); ++i) {
    const auto &[value, facts] = operands[i];
    std::optional<Held> held = versionIn(facts);
    if (i < updated && held && value.type() == op.result(i).type())
      make(*held, value, op.result(i));
    else
      read(operands[i]);
  }
}

int32_t Layouts::numberOf(const Dims &dims) {
  auto found = std::find(all.begin(), all.end(), dims);
  if (found == all.end())
    found = all.insert(found, dims);
  return found - all.begin();
}

static std::vector<int64_t> nextOf(const BlockChains &chains) {
  std::vector<int64_t> next(chains.versions.size(), -1);
  for (size_t root = 0; root < chains.roots.size(); ++root) {
    int64_t version = chains.lastVersion(root);
    if (version < 0 ||
        chains.versions[version].root != static_cast<int64_t>(root))
      continue;
    for (int64_t parent; (parent = chains.versions[version].parent) >= 0;
         version = parent)
      next[parent] = version;
  }
  return next;
}

std::deque<BlockChains> kvlift::chainsOf(Operation module,
                                         const FuncOp &function,
                                         const std::vector<Slot> &slots) {
  Walk walk;
  if (function.isDeclaration() || !function.hasOneBlock())
    return {};
  for (const FuncOp &each : functionsOf(module))
    walk.functions.emplace(each.name(), each);
  BlockWalk block(walk, walk.blocks.emplace_back());
  for (size_t i = 0; i < slots.size(); ++i) {
    Value argument = function.body().argument(slots[i].argument);
    block.show(argument, {static_cast<int32_t>(i)});
    block.addRoot(slots[i].name, argument, slots[i].result);
  }
  block.run(function.body());
  // What carries a root on is known only after the op around its block.
  for (BlockChains &chains : walk.blocks)
    chains.next = nextOf(chains);
  return std::move(walk.blocks);
}
