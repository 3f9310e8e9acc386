//===- ApplyGuard.cpp - Puts the guard of a scatter before it -------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScatterGuard.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// Guards one scatter.
class Guard {
public:
  explicit Guard(const GuardPlan &plan)
      : plan(plan), scatter(plan.scatter), build(plan.scatter),
        inputs(scatterInputs(plan.scatter)),
        vectorDim(plan.numbers.indexVectorDim) {}

  void run() {
    widen();
    clampIndices();
    if (plan.identity)
      neutralize();
    else if (plan.marker)
      mark();
    else
      repeatLast();
    scatter.setOperand(inputs, clamped);
    // Rows may now name one place several times, in any order.
    scatter.removeAttribute("unique_indices");
    scatter.removeAttribute("indices_are_sorted");
  }

private:
  /// The index vectors in a type that holds every extent, one dim for them.
  void widen() {
    indices = scatter.operand(inputs);
    Type element = indices.type().element();
    bool isLarge = std::ranges::any_of(
        plan.last, [](int64_t last) { return last > INT32_MAX; });
    if (element.isUnsignedInteger() || element.bitWidth() < 32 || isLarge)
      indices = build.convert(indices, Type::integer(build.context(), 64));
    counts = indices.type().shape();
    if (vectorDim == static_cast<int64_t>(counts.size())) {
      counts.push_back(1);
      indices = build.reshape(indices, counts);
    }
    counts.erase(counts.begin() + vectorDim);
  }

  void clampIndices() {
    Type type = indices.type();
    std::vector<Attribute> numbers;
    for (int64_t last : plan.last)
      numbers.push_back(Attribute::integer(type.element(), last));
    Type vector =
        Type::tensor({static_cast<int64_t>(plan.last.size())}, type.element());
    Value limits = build.broadcast(
        build.constant(vector, Attribute::elements(vector, numbers)),
        type.shape(), {vectorDim});
    Value zeros = build.splat(type, 0);
    clamped = build.create("stablehlo.clamp", {zeros, indices, limits}, {type})
                  .result();
    Value same = build.compare("EQ", clamped, indices);
    for (size_t c = 0; c < plan.last.size(); ++c) {
      Dims low(type.rank(), 0), high = type.shape();
      low[vectorDim] = c;
      high[vectorDim] = c + 1;
      Value one = build.reshape(build.slice(same, low, high), counts);
      inRange = inRange ? build.binary("stablehlo.and", inRange, one) : one;
    }
  }

  /// The update's dims that count index vectors.
  Dims countingDims() const {
    Dims dims;
    for (int64_t u = 0, n = scatter.operand(inputs + 1).type().rank(); u < n;
         ++u)
      if (std::ranges::count(plan.numbers.updateWindowDims, u) == 0)
        dims.push_back(u);
    return dims;
  }

  void neutralize() {
    Value update = scatter.operand(inputs + 1);
    Value mask =
        build.broadcast(inRange, update.type().shape(), countingDims());
    Value nothing = build.constant(update.type(), plan.identity);
    scatter.setOperand(inputs + 1, build.select(mask, update, nothing));
  }

  /// Marks the rows that were out of range, and has the body leave them alone.
  void mark() {
    Value update = scatter.operand(inputs + 1);
    Type element = update.type().element();
    Type number = Type::integer(build.context(), element.bitWidth());
    Value bits = build.bitcast(update, number);
    Value marks = build.splat(bits.type(), plan.marker->signalling);
    Value quiet = build.splat(bits.type(), plan.marker->quiet);
    bits = build.select(build.compare("EQ", bits, marks), quiet, bits);
    Value mask = build.broadcast(inRange, bits.type().shape(), countingDims());
    bits = build.select(mask, bits, marks);
    scatter.setOperand(inputs + 1, build.bitcast(bits, element));

    Block body = scatter.regions().front().firstBlock();
    Operation last = body.terminator();
    Builder inside(last);
    Value added = inside.bitcast(body.argument(1), number);
    Value isMark = inside.compare(
        "EQ", added, inside.splat(added.type(), plan.marker->signalling));
    // As integers: a float may be computed in a wider type.
    Value old = inside.bitcast(body.argument(0), number);
    Value made = inside.bitcast(last.operand(0), number);
    Value kept = inside.select(isMark, old, made);
    last.setOperands({inside.bitcast(kept, element)});
  }

