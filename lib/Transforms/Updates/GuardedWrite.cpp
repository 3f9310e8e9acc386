//===- GuardedWrite.cpp - Write a window, drop what is outside ------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scatter drops elements that are out of range, dynamic_update_slice moves its
// window into range. So where the window may be out of range, what is written
// is a select between the new elements and the old ones at the same place:
// work in proportion to the window, not to the slot.
//
//===----------------------------------------------------------------------===//

#include "GuardedWrite.h"
#include "Combine.h"

#include <algorithm>

using namespace kvlift;

namespace {

class Writer {
public:
  Writer(Builder &build, const GuardedWrite &write)
      : build(build), write(write), slotShape(write.slot.type().shape()),
        scalar(Type::tensor({}, write.index)), update(write.update) {}

  Value run() {
    clipConstants();
    if (update.type().elementCount() == 0)
      return write.slot;
    for (int64_t dim = 0, rank = slotShape.size(); dim < rank; ++dim)
      starts.push_back(place(dim));
    Value mask = inRangeMask();
    Value old;
    if (mask || write.combiner)
      old = build.dynamicSlice(write.slot, starts, update.type().shape());
    if (write.combiner)
      update = combine(build, write.combiner, old, update);
    if (mask)
      update = write.combiner ? chosenBits(mask, update, old)
                              : build.select(mask, update, old);
    return build.dynamicUpdateSlice(write.slot, update, starts);
  }

private:
  /// A select beside arithmetic. IREE selects in the type that it computes in,
  /// f32 for bf16 and f16, which changes NaNs of old elements: those are
  /// selected as integers.
  Value chosenBits(Value mask, Value onTrue, Value onFalse) {
    Type element = onTrue.type().element();
    unsigned width = element.bitWidth();
    if (element.isInteger() || (width != 8 && width != 16))
      return build.select(mask, onTrue, onFalse);
    Type number = Type::integer(build.context(), width);
    Value trueBits = build.bitcast(onTrue, number);
    Value falseBits = build.bitcast(onFalse, number);
    return build.bitcast(build.select(mask, trueBits, falseBits), element);
  }

  /// Cuts off what constant positions put outside of the slot.
  void clipConstants() {
    Dims high = update.type().shape(), low(high.size(), 0);
    for (size_t dim = 0; dim < high.size(); ++dim) {
      if (write.starts[dim].base)
        continue;
      int64_t window = high[dim];
      // Further out than this there is nothing to write either.
      int64_t start =
          std::clamp(write.starts[dim].offset, -window, slotShape[dim]);
      low[dim] = std::max<int64_t>(-start, 0);
      high[dim] = std::max(low[dim], std::min(window, slotShape[dim] - start));
    }
    update = build.slice(update, low, high);
  }

  /// Where the window is put along a dim. Notes the conditions under which an
  /// element was to be written.
  Value place(int64_t dim) {
    const WindowStart &start = write.starts[dim];
    if (!start.base)
      return build.splat(scalar, std::max<int64_t>(start.offset, 0));
    Value position = build.reshape(start.base, {});
    if (start.offset != 0)
      position = build.binary("stablehlo.add", position,
                              build.splat(scalar, start.offset));
    if (start.isInRange)
      return position;
    return update.type().shape()[dim] == 1 ? guardOne(dim, position)
                                           : guardMany(dim, position);
  }

  /// One row:
  ///   %ok  = 0 <= %row < extent
  ///   %old = dynamic_slice %slot[%row]          // clamps like the update
  ///   dynamic_update_slice %slot, select(%ok, %update, %old), %row
  Value guardOne(int64_t dim, Value row) {
    addCondition(scalars, isWithin(row, scalar, slotShape[dim]));
    return row;
  }

