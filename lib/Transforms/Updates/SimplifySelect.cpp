//===- SimplifySelect.cpp - Masked updates of a slot ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// select(mask, new, slot) goes over the whole slot to write a few rows.
// - A mask that chooses rows by their position, `iota == p` or
//   `p <= iota < p + T`: those rows of `new` are written where the slot has
//   them, and none where it has not. `new` repeats one row, or the mask chooses
//   a single row or constant ones: then they can be taken from it.
// - A padded mask of constants: its window is written.
// - One condition for all, select(p, update(slot), slot): the update writes
//   select(p, its data, the old data at the same place).
// A mask that can choose any number of rows stays: it is work on the whole
// slot.
//
//===----------------------------------------------------------------------===//

#include "GuardedWrite.h"
#include "RewriteSupport.h"
#include "RowMask.h"
#include "UpdateRewrite.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// A select, seen from the slot.
struct Masked {
  Operation select;
  Value mask, slot, fresh;
  /// The mask's value where the new elements go.
  bool chosen;
};

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// `fresh` with `count` rows along `dim`, when all its rows are the same.
std::optional<Value> repeatedRows(Builder &build, Value fresh, int64_t dim,
                                  int64_t count) {
  Dims shape = fresh.type().shape();
  shape[dim] = count;
  Operation op = fresh.definingOp();
  if (op && op.is("stablehlo.constant") && op.attribute("value").isSplat())
    return build.broadcast(
        build.reshape(
            build.slice(fresh, Dims(shape.size(), 0), Dims(shape.size(), 1)),
            {}),
        shape, {});
  if (!op || !op.is("stablehlo.broadcast_in_dim"))
    return std::nullopt;
  Value row = op.operand(0);
  Dims dims =
      op.attribute("broadcast_dimensions").asI64Array().value_or(Dims{});
  auto at = std::find(dims.begin(), dims.end(), dim);
  if (at != dims.end() && row.type().shape()[at - dims.begin()] != 1)
    return std::nullopt;
  return build.broadcast(row, shape, dims);
}

/// The one row of `fresh` that the guard lets through, or those that are in
/// the slot.
std::optional<Value> takenRows(Builder &build, Value fresh, RowMask &rows,
                               int64_t extent) {
  Dims low(fresh.type().rank(), 0), high = fresh.type().shape();
  if (!rows.base) {
    int64_t begin = std::clamp<int64_t>(rows.offset, 0, extent);
    int64_t end = std::clamp<int64_t>(rows.offset + rows.count, begin, extent);
    rows.offset = low[rows.dim] = begin;
    rows.count = end - begin;
    high[rows.dim] = end;
    return build.slice(fresh, low, high);
  }
  if (rows.count != 1)
    return std::nullopt;
  Type scalar = Type::tensor({}, rows.index);
  Value row = build.reshape(rows.base, {});
  if (rows.offset != 0)
    row = build.binary("stablehlo.add", row, build.splat(scalar, rows.offset));
  std::vector<Value> starts(low.size(), build.splat(scalar, 0));
  starts[rows.dim] = row;
  high[rows.dim] = 1;
  return build.dynamicSlice(fresh, starts, high);
}

Rewritten writeRows(const Masked &masked, RowMask rows) {
  Operation select = masked.select;
  Dims slot = masked.slot.type().shape(), window = slot;
  window[rows.dim] = rows.count;
  std::vector<WindowStart> starts(slot.size());
  starts[rows.dim] = {rows.base, rows.offset};
  if (auto obstacle = obstacleTo(slot, window, starts, rows.index))
    return Rewritten::because(*obstacle);
  Builder build(select);
  auto data = repeatedRows(build, masked.fresh, rows.dim, rows.count);
  if (!data)
    data = takenRows(build, masked.fresh, rows, slot[rows.dim]);
  if (!data)
    return Rewritten::because("its new rows differ, and where they are is "
                              "known only at run time");
  starts[rows.dim].offset = rows.offset;
  replaceUpdate(select,
                writeGuarded(build, {masked.slot, *data, starts, rows.index}));
  return Rewritten::yes();
}

