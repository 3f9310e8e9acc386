//===- ChooseStorage.cpp - kvlift-choose-storage --------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A slot has a logical type, which the model means, and a store type, which
// the runtime updates well. Where the target model says so:
// 1. Dims of extent 1 are folded away: XLA:CPU copies a [1, H, S, D] slot that
//    a product reads, and no [H, S, D] one.
// 2. bf16 and f8 become ui16 and ui8, and updates write bits: XLA:CPU rewrites
//    the whole slot to update narrow floats.
// 3. Dims lie in the order in which products read them: XLA:CPU and IREE
//    transpose all of a [B, S, H, D] slot for a product over H and B.
//
// All values between a slot's tied result and its argument change type
// together; what else reads them gets a bitcast_convert, a reshape and a
// transpose (of the slot only where a product takes that in). All three only
// move bits, so every result stays the same. The argument keeps its logical
// type in `kvlift.logical`, and the order of its dims in `kvlift.order`. A
// second run finds nothing to do.
//
// A slot that does not fit keeps its type, with a remark: one that an op makes
// which this pass does not know, a scatter that computes with its elements (as
// bits) or names dims (in another order), one whose positions along a folded
// dim are not known to be 0, and whatever names dims from outside (shardings,
// layouts).
//
//===----------------------------------------------------------------------===//

#include "RetypeCarriers.h"
#include "kvlift/InPlace.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"

#include <algorithm>
#include <map>

using namespace kvlift;

