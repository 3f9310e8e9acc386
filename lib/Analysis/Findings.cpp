//===- Findings.cpp - What a target does to slots that could stay ---------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each slot:
// 1. The slot itself: its element type.
// 2. Each update on its chain, also inside of loops, branches and callees.
// 3. What leaves the function in its place: a version, or another value.
// 4. Each read, and what it makes a runtime build (FindingsReads.cpp).
// 5. Each read that a runtime may do after the update (FindingsLate.cpp).
//
//===----------------------------------------------------------------------===//

#include "Finder.h"
#include "kvlift/Carriers.h"

#include <algorithm>

using namespace kvlift;

// Smaller slots cost less to rewrite than to address; the audit agrees.
static constexpr int64_t smallestSlot = 64;

void Finder::add(Habit habit, const std::string &slot, Operation op,
                 std::string detail) {
  const TargetFact *fact = model.find(habit);
  // Wrong results are wrong in small slots as well.
  if (fact && (fact->isWrong || large.count(slot)))
    found.push_back({slot, fact, op, std::move(detail)});
}

void Finder::add(Habit habit, const std::string &slot, Operation op) {
  add(habit, slot, op, quote(op.name()));
}

BlockIndex::BlockIndex(const BlockChains &chains)
    : versionsOf(chains.roots.size()), readsOf(chains.versions.size()) {
  for (size_t i = 0; i < chains.versions.size(); ++i)
    versionsOf[chains.versions[i].root].push_back(i);
  for (size_t i = 0; i < chains.reads.size(); ++i)
    readsOf[chains.reads[i].version].push_back(i);
}

const BlockIndex &Finder::indexOf(const BlockChains &chains) {
  auto found = indices.find(&chains);
  if (found == indices.end())
    found = indices.emplace(&chains, BlockIndex(chains)).first;
  return found->second;
}

void Finder::inspect(const std::vector<Slot> &slots) {
  if (blocks.empty())
    return;
  for (Value result : blocks.front().ops.back().operands()) {
    ++returned[behindViews(result).raw.ptr];
    ++returnedInAnyOrder[behindTransposes(result).raw.ptr];
  }
  for (const Slot &slot : slots)
    if (byteSize(function.argumentType(slot.argument)) >= smallestSlot)
      large.insert(slot.name);
  for (size_t root = 0; root < slots.size(); ++root) {
    inspectType(slots[root], root);
    inspectForks(slots[root], root);
    inspectChain(blocks.front(), root);
    inspectResult(slots[root], root);
  }
  bool isBesideControlFlow =
      model.find(Habit::copiesReadsBesideControlFlow) && hasControlFlow();
  for (const BlockChains &chains : blocks) {
    inspectReads(chains);
    inspectLateReads(chains);
    inspectReadsBetween(chains);
    if (isBesideControlFlow)
      inspectBesideControlFlow(chains);
  }
}

/// Whether runtimes lay several elements into one byte; i1 has a byte.
static bool isPacked(Type element) {
  return element.isInteger() && element.bitWidth() > 1 &&
         element.bitWidth() < 8;
}

void Finder::inspectType(const Slot &slot, int64_t root) {
  const BlockChains &chains = blocks.front();
  Type element = function.argumentType(slot.argument).element();
  if (!isNarrowFloat(element) && !isPacked(element))
    return;
  for (int32_t number : indexOf(chains).versionsOf[root])
    if (int32_t maker = chains.versions[number].maker; maker >= 0)
      return add(Habit::rewritesNarrowFloats, slot.name, chains.ops[maker],
                 quote(element.print()));
}

//===----------------------------------------------------------------------===//
// Updates
//===----------------------------------------------------------------------===//

/// An update that does not stay in the slot. Where the user has named a value
/// of another kind as the new one, a runtime may compute it with the update.
void Finder::inspectForks(const Slot &slot, int64_t root) {
  const BlockChains &chains = blocks.front();
  int64_t last = chains.lastVersion(root);
  bool mayCompute =
      last < 0 && !model.find(Habit::copiesComputed) && !isUpdate(slot);
  const std::vector<int64_t> &next = chains.nextOnChain();
  for (int32_t number : indexOf(chains).versionsOf[root]) {
    const Version &version = chains.versions[number];
    if (version.maker < 0 || version.value.isUnused() || number == last ||
        next[number] >= 0 || (mayCompute && version.value.uses().size() == 1))
      continue;
    Operation update = chains.ops[version.maker];
    add(Habit::copiesForks, slot.name, update, "for " + quote(update.name()));
  }
}

