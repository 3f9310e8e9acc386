//===- TieState.cpp - kvlift-tie-state ------------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. Read the slots of every public function from its marks.
// 2. Write `tf.aliasing_output` on each slot's argument and remove
//    `jax.buffer_donor` there: XLA refuses both together, and the donor pairs
//    by byte size, not by dataflow.
//
// Refused: marks that contradict each other, an old version returned beside the
// new one, which IREE would return with the new contents, one version returned
// for two slots, a slot passed twice to a function that updates it, and another
// argument that aliases a slot's result.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <map>
#include <set>
#include <unordered_set>

using namespace kvlift;

namespace {

/// The versions on the way from a tied result back to its argument.
class TiedChain {
public:
  TiedChain(const Provenance &provenance, Value tied) {
    const auto *origin = provenance.storage(tied);
    for (; origin && origin->update;
         origin = provenance.storage(origin->before))
      versions.insert(origin->version.raw.ptr);
    if (origin)
      versions.insert(origin->version.raw.ptr);
  }
  bool contains(Value version) const { return versions.count(version.raw.ptr); }

private:
  std::unordered_set<const void *> versions;
};

/// Whether a result that shows the storage of a slot returns another version of
/// it than the tied one. What a mask or a counter computes from an old version
/// is a value of its own, unless the chain goes on from it.
bool isEscape(const Provenance &provenance, Value tiedValue, Value otherValue,
              bool isTiedToo) {
  const auto *tied = provenance.storage(tiedValue);
  const auto *other = provenance.storage(otherValue);
  if (tied && tied->version == other->version)
    return false; // The same version once more: read after the update.
  if (isTiedToo && tied && !tied->update && !other->update)
    return false; // Two slots swap their contents as they are.
  if (!other->update || other->change == Change::written)
    return true;
  return TiedChain(provenance, tiedValue).contains(other->version);
}

/// Reports every result that returns an old version of a slot.
Status checkEscapes(const PublicFunction &plan, const Provenance &provenance,
                    DiagnosticLog &log) {
  Operation last = plan.function.returnOp();
  std::map<int64_t, std::vector<int64_t>> resultsOf;
  for (int64_t i = 0, n = last.numOperands(); i < n; ++i)
    if (const auto *origin = provenance.storage(last.operand(i)))
      resultsOf[origin->argument].push_back(i);
  std::set<int64_t> tied;
  for (const Slot &slot : plan.slots)
    tied.insert(slot.result);

  bool escapes = false;
  for (const Slot &slot : plan.slots)
    for (int64_t i : resultsOf[slot.argument]) {
      if (i == slot.result || !isEscape(provenance, last.operand(slot.result),
                                        last.operand(i), tied.count(i)))
        continue;
      log.error(last.location(),
                "slot " + quote(slot.name) + ": result #" + std::to_string(i) +
                    " returns an old version beside the updated one in result "
                    "#" +
                    std::to_string(slot.result))
          .note(last.location(), "the runtimes overwrite it in place; return a "
                                 "value computed from it, or do not tie it");
      escapes = true;
    }
  return escapes ? Status::failure() : Status::success();
}

/// Reports a slot whose result is an updated version of another slot: one
/// storage cannot be both. Whole values may be shared, such as a counter.
Status checkShared(const PublicFunction &plan, const Provenance &provenance,
                   DiagnosticLog &log) {
  for (const Slot &slot : plan.slots) {
    Value version = plan.function.returnOp().operand(slot.result);
    const auto *origin = provenance.origin(version);
    if (!origin || origin->argument == slot.argument ||
        origin->strongest < Change::written)
      continue;
    auto other = plan.function.argumentAttribute(origin->argument, marks::slot)
                     .asString();
    if (!other)
      continue;
    log.error(plan.function.returnOp().location(),
              "slot " + quote(slot.name) + ": result #" +
                  std::to_string(slot.result) +
                  " returns the updated version of slot " + quote(*other) +
                  "; one version cannot be two slots")
        .note(origin->update.location(), "the version is made here");
    return Status::failure();
  }
  return Status::success();
}

/// The parameters of a function that it updates, returned or not.
std::set<int64_t> updatedParameters(const Provenance &callee) {
  std::set<int64_t> updated;
  for (Operation update : callee.updates())
    for (Value result : update.results())
      if (const auto *origin = callee.storage(result);
          origin && origin->update == update &&
          origin->change == Change::written)
        updated.insert(origin->argument);
  return updated;
}

/// Reports a call that passes a version of a slot twice, when the callee
/// updates one of the two: the other would see the update.
Status checkCalls(const PublicFunction &plan, const Provenance &provenance,
                  Callees &callees, DiagnosticLog &log) {
  for (Operation call : provenance.calls()) {
    auto callee = callees.calleeOf(call);
    const Provenance *inside = callee ? callees.provenanceOf(*callee) : nullptr;
    if (!inside)
      continue;
    std::map<const void *, int64_t> passed;
    std::optional<std::set<int64_t>> updated;
    for (int64_t i = 0, n = call.numOperands(); i < n; ++i) {
      const auto *origin = provenance.origin(call.operand(i));
      auto slot = origin ? plan.function.argumentAttribute(origin->argument,
                                                           marks::slot)
                         : Attribute();
      if (!slot)
        continue;
      auto [first, isNew] = passed.emplace(origin->version.raw.ptr, i);
      if (isNew)
        continue;
      if (!updated)
        updated = updatedParameters(*inside);
      if (!updated->count(i) && !updated->count(first->second))
        continue;
      log.error(call.location(), "slot " + quote(*slot.asString()) +
                                     " is passed twice, as operands #" +
                                     std::to_string(first->second) + " and #" +
                                     std::to_string(i) + " of function " +
                                     quote(callee->name()) +
                                     ", which updates it")
          .note(callee->operation().location(),
                "the function is here; run `inline` first, or pass it once");
      return Status::failure();
    }
  }
  return Status::success();
}

/// Reports an argument that is no slot but aliases the result of one.
Status checkAliasing(const PublicFunction &plan, DiagnosticLog &log) {
  std::map<int64_t, std::string> slotAt;
  for (const Slot &slot : plan.slots)
    slotAt[slot.result] = slot.name;
  for (int64_t i = 0, n = plan.function.numArguments(); i < n; ++i) {
    auto result =
        plan.function.argumentAttribute(i, marks::aliasing).asInteger();
    if (!result || !slotAt.count(*result) ||
        plan.function.argumentAttribute(i, marks::slot))
      continue;
    log.error(plan.function.operation().location(),
              "slot " + quote(slotAt[*result]) + ": argument #" +
                  std::to_string(i) + " aliases its result #" +
                  std::to_string(*result) +
                  " as well; run kvlift-find-state first");
    return Status::failure();
  }
  return Status::success();
}

void apply(const PublicFunction &plan) {
  Type i32 = Type::integer(plan.function.operation().context(), 32);
  std::vector<AttributeEdit> edits;
  for (const Slot &slot : plan.slots) {
    edits.push_back({slot.argument, marks::bufferDonor, {}});
    edits.push_back({slot.argument, marks::ireeOutput, {}});
    edits.push_back(
        {slot.argument, marks::aliasing, Attribute::integer(i32, slot.result)});
  }
  plan.function.editArgumentAttributes(edits);
}

} // namespace

Status kvlift::tieState(Operation module, const PassOptions &,
                        DiagnosticLog &log) {
  Callees callees(module);
  auto plans = readPublicFunctions(module, log);
  if (!plans)
    return Status::failure();
  for (const PublicFunction &plan : *plans) {
    if (checkAliasing(plan, log).failed())
      return Status::failure();
    const Provenance *provenance =
        plan.slots.empty() ? nullptr : callees.provenanceOf(plan.function);
    if (provenance && (checkEscapes(plan, *provenance, log).failed() ||
                       checkShared(plan, *provenance, log).failed() ||
                       checkCalls(plan, *provenance, callees, log).failed()))
      return Status::failure();
  }
  for (const PublicFunction &plan : *plans)
    apply(plan);
  return Status::success();
}
