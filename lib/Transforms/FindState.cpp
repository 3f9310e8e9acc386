//===- FindState.cpp - kvlift-find-state ----------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each public function, first what somebody said, then what the IR shows:
// 1. Slots that are marked already.
// 2. The pairs of the `state` option.
// 3. Provenance: a result whose chain of updates is rooted at an argument of
//    its own type, when no other result has that root. Never by shape, order or
//    name. Masks, paddings and counters count when nothing else returns a
//    version of the argument. A remark says why an update is not tied.
// 4. `tf.aliasing_output` and `iree.abi.output` on arguments that are left. JAX
//    pairs donated buffers by shape, so one that provenance contradicts says
//    where memory may go, not what is state: it is dropped with a remark.
// 5. Updates that no result carries are lost: an error, unless the option
//    `lost-updates` says `return` (for kvlift-return-updates) or `ignore`.
//
// Refused: marks that contradict each other or the IR.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <algorithm>
#include <set>

using namespace kvlift;

namespace {

constexpr std::string_view stateOption = "option 'state'";

/// A pair that the user named: `arg3:result1`.
struct Pair {
  int64_t argument, result;
  /// What the user calls the slot; empty when it keeps the argument's name.
  std::string name = {};
};

/// Slots found in one function, and what is taken already.
class Finder {
public:
  Finder(const FuncOp &function, DiagnosticLog &log)
      : function(function), log(log) {}

  Status readMarks() {
    auto slots = readSlots(function, log);
    if (!slots || !readSlicedSlots(function, *slots, log) ||
        checkInitialValues(function, log).failed())
      return Status::failure();
    for (const Slot &slot : *slots)
      take({slot.argument, slot.result});
    return Status::success();
  }

  /// Adds the pairs of the `state` option.
  Status addNamed(const std::vector<Pair> &pairs) {
    for (Pair pair : pairs) {
      if (!isPossible(pair, stateOption))
        return Status::failure();
      add(pair);
    }
    named = pairs;
    return Status::success();
  }

  Status readAttributes();
  void infer(Callees &callees);
  Status reportLost(const std::string &policy, LostUpdates &updates);

  void apply() const {
    std::vector<AttributeEdit> edits;
    std::vector<NewSlot> slots;
    for (const auto &[argument, name] : stale)
      edits.push_back({argument, name, {}});
    for (const Pair &pair : added) {
      if (!pair.name.empty())
        edits.push_back(
            {pair.argument, marks::name,
             Attribute::string(function.operation().context(), pair.name)});
      slots.push_back({pair.argument, pair.result, "inferred"});
    }
    function.editArgumentAttributes(edits);
    markSlots(function, slots);
  }

private:
  /// The results that carry versions of one argument.
  struct Candidates {
    /// Updated and in the argument's form, and updated in another form.
    std::vector<int64_t> results, otherForms;
    /// How many carry any version, the argument itself included.
    int64_t versions = 0;
    /// Whether a part is written for certain: more than a mask or a counter.
    bool isWritten = false;
  };

  bool isTakenInByNamed(const LostUpdate &lost) const;
  void addCandidates(const Provenance &provenance);
  void remarkNotTied(int64_t argument, const Candidates &found);
  void remarkNoOrigin(int64_t result, const NoOrigin *why);

  bool isNamed(int64_t argument) const {
    return function.argumentAttribute(argument, marks::aliasing) ||
           function.argumentAttribute(argument, marks::ireeOutput);
  }
  bool isNamedResult(int64_t result) const {
    for (int64_t i = 0, n = function.numArguments(); i < n; ++i)
      for (std::string_view name : {marks::aliasing, marks::ireeOutput})
        if (function.argumentAttribute(i, name).asInteger() == result)
          return true;
    return false;
  }
  /// Whether the pair can be tied at all; reports why not.
  bool isPossible(Pair pair, std::string_view source);
  bool isTaken(Pair pair) const {
    return arguments.count(pair.argument) || results.count(pair.result);
  }

  void add(Pair pair) {
    take(pair);
    added.push_back(pair);
  }

  void take(Pair pair) {
    arguments.insert(pair.argument);
    results.insert(pair.result);
    tied.emplace(pair.argument, pair.result);
  }

