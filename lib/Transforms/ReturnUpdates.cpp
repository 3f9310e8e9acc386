//===- ReturnUpdates.cpp - kvlift-return-updates --------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. Find the lost updates of every public function, and of what it calls.
// 2. Plan one more result for the function with the update, and for every
//    function on the way to it.
// 3. Callees first: append the version, in the argument's layout, to the
//    results; make every call of the function anew, with the new results.
// 4. In public functions, mark the pair as a slot.
//
// Refused: two last versions of one argument, versions inside of loops and
// branches, an argument passed twice, functions that call themselves, and those
// that something other than func.call names.
//
// In a loop, a version that the body drops starts from the old value in every
// iteration: to carry it on would change what the next iteration reads, and to
// return the last one would be a guess. In a branch the version and the old
// value could be returned from `if` without a guess, but no frontend that we
// know drops one there: torch.cond takes no branches that mutate.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <map>

using namespace kvlift;

namespace {

/// One more result of a function: the last version of an argument. It is made
/// here, or comes out of a call as one more result of the callee.
struct Addition {
  LostUpdate lost;
  /// How the dims of what is returned permute the argument's.
  Dims view;
};

struct Plan {
  FuncOp function;
  std::vector<Addition> additions;
  std::vector<Operation> calls;
};

/// Whether transposing and reshaping the version gives the argument's type.
bool fitsArgument(Type version, Type argument) {
  return version == argument ||
         (version.isStaticTensor() && argument.isStaticTensor() &&
          version.element() == argument.element());
}

//===----------------------------------------------------------------------===//
// Planning
//===----------------------------------------------------------------------===//

class Planner {
public:
  Planner(Operation module, DiagnosticLog &log)
      : module(module), log(log), callees(module), updates(callees) {}

  /// Plans in an order in which callees come first; nothing after an error.
  std::optional<std::vector<Plan>> run();

private:
  /// Plans that `function` returns what the update loses.
  Status add(const FuncOp &function, const LostUpdate &lost);
  Status check(const FuncOp &function, const LostUpdate &lost);
  bool callsItself(const FuncOp &function);
  Status checkOwn(const FuncOp &function, const LostUpdate &lost);
  Status checkCall(const FuncOp &function, const LostUpdate &lost);
  Status findCalls();
  void order(const std::string &name, std::vector<Plan> &into);
  Status refuse(const FuncOp &function, const LostUpdate &lost,
                const std::string &why) {
    log.error(lost.update.location(),
              "cannot return the update of argument " +
                  quote(argumentName(function, lost.argument)) + ": " + why);
    return Status::failure();
  }

