//===- GuardScatters.cpp - kvlift-guard-scatters --------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// StableHLO drops a row whose index vector is out of range. IREE writes it
// wherever that falls, outside of the buffer too. So for iree:cpu, and for
// every scatter whose index vectors are not provably in range (IndexFacts.h):
// 1. Clamp the index vectors into range.
// 2. Where a vector was out of range, a body that combines integers gets its
//    identity: x + 0, x * 1, min(x, INT_MAX) are x. Floats have none that
//    leaves each NaN its bits (x + -0.0 makes a signalling one quiet, and what
//    computes in a wider type drops payloads): such a row is marked with one
//    signalling NaN, and the body keeps the bits of what is combined with it.
//    Where an update really has that NaN, the quiet one takes its place:
//    arithmetic gives the same with both.
// 3. A body that overwrites has no identity: such a row repeats the last row
//    that is in range, index and data. Nothing comes after that one but its
//    repetitions, so what it writes stays, whatever was there before. With no
//    row in range, what is at index 0 is written back.
// Before that, a scatter with batched dims, or with windows of which StableHLO
// drops a part, becomes one that indexes element by element what it must.
// Work is in proportion to the update. Indices that are in range then go in 32
// bits where the slot allows it: IREE cannot compile some scatters with i64.
// Refuses, before it changes anything, what it cannot guard. Does nothing for
// other targets.
//
//===----------------------------------------------------------------------===//

#include "Updates/ScatterMap.h"
#include "kvlift/Builder.h"
#include "kvlift/IndexFacts.h"
#include "kvlift/Ops.h"
#include "kvlift/Passes.h"
#include "kvlift/TargetModel.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// The bits of a signalling NaN, and of the quiet one that arithmetic makes of
/// it.
struct Marker {
  int64_t signalling, quiet;
};

