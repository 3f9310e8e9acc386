//===- ReturnUpdates.cpp - kvlift-return-updates --------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. Find the lost updates of every public function.
// 2. For each, append its version, in the argument's layout, to the results and
//    mark the pair as a slot.
//
// Refused: two last versions of one argument, and a function that is called in
// the module.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <set>

using namespace kvlift;

namespace {

struct Plan {
  FuncOp function;
  std::vector<LostUpdate> lost;
};

/// Whether transposing and reshaping the version gives the argument's type.
bool fitsArgument(Type version, Type argument) {
  return version == argument ||
         (version.isStaticTensor() && argument.isStaticTensor() &&
          version.element() == argument.element());
}

Status check(const Plan &plan, DiagnosticLog &log) {
  std::set<int64_t> seen;
  for (const LostUpdate &each : plan.lost) {
    std::string name = argumentName(plan.function, each.argument);
    Location where = each.update.location();
    if (!seen.insert(each.argument).second) {
      log.error(where, "cannot return the updates of argument " + quote(name) +
                           ": it has two last versions; this is the second");
      return Status::failure();
    }
    Type needed = plan.function.argumentType(each.argument);
    if (!fitsArgument(each.version.type(), needed)) {
      log.error(where, "cannot return the update of argument " + quote(name) +
                           ": its version is " + each.version.type().print() +
                           ", the argument is " + needed.print());
      return Status::failure();
    }
  }
  return Status::success();
}

/// Nobody may call a function that gets more results.
Status checkCallers(Operation module, const std::vector<Plan> &plans,
                    DiagnosticLog &log) {
  auto callers = callersIn(module);
  for (const Plan &plan : plans) {
    auto caller = callers.find(plan.function.name());
    if (caller == callers.end())
      continue;
    log.error(plan.lost.front().update.location(),
              "cannot return updates of function " +
                  quote(plan.function.name()) + ", which is called")
        .note(caller->second.location(), "called here; run `inline` first");
    return Status::failure();
  }
  return Status::success();
}

/// The version with the argument's own dims and shape.
Value inArgumentLayout(const FuncOp &function, const LostUpdate &lost) {
  Builder build(function.returnOp());
  Value version = lost.version;
  if (!lost.view.empty())
    version = build.transpose(version, invertPermutation(lost.view));
  return build.reshape(version, function.argumentType(lost.argument).shape());
}

void apply(const Plan &plan) {
  for (const LostUpdate &each : plan.lost) {
    int64_t result =
        plan.function.appendResult(inArgumentLayout(plan.function, each));
    markSlot(plan.function, each.argument, result, "inferred");
  }
}

} // namespace

Status kvlift::returnUpdates(Operation module, const PassOptions &,
                             DiagnosticLog &log) {
  std::vector<Plan> plans;
  for (const FuncOp &function : functionsOf(module)) {
    if (!function.isPublic())
      continue;
    Plan plan{function, findLostUpdates(function)};
    if (check(plan, log).failed())
      return Status::failure();
    if (!plan.lost.empty())
      plans.push_back(plan);
  }
  if (!plans.empty() && checkCallers(module, plans, log).failed())
    return Status::failure();
  for (const Plan &plan : plans)
    apply(plan);
  return Status::success();
}
