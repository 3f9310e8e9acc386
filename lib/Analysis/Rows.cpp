//===- Rows.cpp - Which rows does an index tensor name? -------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Rows.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// Element j, in row-major order, is `base + offset + step * j`.
struct Affine {
  Value base;
  int64_t offset;
  int64_t step;
};

// Numbers this small cannot overflow when a few of them are added.
bool isSmall(int64_t number) {
  return number > -(int64_t(1) << 30) && number < (int64_t(1) << 30);
}

std::optional<Affine> affineOf(Value value, int depth);

std::optional<Affine> affineConstant(Operation op) {
  auto values = op.attribute("value").denseIntegers();
  if (!values || values->empty() ||
      !std::all_of(values->begin(), values->end(), isSmall))
    return std::nullopt;
  int64_t step = values->size() > 1 ? (*values)[1] - (*values)[0] : 0;
  for (size_t j = 1; j < values->size(); ++j)
    if ((*values)[j] - (*values)[j - 1] != step)
      return std::nullopt;
  return Affine{{}, values->front(), step};
}

std::optional<Affine> affineIota(Operation op) {
  Dims shape = op.result().type().shape();
  int64_t dim = op.attribute("iota_dimension").asInteger().value_or(0);
  // In row-major order it counts only if nothing else varies.
  if (shape[dim] != op.result().type().elementCount())
    return std::nullopt;
  return Affine{{}, 0, 1};
}

/// Broadcasting one element repeats it; otherwise only unit dims may appear,
/// and dims keep their order: a broadcast may transpose.
std::optional<Affine> affineBroadcast(Operation op, int depth) {
  Type from = op.operand(0).type(), to = op.result().type();
  if (!from.isStaticTensor())
    return std::nullopt;
  int64_t count = from.elementCount();
  if (count == 1)
    if (auto one = affineOf(op.operand(0), depth))
      return Affine{one->base, one->offset, 0};
  Dims dims =
      op.attribute("broadcast_dimensions").asI64Array().value_or(Dims{});
  if (count != to.elementCount() || !std::is_sorted(dims.begin(), dims.end()))
    return std::nullopt;
  return affineOf(op.operand(0), depth);
}

std::optional<Affine> affineAdd(Operation op, int depth) {
  auto a = affineOf(op.operand(0), depth), b = affineOf(op.operand(1), depth);
  if (!a || !b || (a->base && b->base) || !isSmall(a->offset + b->offset))
    return std::nullopt;
  return Affine{a->base ? a->base : b->base, a->offset + b->offset,
                a->step + b->step};
}

std::optional<Affine> affineMultiply(Operation op, int depth) {
  auto a = affineOf(op.operand(0), depth), b = affineOf(op.operand(1), depth);
  if (!a || !b)
    return std::nullopt;
  for (auto [scale, other] : {std::pair{*a, *b}, std::pair{*b, *a}})
    if (!scale.base && scale.step == 0 && scale.offset == 1)
      return other;
  return std::nullopt;
}

std::optional<Affine> affineOf(Value value, int depth) {
  if (!value.type().isStaticTensor())
    return std::nullopt;
  Operation op = value.definingOp();
  std::optional<Affine> fact;
  // Index arithmetic is a handful of ops; the limit bounds adversarial input.
  if (op && depth > 0) {
    if (op.is("stablehlo.constant"))
      fact = affineConstant(op);
    else if (op.is("stablehlo.iota"))
      fact = affineIota(op);
    else if (op.is("stablehlo.reshape"))
      fact = affineOf(op.operand(0), depth - 1);
    else if (op.is("stablehlo.broadcast_in_dim"))
      fact = affineBroadcast(op, depth - 1);
    else if (op.is("stablehlo.add"))
      fact = affineAdd(op, depth - 1);
    else if (op.is("stablehlo.multiply"))
      fact = affineMultiply(op, depth - 1);
  }
  if (!fact && value.type().elementCount() == 1)
    return Affine{value, 0, 0};
  return fact;
}

} // namespace

std::optional<RowRun> kvlift::consecutiveRows(Value indices) {
  constexpr int depthLimit = 12;
  if (!indices.type().isStaticTensor())
    return std::nullopt;
  int64_t count = indices.type().elementCount();
  auto fact = affineOf(indices, depthLimit);
  if (!fact || (count > 1 && fact->step != 1))
    return std::nullopt;
  return RowRun{fact->base, fact->offset, count};
}