void Finder::inspectChain(const BlockChains &chains, int64_t root) {
  if (!seen.insert({&chains, root}).second)
    return;
  Type shape;
  for (int32_t number : indexOf(chains).versionsOf[root]) {
    const Version &version = chains.versions[number];
    if (version.maker < 0)
      continue;
    inspectUpdate(chains, version);
    inspectShapes(chains, version, shape);
    for (const InnerRoot &inner : version.inside)
      inspectChain(*inner.chains, inner.root);
  }
}

/// Whether the scatter's positions are in dims 0, 1, … of its operand, or are
/// where a window begins. Dims of one element do not count.
static bool indexesLeadingDims(Operation scatter) {
  ScatterNumbers numbers = scatterNumbersOf(scatter);
  if (numbers.insertedWindowDims.empty() &&
      numbers.scatterDimsToOperandDims.size() == 1)
    return true;
  Dims shape = scatter.operand(0).type().shape(),
       leading = numbers.inputBatchingDims;
  for (int64_t dim : numbers.scatterDimsToOperandDims)
    leading.push_back(dim);
  int64_t before = 0;
  for (int64_t dim : leading) {
    if (shape[dim] == 1)
      continue;
    while (before < dim && shape[before] == 1)
      ++before;
    if (dim != before++)
      return false;
  }
  return true;
}

/// Whether the block hands the slot on as it came.
static bool passesOn(const InnerRoot &inner) {
  int64_t last = inner.chains->lastVersion(inner.root);
  return last >= 0 && inner.chains->versions[last].parent < 0;
}

void Finder::inspectUpdate(const BlockChains &chains, const Version &version) {
  Operation op = chains.ops[version.maker];
  const std::string &slot = chains.slotOf(version);
  if (version.isTransposed)
    add(Habit::copiesTransposed, slot, op);
  if (op.is("stablehlo.scatter") && !indexesLeadingDims(op))
    add(Habit::transposesScatters, slot, op);
  if (roles.of(op) == OpRole::loop)
    add(Habit::copiesInLoops, slot, op);
  if (roles.of(op) == OpRole::branch) {
    add(Habit::copiesInBranches, slot, op);
    if (std::any_of(version.inside.begin(), version.inside.end(), passesOn))
      add(Habit::copiesPassedBranches, slot, op);
  }
  if (!op.is("stablehlo.dynamic_update_slice"))
    return;
  if (op.operand(1).type() == op.operand(0).type())
    add(Habit::copiesWholeUpdates, slot, op);
  // A version that does not stay in the slot is made in storage of its own.
  bool isOnChain =
      chains.nextOnChain()[version.parent] == &version - chains.versions.data();
  Operation data = op.operand(1).definingOp();
  for (const Read &read : chains.readsOf(version.maker))
    if (isOnChain && data && read.version == version.parent && read.makes < 0 &&
        read.through == op.operand(1) && read.deferral.bySlice &&
        roles.of(data) == OpRole::slice) {
      add(Habit::readsOwnWrites, slot, op);
      break;
    }
}

static Dims withoutUnits(Dims shape) {
  std::erase(shape, 1);
  return shape;
}

