//===- Spread.cpp - Elements that are repeated along dims -----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Spread.h"
#include "kvlift/Ops.h"

#include <algorithm>

using namespace kvlift;

// Views are a handful of ops; the limit bounds adversarial input.
static constexpr int depthLimit = 16;

/// Where the dims of a reshape's operand lie, given where the result's do; only
/// for a reshape that just adds or drops dims of one element.
static std::optional<Dims> behindReshape(const Dims &from, const Dims &to,
                                         const Dims &dims) {
  Dims behind(from.size(), -1);
  size_t next = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] == 1)
      continue;
    while (next < to.size() && to[next] == 1)
      ++next;
    if (next == to.size() || to[next] != from[i])
      return std::nullopt;
    behind[i] = dims[next++];
  }
  while (next < to.size() && to[next] == 1)
    ++next;
  return next == to.size() ? std::optional(behind) : std::nullopt;
}

/// The same for any view; nothing for other ops.
static std::optional<Dims> behind(Operation op, const Dims &dims) {
  if (op.numOperands() != 1 || !op.operand(0).type().isStaticTensor())
    return std::nullopt;
  Dims from = op.operand(0).type().shape(), to = op.result().type().shape();
  if (op.is("stablehlo.convert") && op.operand(0).type() == op.result().type())
    return dims;
  if (op.is("stablehlo.reshape"))
    return behindReshape(from, to, dims);
  Dims places;
  if (op.is("stablehlo.transpose"))
    places = invertPermutation(permutationOf(op));
  else if (op.is("stablehlo.broadcast_in_dim"))
    places = op.attribute("broadcast_dimensions").asI64Array().value_or(Dims{});
  else
    return std::nullopt;
  Dims found(from.size(), -1);
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] == to[places[i]])
      found[i] = dims[places[i]];
  return found;
}

bool Spread::varies(int64_t dim) const {
  Dims shape = value.type().shape();
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] == dim && shape[i] != 1)
      return true;
  return false;
}

Spread kvlift::spreadOf(Value tensor, Dims dims) {
  Spread spread{tensor, std::move(dims)};
  for (int steps = 0; steps < depthLimit; ++steps) {
    Operation op = spread.value.definingOp();
    auto next = op ? behind(op, spread.dims) : std::nullopt;
    if (!next)
      break;
    spread = {op.operand(0), *next};
  }
  return spread;
}

Spread kvlift::spreadOf(Value tensor) {
  Dims dims(tensor.type().rank());
  for (size_t i = 0; i < dims.size(); ++i)
    dims[i] = i;
  return spreadOf(tensor, dims);
}

Value kvlift::layOutSpread(Builder &build, const Spread &spread,
                           const Dims &shape, const Dims &shown) {
  Dims extents = spread.value.type().shape(), kept, places;
  for (size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == 1)
      continue;
    kept.push_back(extents[i]);
    places.push_back(std::find(shown.begin(), shown.end(), spread.dims[i]) -
                     shown.begin());
  }
  // With nothing to repeat or to turn it is the same elements.
  bool isSame = spread.value.type().elementCount() ==
                    spread.value.type().withShape(shape).elementCount() &&
                std::is_sorted(places.begin(), places.end());
  return isSame ? build.reshape(spread.value, shape)
                : build.broadcast(build.reshape(spread.value, kept), shape,
                                  places);
}