  FuncOp function;
  DiagnosticLog &log;
  std::set<int64_t> arguments, results;
  std::set<std::pair<int64_t, int64_t>> tied;
  std::map<int64_t, Candidates> candidates;
  std::vector<Pair> added;
  /// Those of the `state` option.
  std::vector<Pair> named;
  /// Aliasing attributes that provenance contradicts: argument and name.
  std::vector<std::pair<int64_t, std::string_view>> stale;
};

bool Finder::isPossible(Pair pair, std::string_view source) {
  std::string why;
  if (pair.argument < 0 || pair.argument >= function.numArguments() ||
      pair.result < 0 || pair.result >= function.numResults())
    why = "the function has " + std::to_string(function.numArguments()) +
          " arguments and " + std::to_string(function.numResults()) +
          " results";
  else if (Type from = function.argumentType(pair.argument),
           to = function.resultType(pair.result);
           !(from == to))
    why = "the argument is " + from.print() + ", the result is " + to.print();
  else if (source == stateOption && isTaken(pair))
    why = "one of them is part of another slot";
  if (why.empty())
    return true;
  log.error(function.operation().location(),
            std::string(source) + " cannot tie argument #" +
                std::to_string(pair.argument) + " to result #" +
                std::to_string(pair.result) + " of function " +
                quote(function.name()) + ": " + why);
  return false;
}

Status Finder::readAttributes() {
  for (std::string_view name : {marks::aliasing, marks::ireeOutput})
    for (int64_t i = 0, n = function.numArguments(); i < n; ++i) {
      auto result = function.argumentAttribute(i, name).asInteger();
      if (!result)
        continue;
      Pair pair{i, *result};
      if (!isPossible(pair, name))
        return Status::failure();
      if (!isTaken(pair)) {
        add(pair);
        continue;
      }
      if (tied.count({pair.argument, pair.result}))
        continue;
      stale.emplace_back(i, name);
      log.remark(function.operation().location(),
                 std::string(name) + " pairs argument #" + std::to_string(i) +
                     " with result #" + std::to_string(*result) +
                     ", but the updates lead elsewhere; it is dropped");
    }
  return Status::success();
}

void Finder::addCandidates(const Provenance &provenance) {
  Operation last = function.returnOp();
  for (int64_t i = 0, n = last.numOperands(); i < n; ++i) {
    const auto *origin = provenance.storage(last.operand(i));
    if (!origin) {
      remarkNoOrigin(i, provenance.noOrigin(last.operand(i)));
      continue;
    }
    int64_t argument = origin->argument;
    if (arguments.count(argument) || results.count(i) ||
        function.argumentAttribute(argument, marks::kind))
      continue;
    Candidates &found = candidates[argument];
    ++found.versions;
    if (origin->strongest < Change::replaced && !origin->isCounter)
      continue;
    found.isWritten |= origin->strongest == Change::written;
    bool isWhole = origin->hasView && origin->view.empty() &&
                   function.argumentType(argument) == function.resultType(i);
    (isWhole ? found.results : found.otherForms).push_back(i);
  }
}

void Finder::infer(Callees &callees) {
  const Provenance *provenance = callees.provenanceOf(function);
  if (!provenance)
    return;
  addCandidates(*provenance);
  for (const auto &[argument, found] : candidates) {
    // What only looks like state must not come back in two versions, nor be
    // part of a pair that somebody named.
    bool isOne =
        found.results.size() == 1 &&
        (found.isWritten || (found.versions == 1 && !isNamed(argument) &&
                             !isNamedResult(found.results.front())));
    if (isOne)
      add({argument, found.results.front()});
    else if (found.isWritten && !isNamed(argument))
      remarkNotTied(argument, found);
  }
}

/// An attribute may say which result it is; otherwise the user can.
void Finder::remarkNotTied(int64_t argument, const Candidates &found) {
  Location where = function.returnOp().location();
  std::string text =
      "argument " + quote(argumentName(function, argument)) + " is not tied: ";
  if (!found.results.empty()) {
    log.remark(where, text + std::to_string(found.results.size()) +
                          " results carry versions of it")
        .note(where, "name one with state=arg" + std::to_string(argument) +
                         ":result" + std::to_string(found.results.front()));
    return;
  }
  int64_t result = found.otherForms.front();
  Type from = function.argumentType(argument);
  Type to = function.resultType(result);
  log.remark(
      where,
      text + "result #" + std::to_string(result) + " carries its update " +
          (from == to ? "with other dims"
                      : "as " + to.print() + ", not as " + from.print()));
}

/// Says why an update that is returned has no argument to be tied to.
void Finder::remarkNoOrigin(int64_t result, const NoOrigin *why) {
  if (!why || (!why->update && why->why != NoOrigin::recursiveCall) ||
      results.count(result))
    return;
  Operation update = why->update ? why->update : why->at;
  Diagnostic &remark =
      log.remark(update.location(), "result #" + std::to_string(result) +
                                        " is not tied: " + explain(*why));
  if (why->why == NoOrigin::constant)
    remark.note(function.operation().location(),
                "to keep it between calls, make its first value an argument of "
                "function " +
                    quote(function.name()));
}

/// Whether the user has said that a value made of it is the new one.
bool Finder::isTakenInByNamed(const LostUpdate &lost) const {
  return std::any_of(named.begin(), named.end(), [&](const Pair &pair) {
    return pair.argument == lost.argument &&
           isTakenIn(lost, function.returnOp().operand(pair.result));
  });
}

Status Finder::reportLost(const std::string &policy, LostUpdates &updates) {
  if (policy == "return")
    return Status::success();
  const std::vector<LostUpdate> &lost = updates.in(function);
  Severity severity = policy == "ignore" ? Severity::remark : Severity::error;
  std::set<std::pair<const void *, int64_t>> reported;
  bool isAnyLost = false;
  for (const LostUpdate &each : lost) {
    if (isTakenInByNamed(each) ||
        !reported.insert({each.version.raw.ptr, each.argument}).second)
      continue;
    isAnyLost = true;
    std::string name = argumentName(function, each.argument);
    Diagnostic &report =
        log.report(severity, each.update.location(),
                   "lost update of argument " + quote(name) +
                       ": no result carries what " + quote(each.update.name()) +
                       " writes, so it vanishes after the "
                       "call");
    Location argument = function.body().argument(each.argument).location();
    report.note(argument,
                "argument #" + std::to_string(each.argument) + " enters here");
    for (const CallStep &step : each.calls)
      report.note(step.call.location(), "and is passed on here");
    if (severity != Severity::error)
      continue;
    Operation loop = loopAround(each);
    report.note(each.update.location(),
                (loop ? "carry it out of " + quote(loop.name()) + ", or "
                      : std::string("pass lost-updates=return to return "
                                    "it, or ")) +
                    "lost-updates=ignore to accept the loss");
  }
  return !isAnyLost || policy == "ignore" ? Status::success()
                                          : Status::failure();
}

/// Parses `arg3:result1,arg4:result2:name`.
std::optional<std::vector<Pair>> parsePairs(std::string_view text) {
  std::vector<Pair> pairs;
  while (!text.empty()) {
    std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    size_t colon = item.find(':');
    if (colon == std::string_view::npos)
      return std::nullopt;
    auto argument = numberAfter(item.substr(0, colon), "arg");
    std::string_view rest = item.substr(colon + 1);
    std::string_view resultText = rest.substr(0, rest.find(':'));
    auto result = numberAfter(resultText, "result");
    if (!argument || !result)
      return std::nullopt;
    rest.remove_prefix(std::min(rest.size(), resultText.size() + 1));
    pairs.push_back({*argument, *result, std::string(rest)});
  }
  return pairs;
}

} // namespace

Status kvlift::findState(Operation module, const PassOptions &options,
                         DiagnosticLog &log) {
  std::string policy = optionOr(options, "lost-updates", "error");
  if (policy != "error" && policy != "return" && policy != "ignore") {
    log.error({}, "lost-updates=" + policy +
                      " is not one of error, return, ignore");
    return Status::failure();
  }
  std::string stateText = optionOr(options, "state", "");
  auto pairs = parsePairs(stateText);
  if (!pairs) {
    log.error({}, "state=" + stateText +
                      " does not have the form arg3:result1,arg4:result2");
    return Status::failure();
  }

  Callees callees(module);
  LostUpdates updates(callees);
  std::vector<Finder> finders;
  bool failed = false;
  for (const FuncOp &function : functionsOf(module)) {
    if (!function.isPublic())
      continue;
    Finder &finder = finders.emplace_back(function, log);
    failed |= finder.readMarks().failed();
    failed |= finder.addNamed(*pairs).failed();
    finder.infer(callees);
    failed |= finder.readAttributes().failed();
    failed |= finder.reportLost(policy, updates).failed();
  }
  if (failed)
    return Status::failure();
  for (const Finder &finder : finders)
    finder.apply();
  return Status::success();
}