  /// The place of the last row in range, or -1, as one integer.
  ///   %last = max over all rows of select(%in_range, iota, -1)
  Value lastInRange() {
    int64_t count = 1;
    for (int64_t extent : counts)
      count *= extent;
    Type number = Type::integer(build.context(), 32);
    Type vector = Type::tensor({count}, number), one = Type::tensor({}, number);
    Value places = build.select(build.reshape(inRange, {count}),
                                build.iota(vector, 0), build.splat(vector, -1));
    return build.maximumOf(places, build.splat(one, -1));
  }

  void repeatLast() {
    Value last = lastInRange();
    Type one = last.type();
    Value zero = build.splat(one, 0);
    Value isNone = build.compare("LT", last, zero);
    std::vector<Value> at = unravel(
        build.create("stablehlo.maximum", {last, zero}, {one}).result());

    // The index vector of that row, or zeros.
    std::vector<Value> starts = at;
    starts.insert(starts.begin() + vectorDim, zero);
    Dims sizes(starts.size(), 1);
    sizes[vectorDim] = plan.last.size();
    Value vector = build.dynamicSlice(clamped, starts, sizes);
    vector = choose(isNone, build.splat(vector.type(), 0), vector);
    Dims all = clamped.type().shape(), dims;
    for (size_t d = 0; d < all.size(); ++d)
      if (static_cast<int64_t>(d) != vectorDim)
        dims.push_back(d);
    clamped = build.select(build.broadcast(inRange, all, dims), clamped,
                           repeat(vector, all));
    for (int64_t i = 0; i < inputs; ++i)
      repeatData(i, isNone, at);
  }

  /// The data of that row, or what the operand has at 0.
  void repeatData(int64_t input, Value isNone, const std::vector<Value> &at) {
    Value update = scatter.operand(inputs + 1 + input);
    Dims shape = update.type().shape(), sizes = shape,
         counting = countingDims();
    Type number = Type::tensor({}, Type::integer(build.context(), 32));
    std::vector<Value> starts(shape.size(), build.splat(number, 0));
    for (size_t i = 0; i < counting.size(); ++i) {
      starts[counting[i]] = at[i];
      sizes[counting[i]] = 1;
    }
    Value row = build.dynamicSlice(update, starts, sizes);
    Value old = build.reshape(oldWindow(input, shape), sizes);
    Value repeated = repeat(choose(isNone, old, row), shape);
    Value mask = build.broadcast(inRange, shape, counting);
    scatter.setOperand(inputs + 1 + input,
                       build.select(mask, update, repeated));
  }

  /// The window at 0 of an operand.
  Value oldWindow(int64_t input, const Dims &update) {
    Value operand = scatter.operand(input);
    Dims high = operand.type().shape();
    size_t next = 0;
    for (size_t dim = 0; dim < high.size(); ++dim)
      high[dim] =
          std::ranges::count(plan.numbers.insertedWindowDims, int64_t(dim))
              ? 1
              : update[plan.numbers.updateWindowDims[next++]];
    return build.slice(operand, Dims(high.size(), 0), high);
  }

  /// The coordinates of a row's number among the rows.
  std::vector<Value> unravel(Value number) {
    std::vector<Value> at(counts.size());
    for (size_t d = counts.size(); d-- > 0;) {
      Value extent = build.splat(number.type(), counts[d]);
      at[d] = build.binary("stablehlo.remainder", number, extent);
      number = build.binary("stablehlo.divide", number, extent);
    }
    return at;
  }

  Value choose(Value condition, Value onTrue, Value onFalse) {
    return build.select(build.broadcast(condition, onTrue.type().shape(), {}),
                        onTrue, onFalse);
  }

  Value repeat(Value value, const Dims &shape) {
    Dims dims(shape.size());
    for (size_t d = 0; d < dims.size(); ++d)
      dims[d] = d;
    return build.broadcast(value, shape, dims);
  }

  const GuardPlan &plan;
  Operation scatter;
  Builder build;
  int64_t inputs, vectorDim;
  Value indices, clamped, inRange;
  /// The extents of the dims that count index vectors.
  Dims counts;
};

} // namespace

void kvlift::applyGuard(const GuardPlan &plan) { Guard(plan).run(); }
