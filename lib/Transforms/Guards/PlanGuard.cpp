//===- PlanGuard.cpp - How a scatter can be kept in range -----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Updates/GuardedWrite.h"
#include "ScatterGuard.h"
#include "kvlift/IndexFacts.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// The marker of a float type; nothing for types without signalling NaNs.
std::optional<Marker> markerOf(Type element) {
  constexpr std::pair<std::string_view, Marker> markers[] = {
      {"f64", {0x7FF7FFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF}},
      {"f32", {0x7FBFFFFF, 0x7FFFFFFF}},
      {"f16", {0x7DFF, 0x7FFF}},
      {"bf16", {0x7FBF, 0x7FFF}}};
  for (const auto &[name, marker] : markers)
    if (element.print() == name)
      return marker;
  return std::nullopt;
}

/// What `body` leaves an integer as it is with; nothing when there is none. On
/// booleans, adding is `or`, multiplying is `and`.
std::optional<int64_t> integerIdentity(std::string_view body, Type element) {
  unsigned width = element.bitWidth();
  bool isUnsigned = element.isUnsignedInteger() || width == 1;
  int64_t ones = isUnsigned && width < 64 ? (int64_t(1) << width) - 1 : -1;
  int64_t top = width >= 64 ? INT64_MAX : (int64_t(1) << (width - 1)) - 1;
  if (body == "stablehlo.add" || body == "stablehlo.or" ||
      body == "stablehlo.xor")
    return 0;
  if (body == "stablehlo.multiply")
    return 1;
  if (body == "stablehlo.and")
    return ones;
  if (body == "stablehlo.minimum")
    return isUnsigned ? ones : top;
  if (body == "stablehlo.maximum")
    return isUnsigned ? 0 : -top - 1;
  return std::nullopt;
}

/// The only op of a scatter's body, if it takes both arguments.
Operation combinationOf(Operation scatter) {
  Block body = scatter.regions().front().firstBlock();
  Operation op = body.firstOp(), last = body.terminator();
  if (op == last || !(op.next() == last) || op.numOperands() != 2 ||
      !(last.operand(0) == op.result()))
    return {};
  Value x = body.argument(0), y = body.argument(1);
  bool takesBoth = (op.operand(0) == x && op.operand(1) == y) ||
                   (op.operand(0) == y && op.operand(1) == x);
  return takesBoth ? op : Operation();
}

/// Finds how the body can be made to leave an element alone.
bool findNeutral(GuardPlan &plan) {
  Operation op = combinationOf(plan.scatter);
  Type type = plan.scatter.operand(2).type(), element = type.element();
  if (!op)
    return false;
  if (!element.isInteger()) {
    constexpr std::string_view names[] = {"stablehlo.add", "stablehlo.multiply",
                                          "stablehlo.minimum",
                                          "stablehlo.maximum"};
    if (std::ranges::count(names, op.name()))
      plan.marker = markerOf(element);
    return plan.marker.has_value();
  }
  if (auto value = integerIdentity(op.name(), element))
    plan.identity = Attribute::splat(type, Attribute::integer(element, *value));
  return bool(plan.identity);
}

/// The extents of the windows, in the layout of the operand.
Dims windowsOf(Operation scatter, const ScatterNumbers &numbers) {
  int64_t inputs = scatterInputs(scatter);
  Dims update = scatter.operand(inputs + 1).type().shape();
  Dims windows(scatter.operand(0).type().rank(), 1);
  size_t next = 0;
  for (size_t dim = 0; dim < windows.size(); ++dim)
    if (std::ranges::count(numbers.insertedWindowDims, int64_t(dim)) +
            std::ranges::count(numbers.inputBatchingDims, int64_t(dim)) ==
        0)
      windows[dim] = update[numbers.updateWindowDims[next++]];
  return windows;
}

/// Finds which index vectors are in range; whether windows longer than one
/// element may not be.
bool findRange(GuardPlan &plan) {
  Value indices = plan.scatter.operand(scatterInputs(plan.scatter));
  Dims operand = plan.scatter.operand(0).type().shape();
  Dims windows = windowsOf(plan.scatter, plan.numbers);
  int64_t vectorDim = plan.numbers.indexVectorDim;
  IndexFacts facts;
  bool mayCross = false;
  for (size_t c = 0; c < plan.numbers.scatterDimsToOperandDims.size(); ++c) {
    int64_t dim = plan.numbers.scatterDimsToOperandDims[c];
    Window part = Window::whole(indices.type());
    if (vectorDim < indices.type().rank()) {
      part.low[vectorDim] = c;
      part.high[vectorDim] = c + 1;
    }
    plan.last.push_back(operand[dim] - windows[dim]);
    bool fits = facts.of(indices, part).range.isWithin(0, plan.last[c] + 1);
    plan.isInRange &= fits;
    mayCross |= !fits && windows[dim] > 1;
  }
  return mayCross;
}

/// Why a scatter that may write out of range cannot be guarded; empty when it
/// can.
std::string obstacleToGuard(GuardPlan &plan) {
  int64_t inputs = scatterInputs(plan.scatter);
  Type element = plan.scatter.operand(inputs).type().element();
  bool isNarrow = element.bitWidth() < 32 || element.isUnsignedInteger() ||
                  !std::ranges::all_of(
                      plan.scatter.operand(0).type().shape(),
                      [&](int64_t extent) { return canHold(element, extent); });
  if (plan.isSpread && (inputs > 1 || isNarrow))
    return "it has several inputs or narrow indices, and windows that may lie "
           "across the edge";
  if (!element.isInteger() ||
      (element.isUnsignedInteger() && element.bitWidth() > 32))
    return "its index type is " + element.print();
  if (scatterOverwrites(plan.scatter))
    return "";
  if (inputs > 1)
    return "its body combines several inputs";
  return findNeutral(plan)
             ? ""
             : "its body is not one add, multiply, minimum, maximum, and, or, "
               "xor of both values";
}

} // namespace

std::optional<GuardPlan> kvlift::planGuard(Operation scatter,
                                           std::string &reason) {
  for (Value value : scatter.operands())
    if (!value.type().isStaticTensor()) {
      reason = "its shapes are dynamic";
      return std::nullopt;
    }
  GuardPlan plan{scatter, scatterNumbersOf(scatter), true, {}, {}, {}};
  bool mayCross = findRange(plan);
  Value update = scatter.operand(scatterInputs(scatter) + 1);
  if (plan.isInRange || update.type().elementCount() == 0 ||
      scatter.operand(0).type().elementCount() == 0)
    return plan;
  plan.isSpread = mayCross || !plan.numbers.inputBatchingDims.empty();
  reason = obstacleToGuard(plan);
  return reason.empty() ? std::optional(plan) : std::nullopt;
}
