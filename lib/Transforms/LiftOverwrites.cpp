//===- LiftOverwrites.cpp - kvlift-lift-overwrites ------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// torch-mlir imports mutated arguments as `!torch.tensor`, read with
// torch.copy.to_vtensor and written with torch.overwrite.tensor.contents; it
// cannot lower either to StableHLO. For every such argument:
// 1. Walk its uses in program order, keeping the current version.
// 2. Each read becomes the current version, each write makes a new one.
// 3. The argument becomes a value, and its last version a result that is marked
//    as the same slot. An argument that is only read just becomes a value.
//
// Refused: an argument with any other use, uses in nested regions or in
// functions of several blocks, where order is not textual, and functions that
// are called in the module.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Ops.h"
#include "kvlift/Passes.h"
#include "kvlift/State.h"

#include <algorithm>

using namespace kvlift;

namespace {

constexpr std::string_view readName = "torch.copy.to_vtensor";
constexpr std::string_view writeName = "torch.overwrite.tensor.contents";

/// One argument, and the ops that use it in program order.
struct Plan {
  FuncOp function;
  int64_t argument;
  Type valueType;
  std::vector<Operation> uses;
};

/// `!torch.vtensor<...>` for `!torch.tensor<...>`.
Type valueTypeOf(Type type) {
  std::string text = type.print();
  constexpr std::string_view from = "!torch.tensor";
  return Type::parse(type.context(),
                     "!torch.vtensor" + text.substr(from.size()));
}

std::optional<Plan> plan(const FuncOp &function, int64_t index,
                         DiagnosticLog &log) {
  Value argument = function.body().argument(index);
  std::string name = argumentName(function, index);
  Plan found{function, index, valueTypeOf(argument.type()), {}};
  for (const Use &use : argument.uses()) {
    Operation op(use.user);
    bool read = op.is(readName);
    bool written = op.is(writeName) && use.operand == 1;
    if ((read && op.result().type() == found.valueType) ||
        (written && op.operand(0).type() == found.valueType)) {
      if (op.block() == function.body()) {
        found.uses.push_back(op);
        continue;
      }
    }
    log.error(op.location(), "argument " + quote(name) +
                                 " is written in place and cannot be lifted: " +
                                 quote(op.name()) +
                                 " uses it in a way that is not understood")
        .note(argument.location(), "the argument enters here");
    return std::nullopt;
  }
  std::sort(found.uses.begin(), found.uses.end(),
            [](Operation a, Operation b) { return a.isBefore(b); });
  return found;
}

void apply(const Plan &plan) {
  plan.function.setArgumentType(plan.argument, plan.valueType);
  Value entry = plan.function.body().argument(plan.argument);
  Value version = entry;
  for (Operation use : plan.uses) {
    if (use.is(readName))
      use.result().replaceAllUsesWith(version);
    else
      version = use.operand(0);
    use.erase();
  }
  if (version == entry)
    return;
  int64_t result = plan.function.appendResult(version);
  markSlots(plan.function, {{plan.argument, result, "user_input"}});
}

/// The arguments that are written in place, in order.
Dims inPlaceArguments(const FuncOp &function) {
  Dims found;
  if (!function.isDeclaration())
    for (int64_t i = 0, n = function.numArguments(); i < n; ++i)
      if (function.argumentType(i).isTorchNonValueTensor())
        found.push_back(i);
  return found;
}

using Callers = std::unordered_map<std::string, Operation>;

Status checkFunction(const FuncOp &function, const Callers &callers,
                     DiagnosticLog &log) {
  std::string named = "function " + quote(function.name());
  Location where = function.operation().location();
  if (!function.hasOneBlock()) {
    log.error(where, named + " has several blocks; its in-place arguments "
                             "cannot be lifted");
    return Status::failure();
  }
  auto caller = callers.find(function.name());
  if (caller == callers.end())
    return Status::success();
  log.error(where,
            named + " is called; its in-place arguments cannot be lifted")
      .note(caller->second.location(), "called here; run `inline` first");
  return Status::failure();
}

} // namespace

Status kvlift::liftOverwrites(Operation module, const PassOptions &,
                              DiagnosticLog &log) {
  std::vector<Plan> plans;
  std::optional<Callers> callers;
  for (const FuncOp &function : functionsOf(module)) {
    Dims arguments = inPlaceArguments(function);
    if (arguments.empty())
      continue;
    if (!callers)
      callers = callersIn(module);
    if (checkFunction(function, *callers, log).failed())
      return Status::failure();
    for (int64_t i : arguments) {
      std::optional<Plan> found = plan(function, i, log);
      if (!found)
        return Status::failure();
      plans.push_back(*found);
    }
  }
  for (const Plan &each : plans)
    apply(each);
  return Status::success();
}
