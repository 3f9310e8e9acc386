//===- Identity.cpp - Ops that compilers fold to an operand ---------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Identity.h"

#include <algorithm>
#include <iterator>

using namespace kvlift;

/// Ops that give their first operand back if the result has its type.
static constexpr std::string_view retyped[] = {
    "stablehlo.convert", "stablehlo.slice", "stablehlo.dynamic_slice"};

/// Binary ops that give one operand back when the other is this number
/// everywhere.
struct Neutral {
  std::string_view op;
  double number;
  bool onLeft;
};

static constexpr Neutral neutral[] = {
    {"stablehlo.add", 0, true},
    {"stablehlo.subtract", 0, false},
    {"stablehlo.multiply", 1, true},
    {"stablehlo.divide", 1, false},
    {"stablehlo.power", 1, false},
    {"stablehlo.or", 0, true},
    {"stablehlo.xor", 0, true},
    {"stablehlo.and", -1, true},
    {"stablehlo.shift_left", 0, false},
    {"stablehlo.shift_right_logical", 0, false},
    {"stablehlo.shift_right_arithmetic", 0, false}};

static constexpr std::string_view idempotent[] = {
    "stablehlo.maximum", "stablehlo.minimum", "stablehlo.and", "stablehlo.or"};

/// Whether the value is a constant with this number everywhere.
static bool isEverywhere(Value value, double number) {
  constexpr int depthLimit = 8;
  for (int depth = 0; depth < depthLimit; ++depth) {
    Operation maker = value.definingOp();
    if (!maker)
      return false;
    if (maker.is("stablehlo.constant"))
      return maker.attribute("value").splatNumber() == number;
    if (!maker.is("stablehlo.broadcast_in_dim") &&
        !maker.is("stablehlo.reshape") && !maker.is("stablehlo.convert"))
      return false;
    value = maker.operand(0);
  }
  return false;
}

static Value sameByNumber(Operation op) {
  for (const Neutral &each : neutral) {
    if (!op.is(each.op))
      continue;
    if (isEverywhere(op.operand(1), each.number))
      return op.operand(0);
    if (each.onLeft && isEverywhere(op.operand(0), each.number))
      return op.operand(1);
  }
  return {};
}

/// Whether the reverse turns around only dims of one element.
static bool turnsNothing(Operation reverse, const Dims &dims) {
  Dims shape = reverse.operand(0).type().shape();
  return std::all_of(dims.begin(), dims.end(),
                     [&](int64_t dim) { return shape[dim] == 1; });
}

static Value sameByReverse(Operation op) {
  auto dims = op.attribute("dimensions").asI64Array();
  if (!dims)
    return {};
  if (turnsNothing(op, *dims))
    return op.operand(0);
  Operation first = op.operand(0).definingOp();
  if (!first || !first.is(op.name()))
    return {};
  auto firstDims = first.attribute("dimensions").asI64Array();
  return firstDims && std::is_permutation(dims->begin(), dims->end(),
                                          firstDims->begin(), firstDims->end())
             ? first.operand(0)
             : Value();
}

/// The same window starts at 0 when it is as large as what it is taken of; the
/// dims of a broadcast may still change places.
static Value sameByType(Operation op) {
  if (std::find(std::begin(retyped), std::end(retyped), op.name()) !=
      std::end(retyped))
    return op.operand(0);
  if (op.is("stablehlo.concatenate") && op.numOperands() == 1)
    return op.operand(0);
  if (!op.is("stablehlo.broadcast_in_dim"))
    return {};
  auto dims = op.attribute("broadcast_dimensions").asI64Array();
  return dims && std::is_sorted(dims->begin(), dims->end()) ? op.operand(0)
                                                            : Value();
}

Value kvlift::sameAs(Operation op) {
  if (op.numResults() != 1 || op.numOperands() == 0)
    return {};
  Type type = op.result().type();
  if (op.is("stablehlo.select")) {
    bool isSame = op.operand(1) == op.operand(2);
    return isSame ? op.operand(1) : Value();
  }
  if (!(op.operand(0).type() == type))
    return {};
  if (Value same = sameByType(op))
    return same;
  if (op.is("stablehlo.reverse"))
    return sameByReverse(op);
  if (op.numOperands() != 2 || !(op.operand(1).type() == type))
    return {};
  bool isIdempotent = std::find(std::begin(idempotent), std::end(idempotent),
                                op.name()) != std::end(idempotent);
  if (isIdempotent && op.operand(0) == op.operand(1))
    return op.operand(0);
  return sameByNumber(op);
}
