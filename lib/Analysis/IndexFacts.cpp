//===- IndexFacts.cpp - Which positions does an index tensor name? --------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Facts are asked for windows: the part of a concatenation, of a constant or of
// an iota that one component of an index vector takes. Every rule maps the
// window to its operands'; IndexShapes.cpp has those that move elements.
//
//===----------------------------------------------------------------------===//

#include "kvlift/IndexFacts.h"
#include "kvlift/IndexArithmetic.h"
#include "kvlift/LoopCounter.h"

#include <algorithm>

using namespace kvlift;

Window Window::whole(Type tensor) {
  return {Dims(tensor.rank(), 0), tensor.shape()};
}

int64_t Window::elementCount() const {
  int64_t count = 1;
  for (size_t d = 0; d < low.size(); ++d)
    count *= extent(d);
  return count;
}

/// What the type alone says.
static Interval elementRange(Type element) {
  unsigned width = element.bitWidth();
  if (!element.isInteger())
    return typeRange(64);
  if (width == 1)
    return {0, 1};
  if (element.isUnsignedInteger() && width < 64)
    return {0, (int64_t(1) << width) - 1};
  return typeRange(width);
}

static bool isTracked(Type element) {
  return element.isInteger() && !element.isUnsignedInteger() &&
         element.bitWidth() >= 8 && element.bitWidth() <= 64;
}

static IndexFact leaf(Type element, const Window &window) {
  std::vector<bool> varies(window.low.size());
  for (size_t d = 0; d < varies.size(); ++d)
    varies[d] = window.extent(d) > 1;
  return unknownFact(element.bitWidth(), elementRange(element), varies);
}

IndexFact IndexFacts::of(Value value, const Window &window) {
  constexpr int visits = 1000;
  budget = visits;
  return visit(value, window);
}

/// A single element that nothing else is known of is its own base.
static void becomeBase(IndexFact &fact, Value value, const Window &window) {
  fact.isAffine = fact.isExact = true;
  fact.wrap = std::nullopt;
  fact.base = Element{value, window.low};
  fact.offset = 0;
}

IndexFact IndexFacts::visit(Value value, const Window &window) {
  Type element = value.type().element();
  std::optional<IndexFact> fact;
  Operation op = value.definingOp();
  int64_t count = window.elementCount();
  if (op && isTracked(element) && count > 0 && --budget > 0)
    fact = visitOp(op, window);
  if (!fact) {
    fact = leaf(element, window);
    if (auto range = counterRange(value))
      fact->range = {range->first, range->second};
  }
  if (count == 1 && (!fact->isAffine || fact->wrap)) {
    auto constant = constantOf(*fact);
    if (constant)
      return constantFact(fact->width, *constant, window.low.size());
    becomeBase(*fact, value, window);
  }
  return *fact;
}

static std::optional<IndexFact> ofIota(Operation op, const Window &window) {
  auto dim = op.attribute("iota_dimension").asInteger();
  if (!dim)
    return std::nullopt;
  IndexFact fact = leaf(op.result().type().element(), window);
  int64_t first = window.low[*dim], last = window.high[*dim] - 1;
  fact.isAffine = true;
  fact.isExact = last <= typeRange(fact.width).high;
  if (fact.isExact)
    fact.range = {first, last};
  fact.offset = wrapTo(fact.width, first);
  for (size_t d = 0; d < fact.varies.size(); ++d)
    fact.varies[d] = fact.varies[d] && static_cast<int64_t>(d) == *dim;
  fact.steps[*dim] = fact.varies[*dim];
  return fact;
}

using FactsOfTwo = IndexFact(const IndexFact &, const IndexFact &);

static constexpr std::pair<std::string_view, FactsOfTwo *> binaries[] = {
    {"stablehlo.add", addFacts},
    {"stablehlo.subtract", subtractFacts},
    {"stablehlo.multiply", multiplyFacts},
    {"stablehlo.remainder", remainderFacts},
    {"stablehlo.minimum", minimumFacts},
    {"stablehlo.maximum", maximumFacts},
};

