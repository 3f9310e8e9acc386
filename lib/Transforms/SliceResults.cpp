//===- SliceResults.cpp - kvlift-slice-results ----------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For hosts that keep state themselves and insert each update: a function
// returns what it writes into a slot and where, instead of the whole slot. For
// every slot of every public function:
// 1. Follow the tied result back to the argument. Each version must come from a
//    dynamic_update_slice.
// 2. The first update's rows take the tied result's place, so that the other
//    results keep theirs. Its start, and the rows and starts of further
//    updates, follow as new last results, in the order of the updates.
// 3. dynamic_update_slice moves a start that is out of range into range: the
//    start that is returned is clamped to [0, extent - rows] in the same way.
// 4. The argument stays, as `kvlift.sliced`; its tie goes. Ops that read a new
//    version still do; an update that nothing reads any more goes.
//
// Writing the rows at their starts, one update after the other, gives exactly
// what the tied result was.
//
// A slot whose chain has another op stays a slot, with a remark; so does one
// for which the slices would be no smaller, more than `updateLimit`, or another
// slot's storage, one of dynamic shape, and one of a function that is called.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <algorithm>
#include <limits>
#include <set>

using namespace kvlift;

namespace {

// Each update is two results, which a host fetches one by one.
constexpr size_t updateLimit = 16;

/// A slot that can be sliced, and its updates in program order.
struct Plan {
  FuncOp function;
  Slot slot;
  std::vector<Operation> updates;
};

//===----------------------------------------------------------------------===//
// Planning
//===----------------------------------------------------------------------===//

class Planner {
public:
  Planner(Operation module, DiagnosticLog &log)
      : log(log), callees(module), callers(callersIn(module)) {}

  /// Adds the slots of a function that can be sliced; says why of the others.
  Status add(const FuncOp &function);
  std::vector<Plan> plans;

private:
  void addSlot(const FuncOp &function, const Slot &slot);
  /// Why no slot of the function can be sliced, and where; empty otherwise.
  std::string reasonAgainst(const FuncOp &function);
  /// Why the updates cannot be returned; empty otherwise.
  std::string reasonAgainst(const Plan &plan);
  bool isSlotsStorage(const FuncOp &function, Value rows);
  void keep(const Slot &slot, Location where, const std::string &why) {
    log.remark(where, "slot " + quote(slot.name) + " stays a slot: " + why);
  }

