//===- State.cpp - Slots, and how functions carry them --------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/State.h"
#include "StorageMarks.h"
#include "kvlift/Provenance.h"

#include <algorithm>
#include <map>
#include <set>

using namespace kvlift;

namespace {

/// Marked positions on one side, by slot name; reports a name used twice.
std::optional<std::map<std::string, int64_t>>
markedPositions(const FuncOp &function, bool arguments, DiagnosticLog &log) {
  std::map<std::string, int64_t> positions;
  int64_t count = arguments ? function.numArguments() : function.numResults();
  for (int64_t i = 0; i < count; ++i) {
    Attribute mark = arguments ? function.argumentAttribute(i, marks::slot)
                               : function.resultAttribute(i, marks::slot);
    std::optional<std::string> name = mark.asString();
    if (!name || positions.emplace(*name, i).second)
      continue;
    std::string side = arguments ? "argument" : "result";
    log.error(function.operation().location(),
              "slot " + quote(*name) + " is on " + side + " #" +
                  std::to_string(positions[*name]) + " and on " + side + " #" +
                  std::to_string(i) + " of function " + quote(function.name()) +
                  "; a slot has one of each");
    return std::nullopt;
  }
  return positions;
}

} // namespace

std::optional<std::vector<Slot>> kvlift::readSlots(const FuncOp &function,
                                                   DiagnosticLog &log) {
  auto arguments = markedPositions(function, /*arguments=*/true, log);
  auto results = markedPositions(function, /*arguments=*/false, log);
  if (!arguments || !results)
    return std::nullopt;

  Location where = function.operation().location();
  for (const auto &[name, index] : *results)
    if (!arguments->count(name)) {
      log.error(where, "slot " + quote(name) + " is on result #" +
                           std::to_string(index) +
                           " but on no argument of function " +
                           quote(function.name()));
      return std::nullopt;
    }
  std::vector<Slot> slots;
  for (const auto &[name, argument] : *arguments) {
    auto result = results->find(name);
    if (result == results->end()) {
      log.error(where, "slot " + quote(name) + " is on argument #" +
                           std::to_string(argument) +
                           " but on no result of function " +
                           quote(function.name()));
      return std::nullopt;
    }
    Type from = function.argumentType(argument);
    Type to = function.resultType(result->second);
    if (!(from == to)) {
      log.error(where, "slot " + quote(name) + " cannot be tied: argument #" +
                           std::to_string(argument) + " is " + from.print() +
                           ", result #" + std::to_string(result->second) +
                           " is " + to.print());
      return std::nullopt;
    }
    slots.push_back({name, argument, result->second});
  }
  std::sort(slots.begin(), slots.end(), [](const Slot &a, const Slot &b) {
    return a.argument < b.argument;
  });
  return slots;
}

/// Reports a name that is no UTF-8.
static Status checkNames(const FuncOp &function, DiagnosticLog &log) {
  Location where = function.operation().location();
  auto check = [&](const std::string &name, const std::string &what) {
    if (isUtf8(name))
      return true;
    log.error(where, what + " is called " + quote(name) +
                         ", which is not UTF-8; rename it");
    return false;
  };
  bool isFine = check(function.name(), "a function");
  std::string of = " of function " + quote(function.name());
  for (int64_t i = 0, n = function.numArguments(); i < n; ++i) {
    std::string what = "argument #" + std::to_string(i) + of;
    isFine &= check(argumentName(function, i), what);
    isFine &= check(
        function.argumentAttribute(i, marks::slot).asString().value_or(""),
        "the slot of " + what);
  }
  for (int64_t i = 0, n = function.numResults(); i < n; ++i)
    isFine &=
        check(function.resultAttribute(i, marks::name).asString().value_or(""),
              "result #" + std::to_string(i) + of);
  return isFine ? Status::success() : Status::failure();
}

std::optional<std::vector<PublicFunction>>
kvlift::readPublicFunctions(Operation module, DiagnosticLog &log) {
  std::vector<PublicFunction> all;
  for (const FuncOp &function : functionsOf(module)) {
    if (!function.isPublic())
      continue;
    auto slots = readSlots(function, log);
    if (!slots || checkNames(function, log).failed() ||
        checkStorageMarks(function, log).failed())
      return std::nullopt;
    all.push_back({function, std::move(*slots)});
  }
  if (checkSharedSlots(all, log).failed())
    return std::nullopt;
  return all;
}

/// Locations may call two arguments the same; slots may not be.
static std::string uniqueName(const std::string &wanted,
                              std::set<std::string> &taken) {
  std::string name = wanted;
  for (int suffix = 1; !taken.insert(name).second; ++suffix)
    name = wanted + "_" + std::to_string(suffix);
  return name;
}

/// What the source calls the argument, if it calls it anything.
static std::optional<std::string> givenName(const FuncOp &function,
                                            int64_t index) {
  if (auto name = function.argumentAttribute(index, marks::name).asString())
    return *name;
  if (!function.isDeclaration())
    if (SourceLocation place(function.body().argument(index).location());
        !place.name.empty())
      return place.name;
  return std::nullopt;
}

/// Functions share slots by name, and a mere number is no name: beside other
/// public functions the slot of an argument without one gets its function's.
static std::string slotName(const FuncOp &function, int64_t argument) {
  if (auto name = givenName(function, argument))
    return *name;
  std::vector<FuncOp> all = functionsOf(function.operation().parentOp());
  auto isPublic = [](const FuncOp &each) { return each.isPublic(); };
  std::string number = argumentName(function, argument);
  return std::count_if(all.begin(), all.end(), isPublic) > 1
             ? function.name() + "." + number
             : number;
}

void kvlift::markSlots(const FuncOp &function,
                       const std::vector<NewSlot> &slots) {
  Context context = function.operation().context();
  std::set<std::string> taken;
  for (int64_t i = 0, n = function.numArguments(); i < n; ++i)
    if (auto name = function.argumentAttribute(i, marks::slot).asString())
      taken.insert(*name);
  std::vector<AttributeEdit> arguments, results;
  for (const auto &[argument, result, kind] : slots) {
    Attribute name = Attribute::string(
        context, uniqueName(slotName(function, argument), taken));
    arguments.push_back({argument, marks::slot, name});
    results.push_back({result, marks::slot, name});
    if (!function.argumentAttribute(argument, marks::kind))
      arguments.push_back(
          {argument, marks::kind, Attribute::string(context, kind)});
  }
  function.editArgumentAttributes(arguments);
  function.editResultAttributes(results);
}

std::string kvlift::argumentName(const FuncOp &function, int64_t index) {
  return givenName(function, index).value_or("arg" + std::to_string(index));
}
