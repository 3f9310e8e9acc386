//===- ProvenanceUpdates.cpp - Ops that replace a part of a value ---------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProvenanceBuilder.h"

#include <algorithm>

using namespace kvlift;

void ProvenanceBuilder::write(Operation op, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    update(op.operand(i), op.result(i), op, Change::written);
}

/// Whether a value is one constant everywhere.
static bool isFill(Value value) {
  Operation maker = value.definingOp();
  while (maker &&
         (maker.is("stablehlo.broadcast_in_dim") ||
          maker.is("stablehlo.reshape") || maker.is("stablehlo.convert")))
    maker = maker.operand(0).definingOp();
  if (!maker || !maker.is("stablehlo.constant"))
    return false;
  return maker.result().type().rank() == 0 ||
         maker.attribute("value").isSplat();
}

/// select(mask, new, old) is an update of old. Two versions of one root give a
/// version of that root; versions of two roots give none.
void ProvenanceBuilder::select(Operation op, Value onTrue, Value onFalse,
                               Value to) {
  const Origin *a = known(onTrue), *b = known(onFalse);
  if (!a && !b) {
    // Only one side can be what the other is put into; the cut one is.
    pass(into.noOrigin(onTrue) ? onTrue : onFalse, to);
    return;
  }
  if (!a || !b) {
    Value old = a ? onTrue : onFalse, fresh = a ? onFalse : onTrue;
    return update(old, to, op,
                  isFill(fresh) ? Change::filled : Change::replaced);
  }
  if (a->root == b->root && a->view == b->view && a->hasView == b->hasView) {
    bool isNewer = orderOf(a->version) >= orderOf(b->version);
    const Origin &newer = isNewer ? *a : *b, &older = isNewer ? *b : *a;
    Origin target = newer;
    target.isCounter |= older.isCounter;
    target.isReshaped |= older.isReshaped;
    target.from = isNewer ? onTrue : onFalse;
    target.strongest = std::max(a->strongest, b->strongest);
    if (!(a->version == b->version))
      becomeUpdate(target, target.from, to, op, Change::replaced);
    if (target.update == op && !target.isCounter)
      addUpdate(op);
    return add(to, target);
  }
  if (!isTold(std::max(a->strongest, b->strongest)))
    return;
  into.merged.insert(into.merged.end(), {onTrue, onFalse});
  cut(to, {NoOrigin::merged, op, isTold(a->strongest) ? a->update : b->update});
}

/// Where a slice of step 1 begins along `dim`, when it takes all of every other
/// dim of its operand.
static std::optional<int64_t> sliceStart(Operation slice, int64_t dim) {
  auto starts = slice.attribute("start_indices").asI64Array();
  auto strides = slice.attribute("strides").asI64Array();
  if (!starts || !strides)
    return std::nullopt;
  Dims from = slice.operand(0).type().shape();
  Dims to = slice.result().type().shape();
  for (int64_t i = 0, rank = from.size(); i < rank; ++i)
    if ((*strides)[i] != 1 || (i != dim && from[i] != to[i]))
      return std::nullopt;
  return (*starts)[dim];
}

/// concatenate(slice(old, :p), new, slice(old, p+n:)), in any number of pieces:
/// each slice must stand where it was taken.
void ProvenanceBuilder::concatenate(Operation op) {
  auto dim = op.attribute("dimension").asInteger();
  Value to = op.result(), old;
  if (!dim || !to.type().isStaticTensor())
    return;
  int64_t at = 0;
  for (Value piece : op.operands()) {
    if (!piece.type().isStaticTensor())
      return;
    Operation maker = piece.definingOp();
    if (maker && maker.is("stablehlo.slice") && known(maker.operand(0)) &&
        maker.operand(0).type() == to.type() && sliceStart(maker, *dim) == at) {
      if (old && !(old == maker.operand(0)))
        return;
      old = maker.operand(0);
    }
    at += piece.type().shape()[*dim];
  }
  if (old)
    update(old, to, op, Change::replaced);
}

/// pad(slice(old, p:q), fill) back to where the slice was taken.
void ProvenanceBuilder::pad(Operation op) {
  Operation maker = op.operand(0).definingOp();
  Value to = op.result();
  if (!maker || !maker.is("stablehlo.slice") || !known(maker.operand(0)) ||
      !(maker.operand(0).type() == to.type()))
    return;
  auto starts = maker.attribute("start_indices").asI64Array();
  auto strides = maker.attribute("strides").asI64Array();
  auto low = op.attribute("edge_padding_low").asI64Array();
  auto interior = op.attribute("interior_padding").asI64Array();
  auto isAll = [](const std::optional<Dims> &dims, int64_t value) {
    return dims && std::all_of(dims->begin(), dims->end(),
                               [&](int64_t each) { return each == value; });
  };
  if (starts && starts == low && isAll(strides, 1) && isAll(interior, 0))
    update(maker.operand(0), to, op, Change::replaced);
}

static bool isOneInteger(Type type) {
  if (!type.isStaticTensor() || !type.element().isInteger() ||
      type.element().bitWidth() < 8)
    return false;
  Dims shape = type.shape();
  return std::all_of(shape.begin(), shape.end(),
                     [](int64_t extent) { return extent == 1; });
}

/// arg + constant, of one integer.
void ProvenanceBuilder::count(Operation op) {
  Value lhs = op.operand(0), rhs = op.operand(1);
  if (!known(lhs) && op.is("stablehlo.add"))
    std::swap(lhs, rhs);
  if (known(lhs) && !known(rhs) && isOneInteger(lhs.type()) && isFill(rhs))
    update(lhs, op.result(), op, Change::counted);
}

/// Results that a custom_call says live in an operand.
void ProvenanceBuilder::customCall(Operation op) {
  for (const OperandAlias &alias : operandAliasesOf(op))
    if (alias.operandTuple.empty() && alias.outputTuple.size() <= 1) {
      int64_t result = alias.outputTuple.empty() ? 0 : alias.outputTuple[0];
      if (result < op.numResults() && op.result(result).type().isRankedTensor())
        update(op.operand(alias.operand), op.result(result), op,
               Change::written);
    }
}

void ProvenanceBuilder::tupleElement(Operation op) {
  Operation maker = op.operand(0).definingOp();
  auto index = op.attribute("index").asInteger();
  if (!maker || !index)
    return;
  if (maker.is("stablehlo.tuple"))
    return pass(maker.operand(*index), op.result());
  if (!maker.is("stablehlo.custom_call"))
    return;
  for (const OperandAlias &alias : operandAliasesOf(maker))
    if (alias.operandTuple.empty() && alias.outputTuple == Dims{*index})
      return update(maker.operand(alias.operand), op.result(), maker,
                    Change::written);
}
