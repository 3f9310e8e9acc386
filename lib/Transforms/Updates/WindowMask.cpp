//===- WindowMask.cpp - Which window does a mask choose? ------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask is a conjunction of
// - conditions "position in a dim, direction, bound": for each dim one
//   equality, or a lower and an upper bound that are a constant number of rows
//   apart. Bounds may differ from one row of another dim to the next.
// - flags, that do not depend on positions in those dims.
// Where `low + count` wraps around in the index type, low is behind the last
// row: the mask chooses nothing, and so does the run from low on.
//
//===----------------------------------------------------------------------===//

#include "WindowMask.h"
#include "RewriteSupport.h"
#include "kvlift/IndexArithmetic.h"

#include <algorithm>

using namespace kvlift;

namespace {

// Masks are a handful of ops; the limits bound adversarial input.
constexpr int depthLimit = 16;
constexpr size_t conditionLimit = 16;

// Numbers this small cannot overflow when a few of them are added.
bool isSmall(int64_t number) {
  return number > -(int64_t(1) << 30) && number < (int64_t(1) << 30);
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

/// The element at any index is its index in `dim`, plus `offset`.
struct Position {
  int64_t dim;
  int64_t offset;
};

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

/// `base + offset`, which wraps around in the base's type; without a base, a
/// number that is known.
struct Bound {
  Spread base;
  int64_t offset = 0;
};

/// The bound that a tensor holds, with what is constant of it in the offset.
std::optional<Bound> boundOf(Value tensor, const Dims &dims) {
  Bound bound{spreadOf(tensor, dims)};
  for (int steps = 0; steps < depthLimit; ++steps) {
    if (!isSmall(bound.offset))
      return std::nullopt;
    // Behind an addition that wraps around it is no number that is known.
    auto whole = constantInteger(bound.base.value);
    if (steps == 0 && whole && isSmall(*whole))
      return Bound{{}, *whole};
    Operation op = bound.base.value.definingOp();
    if (!op || !op.is("stablehlo.add"))
      break;
    int64_t side = constantInteger(op.operand(0)) ? 0 : 1;
    auto number = constantInteger(op.operand(side));
    if (!number || !isSmall(*number))
      break;
    bound.offset += *number;
    bound.base = spreadOf(op.operand(1 - side), bound.base.dims);
  }
  return bound;
}

/// One comparison of the position in `dim`: `position + shift <direction>
/// bound`.
struct Condition {
  int64_t dim;
  std::string direction;
  Bound bound;
  int64_t shift;
  Type index;
};

struct Conditions {
  std::vector<Condition> all;
  std::vector<WindowMask::Flag> flags;
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

bool addComparison(Operation op, const Dims &dims, bool chosen,
                   Conditions &found) {
  std::string direction = directionOf(op);
  Value lhs = op.operand(0), rhs = op.operand(1);
  Type index = rhs.type().element();
  if (!index.isInteger() || index.isUnsignedInteger() ||
      lhs.type().elementCount() == 0)
    return false;
  auto position = positionOf(lhs);
  if (!position) {
    position = positionOf(rhs);
    std::swap(lhs, rhs);
    direction = mirror(direction);
  }
  if (!position || dims[position->dim] < 0)
    return false;
  auto bound = boundOf(rhs, dims);
  if (!bound)
    return false;
  found.all.push_back({dims[position->dim],
                       chosen ? direction : negate(direction), *bound,
                       position->offset, index});
  return true;
}

/// In which -0.0 is not 0.0.
bool isTotalOrder(Operation compare) {
  Attribute type = compare.attribute("compare_type");
  return type && type.print().find("TOTALORDER") != std::string::npos;
}

/// The booleans of a mask that compares them with 0 after a conversion to
/// numbers, as `where` does it with a one-hot row; a null value for others.
Spread booleansBehind(Operation compare, const Dims &dims, bool &chosen) {
  Spread numbers = spreadOf(compare.operand(0), dims);
  Operation convert = numbers.value.definingOp();
  Operation zero = spreadOf(compare.operand(1)).value.definingOp();
  std::string direction = directionOf(compare);
  if (!convert || !convert.is("stablehlo.convert") || !zero ||
      !zero.is("stablehlo.constant") ||
      zero.attribute("value").splatNumber() != 0.0 ||
      (direction != "NE" && direction != "EQ") || isTotalOrder(compare))
    return {};
  Type from = convert.operand(0).type().element();
  if (!from.isInteger() || from.bitWidth() != 1)
    return {};
  chosen = chosen == (direction == "NE");
  return {convert.operand(0), numbers.dims};
}

/// Adds the conditions that hold exactly where the mask, whose dims lie along
/// `dims`, has the value `chosen`. False when there are too many.
bool addConditions(Value mask, const Dims &dims, bool chosen, Conditions &found,
                   int depth) {
  Spread spread = spreadOf(mask, dims);
  Operation op = spread.value.definingOp();
  if (depth == 0 || found.all.size() + found.flags.size() > conditionLimit ||
      !mask.type().isStaticTensor())
    return false;
  auto add = [&](const Spread &part, bool wanted) {
    return addConditions(part.value, part.dims, wanted, found, depth - 1);
  };
  if (op && op.is("stablehlo.compare") &&
      op.operand(0).type().isStaticTensor() &&
      op.operand(1).type().isStaticTensor()) {
    bool wanted = chosen;
    Spread booleans = booleansBehind(op, spread.dims, wanted);
    if (booleans.value)
      return add(booleans, wanted);
    if (addComparison(op, spread.dims, chosen, found))
      return true;
  }
  if (op && op.is("stablehlo.not"))
    return add({op.operand(0), spread.dims}, !chosen);
  if (op && op.is(chosen ? "stablehlo.and" : "stablehlo.or"))
    return add({op.operand(0), spread.dims}, chosen) &&
           add({op.operand(1), spread.dims}, chosen);
  found.flags.push_back({spread, chosen});
  return true;
}

//===----------------------------------------------------------------------===//
// Rows of one dim
//===----------------------------------------------------------------------===//

bool isSameBase(const Spread &a, const Spread &b) {
  if (!a.value || !b.value)
    return !a.value && !b.value;
  Dims shape = a.value.type().shape();
  if (!isSameInteger(a.value, b.value))
    return false;
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 1 && a.dims[i] != b.dims[i])
      return false;
  return true;
}

/// A run of rows between bounds; each bound is given once at most.
class Run {
public:
  explicit Run(int64_t extent) : extent(extent) {}

  /// False when the condition does not fit a run.
  bool add(const Condition &condition) {
    const std::string &direction = condition.direction;
    Bound bound = condition.bound;
    bound.offset -= condition.shift;
    // Equal in the index type is equal, whatever wraps around.
    if (direction == "EQ") {
      if (low || high)
        return false;
      low = high = bound;
      ++high->offset;
      return true;
    }
    bool isLow = direction == "GE" || direction == "GT";
    bool isHigh = direction == "LT" || direction == "LE";
    bool isNext = direction == "GT" || direction == "LE";
    if ((!isLow && !isHigh) ||
        (bound.base.value && (isNext || condition.shift != 0)))
      return false;
    bound.offset += isNext;
    std::optional<Bound> &known = isLow ? low : high;
    if (known)
      return false;
    known = bound;
    return true;
  }

  std::optional<WindowMask::Rows> rows(unsigned width) const {
    Bound first = low.value_or(Bound{}),
          last = high.value_or(Bound{{}, extent});
    if (!isSameBase(first.base, last.base))
      return std::nullopt;
    if (first.base.value) {
      int64_t count = last.offset - first.offset;
      if (count < 0)
        return std::nullopt;
      return WindowMask::Rows{first.base, wrapTo(width, first.offset), count};
    }
    int64_t begin = std::clamp<int64_t>(first.offset, 0, extent);
    int64_t end = std::clamp(last.offset, begin, extent);
    return WindowMask::Rows{{}, begin, end - begin};
  }

private:
  int64_t extent;
  std::optional<Bound> low, high;
};

/// Whether nothing varies along the dims of which the mask chooses rows, and
/// flags have rows to choose.
bool isSeparable(const WindowMask &window, const Dims &shape) {
  bool hasRows = window.flags.empty();
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    bool isWhole = window.isWhole(dim, shape);
    if (window.varies(dim) && !isWhole)
      return false;
    hasRows |= !isWhole;
  }
  return hasRows;
}

} // namespace

