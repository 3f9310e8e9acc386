//===- Manifest.cpp - A module's functions and slots as JSON --------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Json.h"
#include "kvlift/Provenance.h"
#include "kvlift/Replay.h"

using namespace kvlift;

namespace {

std::string jsonType(Type type) {
  if (!type.isRankedTensor())
    return "{\"shape\": [], \"dtype\": " + json::string(type.print()) + "}";
  std::vector<std::string> extents;
  for (int64_t extent : type.shape())
    extents.push_back(extent == Type::dynamicExtent ? "null"
                                                    : std::to_string(extent));
  return "{\"shape\": [" + join(extents, ", ") +
         "], \"dtype\": " + json::string(type.element().print()) + "}";
}

std::string jsonOptional(const std::optional<std::string> &text) {
  return text ? json::string(*text) : "null";
}

/// How the source nested arguments or results.
std::string jsonNesting(const FuncOp &function, std::string_view mark) {
  auto text = function.operation().attribute(mark).asString();
  return jsonOptional(text && isUtf8(*text) ? text : std::nullopt);
}

std::string jsonArgument(const FuncOp &function, int64_t i) {
  return "{\"index\": " + std::to_string(i) +
         ", \"name\": " + json::string(argumentName(function, i)) +
         ", \"type\": " + jsonType(function.argumentType(i)) + ", \"kind\": " +
         json::string(function.argumentAttribute(i, marks::kind)
                          .asString()
                          .value_or("user_input")) +
         ", \"slot\": " +
         jsonOptional(function.argumentAttribute(i, marks::slot).asString()) +
         ", \"sliced\": " +
         jsonOptional(function.argumentAttribute(i, marks::sliced).asString()) +
         "}";
}

std::string jsonResult(const FuncOp &function, int64_t i) {
  auto slot = function.resultAttribute(i, marks::slot).asString();
  auto rows = function.resultAttribute(i, marks::rows).asString();
  auto sliced =
      rows ? rows : function.resultAttribute(i, marks::start).asString();
  std::string name = function.resultAttribute(i, marks::name)
                         .asString()
                         .value_or(slot.value_or("result" + std::to_string(i)));
  return "{\"index\": " + std::to_string(i) +
         ", \"name\": " + json::string(name) +
         ", \"type\": " + jsonType(function.resultType(i)) +
         ", \"slot\": " + jsonOptional(slot) +
         ", \"sliced\": " + jsonOptional(sliced) + "}";
}

std::string jsonKind(const FuncOp &function, int64_t argument) {
  return json::string(function.argumentAttribute(argument, marks::kind)
                          .asString()
                          .value_or("inferred"));
}

std::string jsonTypes(const FuncOp &function, int64_t argument) {
  std::string order = "null";
  if (auto dims = storeOrder(function, argument)) {
    std::vector<std::string> numbers;
    for (int64_t dim : *dims)
      numbers.push_back(std::to_string(dim));
    order = "[" + join(numbers, ", ") + "]";
  }
  return "\"logical\": " + jsonType(logicalType(function, argument)) +
         ", \"store\": " + jsonType(function.argumentType(argument)) +
         ", \"order\": " + order;
}

std::string jsonSliced(const FuncOp &function, const SlicedSlot &slot) {
  std::vector<std::string> updates;
  for (const WrittenSlice &update : slot.updates)
    updates.push_back("{\"rows\": " + std::to_string(update.rows) +
                      ", \"start\": " + std::to_string(update.start) + "}");
  return "{\"name\": " + json::string(slot.name) +
         ", \"argument\": " + std::to_string(slot.argument) + ", " +
         jsonTypes(function, slot.argument) +
         ", \"kind\": " + jsonKind(function, slot.argument) +
         ", \"updates\": [" + join(updates, ", ") + "]}";
}

/// The op that makes the tied version, `value` when the whole value is
/// replaced, `none` when the argument passes through.
std::string updateOf(const FuncOp &function, const Provenance &provenance,
                     const Slot &slot) {
  if (function.isDeclaration() || !function.hasOneBlock())
    return "value";
  Value version = function.returnOp().operand(slot.result);
  const auto *origin = provenance.origin(version);
  if (!origin || origin->argument != slot.argument)
    return "value";
  return origin->update ? std::string(shortName(origin->update)) : "none";
}

std::string jsonObstacle(const Obstacle &obstacle) {
  return "{\"why\": " + json::string(obstacle.why) +
         ", \"op\": " + json::string(obstacle.op) +
         ", \"where\": " + json::string(obstacle.where.print()) +
         ", \"argument\": " +
         (obstacle.argument < 0 ? "null" : std::to_string(obstacle.argument)) +
         "}";
}

std::string jsonFunction(const FuncOp &function, const std::vector<Slot> &slots,
                         const std::vector<SlicedSlot> &sliced,
                         const std::vector<Obstacle> &found) {
  std::vector<std::string> arguments, results, ties, updates, obstacles;
  for (int64_t i = 0, n = function.numArguments(); i < n; ++i)
    arguments.push_back(jsonArgument(function, i));
  for (int64_t i = 0, n = function.numResults(); i < n; ++i)
    results.push_back(jsonResult(function, i));
  Provenance provenance(function);
  for (const Slot &slot : slots)
    ties.push_back(
        "{\"name\": " + json::string(slot.name) +
        ", \"argument\": " + std::to_string(slot.argument) +
        ", \"result\": " + std::to_string(slot.result) + ", " +
        jsonTypes(function, slot.argument) +
        ", \"kind\": " + jsonKind(function, slot.argument) + ", \"update\": " +
        json::string(updateOf(function, provenance, slot)) + ", \"verdict\": " +
        jsonOptional(function.argumentAttribute(slot.argument, marks::verdict)
                         .asString()) +
        ", \"role\": " +
        jsonOptional(
            function.argumentAttribute(slot.argument, marks::role).asString()) +
        "}");
  for (const SlicedSlot &slot : sliced)
    updates.push_back(jsonSliced(function, slot));
  for (const Obstacle &obstacle : found)
    obstacles.push_back(jsonObstacle(obstacle));
  return "{\"name\": " + json::string(function.name()) + ", \"arguments\": [" +
         join(arguments, ", ") + "], \"results\": [" + join(results, ", ") +
         "], \"slots\": [" + join(ties, ", ") + "], \"sliced\": [" +
         join(updates, ", ") + "], \"obstacles\": [" + join(obstacles, ", ") +
         "], \"inputs\": " + jsonNesting(function, marks::inputs) +
         ", \"outputs\": " + jsonNesting(function, marks::outputs) + "}";
}

} // namespace

std::optional<std::string> kvlift::manifestJson(Operation module,
                                                DiagnosticLog &log) {
  auto all = readPublicFunctions(module, log);
  if (!all)
    return std::nullopt;
  std::vector<std::string> functions;
  for (const auto &[function, slots] : *all) {
    auto sliced = readSlicedSlots(function, slots, log);
    if (!sliced)
      return std::nullopt;
    functions.push_back(jsonFunction(function, slots, *sliced,
                                     replayObstacles(function, module)));
  }
  return "{\"version\": 2, \"functions\": [" + join(functions, ", ") + "]}";
}
