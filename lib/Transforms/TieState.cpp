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
// new one, which IREE would return with the new contents, and another argument
// that aliases a slot's result.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <map>

using namespace kvlift;

namespace {

struct Plan {
  FuncOp function;
  std::vector<Slot> slots;
};

/// Reports every result that shows the storage of a slot before its update.
Status checkEscapes(const Plan &plan, DiagnosticLog &log) {
  if (plan.function.isDeclaration() || !plan.function.hasOneBlock())
    return Status::success();
  Provenance provenance(plan.function);
  Operation last = plan.function.returnOp();
  bool escapes = false;
  for (const Slot &slot : plan.slots) {
    const auto *tied = provenance.origin(last.operand(slot.result));
    for (int64_t i = 0, n = last.numOperands(); i < n; ++i) {
      const auto *other = provenance.origin(last.operand(i));
      if (i == slot.result || !other || other->argument != slot.argument)
        continue;
      if (tied && tied->made == other->made)
        continue; // The same version once more: read after the update.
      log.error(last.location(),
                "slot " + quote(slot.name) + ": result #" + std::to_string(i) +
                    " returns an old version beside the updated one in result "
                    "#" +
                    std::to_string(slot.result))
          .note(last.location(), "the runtimes overwrite it in place; return a "
                                 "value computed from it, or do not tie it");
      escapes = true;
    }
  }
  return escapes ? Status::failure() : Status::success();
}

/// Reports an argument that is no slot but aliases the result of one.
Status checkAliasing(const Plan &plan, DiagnosticLog &log) {
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

void apply(const Plan &plan) {
  Type i32 = Type::integer(plan.function.operation().context(), 32);
  for (const Slot &slot : plan.slots) {
    plan.function.removeArgumentAttribute(slot.argument, marks::bufferDonor);
    plan.function.removeArgumentAttribute(slot.argument, marks::ireeOutput);
    plan.function.setArgumentAttribute(slot.argument, marks::aliasing,
                                       Attribute::integer(i32, slot.result));
  }
}

} // namespace

Status kvlift::tieState(Operation module, const PassOptions &,
                        DiagnosticLog &log) {
  std::vector<Plan> plans;
  for (const FuncOp &function : functionsOf(module)) {
    if (!function.isPublic())
      continue;
    auto slots = readSlots(function, log);
    if (!slots)
      return Status::failure();
    plans.push_back({function, *slots});
    if (checkEscapes(plans.back(), log).failed() ||
        checkAliasing(plans.back(), log).failed())
      return Status::failure();
  }
  for (const Plan &plan : plans)
    apply(plan);
  return Status::success();
}
