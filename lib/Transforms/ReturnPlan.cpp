//===- ReturnPlan.cpp - What functions return of lost updates -------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReturnPlan.h"
#include "BranchResults.h"
#include "kvlift/State.h"

#include <map>

using namespace kvlift;

namespace {

/// Whether transposing and reshaping the version gives the argument's type.
bool fitsArgument(Type version, Type argument) {
  return version == argument ||
         (version.isStaticTensor() && argument.isStaticTensor() &&
          version.element() == argument.element());
}

class Planner {
public:
  Planner(Operation module, DiagnosticLog &log)
      : module(module), log(log), callees(module), updates(callees) {}

  /// Plans in an order in which callees come first; nothing after an error.
  std::optional<std::vector<ReturnPlan>> run();

private:
  /// Plans that `function` returns what the update loses.
  Status add(const FuncOp &function, const LostUpdate &lost);
  Addition additionOf(const FuncOp &function, const LostUpdate &lost);
  static bool isOneResult(const Addition &one, const Addition &other);
  Status check(const FuncOp &function, const LostUpdate &lost);
  bool callsItself(const FuncOp &function);
  Status checkOwn(const FuncOp &function, const LostUpdate &lost);
  Status checkCall(const FuncOp &function, const LostUpdate &lost);
  Status findCalls();
  void order(const std::string &name, std::vector<ReturnPlan> &into);
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
  std::map<std::string, ReturnPlan> plans;
};

std::optional<std::vector<ReturnPlan>> Planner::run() {
  for (const FuncOp &function : functionsOf(module)) {
    if (!function.isPublic())
      continue;
    for (const LostUpdate &lost : updates.in(function))
      if (add(function, lost).failed())
        return std::nullopt;
  }
  std::vector<ReturnPlan> ordered;
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
  auto entry =
      plans.try_emplace(function.name(), ReturnPlan{function, {}, {}}).first;
  std::vector<Addition> &additions = entry->second.additions;
  for (const Addition &other : additions) {
    bool isSame = step ? !other.lost.calls.empty() &&
                             other.lost.calls.front().call == step->call
                       : other.lost.version == lost.version;
    if (isSame && other.lost.argument == lost.argument)
      return Status::success();
  }
  if (check(function, lost).failed())
    return Status::failure();
  Addition addition = additionOf(function, lost);
  for (const Seen &incoming : addition.incoming)
    if (!fitsArgument(incoming.version.type(),
                      function.argumentType(lost.argument)))
      return refuse(function, lost, "its layout is not that of the argument");
  auto place = additions.end();
  for (auto other = additions.begin(); other != additions.end(); ++other) {
    if (other->lost.argument != lost.argument)
      continue;
    place = other + 1;
    if (isOneResult(*other, addition))
      continue;
    log.error(lost.update.location(),
              "cannot return the updates of argument " +
                  quote(argumentName(function, lost.argument)) +
                  ": it has two last versions; this is the second");
    return Status::failure();
  }
  additions.insert(place, std::move(addition));
  if (!step)
    return Status::success();

  FuncOp callee = *callees.calleeOf(step->call);
  for (const LostUpdate &inside : updates.in(callee))
    if (inside.argument == step->parameter && add(callee, inside).failed())
      return Status::failure();
  return Status::success();
}

/// What is returned, and what branches without an update yield instead.
Addition Planner::additionOf(const FuncOp &function, const LostUpdate &lost) {
  const Provenance &provenance = *callees.provenanceOf(function);
  Addition addition{lost, lost.view, {}};
  Value before;
  if (lost.calls.empty()) {
    before = provenance.storage(lost.version)->before;
  } else {
    auto [call, parameter] = lost.calls.front();
    before = call.operand(parameter);
    addition.view = provenance.storage(before)->view;
  }
  std::vector<BranchStep> path = branchesAround(addition.maker());
  addition.incoming.resize(path.size());
  for (size_t i = path.size(); i-- > 0;) {
    while (isMadeIn(before, path[i].branch))
      before = provenance.storage(before)->from;
    addition.incoming[i] = {before, provenance.storage(before)->view};
  }
  return addition;
}

/// Whether the versions are made in different branches of one op, of one
/// version that comes in.
bool Planner::isOneResult(const Addition &one, const Addition &other) {
  auto around = branchesAroundEither(one.maker(), other.maker());
  return around && one.incoming[*around - 1].version ==
                       other.incoming[*around - 1].version;
}

Status Planner::check(const FuncOp &function, const LostUpdate &lost) {
  if (Operation loop = loopAround(lost))
    return refuse(function, lost,
                  "it is made inside of " + quote(loop.name()) +
                      ", where each iteration starts from the old value "
                      "again; let the loop carry it");
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
    ReturnPlan &plan = plans.at(name);
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

void Planner::order(const std::string &name, std::vector<ReturnPlan> &into) {
  auto entry = plans.find(name);
  if (entry == plans.end())
    return;
  ReturnPlan plan = std::move(entry->second);
  plans.erase(entry);
  for (const Addition &addition : plan.additions)
    if (!addition.lost.calls.empty())
      order(callees.calleeOf(addition.lost.calls.front().call)->name(), into);
  into.push_back(std::move(plan));
}

} // namespace

std::optional<std::vector<ReturnPlan>> kvlift::planReturns(Operation module,
                                                           DiagnosticLog &log) {
  return Planner(module, log).run();
}
