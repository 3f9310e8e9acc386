//===- Findings.cpp - What a target does to slots that could stay ---------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each slot:
// 1. The slot itself: its element type, its dims.
// 2. What leaves the function in its place: a version, or another value.
// 3. Each update on its chain, also inside of loops, branches and callees.
// 4. Each read that a runtime may do after the update.
//
//===----------------------------------------------------------------------===//

#include "OpRole.h"
#include "kvlift/Carriers.h"
#include "kvlift/InPlace.h"
#include "kvlift/Provenance.h"

#include <algorithm>
#include <set>

using namespace kvlift;

namespace {

// Smaller slots cost less to rewrite than to address; the audit agrees.
constexpr int64_t smallestSlot = 64;

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
  void inspectType(const Slot &slot, int64_t root);
  void inspectResult(const Slot &slot, int64_t root);
  void inspectChain(const BlockChains &chains, int64_t root);
  void inspectUpdate(const BlockChains &chains, const Version &version);
  void inspectLateReads(const BlockChains &chains);
  bool isLate(const BlockChains &chains, const Read &read);
  void inspectReadsBesideControlFlow();

  const FuncOp &function;
  const std::deque<BlockChains> &blocks;
  const TargetModel &model;
  OpRoles roles;
  std::set<std::string> large;
  std::set<std::pair<const BlockChains *, int64_t>> seen;
};

void Finder::add(Habit habit, const std::string &slot, Operation op,
                 std::string detail) {
  const TargetFact *fact = model.find(habit);
  // Wrong results are wrong in small slots as well.
  if (fact && (fact->isWrong || large.count(slot)))
    found.push_back({slot, fact, op, std::move(detail)});
}

void Finder::inspect(const std::vector<Slot> &slots) {
  if (blocks.empty())
    return;
  for (const Slot &slot : slots)
    if (byteSize(function.argumentType(slot.argument)) >= smallestSlot)
      large.insert(slot.name);
  for (size_t root = 0; root < slots.size(); ++root) {
    inspectType(slots[root], root);
    inspectResult(slots[root], root);
    inspectChain(blocks.front(), root);
  }
  for (const BlockChains &chains : blocks)
    inspectLateReads(chains);
  inspectReadsBesideControlFlow();
}

bool hasUnitDim(const Dims &shape) {
  return std::find(shape.begin(), shape.end(), 1) != shape.end();
}

void Finder::inspectType(const Slot &slot, int64_t root) {
  const BlockChains &chains = blocks.front();
  Type type = function.argumentType(slot.argument);
  auto update =
      std::find_if(chains.versions.begin(), chains.versions.end(),
                   [&](const Version &version) {
                     return version.root == root && version.maker >= 0;
                   });
  if (update != chains.versions.end() && isNarrowFloat(type.element()))
    add(Habit::rewritesNarrowFloats, slot.name, chains.ops[update->maker],
        quote(type.element().print()));
  if (!hasUnitDim(type.shape()))
    return;
  for (const Read &read : chains.reads) {
    Operation op = chains.ops[read.op];
    if (chains.versions[read.version].root != root ||
        !op.is("stablehlo.dot_general"))
      continue;
    add(Habit::copiesUnitDims, slot.name, op, quote(op.name()));
    break;
  }
}

/// Whether the op only moves elements.
bool isMove(Operation op) {
  return op.is("stablehlo.concatenate") || op.is("stablehlo.reverse") ||
         op.is("stablehlo.pad") || op.is("stablehlo.transpose");
}

void Finder::inspectResult(const Slot &slot, int64_t root) {
  const BlockChains &chains = blocks.front();
  Operation last = chains.ops.back();
  int64_t version = chains.lastVersion(root);
  if (version >= 0 && chains.versions[version].root == root) {
    int64_t carried = 0;
    for (const Read &read : chains.readsOf(chains.ops.size() - 1))
      if (read.version == version && ++carried == 2) {
        add(Habit::copiesSecondResult, slot.name, last, quote(last.name()));
        break;
      }
    return;
  }
  Operation maker = last.operand(slot.result).definingOp();
  if (!maker)
    return add(Habit::copiesMoved, slot.name, last, quote(last.name()));
  if (maker.is("stablehlo.select"))
    add(Habit::rewritesMasked, slot.name, maker, quote(maker.name()));
  add(isMove(maker) ? Habit::copiesMoved : Habit::copiesComputed, slot.name,
      maker, quote(maker.name()));
}

void Finder::inspectChain(const BlockChains &chains, int64_t root) {
  if (!seen.insert({&chains, root}).second)
    return;
  std::vector<int64_t> next = chains.nextOnChain();
  int64_t last = chains.lastVersion(root);
  for (const Version &version : chains.versions) {
    int64_t number = &version - chains.versions.data();
    if (version.root != root || version.maker < 0)
      continue;
    if (number != last && next[number] < 0 && !version.value.isUnused())
      add(Habit::copiesForks, chains.slotOf(version), chains.ops[version.maker],
          "for " + quote(chains.ops[version.maker].name()));
    inspectUpdate(chains, version);
    for (const InnerRoot &inner : version.inside)
      inspectChain(*inner.chains, inner.root);
  }
}