  /// T rows, `start` being `row` clamped to [0, extent - T]: row j of the
  /// window takes row `j - shift` of the update, shift = row - start, if there
  /// is one, else the old row.
  ///   %shift = clamp(-T, %row, extent) - %start     // within [-T, T]
  ///   %moved = dynamic_slice concat(%update x 3)[T - %shift]
  ///   %ok    = 0 <= iota - %shift < T
  ///   dynamic_update_slice %slot, select(%ok, %moved, %old), %start
  /// Positions that would wrap around in the index type are out of range
  /// before and after the wrap, so clamping them first changes nothing.
  Value guardMany(int64_t dim, Value position) {
    int64_t extent = slotShape[dim];
    Dims window = update.type().shape();
    int64_t count = window[dim];
    Value row = clamp(position, -count, extent);
    Value start = clamp(row, 0, extent - count);
    Value shift = build.binary("stablehlo.subtract", row, start);
    Value from =
        build.binary("stablehlo.subtract", build.splat(scalar, count), shift);
    Value tripled = build.concatenate({update, update, update}, dim);
    std::vector<Value> at(window.size(), build.splat(scalar, 0));
    at[dim] = from;
    update = build.dynamicSlice(tripled, at, window);

    Type vector = Type::tensor({count}, scalar.element());
    Value source = build.binary("stablehlo.subtract", build.iota(vector, 0),
                                build.broadcast(shift, {count}, {}));
    vectors.push_back({isWithin(source, vector, count), dim});
    return start;
  }

  /// Whether 0 <= value < extent.
  Value isWithin(Value value, Type type, int64_t extent) {
    Value low = build.compare("GE", value, build.splat(type, 0));
    Value high = build.compare("LT", value, build.splat(type, extent));
    return build.binary("stablehlo.and", low, high);
  }

  void addCondition(Value &all, Value one) {
    all = all ? build.binary("stablehlo.and", all, one) : one;
  }

  /// All conditions in the shape of the window; null when there is none.
  Value inRangeMask() {
    Value mask;
    if (scalars)
      addCondition(mask, build.broadcast(scalars, update.type().shape(), {}));
    for (const auto &[condition, dim] : vectors)
      addCondition(mask,
                   build.broadcast(condition, update.type().shape(), {dim}));
    return mask;
  }

  Value clamp(Value value, int64_t low, int64_t high) {
    return build
        .create("stablehlo.clamp",
                {build.splat(scalar, low), value, build.splat(scalar, high)},
                {scalar})
        .result();
  }

  Builder &build;
  const GuardedWrite &write;
  Dims slotShape;
  Type scalar;
  Value update;
  std::vector<Value> starts;
  /// The condition on the whole window, and those on its rows along a dim.
  Value scalars;
  std::vector<std::pair<Value, int64_t>> vectors;
};

} // namespace

bool kvlift::canHold(Type index, int64_t number) {
  unsigned bits = index.bitWidth() - 1;
  return index.isInteger() && !index.isUnsignedInteger() &&
         (bits >= 63 || number <= (int64_t(1) << bits) - 1);
}

/// Whether the integer type, signed or not, can hold `number`.
static bool canName(Type index, int64_t number) {
  unsigned bits = index.bitWidth() - (index.isUnsignedInteger() ? 0 : 1);
  return bits >= 63 || number <= (int64_t(1) << bits) - 1;
}

std::optional<std::string>
kvlift::obstacleTo(const Dims &slot, const Dims &window,
                   const std::vector<WindowStart> &starts, Type index) {
  for (size_t dim = 0; dim < slot.size(); ++dim) {
    bool isKnown = !starts[dim].base && index.isInteger();
    if (!isKnown && window[dim] > slot[dim])
      return "it writes " + std::to_string(window[dim]) + " rows of " +
             std::to_string(slot[dim]);
    // The guard computes with row numbers up to twice the extent.
    if (isKnown ? !canName(index, starts[dim].offset)
                : slot[dim] > INT64_MAX / 2 || !canHold(index, 2 * slot[dim]))
      return "its index type " + index.print() + " cannot count the rows";
  }
  return std::nullopt;
}

Value kvlift::writeGuarded(Builder &build, const GuardedWrite &write) {
  return Writer(build, write).run();
}