  DiagnosticLog &log;
  Callees callees;
  std::unordered_map<std::string, Operation> callers;
};

Status Planner::add(const FuncOp &function) {
  auto slots = readSlots(function, log);
  if (!slots || !readSlicedSlots(function, *slots, log))
    return Status::failure();
  std::string reason = reasonAgainst(function);
  for (const Slot &slot : *slots) {
    if (reason.empty())
      addSlot(function, slot);
    else
      keep(slot, function.operation().location(), reason);
  }
  return Status::success();
}

std::string Planner::reasonAgainst(const FuncOp &function) {
  if (!function.hasOneBlock())
    return "function " + quote(function.name()) + " has several blocks";
  if (callers.count(function.name()))
    return "function " + quote(function.name()) +
           " is called, and its callers expect the whole value";
  if (!callees.provenanceOf(function))
    return "the calls in function " + quote(function.name()) +
           " nest too deep to follow storage";
  return "";
}

void Planner::addSlot(const FuncOp &function, const Slot &slot) {
  Plan plan{function, slot, {}};
  Value version = function.returnOp().operand(slot.result);
  while (!version.isBlockArgument()) {
    Operation maker = version.definingOp();
    if (!maker.is("stablehlo.dynamic_update_slice"))
      return keep(slot, maker.location(),
                  quote(maker.name()) + " is on its chain, and only "
                                        "dynamic_update_slice writes one "
                                        "slice");
    plan.updates.push_back(maker);
    version = maker.operand(0);
  }
  std::reverse(plan.updates.begin(), plan.updates.end());
  Location where = plan.updates.empty() ? function.returnOp().location()
                                        : plan.updates.front().location();
  std::string reason = version == function.body().argument(slot.argument)
                           ? reasonAgainst(plan)
                           : "its result is no version of argument #" +
                                 std::to_string(slot.argument);
  if (!reason.empty())
    return keep(slot, where, reason);
  plans.push_back(std::move(plan));
}

std::string Planner::reasonAgainst(const Plan &plan) {
  const auto &[function, slot, updates] = plan;
  if (updates.empty())
    return "nothing updates it";
  if (updates.size() > updateLimit)
    return "it has " + std::to_string(updates.size()) +
           " updates; the limit is " + std::to_string(updateLimit);
  Type whole = function.argumentType(slot.argument);
  int64_t written = 0;
  for (Operation update : updates) {
    Type rows = update.operand(1).type();
    if (!whole.isStaticTensor() || !rows.isStaticTensor())
      return "its shape is dynamic";
    written += rows.elementCount();
    if (isSlotsStorage(function, update.operand(1)))
      return "what an update writes is another slot's storage, which must not "
             "leave the function";
  }
  if (written >= whole.elementCount())
    return "its updates write " + std::to_string(written) + " elements, and " +
           "it has " + std::to_string(whole.elementCount());
  for (std::string_view name :
       {"mhlo.sharding", "sdy.sharding", "mhlo.layout_mode"})
    if (function.argumentAttribute(slot.argument, name) ||
        function.resultAttribute(slot.result, name))
      return quote(name) + " names its dimensions";
  return "";
}

bool Planner::isSlotsStorage(const FuncOp &function, Value rows) {
  const auto *origin = callees.provenanceOf(function)->storage(rows);
  return origin && function.argumentAttribute(origin->argument, marks::slot);
}

//===----------------------------------------------------------------------===//
// Applying
//===----------------------------------------------------------------------===//

Attribute integers(Type vector, const Dims &values) {
  std::vector<Attribute> elements;
  for (int64_t value : values)
    elements.push_back(Attribute::integer(vector.element(), value));
  return Attribute::elements(vector, elements);
}

/// The largest number of an integer type, if it is one of 64 bits' range.
int64_t largest(Type integer) {
  unsigned bits = integer.bitWidth() - (integer.isUnsignedInteger() ? 0 : 1);
  return bits >= 63 ? std::numeric_limits<int64_t>::max()
                    : (int64_t(1) << bits) - 1;
}

/// Where the update writes, as one vector:
///   %all = concatenate reshape(%start0), reshape(%start1), ...
///   %in  = clamp 0, %all, [extent - rows, ...]
///   %out = convert %in : tensor<rank x i32>   // i64 for larger slots
/// A bound beyond the index type's range bounds nothing.
Value startOf(Operation update) {
  Builder build(update);
  std::vector<Value> parts;
  for (int64_t i = 2, n = update.numOperands(); i < n; ++i)
    parts.push_back(build.reshape(update.operand(i), {1}));
  Value all = parts.size() == 1 ? parts.front() : build.concatenate(parts, 0);

  Type index = all.type().element();
  Dims extents = update.operand(0).type().shape(), bounds = extents;
  for (size_t i = 0; i < bounds.size(); ++i)
    bounds[i] = std::min(largest(index),
                         bounds[i] - update.operand(1).type().shape()[i]);
  Value high = build.constant(all.type(), integers(all.type(), bounds));
  Value inRange =
      build
          .create("stablehlo.clamp", {build.splat(all.type(), 0), all, high},
                  {all.type()})
          .result();
  bool isLarge = *std::max_element(extents.begin(), extents.end()) >
                 std::numeric_limits<int32_t>::max();
  Type wanted = Type::tensor(all.type().shape(),
                             Type::integer(build.context(), isLarge ? 64 : 32));
  if (wanted == all.type())
    return inRange;
  return build.create("stablehlo.convert", {inRange}, {wanted}).result();
}

void markResult(const Plan &plan, int64_t result, std::string_view mark,
                std::string_view what, size_t number) {
  Context context = plan.function.operation().context();
  std::string name = plan.slot.name + "." + std::string(what);
  if (plan.updates.size() > 1)
    name += "." + std::to_string(number);
  plan.function.setResultAttribute(result, marks::name,
                                   Attribute::string(context, name));
  plan.function.setResultAttribute(result, mark,
                                   Attribute::string(context, plan.slot.name));
}

void apply(const Plan &plan) {
  const auto &[function, slot, updates] = plan;
  function.removeResultAttribute(slot.result, marks::slot);
  for (size_t i = 0; i < updates.size(); ++i) {
    Value start = startOf(updates[i]), rows = updates[i].operand(1);
    int64_t result = slot.result;
    if (i == 0)
      function.setResult(result, rows);
    else
      result = function.appendResult(rows);
    markResult(plan, result, marks::rows, "rows", i);
    markResult(plan, function.appendResult(start), marks::start, "start", i);
  }
  for (std::string_view name :
       {marks::slot, marks::verdict, marks::aliasing, marks::ireeOutput})
    function.removeArgumentAttribute(slot.argument, name);
  Context context = function.operation().context();
  function.setArgumentAttribute(slot.argument, marks::sliced,
                                Attribute::string(context, slot.name));
  // No later lift shall take its updates for lost.
  if (!function.argumentAttribute(slot.argument, marks::kind))
    function.setArgumentAttribute(slot.argument, marks::kind,
                                  Attribute::string(context, "inferred"));
  for (auto update = updates.rbegin();
       update != updates.rend() && update->result().isUnused(); ++update)
    update->erase();
}

} // namespace

Status kvlift::sliceResults(Operation module, const PassOptions &,
                            DiagnosticLog &log) {
  Planner planner(module, log);
  for (const FuncOp &function : functionsOf(module))
    if (function.isPublic() && planner.add(function).failed())
      return Status::failure();
  for (const Plan &plan : planner.plans)
    apply(plan);
  return Status::success();
}