struct Plan {
  Operation scatter;
  ScatterNumbers numbers;
  bool isInRange;
  /// For each component, the last index at which the window fits.
  Dims last;
  /// What a body that combines integers leaves an element as it is with.
  Attribute identity;
  /// The bits that mark what a body that combines floats is to leave alone.
  std::optional<Marker> marker;
  /// Whether it must index whole elements first: it has batched dims, or
  /// windows of which a part may be out of range.
  bool isSpread = false;
};

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
bool findNeutral(Plan &plan) {
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

/// Checks one scatter; on failure `reason` says why it cannot be guarded.
std::optional<Plan> planFor(Operation scatter, std::string &reason) {
  int64_t inputs = scatterInputs(scatter);
  Plan plan{scatter, scatterNumbersOf(scatter), true, {}, {}, {}};
  for (Value value : scatter.operands())
    if (!value.type().isStaticTensor()) {
      reason = "its shapes are dynamic";
      return std::nullopt;
    }
  Value indices = scatter.operand(inputs);
  Dims operand = scatter.operand(0).type().shape();
  Dims update = scatter.operand(inputs + 1).type().shape();
  Dims windows(operand.size(), 1);
  size_t next = 0;
  for (size_t dim = 0; dim < operand.size(); ++dim)
    if (std::ranges::count(plan.numbers.insertedWindowDims, int64_t(dim)) +
            std::ranges::count(plan.numbers.inputBatchingDims, int64_t(dim)) ==
        0)
      windows[dim] = update[plan.numbers.updateWindowDims[next++]];

  IndexFacts facts;
  bool hasWindows = false;
  for (size_t c = 0; c < plan.numbers.scatterDimsToOperandDims.size(); ++c) {
    int64_t dim = plan.numbers.scatterDimsToOperandDims[c];
    Window part = Window::whole(indices.type());
    if (plan.numbers.indexVectorDim < indices.type().rank()) {
      part.low[plan.numbers.indexVectorDim] = c;
      part.high[plan.numbers.indexVectorDim] = c + 1;
    }
    plan.last.push_back(operand[dim] - windows[dim]);
    bool fits = facts.of(indices, part).range.isWithin(0, plan.last[c] + 1);
    plan.isInRange &= fits;
    hasWindows |= !fits && windows[dim] > 1;
  }
  Type element = indices.type().element();
  if (plan.isInRange || scatter.operand(inputs + 1).type().elementCount() == 0)
    return plan;
  plan.isSpread = hasWindows || !plan.numbers.inputBatchingDims.empty();
  if (plan.isSpread &&
      (inputs > 1 || element.bitWidth() < 32 || element.isUnsignedInteger()))
    reason = "it has several inputs or narrow indices, and windows that may "
             "lie across the edge";
  else if (!element.isInteger() ||
           (element.isUnsignedInteger() && element.bitWidth() > 32))
    reason = "its index type is " + element.print();
  else if (scatterOverwrites(scatter))
    return plan;
  else if (inputs > 1)
    reason = "its body combines several inputs";
  else if (!findNeutral(plan))
    reason = "its body is not one add, multiply, minimum, maximum, and, or, "
             "xor of both values";
  if (!reason.empty())
    return std::nullopt;
  return plan;
}

/// Guards one scatter.
class Guard {
public:
  explicit Guard(const Plan &plan)
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
    if (element.isUnsignedInteger() || element.bitWidth() < 32)
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

  const Plan &plan;
  Operation scatter;
  Builder build;
  int64_t inputs, vectorDim;
  Value indices, clamped, inRange;
  /// The extents of the dims that count index vectors.
  Dims counts;
};

/// Makes every position an index vector. The check has seen to it that this
/// works, and that the body can be guarded.
void spread(Plan &plan) {
  IndexFacts facts;
  ScatterMap map = scatterMapOf(plan.scatter);
  std::string reason;
  plan = *planFor(makeLeadingScatter(facts, map, Edges::dropElements), reason);
}

/// Indices in range fit 32 bits wherever the operand's extents do.
void narrow(const Plan &plan) {
  int64_t at = scatterInputs(plan.scatter);
  Value indices = plan.scatter.operand(at);
  if (indices.type().element().bitWidth() <= 32 ||
      !std::ranges::all_of(plan.last,
                           [](int64_t last) { return last <= INT32_MAX; }))
    return;
  Builder build(plan.scatter);
  plan.scatter.setOperand(
      at, build.convert(indices, Type::integer(build.context(), 32)));
}

/// Every scatter of the module, or nothing when one cannot be guarded.
std::optional<std::vector<Plan>> planAll(Operation module, DiagnosticLog &log) {
  std::vector<Plan> plans;
  bool isFine = true;
  walk(module, [&](Operation op) {
    if (!op.is("stablehlo.scatter"))
      return;
    std::string reason;
    if (auto plan = planFor(op, reason)) {
      plans.push_back(*plan);
      return;
    }
    isFine = false;
    log.error(op.location(),
              "IREE writes outside of the buffer where this scatter's indices "
              "are out of range, and it cannot be guarded: " +
                  reason)
        .note(op.location(), "clamp the indices into range before it, so that "
                             "this can be proved");
  });
  if (!isFine)
    return std::nullopt;
  return plans;
}

} // namespace

Status kvlift::guardScatters(Operation module, const PassOptions &options,
                             DiagnosticLog &log) {
  auto model = targetModelOf(options, log);
  if (!model)
    return Status::failure();
  if (model->name() != "iree:cpu")
    return Status::success();
  auto plans = planAll(module, log);
  if (!plans)
    return Status::failure();
  for (Plan &plan : *plans) {
    if (plan.isSpread)
      spread(plan);
    bool isEmpty = plan.scatter.operand(scatterInputs(plan.scatter) + 1)
                       .type()
                       .elementCount() == 0;
    if (!plan.isInRange && !isEmpty)
      Guard(plan).run();
    narrow(plan);
  }
  return Status::success();
}
