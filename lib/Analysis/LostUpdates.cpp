//===- LostUpdates.cpp - Updates that vanish after the call ---------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A version is kept when a result carries it, or when a later write that is
// kept or reported builds on it: of a chain, the last write is the lost one.
// Masks and paddings are arithmetic unless they are kept.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <set>
#include <unordered_set>

using namespace kvlift;

namespace {

/// Versions that something builds on or carries.
class Kept {
public:
  Kept(const Provenance &provenance, const FuncOp &function)
      : provenance(provenance) {
    keepAll(function.returnOp().operands());
    keepAll(provenance.mergedValues());
    // Backwards, so that what builds on a version is decided before it.
    const std::vector<Operation> &updates = provenance.updates();
    for (auto update = updates.rbegin(); update != updates.rend(); ++update)
      keepOperands(*update);
  }
  bool contains(Value version) const { return versions.count(version.raw.ptr); }

private:
  void keepAll(const std::vector<Value> &values) {
    for (Value value : values)
      keep(value);
  }
  void keep(Value value) {
    if (const auto *origin = provenance.storage(value))
      versions.insert(origin->version.raw.ptr);
  }
  void keepOperands(Operation update) {
    for (Value result : update.results())
      if (const auto *origin = provenance.storage(result);
          origin && origin->made == result &&
          (origin->change == Change::written || contains(result)))
        keep(origin->before);
    // What regions yield is kept or reported with the op's results.
    for (Region region : update.regions())
      if (Block block = region.firstBlock(); !update.is("stablehlo.scatter"))
        keepAll(block.terminator().operands());
  }

  const Provenance &provenance;
  std::unordered_set<const void *> versions;
};

/// Whether a frontend that knows all state has named the argument's kind.
bool isSpokenFor(const FuncOp &function, int64_t argument) {
  auto kind = function.argumentAttribute(argument, marks::kind).asString();
  return kind && *kind != "inferred" && *kind != "global";
}

/// Collects the lost updates of one function.
class Collector {
public:
  Collector(const FuncOp &function, const Provenance &provenance,
            std::vector<LostUpdate> &into)
      : function(function), provenance(provenance), into(into) {}

  void addOwn() {
    Kept kept(provenance, function);
    for (Operation update : provenance.updates())
      for (Value version : update.results()) {
        const auto *origin = provenance.storage(version);
        if (origin && origin->made == version &&
            origin->change == Change::written && !kept.contains(version))
          add({update,
               version,
               origin->argument,
               origin->view,
               origin->hasView,
               {}});
      }
  }

  /// What a callee loses of the versions that it is given: one update for each
  /// parameter, or their number would double with each call on the way.
  void addFrom(Operation call, const std::vector<LostUpdate> &inside) {
    std::set<int64_t> seen;
    for (const LostUpdate &each : inside) {
      const auto *origin = provenance.storage(call.operand(each.argument));
      if (!origin || !seen.insert(each.argument).second)
        continue;
      LostUpdate lost = each;
      lost.calls.insert(lost.calls.begin(), {call, each.argument});
      lost.argument = origin->argument;
      add(std::move(lost));
    }
  }

private:
  void add(LostUpdate lost) {
    if (!isSpokenFor(function, lost.argument))
      into.push_back(std::move(lost));
  }

  FuncOp function;
  const Provenance &provenance;
  std::vector<LostUpdate> &into;
};

} // namespace

const std::vector<LostUpdate> &LostUpdates::in(const FuncOp &function) {
  // Deeper than this, the stack might not hold.
  constexpr int depthLimit = 200;
  static const std::vector<LostUpdate> none;
  if (depth >= depthLimit)
    return none;
  auto [entry, isNew] = known.try_emplace(function.operation().raw.ptr);
  // Not filled yet: the function calls itself.
  if (!isNew)
    return entry->second ? *entry->second : none;
  const Provenance *provenance = callees.provenanceOf(function);
  if (!provenance)
    return none;
  auto filled = std::make_unique<std::vector<LostUpdate>>();
  std::vector<LostUpdate> &lost = *filled;
  Collector collector(function, *provenance, lost);
  collector.addOwn();
  ++depth;
  for (Operation call : provenance->calls())
    if (auto callee = callees.calleeOf(call);
        callee && callees.provenanceOf(*callee))
      collector.addFrom(call, in(*callee));
  --depth;
  known[function.operation().raw.ptr] = std::move(filled);
  return lost;
}

/// The innermost op around the op that is no branch; null for a function.
static Operation loopAround(Operation op) {
  Operation parent = op.parentOp();
  while (parent.is("stablehlo.if") || parent.is("stablehlo.case"))
    parent = parent.parentOp();
  return parent.is("func.func") ? Operation() : parent;
}

Operation kvlift::loopAround(const LostUpdate &lost) {
  for (const CallStep &step : lost.calls)
    if (Operation loop = ::loopAround(step.call))
      return loop;
  return ::loopAround(lost.update);
}

bool kvlift::isTakenIn(const LostUpdate &lost, Value by) {
  if (!lost.calls.empty())
    return false;
  std::vector<Value> pending{by};
  std::unordered_set<const void *> seen;
  while (!pending.empty()) {
    Value value = pending.back();
    pending.pop_back();
    if (value == lost.version)
      return true;
    Operation maker = value.definingOp();
    if (!maker || !seen.insert(maker.raw.ptr).second)
      continue;
    for (Value operand : maker.operands())
      pending.push_back(operand);
  }
  return false;
}

std::vector<LostUpdate> kvlift::findLostUpdates(const FuncOp &function) {
  Callees callees(function.operation().parentOp());
  return LostUpdates(callees).in(function);
}