  Operation module;
  DiagnosticLog &log;
  Callees callees;
  LostUpdates updates;
  std::map<std::string, Plan> plans;
};

std::optional<std::vector<Plan>> Planner::run() {
  for (const FuncOp &function : functionsOf(module)) {
    if (!function.isPublic())
      continue;
    for (const LostUpdate &lost : updates.in(function))
      if (add(function, lost).failed())
        return std::nullopt;
  }
  std::vector<Plan> ordered;
  if (plans.empty())
    return ordered;
  if (findCalls().failed())
    return std::nullopt;
  for (const FuncOp &function : functionsOf(module))
    order(function.name(), ordered);
  return ordered;
}

Status Planner::add(const FuncOp &function, const LostUpdate &lost) {
  const CallStep *step = lost.calls.empty() ? nullptr : &lost.calls.front();
  auto entry = plans.try_emplace(function.name(), Plan{function, {}, {}}).first;
  for (const Addition &other : entry->second.additions) {
    if (other.lost.argument != lost.argument)
      continue;
    bool isSame = step ? !other.lost.calls.empty() &&
                             other.lost.calls.front().call == step->call
                       : other.lost.version == lost.version;
    if (isSame)
      return Status::success();
    log.error(lost.update.location(),
              "cannot return the updates of argument " +
                  quote(argumentName(function, lost.argument)) +
                  ": it has two last versions; this is the second");
    return Status::failure();
  }
  if (check(function, lost).failed())
    return Status::failure();
  Dims view = lost.view;
  if (step)
    view = callees.provenanceOf(function)
               ->storage(step->call.operand(step->parameter))
               ->view;
  entry->second.additions.push_back({lost, view});
  if (!step)
    return Status::success();

  FuncOp callee = *callees.calleeOf(step->call);
  for (const LostUpdate &inside : updates.in(callee))
    if (inside.argument == step->parameter && add(callee, inside).failed())
      return Status::failure();
  return Status::success();
}

Status Planner::check(const FuncOp &function, const LostUpdate &lost) {
  if (Operation region = regionAround(lost))
    return refuse(function, lost,
                  "it is made inside of " + quote(region.name()) +
                      "; carry it out of there");
  if (function.argumentAttribute(lost.argument, marks::slot))
    return refuse(function, lost,
                  "another version of it is tied to a result already");
  if (callsItself(function))
    return refuse(function, lost,
                  "function " + quote(function.name()) + " calls itself");
  return lost.calls.empty() ? checkOwn(function, lost)
                            : checkCall(function, lost);
}

bool Planner::callsItself(const FuncOp &function) {
  std::vector<FuncOp> open{function};
  std::unordered_set<const void *> seen;
  while (!open.empty()) {
    const Provenance *provenance = callees.provenanceOf(open.back());
    open.pop_back();
    if (!provenance)
      continue;
    for (Operation call : provenance->calls()) {
      std::optional<FuncOp> callee = callees.calleeOf(call);
      if (callee && callee->operation() == function.operation())
        return true;
      if (callee && seen.insert(callee->operation().raw.ptr).second)
        open.push_back(*callee);
    }
  }
  return false;
}

Status Planner::checkOwn(const FuncOp &function, const LostUpdate &lost) {
  Type needed = function.argumentType(lost.argument);
  if (!lost.hasView)
    return refuse(function, lost, "its layout is not that of the argument");
  if (!fitsArgument(lost.version.type(), needed))
    return refuse(function, lost,
                  "its version is " + lost.version.type().print() +
                      ", the argument is " + needed.print());
  return Status::success();
}

Status Planner::checkCall(const FuncOp &function, const LostUpdate &lost) {
  auto [call, parameter] = lost.calls.front();
  const Provenance &provenance = *callees.provenanceOf(function);
  Value passed = call.operand(parameter);
  const auto *origin = provenance.storage(passed);
  if (!origin->hasView ||
      !fitsArgument(passed.type(), function.argumentType(lost.argument)))
    return refuse(function, lost, "its layout is not that of the argument");
  for (int64_t i = 0, n = call.numOperands(); i < n; ++i) {
    const auto *other = provenance.storage(call.operand(i));
    if (i == parameter || !other || other->argument != origin->argument)
      continue;
    log.error(call.location(),
              "cannot return the update of argument " +
                  quote(argumentName(function, lost.argument)) +
                  ": it is passed twice, as operands #" +
                  std::to_string(std::min(i, parameter)) + " and #" +
                  std::to_string(std::max(i, parameter)))
        .note(lost.update.location(), "the update is here");
    return Status::failure();
  }
  return Status::success();
}

/// Only func.call can be made anew with more results.
Status Planner::findCalls() {
  std::unordered_set<std::string> names;
  for (const auto &[name, plan] : plans)
    names.insert(name);
  for (const auto &[name, user] : usersOf(module, names)) {
    Plan &plan = plans.at(name);
    if (user.is("func.call")) {
      if (plan.calls.empty() || !(plan.calls.back() == user))
        plan.calls.push_back(user);
      continue;
    }
    log.error(plan.additions.front().lost.update.location(),
              "cannot return updates of function " + quote(name) + ", which " +
                  quote(user.name()) + " names")
        .note(user.location(),
              user.is("stablehlo.composite")
                  ? "named here; run `stablehlo-legalize-composite-to-call` "
                    "first"
                  : "named here; only calls can take more results");
    return Status::failure();
  }
  return Status::success();
}

void Planner::order(const std::string &name, std::vector<Plan> &into) {
  auto entry = plans.find(name);
  if (entry == plans.end())
    return;
  Plan plan = std::move(entry->second);
  plans.erase(entry);
  for (const Addition &addition : plan.additions)
    if (!addition.lost.calls.empty())
      order(callees.calleeOf(addition.lost.calls.front().call)->name(), into);
  into.push_back(std::move(plan));
}

//===----------------------------------------------------------------------===//
// Applying
//===----------------------------------------------------------------------===//

class Rewriter {
public:
  void apply(const Plan &plan) {
    std::vector<NewSlot> slots;
    for (const Addition &addition : plan.additions) {
      int64_t argument = addition.lost.argument;
      int64_t result =
          plan.function.appendResult(inArgumentLayout(plan.function, addition));
      resultOf[{plan.function.name(), argument}] = result;
      slots.push_back({argument, result, "inferred"});
    }
    if (plan.function.isPublic())
      markSlots(plan.function, slots);
    for (Operation call : plan.calls)
      remake(call, plan.function);
  }

private:
  /// The version with the argument's own dims and shape.
  Value inArgumentLayout(const FuncOp &function, const Addition &addition) {
    Builder build(function.returnOp());
    Value version = versionOf(addition.lost);
    if (!addition.view.empty())
      version = build.transpose(version, invertPermutation(addition.view));
    Type needed = function.argumentType(addition.lost.argument);
    return version.type() == needed ? version
                                    : build.reshape(version, needed.shape());
  }

  Value versionOf(const LostUpdate &lost) {
    if (lost.calls.empty()) {
      auto moved = newValues.find(lost.version.raw.ptr);
      return moved == newValues.end() ? lost.version : moved->second;
    }
    auto [call, parameter] = lost.calls.front();
    Operation now = newCalls.at(call.raw.ptr);
    std::string callee = now.attribute("callee").asSymbol().value_or("");
    return now.result(resultOf.at({callee, parameter}));
  }

  /// The same call of a function that has more results now.
  void remake(Operation call, const FuncOp &callee) {
    auto attributes = call.attributes();
    // The list must keep pace with the results, if there is one.
    std::erase_if(attributes,
                  [](const auto &each) { return each.first == "res_attrs"; });
    Operation now = Builder(call).create(
        "func.call", call.operands(), callee.functionType().functionResults(),
        attributes);
    std::vector<Value> before = call.results();
    for (size_t i = 0; i < before.size(); ++i) {
      newValues[before[i].raw.ptr] = now.result(i);
      before[i].replaceAllUsesWith(now.result(i));
    }
    newCalls[call.raw.ptr] = now;
    call.erase();
  }

  std::map<std::pair<std::string, int64_t>, int64_t> resultOf;
  // Looked up, never iterated. Old ones are gone; only their addresses count.
  std::unordered_map<const void *, Operation> newCalls;
  std::unordered_map<const void *, Value> newValues;
};

} // namespace

Status kvlift::returnUpdates(Operation module, const PassOptions &,
                             DiagnosticLog &log) {
  std::optional<std::vector<Plan>> plans = Planner(module, log).run();
  if (!plans)
    return Status::failure();
  Rewriter rewriter;
  for (const Plan &plan : *plans)
    rewriter.apply(plan);
  return Status::success();
}