Rewritten writeBox(const Masked &masked, const BoxMask &box) {
  Builder build(masked.select);
  Operation pad = masked.fresh.definingOp();
  auto sameBox = [&] {
    auto low = pad.attribute("edge_padding_low").asI64Array();
    auto interior = pad.attribute("interior_padding").asI64Array();
    Dims sizes = pad.operand(0).type().shape();
    for (size_t i = 0; i < box.low.size(); ++i)
      if (sizes[i] != box.high[i] - box.low[i])
        return false;
    return low == box.low && interior == Dims(box.low.size(), 0);
  };
  bool isPadded = pad && pad.is("stablehlo.pad") && sameBox();
  Value data =
      isPadded ? pad.operand(0) : build.slice(masked.fresh, box.low, box.high);
  Type index = Type::integer(build.context(), 64);
  std::vector<WindowStart> starts;
  for (int64_t low : box.low)
    starts.push_back({{}, low, true});
  replaceUpdate(masked.select,
                writeGuarded(build, {masked.slot, data, starts, index}));
  return Rewritten::yes();
}

//===----------------------------------------------------------------------===//
// One condition
//===----------------------------------------------------------------------===//

/// The dynamic_update_slices that lead from `slot` to `updated`, the first one
/// first, if each version between them has no other reader.
std::vector<Operation> chainBetween(Value slot, Value updated) {
  std::vector<Operation> chain;
  while (!(updated == slot)) {
    Operation op = updated.definingOp();
    if (!op || !op.is("stablehlo.dynamic_update_slice") ||
        updated.uses().size() != 1 || !op.operand(1).type().isStaticTensor())
      return {};
    chain.push_back(op);
    updated = op.operand(0);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

Rewritten writeIf(const Masked &masked, const std::vector<Operation> &chain,
                  Value condition) {
  Builder build(masked.select);
  condition = build.reshape(condition, {});
  Value version = masked.slot;
  for (Operation update : chain) {
    Value data = update.operand(1);
    std::vector<Value> starts = startsOf(update);
    Dims window = data.type().shape();
    Value old = build.dynamicSlice(version, starts, window);
    Value mask = build.broadcast(condition, window, {});
    data = masked.chosen ? build.select(mask, data, old)
                         : build.select(mask, old, data);
    version = build.dynamicUpdateSlice(version, data, starts);
  }
  replaceUpdate(masked.select, version);
  return Rewritten::yes();
}

/// Nothing when the select has more than one condition.
std::optional<Rewritten> rewriteUniform(Operation select) {
  auto condition = repeatedElement(select.operand(0));
  if (!condition)
    return std::nullopt;
  Value onTrue = select.operand(1), onFalse = select.operand(2);
  for (bool chosen : {true, false}) {
    Value fresh = chosen ? onTrue : onFalse;
    Value slot = chosen ? onFalse : onTrue;
    std::vector<Operation> chain = chainBetween(slot, fresh);
    if (chain.empty())
      continue;
    if (isNeededAfter(slot, select))
      return Rewritten::because("the old value is still needed after it");
    return writeIf({select, select.operand(0), slot, fresh, chosen}, chain,
                   *condition);
  }
  return Rewritten::because("neither side is an update of the other");
}

} // namespace

Rewritten kvlift::simplifySelect(const SlotUpdate &update) {
  Operation select = update.op;
  if (!select.is("stablehlo.select"))
    return Rewritten::no();
  for (Value operand : select.operands())
    if (!operand.type().isStaticTensor())
      return Rewritten::because("its shapes are dynamic");
  if (select.result().type().elementCount() == 0)
    return Rewritten::no();
  if (auto done = rewriteUniform(select))
    return *done;
  // Beside another argument, provenance does not say which side is the slot.
  int64_t old = update.oldOperand;
  Value argument = slotArgument(select, update.slot);
  for (int64_t side : {1, 2})
    if (old < 1 && argument && select.operand(side) == argument)
      old = side;
  if (old < 1)
    return Rewritten::because("it merges two versions of the slot");
  bool chosen = old == 2;
  Masked masked{select, select.operand(0), select.operand(old),
                select.operand(chosen ? 1 : 2), chosen};
  if (isNeededAfter(masked.slot, select))
    return Rewritten::because("the old value is still needed after it");
  if (auto box = chosen ? boxMaskOf(masked.mask) : std::nullopt)
    return writeBox(masked, *box);
  if (auto rows = rowMaskOf(masked.mask, chosen))
    return writeRows(masked, *rows);
  return Rewritten::because("its mask does not choose a constant number of "
                            "rows by their position");
}
