//===- RowMask.cpp - Which rows does a mask choose? -----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask is a conjunction of conditions "position of a dim, direction, bound":
// one equality, or a lower and an upper bound that are a constant number of
// rows apart. Where `low + count` wraps around in the index type, low is behind
// the last row: the mask chooses nothing, and so does the run from low on.
//
//===----------------------------------------------------------------------===//

#include "RowMask.h"
#include "RewriteSupport.h"
#include "kvlift/IndexFacts.h"

#include <algorithm>

using namespace kvlift;

namespace {

// Masks are a handful of ops; the limit bounds adversarial input.
constexpr int depthLimit = 16;

// Numbers this small cannot overflow when a few of them are added.
bool isSmall(int64_t number) {
  return number > -(int64_t(1) << 30) && number < (int64_t(1) << 30);
}

/// The element at any index is its index in `dim`, plus `offset`.
struct Position {
  int64_t dim;
  int64_t offset;
};

/// The dim of the result of a broadcast, reshape or transpose that shows the
/// operand's dim; nothing when none does.
std::optional<int64_t> dimBehind(Operation op, int64_t dim) {
  Dims from = op.operand(0).type().shape(), to = op.result().type().shape();
  if (op.is("stablehlo.transpose"))
    return invertPermutation(permutationOf(op))[dim];
  if (op.is("stablehlo.broadcast_in_dim")) {
    Dims dims =
        op.attribute("broadcast_dimensions").asI64Array().value_or(Dims{});
    if (from[dim] != to[dims[dim]])
      return std::nullopt;
    return dims[dim];
  }
  // A reshape that only adds or removes unit dims.
  Dims ours, theirs;
  int64_t before = 0;
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1) {
      before += static_cast<int64_t>(i) < dim;
      ours.push_back(from[i]);
    }
  int64_t found = -1;
  for (size_t i = 0; i < to.size(); ++i)
    if (to[i] != 1) {
      if (static_cast<int64_t>(theirs.size()) == before)
        found = i;
      theirs.push_back(to[i]);
    }
  if (from[dim] == 1 || ours != theirs)
    return std::nullopt;
  return found;
}

bool isViewOp(Operation op) {
  return op.is("stablehlo.transpose") || op.is("stablehlo.reshape") ||
         op.is("stablehlo.broadcast_in_dim");
}

std::optional<Position> positionOf(Value value) {
  IndexFact fact = IndexFacts().of(value);
  if (!fact.isExact || fact.base || fact.wrap)
    return std::nullopt;
  int64_t dim = -1;
  for (size_t i = 0; i < fact.steps.size(); ++i) {
    if (fact.steps[i] == 0)
      continue;
    if (dim >= 0 || fact.steps[i] != 1)
      return std::nullopt;
    dim = i;
  }
  bool isOne = dim >= 0 && isSmall(fact.offset);
  return isOne ? std::optional(Position{dim, fact.offset}) : std::nullopt;
}

/// One comparison of the position in `dim`: `position <direction> bound`.
struct Condition {
  int64_t dim;
  std::string direction;
  Value bound;
  int64_t offset;
};

std::string negate(const std::string &direction) {
  static constexpr std::pair<const char *, const char *> opposites[] = {
      {"EQ", "NE"}, {"NE", "EQ"}, {"LT", "GE"},
      {"GE", "LT"}, {"GT", "LE"}, {"LE", "GT"}};
  for (const auto &[one, other] : opposites)
    if (direction == one)
      return other;
  return direction;
}

std::string mirror(const std::string &direction) {
  if (direction == "EQ" || direction == "NE")
    return direction;
  return std::string(direction[0] == 'L' ? "G" : "L") + direction[1];
}

bool addComparison(Operation op, bool chosen, std::vector<Condition> &all) {
  std::string direction = directionOf(op);
  Value lhs = op.operand(0), rhs = op.operand(1);
  Type index = rhs.type().element();
  if (!lhs.type().isStaticTensor() || !index.isInteger() ||
      index.isUnsignedInteger() || lhs.type().elementCount() == 0)
    return false;
  auto position = positionOf(lhs);
  if (!position) {
    position = positionOf(rhs);
    std::swap(lhs, rhs);
    direction = mirror(direction);
  }
  auto bound = repeatedElement(rhs);
  if (!position || !bound)
    return false;
  all.push_back({position->dim, chosen ? direction : negate(direction), *bound,
                 -position->offset});
  return true;
}

/// The conditions that hold exactly where the mask has the value `chosen`.
bool addConditions(Value mask, bool chosen, std::vector<Condition> &all,
                   int depth) {
  Operation op = mask.definingOp();
  if (!op || depth == 0 || !mask.type().isStaticTensor())
    return false;
  if (op.is("stablehlo.compare"))
    return addComparison(op, chosen, all);
  if (op.is("stablehlo.not"))
    return addConditions(op.operand(0), !chosen, all, depth - 1);
  if (op.is(chosen ? "stablehlo.and" : "stablehlo.or"))
    return addConditions(op.operand(0), chosen, all, depth - 1) &&
           addConditions(op.operand(1), chosen, all, depth - 1);
  if (!isViewOp(op))
    return false;
  size_t first = all.size();
  if (!addConditions(op.operand(0), chosen, all, depth - 1))
    return false;
  for (size_t i = first; i < all.size(); ++i) {
    auto dim = dimBehind(op, all[i].dim);
    if (!dim)
      return false;
    all[i].dim = *dim;
  }
  return true;
}