std::optional<IndexFact> IndexFacts::visitOp(Operation op,
                                             const Window &window) {
  // The rules read extents.
  for (Value operand : op.operands())
    if (!operand.type().isStaticTensor())
      return std::nullopt;
  for (const auto &[name, combine] : binaries)
    if (op.is(name))
      return combine(visit(op.operand(0), window),
                     visit(op.operand(1), window));
  if (op.is("stablehlo.constant"))
    return ofConstant(op, window);
  if (op.is("stablehlo.iota") || op.is("stablehlo.dynamic_iota"))
    return ofIota(op, window);
  if (op.is("stablehlo.broadcast_in_dim") ||
      op.is("stablehlo.dynamic_broadcast_in_dim"))
    return ofBroadcast(op, window);
  if (op.is("stablehlo.reshape") || op.is("stablehlo.dynamic_reshape"))
    return ofReshape(op, window);
  if (op.is("stablehlo.transpose"))
    return ofTranspose(op, window);
  if (op.is("stablehlo.concatenate"))
    return ofConcatenate(op, window);
  if (op.is("stablehlo.slice"))
    return ofSlice(op, window);
  if (op.is("stablehlo.dynamic_slice"))
    return ofDynamicSlice(op, window);
  if (op.is("stablehlo.gather"))
    return ofGather(op);
  if (op.is("stablehlo.convert"))
    return ofConvert(op, window);
  if (op.is("stablehlo.select"))
    return ofSelect(op, window);
  if (op.is("stablehlo.clamp"))
    return ofClamp(op, window);
  return std::nullopt;
}

/// A fact about one bound for a whole window.
static IndexFact spread(const IndexFact &bound, const IndexFact &like) {
  if (auto value = constantOf(bound))
    return constantFact(like.width, *value, like.varies.size());
  return unknownFact(like.width, bound.range,
                     std::vector<bool>(like.varies.size(), true));
}

std::optional<IndexFact> IndexFacts::ofClamp(Operation op,
                                             const Window &window) {
  auto bound = [&](int64_t operand) {
    Value value = op.operand(operand);
    return visit(value, value.type().rank() == 0 ? Window{} : window);
  };
  IndexFact value = visit(op.operand(1), window);
  IndexFact raised = maximumFacts(value, spread(bound(0), value));
  return minimumFacts(raised, spread(bound(2), value));
}

std::optional<IndexFact> IndexFacts::ofConvert(Operation op,
                                               const Window &window) {
  Type from = op.operand(0).type().element();
  Type to = op.result().type().element();
  if (!from.isInteger() || (from.isUnsignedInteger() && from.bitWidth() >= 64))
    return std::nullopt;
  IndexFact fact = visit(op.operand(0), window);
  // Beyond its own range, what a conversion between signs gives is not this.
  if (!isTracked(from) && fact.width >= to.bitWidth())
    return std::nullopt;
  return convertFact(fact, to.bitWidth());
}

static bool isDirection(Operation compare, std::string_view direction) {
  return compare.attribute("comparison_direction")
      .print()
      .ends_with(std::string(direction) + ">");
}

/// What the operands' ranges say about a comparison.
std::optional<bool> IndexFacts::truthOf(Value condition, const Window &window) {
  Operation compare = condition.definingOp();
  if (!compare || !compare.is("stablehlo.compare") ||
      !isTracked(compare.operand(0).type().element()))
    return std::nullopt;
  for (Value operand : compare.operands())
    if (!operand.type().isStaticTensor())
      return std::nullopt;
  Interval a = visit(compare.operand(0), window).range;
  Interval b = visit(compare.operand(1), window).range;
  struct {
    std::string_view direction;
    bool always, never;
  } rules[] = {
      {"LT", a.high < b.low, a.low >= b.high},
      {"LE", a.high <= b.low, a.low > b.high},
      {"GT", a.low > b.high, a.high <= b.low},
      {"GE", a.low >= b.high, a.high < b.low},
      {"EQ", a.low == a.high && b.low == b.high && a.low == b.low,
       a.high < b.low || b.high < a.low},
      {"NE", a.high < b.low || b.high < a.low,
       a.low == a.high && b.low == b.high && a.low == b.low},
  };
  for (const auto &rule : rules)
    if (isDirection(compare, rule.direction) && (rule.always || rule.never))
      return rule.always;
  return std::nullopt;
}