namespace {

// Smaller slots cost less to rewrite than to address.
constexpr int64_t smallestSlot = 64;

Type typeOf(const FunctionSlot &slot) {
  return slot.function.argumentType(slot.slot.argument);
}

/// Whether an op updates the slot. One whose whole value is computed anew gains
/// nothing from another type.
bool isUpdated(const FunctionSlot &slot, Callees &callees) {
  const Provenance *provenance = callees.provenanceOf(slot.function);
  if (!provenance)
    return false;
  const auto *origin =
      provenance->storage(slot.function.returnOp().operand(slot.slot.result));
  return origin && origin->update;
}

/// What the target would have the slots stored as, in the order of their dims
/// that they have.
Storage wishFor(const Carriers &carriers, const TargetModel &model) {
  Storage wish;
  for (const FunctionSlot &slot : carriers.slots) {
    Type type = typeOf(slot);
    if (byteSize(type) < smallestSlot)
      continue;
    Dims shape = type.shape();
    unsigned width = type.element().bitWidth();
    wish.foldsUnitDims |= model.find(Habit::copiesUnitDims) &&
                          std::count(shape.begin(), shape.end(), 1) != 0;
    wish.asBits |= model.find(Habit::rewritesNarrowFloats) &&
                   isNarrowFloat(type.element()) && (width == 8 || width == 16);
  }
  return wish;
}

Dims orderFor(const Carriers &carriers, const TargetModel &model,
              bool foldsUnitDims) {
  bool isXla = model.find(Habit::transposesProducts);
  bool isIree = model.find(Habit::transposesFactors);
  bool isLarge = std::any_of(carriers.slots.begin(), carriers.slots.end(),
                             [](const FunctionSlot &slot) {
                               return byteSize(typeOf(slot)) >= smallestSlot;
                             });
  if (!isLarge || (!isXla && !isIree))
    return {};
  return orderForReads(carriers, /*countsUnits=*/isXla && !foldsUnitDims,
                       /*sumsVectors=*/isIree);
}

/// The name of the function that the op is or stands in.
std::string functionAround(Operation op) {
  while (!op.is("func.func"))
    op = op.parentOp();
  return FuncOp(op).name();
}

/// Says for each slot of the group that it keeps a part of its type. Functions
/// that share a slot are one group: one of them keeps all others from it.
void reportKept(const Carriers &carriers, const Obstacle &obstacle,
                std::string_view what, DiagnosticLog &log) {
  std::map<std::string, std::vector<FuncOp>> functions;
  for (const FunctionSlot &slot : carriers.slots)
    functions[slot.slot.name].push_back(slot.function);
  for (const FunctionSlot &slot : carriers.slots) {
    const std::vector<FuncOp> &sharing = functions[slot.slot.name];
    if (!(sharing.front().operation() == slot.function.operation()))
      continue;
    Operation op = obstacle.op ? obstacle.op : slot.function.operation();
    std::string why = obstacle.why;
    if (sharing.size() > 1)
      why = "in function " + quote(functionAround(op)) + ", " + why;
    auto &remark = log.remark(op.location(),
                              "slot " + quote(slot.slot.name) + " keeps its " +
                                  std::string(what) + ": " + why);
    for (const FuncOp &function : sharing)
      remark.note(function.operation().location(),
                  "it is " + typeOf(slot).print() + " here");
  }
}

/// What of the target's wishes nothing stands against.
Storage grant(const Carriers &carriers, const TargetModel &model,
              DiagnosticLog &log) {
  Storage granted = wishFor(carriers, model);
  if (carriers.obstacle) {
    if (!granted.isLogical())
      reportKept(carriers, *carriers.obstacle, "type", log);
    return {};
  }
  if (granted.foldsUnitDims && carriers.toFolding) {
    reportKept(carriers, *carriers.toFolding, "dimensions of extent 1", log);
    granted.foldsUnitDims = false;
  }
  if (granted.asBits && carriers.toBits) {
    reportKept(carriers, *carriers.toBits, "element type", log);
    granted.asBits = false;
  }
  granted.order = orderFor(carriers, model, granted.foldsUnitDims);
  if (!granted.order.empty() && carriers.toOrder) {
    reportKept(carriers, *carriers.toOrder, "order of dimensions", log);
    granted.order = {};
  }
  return granted;
}

/// The order of the logical dims when those of `type`, the argument's type so
/// far, come to lie in another one. The dims that it has not go first: they
/// have extent 1.
Dims logicalOrder(const FunctionSlot &slot, const Dims &order) {
  Dims logical = logicalType(slot.function, slot.slot.argument).shape();
  Dims known =
      Storage{
          .order =
              storeOrder(slot.function, slot.slot.argument).value_or(Dims{})}
          .keptDims(logicalType(slot.function, slot.slot.argument));
  Dims stored = known, result;
  if (logical.size() != order.size())
    std::erase_if(stored, [&](int64_t dim) { return logical[dim] == 1; });
  for (int64_t dim : known)
    if (std::find(stored.begin(), stored.end(), dim) == stored.end())
      result.push_back(dim);
  for (int64_t dim : order)
    result.push_back(stored[dim]);
  return result;
}

void apply(const Carriers &carriers, const Storage &storage) {
  for (const FunctionSlot &slot : carriers.slots) {
    Type type = typeOf(slot);
    if (storage.of(type) == type && storage.order.empty())
      continue;
    int64_t argument = slot.slot.argument;
    Type logical = logicalType(slot.function, argument);
    // The verdict was about the other type.
    Dims order =
        storage.order.empty() ? Dims{} : logicalOrder(slot, storage.order);
    slot.function.editArgumentAttributes(
        {{argument, marks::logical, Attribute::type(logical)},
         {argument, marks::verdict, {}}});
    if (!order.empty())
      setStoreOrder(slot.function, argument, order);
  }
  retypeCarriers(carriers, storage);
}

} // namespace

Status kvlift::chooseStorage(Operation module, const PassOptions &given,
                             DiagnosticLog &log) {
  auto model = targetModelOf(given, log);
  if (!model)
    return Status::failure();
  auto groups = carriersOf(module, log);
  if (!groups)
    return Status::failure();
  Callees callees(module);
  std::vector<std::pair<Carriers, Storage>> plans;
  for (Carriers &carriers : *groups) {
    bool isWorthIt = std::any_of(
        carriers.slots.begin(), carriers.slots.end(),
        [&](const FunctionSlot &slot) { return isUpdated(slot, callees); });
    Storage storage = isWorthIt ? grant(carriers, *model, log) : Storage();
    if (!storage.isLogical())
      plans.emplace_back(std::move(carriers), std::move(storage));
  }
  for (const auto &[carriers, storage] : plans)
    apply(carriers, storage);
  return Status::success();
}