/// A bound as a number that is known, or as a value that is not.
struct Bound {
  Value value;
  int64_t offset = 0;
};

/// `value + offset` with what is constant of it in the offset.
Bound boundOf(Value value, int64_t offset) {
  if (auto number = constantInteger(value); number && isSmall(*number))
    return {{}, *number + offset};
  return {value, offset};
}

/// Whether two tensors of one integer hold the same one, whatever their ranks.
bool isSameElement(Value a, Value b) {
  auto bare = [](Value value) {
    Operation op = value.definingOp();
    while (op && isViewOp(op) && op.operand(0).type().isStaticTensor() &&
           op.operand(0).type().elementCount() == 1) {
      value = op.operand(0);
      op = value.definingOp();
    }
    return value;
  };
  return isSameInteger(bare(a), bare(b));
}

/// How many rows `high` is above `low`, if that is constant.
std::optional<int64_t> distance(const Bound &low, const Bound &high) {
  if (!low.value && !high.value)
    return high.offset - low.offset;
  if (!low.value || !high.value || low.offset != 0 || high.offset != 0)
    return std::nullopt;
  Operation sum = high.value.definingOp();
  while (sum && isViewOp(sum))
    sum = sum.operand(0).definingOp();
  if (!sum || !sum.is("stablehlo.add"))
    return std::nullopt;
  for (int side : {0, 1}) {
    auto base = repeatedElement(sum.operand(side));
    auto number = constantInteger(sum.operand(1 - side));
    if (base && number && isSmall(*number) && *number >= 0 &&
        isSameElement(*base, low.value))
      return *number;
  }
  return std::nullopt;
}

/// What a constant holds everywhere.
std::optional<int64_t> splatOf(Value value) {
  Operation op = value.definingOp();
  bool isConstant = op && op.is("stablehlo.constant");
  return isConstant ? op.attribute("value").splatInteger() : std::nullopt;
}

} // namespace

std::optional<RowMask> kvlift::rowMaskOf(Value mask, bool chosen) {
  std::vector<Condition> all;
  if (!addConditions(mask, chosen, all, depthLimit) || all.empty())
    return std::nullopt;
  int64_t dim = all.front().dim;
  Type index = all.front().bound.type().element();
  Bound low, high{{}, mask.type().shape()[dim]};
  for (const Condition &each : all) {
    if (each.dim != dim || !(each.bound.type().element() == index))
      return std::nullopt;
    Bound bound = boundOf(each.bound, each.offset);
    // Equal in the index type is equal, whatever wraps around.
    if (each.direction == "EQ" && all.size() == 1)
      return RowMask{dim, bound.value, bound.offset, 1, index};
    bool isLow = each.direction == "GE" || each.direction == "GT";
    bool isHigh = each.direction == "LT" || each.direction == "LE";
    bool isNext = each.direction == "GT" || each.direction == "LE";
    if ((!isLow && !isHigh) || (bound.value && (isNext || bound.offset != 0)))
      return std::nullopt;
    bound.offset += isNext;
    Bound &known = isLow ? low : high;
    bool isFirst = isLow
                       ? !low.value && low.offset == 0
                       : !high.value && high.offset == mask.type().shape()[dim];
    if (!isFirst)
      return std::nullopt;
    known = bound;
  }
  auto count = distance(low, high);
  if (!count)
    return std::nullopt;
  return RowMask{dim, low.value, low.offset, std::max<int64_t>(*count, 0),
                 index};
}

std::optional<BoxMask> kvlift::boxMaskOf(Value mask) {
  Operation pad = mask.definingOp();
  if (!pad || !pad.is("stablehlo.pad") || !mask.type().isStaticTensor() ||
      !pad.operand(0).type().isStaticTensor())
    return std::nullopt;
  auto inside = splatOf(pad.operand(0)), outside = splatOf(pad.operand(1));
  auto low = pad.attribute("edge_padding_low").asI64Array();
  auto high = pad.attribute("edge_padding_high").asI64Array();
  auto interior = pad.attribute("interior_padding").asI64Array();
  if (!inside || *inside == 0 || !outside || *outside != 0 || !low || !high ||
      !interior)
    return std::nullopt;
  BoxMask box{*low, pad.operand(0).type().shape()};
  for (size_t i = 0; i < low->size(); ++i) {
    if ((*low)[i] < 0 || (*high)[i] < 0 || (*interior)[i] != 0)
      return std::nullopt;
    box.high[i] += (*low)[i];
  }
  return box;
}

std::optional<Value> kvlift::repeatedElement(Value value) {
  for (int steps = 0; steps < depthLimit; ++steps) {
    if (!value.type().isStaticTensor())
      return std::nullopt;
    if (value.type().elementCount() == 1)
      return value;
    Operation op = value.definingOp();
    if (!op)
      return std::nullopt;
    if (op.is("stablehlo.constant") && constantInteger(value))
      return value;
    if (!isViewOp(op))
      return std::nullopt;
    value = op.operand(0);
  }
  return std::nullopt;
}
