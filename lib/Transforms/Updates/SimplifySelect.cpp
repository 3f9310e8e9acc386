//===- SimplifySelect.cpp - Masked updates of a slot ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// select(mask, new, slot) goes over the whole slot to write a few rows.
// - A mask that chooses rows by their position, `iota == p` or
//   `p <= iota < p + T`, p one position or one for each row of other dims, or
//   that is a constant (WindowMask.h): those rows of `new` are written where
//   the slot has them, and none where it has not (MaskedWrite.h).
// - select(mask, update(slot), slot): the update writes
//   select(the mask, its data, the old data), all at its own place.
// A mask that can choose any number of rows stays: it is work on the whole
// slot.
//
//===----------------------------------------------------------------------===//

#include "MaskedWrite.h"
#include "RewriteSupport.h"

#include <algorithm>

using namespace kvlift;

namespace {

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

/// The mask's window at the place of an update, which moves it into range.
Value maskAt(Builder &build, const Spread &mask, const Dims &window,
             const std::vector<Value> &starts) {
  Dims extents = mask.value.type().shape(), sizes = extents, all;
  std::vector<Value> at;
  for (size_t i = 0; i < extents.size(); ++i) {
    bool isAlong = extents[i] != 1;
    sizes[i] = isAlong ? window[mask.dims[i]] : 1;
    at.push_back(isAlong ? starts[mask.dims[i]]
                         : build.splat(starts.front().type(), 0));
  }
  for (size_t i = 0; i < window.size(); ++i)
    all.push_back(i);
  Spread part = mask;
  if (sizes != extents)
    part.value = build.dynamicSlice(mask.value, at, sizes);
  return layOutSpread(build, part, window, all);
}

Rewritten writeIf(const Masked &masked, const std::vector<Operation> &chain) {
  Builder build(masked.select);
  Spread mask = spreadOf(masked.mask);
  Value version = masked.slot;
  for (Operation update : chain) {
    Value data = update.operand(1);
    std::vector<Value> starts = startsOf(update);
    Dims window = data.type().shape();
    Value old = build.dynamicSlice(version, starts, window);
    Value there = maskAt(build, mask, window, starts);
    data = masked.chosen ? build.select(there, data, old)
                         : build.select(there, old, data);
    version = build.dynamicUpdateSlice(version, data, starts);
  }
  replaceUpdate(masked.select, version);
  return Rewritten::yes();
}

/// Nothing when neither side is an update of the other.
std::optional<Rewritten> rewriteVersions(Operation select) {
  Value onTrue = select.operand(1), onFalse = select.operand(2);
  for (bool chosen : {true, false}) {
    Value fresh = chosen ? onTrue : onFalse;
    Value slot = chosen ? onFalse : onTrue;
    std::vector<Operation> chain = chainBetween(slot, fresh);
    if (chain.empty())
      continue;
    if (isNeededAfter(slot, select))
      return Rewritten::because("the old value is still needed after it");
    return writeIf({select, select.operand(0), slot, fresh, chosen}, chain);
  }
  return std::nullopt;
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
  if (auto done = rewriteVersions(select))
    return *done;
  if (spreadOf(select.operand(0)).isOneElement())
    return Rewritten::because("neither side is an update of the other");
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
  if (auto window = windowMaskOf(masked.mask, chosen))
    return writeMasked(masked, *window);
  return Rewritten::because("its mask does not choose a constant number of "
                            "rows by their position");
}
