//===- SlicePiece.cpp - Windows that are taken out of a stack -------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SlicePiece.h"
#include "RewriteSupport.h"

#include <algorithm>

using namespace kvlift;

static bool isAll(const std::optional<Dims> &dims, int64_t value) {
  return dims && std::all_of(dims->begin(), dims->end(),
                             [&](int64_t each) { return each == value; });
}

std::vector<PieceStart> kvlift::pieceStartsOf(Operation op, const Dims &slot,
                                              const Dims &window) {
  std::vector<PieceStart> starts;
  for (Value value : startsOf(op)) {
    int64_t last = slot[starts.size()] - window[starts.size()];
    auto number = constantInteger(value);
    if (last == 0)
      number = 0;
    if (number)
      number = std::clamp<int64_t>(*number, 0, last);
    starts.push_back({number, value});
  }
  return starts;
}

std::optional<SlicePiece> kvlift::slicePieceOf(Value value) {
  Operation op = value.definingOp();
  if (!op || !value.type().isStaticTensor())
    return std::nullopt;
  if (op.is("stablehlo.dynamic_slice")) {
    Value source = op.operand(0);
    if (!source.type().isStaticTensor())
      return std::nullopt;
    Dims sizes = value.type().shape();
    return SlicePiece{op, source,
                      pieceStartsOf(op, source.type().shape(), sizes), sizes};
  }
  auto begin = op.attribute("start_indices").asI64Array();
  if (!op.is("stablehlo.slice") || !begin ||
      !isAll(op.attribute("strides").asI64Array(), 1) ||
      !op.operand(0).type().isStaticTensor())
    return std::nullopt;
  std::vector<PieceStart> starts;
  for (int64_t each : *begin)
    starts.push_back({each, {}});
  return SlicePiece{op, op.operand(0), starts, value.type().shape()};
}

bool kvlift::isSamePlace(const std::vector<PieceStart> &a,
                         const std::vector<PieceStart> &b) {
  for (size_t i = 0; i < a.size(); ++i) {
    bool isSame = a[i].number || b[i].number
                      ? a[i].number == b[i].number
                      : isSameInteger(a[i].value, b[i].value);
    if (!isSame)
      return false;
  }
  return a.size() == b.size();
}

/// Extents without those of unit dims.
static Dims realExtents(const Dims &shape) {
  Dims real;
  for (int64_t extent : shape)
    if (extent != 1)
      real.push_back(extent);
  return real;
}

static bool isUnitView(Operation op) {
  if (!op || !op.operand(0).type().isStaticTensor() ||
      !op.result().type().isStaticTensor() ||
      realExtents(op.operand(0).type().shape()) !=
          realExtents(op.result().type().shape()))
    return false;
  if (op.is("stablehlo.reshape"))
    return true;
  if (op.is("stablehlo.transpose"))
    return movesOnlyUnitDims(op.operand(0).type().shape(), permutationOf(op));
  Dims dims =
      op.attribute("broadcast_dimensions").asI64Array().value_or(Dims{});
  return op.is("stablehlo.broadcast_in_dim") &&
         std::is_sorted(dims.begin(), dims.end());
}

Value kvlift::withoutUnitDims(Value value) {
  Operation op = value.definingOp();
  while (op && op.numOperands() == 1 && isUnitView(op)) {
    value = op.operand(0);
    op = value.definingOp();
  }
  return value;
}

std::optional<UpdatedPiece> kvlift::updatedPieceOf(Value value) {
  std::vector<Operation> updates;
  Value below = withoutUnitDims(value);
  while (Operation op = below.definingOp()) {
    if (!op.is("stablehlo.dynamic_update_slice") ||
        !op.operand(1).type().isStaticTensor())
      break;
    updates.push_back(op);
    below = withoutUnitDims(op.operand(0));
  }
  auto slice = slicePieceOf(below);
  if (!slice || updates.empty())
    return std::nullopt;
  std::reverse(updates.begin(), updates.end());
  return UpdatedPiece{*slice, updates};
}

Value kvlift::takeCondition(Value &data, Value stack,
                            const std::vector<PieceStart> &starts) {
  Operation select = data.definingOp();
  if (!select || !select.is("stablehlo.select") ||
      !select.operand(0).type().isStaticTensor())
    return {};
  Value condition = select.operand(0);
  while (condition.type().elementCount() != 1) {
    Operation maker = condition.definingOp();
    if (!maker || !maker.is("stablehlo.broadcast_in_dim") ||
        !maker.operand(0).type().isStaticTensor())
      return {};
    condition = maker.operand(0);
  }
  auto old = slicePieceOf(select.operand(2));
  if (!old || !(old->source == stack) || !isSamePlace(old->starts, starts))
    return {};
  data = select.operand(1);
  return condition;
}