/// Whether the scatter's positions are in dims 0, 1, … of its operand.
bool indexesLeadingDims(Operation scatter) {
  ScatterNumbers numbers = scatterNumbersOf(scatter);
  return numbers.inputBatchingDims.empty() &&
         isIdentity(numbers.scatterDimsToOperandDims);
}

/// Whether the block hands the slot on as it came.
bool passesOn(const InnerRoot &inner) {
  int64_t last = inner.chains->lastVersion(inner.root);
  return last >= 0 && inner.chains->versions[last].parent < 0;
}

void Finder::inspectUpdate(const BlockChains &chains, const Version &version) {
  Operation op = chains.ops[version.maker];
  const std::string &slot = chains.slotOf(version);
  std::string name = quote(op.name());
  if (version.isTransposed)
    add(Habit::copiesTransposed, slot, op, name);
  if (op.is("stablehlo.scatter") && !indexesLeadingDims(op))
    add(Habit::transposesScatters, slot, op, name);
  if (roles.of(op) == OpRole::loop)
    add(Habit::copiesInLoops, slot, op, name);
  if (roles.of(op) == OpRole::branch) {
    add(Habit::copiesInBranches, slot, op, name);
    if (std::any_of(version.inside.begin(), version.inside.end(), passesOn))
      add(Habit::copiesPassedBranches, slot, op, name);
  }
  if (!op.is("stablehlo.dynamic_update_slice"))
    return;
  Operation data = op.operand(1).definingOp();
  for (const Read &read : chains.readsOf(version.maker))
    if (data && read.version == version.parent && read.makes < 0 &&
        read.through == op.operand(1) && read.deferral.bySlice &&
        roles.of(data) == OpRole::slice) {
      add(Habit::readsOwnWrites, slot, op, name);
      break;
    }
}

/// Whether the target may do this read after the update, though the op that
/// stands before it need not.
bool Finder::isLate(const BlockChains &chains, const Read &read) {
  Operation reader = chains.ops[read.op];
  bool isFusible =
      roles.of(reader) == OpRole::elements || reader.is("stablehlo.reduce");
  if (isFusible && model.find(Habit::fusesLate))
    return true;
  return read.deferral.bySlice && !read.deferral.byElements &&
         !read.deferral.isPinned && model.find(Habit::slicesLate);
}

void Finder::inspectLateReads(const BlockChains &chains) {
  OrderGraph graph(chains, /*withDeferred=*/true);
  if (graph.isAcyclic())
    return;
  Habit habit =
      model.find(Habit::fusesLate) ? Habit::fusesLate : Habit::slicesLate;
  std::set<std::string> named;
  for (const OrderEdge &edge : graph.readsInCycles()) {
    const Read &read = chains.reads[edge.read];
    const std::string &slot = chains.slotOf(chains.versions[read.version]);
    if (read.deferral && isLate(chains, read) && named.insert(slot).second)
      add(habit, slot, chains.ops[read.op], quote(chains.ops[read.op].name()));
  }
}

/// Whether the update needs a result of the reader, by a short way.
bool feeds(Operation reader, Operation update) {
  constexpr size_t wayLimit = 256;
  std::vector<Operation> reached{reader};
  std::set<const void *> known;
  for (size_t at = 0; at < reached.size() && at < wayLimit; ++at)
    for (Value result : reached[at].results())
      for (const Use &use : result.uses()) {
        Operation user(use.user);
        if (user == update)
          return true;
        if (known.insert(user.raw.ptr).second)
          reached.push_back(user);
      }
  return false;
}

void Finder::inspectReadsBesideControlFlow() {
  if (!model.find(Habit::copiesReadsBesideControlFlow))
    return;
  auto isControlFlow = [&](Operation op) {
    OpRole role = roles.of(op);
    return role == OpRole::loop || role == OpRole::branch;
  };
  bool hasControlFlow = false;
  for (const BlockChains &chains : blocks)
    hasControlFlow |=
        std::any_of(chains.ops.begin(), chains.ops.end(), isControlFlow);
  std::set<std::string> named;
  for (const BlockChains &chains : blocks) {
    if (!hasControlFlow)
      return;
    std::vector<int64_t> next = chains.nextOnChain();
    for (const Read &read : chains.reads) {
      int64_t over = next[read.version];
      if (over < 0 || read.makes >= 0)
        continue;
      Operation reader = chains.ops[read.op];
      Operation update = chains.ops[chains.versions[over].maker];
      const std::string &slot = chains.slotOf(chains.versions[read.version]);
      if (reader == update || named.count(slot) || feeds(reader, update))
        continue;
      named.insert(slot);
      add(Habit::copiesReadsBesideControlFlow, slot, reader,
          quote(reader.name()));
    }
  }
}

} // namespace

std::vector<Finding> kvlift::findingsOf(const FuncOp &function,
                                        const std::vector<Slot> &slots,
                                        const std::deque<BlockChains> &blocks,
                                        const TargetModel &model) {
  Finder finder(function, blocks, model);
  finder.inspect(slots);
  return std::move(finder.found);
}