bool WindowMask::varies(int64_t dim) const {
  auto baseVaries = [&](const Rows &rows) {
    return rows.base.value && rows.base.varies(dim);
  };
  auto flagVaries = [&](const Flag &flag) { return flag.value.varies(dim); };
  return std::any_of(dims.begin(), dims.end(), baseVaries) ||
         std::any_of(flags.begin(), flags.end(), flagVaries);
}

std::optional<WindowMask> kvlift::windowMaskOf(Value mask, bool chosen) {
  if (auto constant = constantMaskOf(mask, chosen))
    return constant;
  Conditions found;
  Dims shape = mask.type().shape(), own(shape.size());
  for (size_t i = 0; i < own.size(); ++i)
    own[i] = i;
  if (!addConditions(mask, own, chosen, found, depthLimit) || found.all.empty())
    return std::nullopt;
  WindowMask window{{}, found.flags, found.all.front().index};
  std::vector<Run> runs(shape.begin(), shape.end());
  for (const Condition &condition : found.all)
    if (!(condition.index == window.index) ||
        !runs[condition.dim].add(condition))
      return std::nullopt;
  for (const Run &run : runs) {
    auto rows = run.rows(window.index.bitWidth());
    if (!rows)
      return std::nullopt;
    window.dims.push_back(*rows);
  }
  return isSeparable(window, shape) ? std::optional(window) : std::nullopt;
}
