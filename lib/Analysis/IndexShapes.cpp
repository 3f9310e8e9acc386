//===- IndexShapes.cpp - Facts through ops that move elements -------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/IndexArithmetic.h"
#include "kvlift/IndexFacts.h"
#include "kvlift/Ops.h"

#include <algorithm>

using namespace kvlift;

/// The fact with other dims: dim d of the result is the fact's dim from[d], or
/// a new one along which nothing changes.
static IndexFact redim(const IndexFact &fact, const Dims &from) {
  IndexFact result = fact;
  result.steps.assign(from.size(), 0);
  result.varies.assign(from.size(), false);
  for (size_t d = 0; d < from.size(); ++d) {
    if (from[d] < 0)
      continue;
    result.steps[d] = fact.steps[from[d]];
    result.varies[d] = fact.varies[from[d]];
  }
  return result;
}

// Sums of this size times the extent of a table do not overflow.
static constexpr int64_t small = int64_t(1) << 40;

/// Element by element: a small table may be any affine function.
static IndexFact readTable(const Dims &table, Type type, const Window &window) {
  Dims shape = type.shape();
  int64_t rank = shape.size(), count = window.elementCount();
  auto at = [&](const Dims &place) {
    int64_t linear = 0;
    for (int64_t d = 0; d < rank; ++d)
      linear = linear * shape[d] + window.low[d] + place[d];
    return table[linear];
  };
  unsigned width = type.element().bitWidth();
  Dims place(rank, 0);
  IndexFact fact = constantFact(width, at(place), rank);
  for (int64_t d = 0; d < rank; ++d) {
    fact.varies[d] = window.extent(d) > 1;
    if (!fact.varies[d])
      continue;
    Dims next(rank, 0);
    next[d] = 1;
    fact.steps[d] = wrapTo(width, uint64_t(at(next)) - uint64_t(fact.offset));
  }
  for (int64_t i = 0; i < count; ++i) {
    int64_t value = at(place);
    uint64_t expected = fact.offset;
    for (int64_t d = 0; d < rank; ++d)
      expected += uint64_t(fact.steps[d]) * uint64_t(place[d]);
    fact.isAffine &= wrapTo(width, expected) == value;
    fact.isExact &= static_cast<int64_t>(expected) == value;
    fact.range = {std::min(fact.range.low, value),
                  std::max(fact.range.high, value)};
    for (int64_t d = rank - 1; d >= 0 && ++place[d] == window.extent(d); --d)
      place[d] = 0;
  }
  if (!fact.isAffine)
    return unknownFact(width, fact.range, fact.varies);
  fact.isExact &= fact.range.isWithin(-small, small);
  for (int64_t d = 0; d < rank; ++d) {
    fact.varies[d] = fact.steps[d] != 0;
    fact.isExact &= std::abs(fact.steps[d]) < small;
  }
  return fact;
}

std::optional<IndexFact> IndexFacts::ofConstant(Operation op,
                                                const Window &window) {
  Type type = op.result().type();
  Attribute value = op.attribute("value");
  if (auto splat = value.splatInteger())
    return constantFact(type.element().bitWidth(), *splat, type.rank());
  constexpr int64_t largest = 1 << 16;
  if (type.elementCount() > largest)
    return std::nullopt;
  auto found = constants.find(op.raw.ptr);
  if (found == constants.end()) {
    auto table = value.denseIntegers();
    if (!table)
      return std::nullopt;
    found = constants.emplace(op.raw.ptr, std::move(*table)).first;
  }
  return readTable(found->second, type, window);
}

std::optional<IndexFact> IndexFacts::ofBroadcast(Operation op,
                                                 const Window &window) {
  Value source = op.operand(0);
  auto dims = op.attribute("broadcast_dimensions").asI64Array();
  if (!dims)
    return std::nullopt;
  Dims shape = source.type().shape();
  Window inner{Dims(shape.size(), 0), Dims(shape.size(), 1)};
  Dims from(window.low.size(), -1);
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t to = (*dims)[d];
    if (shape[d] == 1)
      continue;
    inner.low[d] = window.low[to];
    inner.high[d] = window.high[to];
    from[to] = d;
  }
  return redim(visit(source, inner), from);
}

std::optional<IndexFact> IndexFacts::ofTranspose(Operation op,
                                                 const Window &window) {
  Dims permutation = permutationOf(op);
  Window inner = window;
  for (size_t d = 0; d < permutation.size(); ++d) {
    inner.low[permutation[d]] = window.low[d];
    inner.high[permutation[d]] = window.high[d];
  }
  return redim(visit(op.operand(0), inner), permutation);
}

