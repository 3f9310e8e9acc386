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

#include "Updates/RewriteSupport.h"
#include "kvlift/Builder.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <algorithm>
#include <limits>

using namespace kvlift;

namespace {

// Each update is two results, which a host fetches one by one.
constexpr size_t updateLimit = 16;

/// A slot that can be sliced, and its updates in program order.
struct SlotPlan {
  Slot slot;
  std::vector<Operation> updates;
};

struct FunctionPlan {
  FuncOp function;
  std::vector<SlotPlan> slots;
};

//===----------------------------------------------------------------------===//
// Planning
//===----------------------------------------------------------------------===//

class Planner {
public:
  Planner(Operation module, DiagnosticLog &log)
      : log(log), callees(module), callers(callersIn(module)) {}

  /// The slots of a function that can be sliced; says why of the others.
  FunctionPlan plan(const FuncOp &function, const std::vector<Slot> &slots);

private:
  void addSlot(FunctionPlan &plan, const Slot &slot);
  /// Why no slot of the function can be sliced; empty otherwise.
  std::string reasonAgainst(const FuncOp &function);
  /// Why the updates cannot be returned; empty otherwise.
  std::string reasonAgainst(const FuncOp &function, const SlotPlan &plan);
  bool isSlotsStorage(const FuncOp &function, Value rows);
  void keep(const Slot &slot, Location where, const std::string &why) {
    log.remark(where, "slot " + quote(slot.name) + " stays a slot: " + why);
  }

  DiagnosticLog &log;
  Callees callees;
  std::unordered_map<std::string, Operation> callers;
};

FunctionPlan Planner::plan(const FuncOp &function,
                           const std::vector<Slot> &slots) {
  FunctionPlan plan{function, {}};
  std::string reason = slots.empty() ? "" : reasonAgainst(function);
  for (const Slot &slot : slots) {
    if (reason.empty())
      addSlot(plan, slot);
    else
      keep(slot, function.operation().location(), reason);
  }
  return plan;
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

void Planner::addSlot(FunctionPlan &plan, const Slot &slot) {
  const FuncOp &function = plan.function;
  std::vector<Operation> updates;
  Value version = function.returnOp().operand(slot.result);
  while (!version.isBlockArgument()) {
    Operation maker = version.definingOp();
    if (!maker.is("stablehlo.dynamic_update_slice"))
      return keep(slot, maker.location(),
                  quote(maker.name()) + " is on its chain, and only "
                                        "dynamic_update_slice writes one "
                                        "slice");
    updates.push_back(maker);
    version = maker.operand(0);
  }
  std::reverse(updates.begin(), updates.end());
  Location where = updates.empty() ? function.returnOp().location()
                                   : updates.front().location();
  SlotPlan found{slot, std::move(updates)};
  std::string reason = version == function.body().argument(slot.argument)
                           ? reasonAgainst(function, found)
                           : "its result is no version of argument #" +
                                 std::to_string(slot.argument);
  if (!reason.empty())
    return keep(slot, where, reason);
  plan.slots.push_back(std::move(found));
}

std::string Planner::reasonAgainst(const FuncOp &function,
                                   const SlotPlan &plan) {
  const auto &[slot, updates] = plan;
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
  for (std::string_view name : {"mhlo.sharding", "sdy.sharding",
                                "mhlo.frontend_attributes", "mhlo.layout_mode"})
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

/// The largest number that an integer type can hold; at most i64's.
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

/// Changes the signature of one function, for all its slots at once.
class Rewriter {
public:
  explicit Rewriter(const FunctionPlan &plan)
      : plan(plan), context(plan.function.operation().context()),
        results(plan.function.returnOp().operands()) {}

  void run() {
    for (const SlotPlan &slot : plan.slots)
      rewrite(slot);
    plan.function.setResults(results);
    plan.function.editResultAttributes(resultEdits);
    plan.function.editArgumentAttributes(argumentEdits);
    for (const SlotPlan &slot : plan.slots)
      eraseIfDead(slot.updates.back());
  }

private:
  void rewrite(const SlotPlan &sliced);
  /// Calls a result `<slot>.<what>` and says what it is.
  void mark(const SlotPlan &sliced, int64_t result, std::string_view mark,
            std::string_view what, size_t number) {
    std::string name = sliced.slot.name + "." + std::string(what);
    if (sliced.updates.size() > 1)
      name += "." + std::to_string(number);
    resultEdits.push_back(
        {result, marks::name, Attribute::string(context, name)});
    resultEdits.push_back(
        {result, mark, Attribute::string(context, sliced.slot.name)});
  }
  int64_t append(Value value) {
    results.push_back(value);
    return results.size() - 1;
  }

  const FunctionPlan &plan;
  Context context;
  std::vector<Value> results;
  std::vector<AttributeEdit> resultEdits, argumentEdits;
};

void Rewriter::rewrite(const SlotPlan &sliced) {
  const auto &[slot, updates] = sliced;
  resultEdits.push_back({slot.result, marks::slot, {}});
  for (size_t i = 0; i < updates.size(); ++i) {
    Value rows = updates[i].operand(1);
    if (i == 0)
      results[slot.result] = rows;
    mark(sliced, i == 0 ? slot.result : append(rows), marks::rows, "rows", i);
    mark(sliced, append(startOf(updates[i])), marks::start, "start", i);
  }
  for (std::string_view name :
       {marks::slot, marks::verdict, marks::aliasing, marks::ireeOutput})
    argumentEdits.push_back({slot.argument, name, {}});
  argumentEdits.push_back(
      {slot.argument, marks::sliced, Attribute::string(context, slot.name)});
  // No later lift shall take its updates for lost.
  if (!plan.function.argumentAttribute(slot.argument, marks::kind))
    argumentEdits.push_back(
        {slot.argument, marks::kind, Attribute::string(context, "inferred")});
}

} // namespace

Status kvlift::sliceResults(Operation module, const PassOptions &,
                            DiagnosticLog &log) {
  auto functions = readPublicFunctions(module, log);
  if (!functions)
    return Status::failure();
  for (const auto &[function, slots] : *functions)
    if (!readSlicedSlots(function, slots, log))
      return Status::failure();
  Planner planner(module, log);
  std::vector<FunctionPlan> plans;
  for (const auto &[function, slots] : *functions)
    plans.push_back(planner.plan(function, slots));
  for (const FunctionPlan &plan : plans)
    if (!plan.slots.empty())
      Rewriter(plan).run();
  return Status::success();
}
