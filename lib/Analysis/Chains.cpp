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

std::vector<int64_t> BlockChains::nextOnChain() const {
  std::vector<int64_t> next(versions.size(), -1);
  for (size_t root = 0; root < roots.size(); ++root) {
    int64_t version = lastVersion(root);
    if (version < 0 || versions[version].root != static_cast<int64_t>(root))
      continue;
    for (int64_t parent; (parent = versions[version].parent) >= 0;
         version = parent)
      next[parent] = version;
  }
  return next;
}

void BlockWalk::run(Block block) {
  chains.block = block;
  for (Operation op : block) {
    position = chains.ops.size();
    chains.ops.push_back(op);
    positions[op.raw.ptr] = position;
    visit(op);
  }
  for (Value value : chains.ops.back().operands()) {
    const Held *held = versionIn(value);
    bool isWhole = held && held->layout.empty();
    chains.yielded.push_back(isWhole ? held->version : -1);
  }
}

void BlockWalk::visit(Operation op) {
  OpRole role = shared.roles.of(op);
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i)
    visitOperand(op.operand(i));
  for (Value value : shared.captures.of(op))
    visitOperand(value);
  if (OpRoles::isOrdered(op, role)) {
    if (lastOrdered >= 0)
      chains.needs.push_back({lastOrdered, position});
    lastOrdered = position;
  }
  switch (role) {
  case OpRole::view:
    for (int64_t i = 0, n = op.numResults(); i < n; ++i)
      view(op.operand(i), op.result(i));
    return;
  case OpRole::barrier:
    for (int64_t i = 0, n = op.numResults(); i < n; ++i) {
      view(op.operand(i), op.result(i));
      if (auto found = shown.find(op.result(i).raw.ptr); found != shown.end())
        for (Held &held : found->second)
          held.deferral.isPinned = true;
    }
    return;
  case OpRole::transpose:
    return transpose(op);
  case OpRole::slice:
    return defer(op, /*bySlice=*/true);
  case OpRole::elements:
    return defer(op, /*bySlice=*/false);
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
    for (Value value : op.operands())
      if (versionIn(value))
        read(value);
    return;
  case OpRole::other:
    break;
  }
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i)
    read(op.operand(i));
  for (Value value : shared.captures.of(op))
    read(value);
}

void BlockWalk::visitOperand(Value value) {
  if (value.isBlockArgument())
    return;
  auto maker = positions.find(value.definingOp().raw.ptr);
  if (maker == positions.end() || maker->second == position)
    return;
  Need need{maker->second, position};
  // One op often has an operand twice; the same edge need not be there twice.
  if (chains.needs.empty() || chains.needs.back().from != need.from ||
      chains.needs.back().to != need.to)
    chains.needs.push_back(need);
}

void BlockWalk::read(Value value, int64_t makes) {
  for (const Held &held : heldBy(value))
    chains.reads.push_back(
        {position, held.version, value, makes, held.deferral});
}

void BlockWalk::view(Value from, Value to) {
  for (Held held : std::vector<Held>(heldBy(from))) {
    // A reshaped transpose has no permutation that we could follow.
    if (!held.layout.empty() && !(from.type() == to.type()))
      held.deferral.byElements = true;
    show(to, held);
  }
}

void BlockWalk::transpose(Operation op) {
  for (Held held : std::vector<Held>(heldBy(op.operand(0)))) {
    Dims layout = permutationOf(op);
    if (!held.layout.empty() && held.layout.size() == layout.size())
      for (int64_t &dim : layout)
        dim = held.layout[dim];
    held.layout = isIdentity(layout) ? Dims{} : layout;
    show(op.result(), held);
  }
}

/// The op reads where it stands, and may be computed again later; or it is a
/// view that does not look like one.
void BlockWalk::defer(Operation op, bool bySlice) {
  if (showsVersion(op))
    if (Value same = sameAs(op))
      return view(same, op.result());
  std::vector<Held> all;
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i) {
    read(op.operand(i));
    for (const Held &held : heldBy(op.operand(i))) {
      auto same = std::find_if(all.begin(), all.end(), [&](const Held &other) {
        return other.version == held.version;
      });
      if (same != all.end())
        same->deferral.byElements |= held.deferral.byElements;
      else if (all.size() < versionLimit)
        all.push_back(held);
    }
  }
  for (Held &held : all) {
    (bySlice ? held.deferral.bySlice : held.deferral.byElements) = true;
    // What comes after the barrier is not pinned by it.
    held.deferral.isPinned = false;
    held.layout.clear();
    for (int64_t i = 0, n = op.numResults(); i < n; ++i)
      show(op.result(i), held);
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
  int64_t made = chains.versions.size();
  int64_t root = chains.versions[held.version].root;
  chains.reads.push_back({position, held.version, from, made, {}});
  chains.versions.push_back({root, held.version, position, to,
                             movesElements(held.layout, to.type()),
                             std::move(inside)});
  show(to, {made, {}, held.layout});
}

void BlockWalk::update(Operation op) {
  int64_t updated = op.is("stablehlo.scatter") ? scatterInputs(op) : 1;
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i) {
    const Held *held = i < updated ? versionIn(op.operand(i)) : nullptr;
    if (!held || !(op.operand(i).type() == op.result(i).type())) {
      read(op.operand(i));
      continue;
    }
    make(Held(*held), op.operand(i), op.result(i));
  }
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
  for (const Slot &slot : slots) {
    Value argument = function.body().argument(slot.argument);
    block.show(argument, {static_cast<int64_t>(&slot - slots.data()), {}, {}});
    block.addRoot(slot.name, argument, slot.result);
  }
  block.run(function.body());
  return std::move(walk.blocks);
}