/// `first` is the type that the chain's first update worked on.
void Finder::inspectShapes(const BlockChains &chains, const Version &version,
                           Type &first) {
  Operation op = chains.ops[version.maker];
  if (roles.of(op) != OpRole::update || version.isTransposed)
    return;
  const std::string &slot = chains.slotOf(version);
  Type root = chains.versions[version.root].value.type();
  Type type = version.value.type();
  if (!(type.element() == root.element()))
    add(Habit::copiesBitcasts, slot, op);
  Dims shape = type.shape(), whole = root.shape();
  Dims dims = withoutUnits(shape), rootDims = withoutUnits(whole);
  bool hasUnits =
      dims.size() != shape.size() || rootDims.size() != whole.size();
  bool isPermuted = std::is_permutation(dims.begin(), dims.end(),
                                        rootDims.begin(), rootDims.end());
  if (hasUnits && !isPermuted)
    add(Habit::copiesUnitDims, slot, op);
  if (!first)
    first = type;
  const std::vector<int32_t> &reads =
      indexOf(chains).readsOf[&version - chains.versions.data()];
  bool isReadInPart =
      std::any_of(reads.begin(), reads.end(), [&](int32_t number) {
        const Read &read = chains.reads[number];
        return read.makes < 0 && !read.deferral.bySum &&
               isFused(chains.ops[read.op]);
      });
  if (withoutUnits(first.shape()) != dims || (!isPermuted && isReadInPart))
    add(Habit::copiesShapes, slot, op);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// What the value is a view of.
Value Finder::behindViews(Value value) {
  while (Operation maker = value.definingOp()) {
    OpRole role = roles.of(maker);
    if (role != OpRole::view && role != OpRole::barrier)
      break;
    value = maker.operand(value.resultNumber());
  }
  return value;
}

/// What the value shows, in whatever order.
Value Finder::behindTransposes(Value value) {
  value = behindViews(value);
  while (Operation maker = value.definingOp()) {
    if (roles.of(maker) != OpRole::transpose)
      break;
    value = behindViews(maker.operand(0));
  }
  return value;
}

void Finder::inspectResult(const Slot &slot, int64_t root) {
  const BlockChains &chains = blocks.front();
  Operation last = chains.ops.back();
  int64_t version = chains.lastVersion(root);
  if (version >= 0 && chains.versions[version].root == root) {
    const std::vector<int32_t> &reads = indexOf(chains).readsOf[version];
    int32_t end = chains.ops.size() - 1;
    const void *shown =
        behindTransposes(chains.versions[version].value).raw.ptr;
    if (returnedInAnyOrder[shown] > 1 ||
        std::count_if(reads.begin(), reads.end(), [&](int32_t number) {
          return chains.reads[number].op == end;
        }) > 1)
      add(Habit::copiesSecondResult, slot.name, last);
    return;
  }
  Operation maker = last.operand(slot.result).definingOp();
  if (!maker)
    return add(Habit::copiesMoved, slot.name, last);
  if (returned[behindViews(last.operand(slot.result)).raw.ptr] > 1)
    add(Habit::copiesSecondResult, slot.name, last);
  if (!model.find(Habit::copiesComputed))
    return inspectWholeValue(slot, root);
  add(isMove(maker) ? Habit::copiesMoved : Habit::copiesComputed, slot.name,
      maker);
}

/// Whether the new value keeps a part of the old one, as far as anybody can
/// see.
bool Finder::isUpdate(const Slot &slot) {
  if (!provenance)
    provenance.emplace(function);
  const auto *origin =
      provenance->origin(function.returnOp().operand(slot.result));
  return origin && origin->argument == slot.argument;
}

/// Follows the new value back to the old one, as far as a runtime would compute
/// it element by element. Where the way moves elements, or leads through a loop
/// or a branch, the old value has to survive for it.
void Finder::inspectWholeValue(const Slot &slot, int64_t root) {
  const BlockChains &chains = blocks.front();
  const void *old = chains.versions[root].value.raw.ptr;
  struct Step {
    Value value;
    Operation mover, mask;
  };
  std::vector<Step> pending{{chains.ops.back().operand(slot.result), {}, {}}};
  std::set<std::pair<const void *, const void *>> visited;
  while (!pending.empty()) {
    Step step = pending.back();
    pending.pop_back();
    if (step.value.raw.ptr == old) {
      if (step.mover)
        add(Habit::copiesMoved, slot.name, step.mover);
      else if (step.mask && isUpdate(slot))
        add(Habit::rewritesMasked, slot.name, step.mask);
      continue;
    }
    Operation op = step.value.definingOp();
    if (!op || !visited.insert({op.raw.ptr, step.mover.raw.ptr}).second)
      continue;
    OpRole role = roles.of(op);
    if (role == OpRole::other)
      continue;
    if (op.is("stablehlo.select"))
      step.mask = op;
    if (isMove(op) || role == OpRole::slice || role == OpRole::sum ||
        role == OpRole::loop || op.is("stablehlo.gather"))
      step.mover = op;
    for (Value operand : op.operands())
      pending.push_back({operand, step.mover, step.mask});
    if (role == OpRole::branch)
      walk(op, [&](Operation inner) {
        for (Value operand : inner.operands())
          pending.push_back({operand, op, step.mask});
      });
  }
}

std::vector<Finding> kvlift::findingsOf(const FuncOp &function,
                                        const std::vector<Slot> &slots,
                                        const std::deque<BlockChains> &blocks,
                                        const TargetModel &model) {
  Finder finder(function, blocks, model);
  finder.inspect(slots);
  return std::move(finder.found);
}