std::optional<IndexFact> IndexFacts::ofSlice(Operation op,
                                             const Window &window) {
  auto starts = op.attribute("start_indices").asI64Array();
  auto strides = op.attribute("strides").asI64Array();
  if (!starts || !strides)
    return std::nullopt;
  Window inner = window;
  for (size_t d = 0; d < window.low.size(); ++d) {
    int64_t stride = (*strides)[d];
    if (stride != 1 && window.extent(d) > 1)
      return std::nullopt;
    inner.low[d] = (*starts)[d] + window.low[d] * stride;
    inner.high[d] = inner.low[d] + window.extent(d);
  }
  return visit(op.operand(0), inner);
}

/// Where a start is not known, all elements of the operand may be meant.
std::optional<IndexFact> IndexFacts::ofDynamicSlice(Operation op,
                                                    const Window &window) {
  Type type = op.operand(0).type();
  Dims shape = type.shape(), sizes = op.result().type().shape();
  Window inner = window;
  bool isMoved = false;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t last = shape[d] - sizes[d];
    Interval start = visit(op.operand(d + 1), Window{}).range;
    int64_t low = std::clamp<int64_t>(start.low, 0, last);
    if (low == std::clamp<int64_t>(start.high, 0, last)) {
      inner.low[d] += low;
      inner.high[d] += low;
      continue;
    }
    inner.low[d] = 0;
    inner.high[d] = shape[d];
    isMoved = true;
  }
  IndexFact fact = visit(op.operand(0), inner);
  if (!isMoved)
    return fact;
  for (size_t d = 0; d < shape.size(); ++d)
    if (window.extent(d) == 1) {
      fact.steps[d] = 0;
      fact.varies[d] = false;
    }
  if (!fact.isAffine || fact.wrap)
    return unknownFact(fact.width, fact.range, fact.varies);
  // Along the slice it goes on as the operand does, from wherever it begins.
  fact.base = Element{op.result(), window.low};
  fact.offset = 0;
  return fact;
}

/// Which elements it takes is not known, but they are the operand's.
std::optional<IndexFact> IndexFacts::ofGather(Operation op) {
  Value table = op.operand(0);
  Type result = op.result().type();
  IndexFact fact = visit(table, Window::whole(table.type()));
  return unknownFact(fact.width, fact.range,
                     std::vector<bool>(result.rank(), true));
}

/// Puts the facts of pieces in a row; nothing when they don't go on from one
/// another.
static std::optional<IndexFact> inARow(const std::vector<IndexFact> &pieces,
                                       const Dims &lengths, int64_t dim) {
  const IndexFact &first = pieces.front();
  IndexFact row = first;
  unsigned width = first.width;
  if (lengths[0] == 1)
    row.steps[dim] =
        wrapTo(width, uint64_t(pieces[1].offset) - uint64_t(first.offset));
  row.varies[dim] = row.steps[dim] != 0;
  uint64_t next = first.offset;
  for (size_t p = 0; p < pieces.size(); ++p) {
    IndexFact piece = pieces[p];
    if (lengths[p] == 1)
      piece.steps[dim] = row.steps[dim];
    if (!piece.isAffine || piece.wrap || !(piece.base == first.base) ||
        piece.steps != row.steps || wrapTo(width, next) != piece.offset)
      return std::nullopt;
    row.range = {std::min(row.range.low, piece.range.low),
                 std::max(row.range.high, piece.range.high)};
    row.isExact &= piece.isExact && static_cast<int64_t>(piece.offset) ==
                                        static_cast<int64_t>(next);
    next += uint64_t(row.steps[dim]) * uint64_t(lengths[p]);
  }
  row.isExact &=
      std::abs(row.offset) < small && std::abs(row.steps[dim]) < small;
  return row;
}

std::optional<IndexFact> IndexFacts::ofConcatenate(Operation op,
                                                   const Window &window) {
  auto dim = op.attribute("dimension").asInteger();
  if (!dim)
    return std::nullopt;
  std::vector<IndexFact> pieces;
  Dims lengths;
  int64_t begin = 0;
  for (Value piece : op.operands()) {
    int64_t end = begin + piece.type().shape()[*dim];
    Window inner = window;
    inner.low[*dim] = std::max(window.low[*dim], begin) - begin;
    inner.high[*dim] = std::min(window.high[*dim], end) - begin;
    begin = end;
    if (inner.extent(*dim) <= 0)
      continue;
    pieces.push_back(visit(piece, inner));
    lengths.push_back(inner.extent(*dim));
  }
  if (pieces.size() == 1)
    return pieces.front();
  if (auto row = inARow(pieces, lengths, *dim))
    return row;
  IndexFact fact = pieces.front();
  for (const IndexFact &piece : pieces)
    fact = eitherFact(fact, piece);
  fact.varies[*dim] = true;
  return fact;
}