static bool areSameAffine(const IndexFact &a, const IndexFact &b) {
  return a.isAffine && b.isAffine && !a.wrap && !b.wrap && a.base == b.base &&
         a.steps == b.steps;
}

/// select(x < 0, x + S, x): x with its negative elements counted from the end.
static std::optional<IndexFact> wrapped(const IndexFact &compared,
                                        const IndexFact &limit,
                                        const IndexFact &onTrue,
                                        const IndexFact &onFalse) {
  // In another width, the sign that is compared is another number's.
  if (!areSameAffine(compared, onFalse) || !areSameAffine(onTrue, onFalse) ||
      compared.offset != onFalse.offset || compared.width != onFalse.width ||
      constantOf(limit) != 0)
    return std::nullopt;
  int64_t added =
      wrapTo(onFalse.width, uint64_t(onTrue.offset) - uint64_t(onFalse.offset));
  if (added <= 0)
    return std::nullopt;
  IndexFact fact = onFalse;
  fact.wrap = added;
  fact.isExact = false;
  fact.range = {std::min<int64_t>(0, onFalse.range.low + added),
                std::max(onFalse.range.high, added - 1)};
  return fact;
}

std::optional<IndexFact> IndexFacts::ofSelect(Operation op,
                                              const Window &window) {
  Value condition = op.operand(0);
  bool isScalar = condition.type().rank() == 0 && !window.low.empty();
  Window of = isScalar ? Window{} : window;
  IndexFact onTrue = visit(op.operand(1), window);
  IndexFact onFalse = visit(op.operand(2), window);
  if (auto truth = truthOf(condition, of))
    return *truth ? onTrue : onFalse;
  Operation compare = condition.definingOp();
  if (!isScalar && compare && compare.is("stablehlo.compare") &&
      isDirection(compare, "LT") &&
      isTracked(compare.operand(0).type().element()) &&
      compare.operand(0).type().isStaticTensor() &&
      compare.operand(1).type().isStaticTensor())
    if (auto fact = wrapped(visit(compare.operand(0), window),
                            visit(compare.operand(1), window), onTrue, onFalse))
      return fact;
  IndexFact fact = eitherFact(onTrue, onFalse);
  // Which of the two it is may change from element to element.
  for (size_t d = 0; d < fact.varies.size(); ++d)
    fact.varies[d] = window.extent(d) > 1;
  return fact;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static std::string printBase(const Element &base) {
  std::string name = base.tensor.isBlockArgument()
                         ? "arg" + std::to_string(base.tensor.argumentNumber())
                         : std::string(base.tensor.definingOp().name());
  std::vector<std::string> at;
  for (int64_t i : base.at)
    at.push_back(std::to_string(i));
  return name + "[" + join(at, ", ") + "]";
}

std::string IndexFact::print() const {
  std::vector<std::string> terms;
  if (isAffine) {
    if (base)
      terms.push_back(printBase(base));
    if (offset != 0)
      terms.push_back(std::to_string(offset));
    for (size_t d = 0; d < steps.size(); ++d)
      if (steps[d] != 0)
        terms.push_back((steps[d] == 1 ? "" : std::to_string(steps[d]) + "*") +
                        "d" + std::to_string(d));
    if (terms.empty())
      terms.push_back("0");
  }
  std::string text = isAffine ? join(terms, " + ") : "unknown";
  if (wrap)
    text += ", negative ones + " + std::to_string(*wrap);
  std::vector<std::string> along;
  for (size_t d = 0; d < varies.size(); ++d)
    if (!isAffine && varies[d])
      along.push_back("d" + std::to_string(d));
  if (!along.empty())
    text += " along " + join(along, ", ");
  if (range.low == INT64_MIN && range.high == INT64_MAX)
    return text;
  return text + " in [" + std::to_string(range.low) + ", " +
         std::to_string(range.high) + "]";
}
