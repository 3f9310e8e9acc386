//===- IndexArithmetic.cpp - Facts of computed integers -------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/IndexArithmetic.h"

#include <algorithm>

using namespace kvlift;

Interval kvlift::typeRange(unsigned width) {
  int64_t high = width >= 64 ? INT64_MAX : (int64_t(1) << (width - 1)) - 1;
  return {-high - 1, high};
}

int64_t kvlift::wrapTo(unsigned width, uint64_t value) {
  if (width >= 64)
    return static_cast<int64_t>(value);
  uint64_t sign = uint64_t(1) << (width - 1);
  uint64_t low = value & ((sign << 1) - 1);
  return static_cast<int64_t>((low ^ sign) - sign);
}

IndexFact kvlift::unknownFact(unsigned width, Interval range,
                              const std::vector<bool> &varies) {
  IndexFact fact;
  fact.width = width;
  fact.range = range;
  fact.steps.resize(varies.size(), 0);
  fact.varies = varies;
  return fact;
}

IndexFact kvlift::constantFact(unsigned width, int64_t value, int64_t rank) {
  IndexFact fact =
      unknownFact(width, {value, value}, std::vector<bool>(rank, false));
  fact.isAffine = fact.isExact = true;
  fact.offset = value;
  return fact;
}

std::optional<int64_t> kvlift::constantOf(const IndexFact &fact) {
  if (fact.range.low != fact.range.high)
    return std::nullopt;
  return fact.range.low;
}

static std::vector<bool> variesInEither(const IndexFact &a,
                                        const IndexFact &b) {
  std::vector<bool> varies(a.varies.size());
  for (size_t d = 0; d < varies.size(); ++d)
    varies[d] = a.varies[d] || b.varies[d];
  return varies;
}

/// What a computation gives when its bounds are these; nothing stands for a
/// bound that does not fit 64 bits.
static std::optional<Interval> fitting(unsigned width,
                                       std::optional<int64_t> low,
                                       std::optional<int64_t> high) {
  Interval all = typeRange(width);
  if (!low || !high || *low < all.low || *high > all.high)
    return std::nullopt;
  return Interval{*low, *high};
}

static std::optional<int64_t> checkedAdd(int64_t a, int64_t b) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum))
    return std::nullopt;
  return sum;
}

static std::optional<int64_t> checkedSubtract(int64_t a, int64_t b) {
  int64_t difference;
  if (__builtin_sub_overflow(a, b, &difference))
    return std::nullopt;
  return difference;
}

static std::optional<int64_t> checkedMultiply(int64_t a, int64_t b) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product))
    return std::nullopt;
  return product;
}

/// Fills in `steps` and `varies` of an affine fact: dims without a step are
/// constant.
static void settle(IndexFact &fact) {
  for (size_t d = 0; d < fact.steps.size(); ++d)
    fact.varies[d] = fact.varies[d] && fact.steps[d] != 0;
}

int64_t kvlift::addScaled(unsigned width, int64_t a, int64_t factor, int64_t b,
                          bool &isExact) {
  int64_t held = wrapTo(width, uint64_t(a) + uint64_t(factor) * uint64_t(b));
  auto product = checkedMultiply(factor, b);
  isExact &= product && checkedAdd(a, *product) == held;
  return held;
}

/// a + factor * b, for affine facts of which `b` has no base that remains.
static void combine(IndexFact &into, const IndexFact &a, const IndexFact &b,
                    int64_t factor) {
  into.isAffine = true;
  into.offset = addScaled(into.width, a.offset, factor, b.offset, into.isExact);
  for (size_t d = 0; d < into.steps.size(); ++d)
    into.steps[d] =
        addScaled(into.width, a.steps[d], factor, b.steps[d], into.isExact);
  settle(into);
}

IndexFact kvlift::addFacts(const IndexFact &a, const IndexFact &b) {
  auto range = fitting(a.width, checkedAdd(a.range.low, b.range.low),
                       checkedAdd(a.range.high, b.range.high));
  IndexFact sum = unknownFact(a.width, range.value_or(typeRange(a.width)),
                              variesInEither(a, b));
  if (!a.isAffine || !b.isAffine || a.wrap || b.wrap || (a.base && b.base))
    return sum;
  sum.base = a.base ? a.base : b.base;
  sum.isExact = a.isExact && b.isExact && range;
  combine(sum, a, b, 1);
  return sum;
}

IndexFact kvlift::subtractFacts(const IndexFact &a, const IndexFact &b) {
  auto range = fitting(a.width, checkedSubtract(a.range.low, b.range.high),
                       checkedSubtract(a.range.high, b.range.low));
  IndexFact difference = unknownFact(
      a.width, range.value_or(typeRange(a.width)), variesInEither(a, b));
  bool cancels = a.base && b.base && a.base == b.base;
  if (!a.isAffine || !b.isAffine || a.wrap || b.wrap || (b.base && !cancels))
    return difference;
  if (!cancels)
    difference.base = a.base;
  difference.isExact = a.isExact && b.isExact && range;
  combine(difference, a, b, -1);
  return difference;
}

IndexFact kvlift::multiplyFacts(const IndexFact &a, const IndexFact &b) {
  const IndexFact &scale = constantOf(a) ? a : b, &other = &scale == &a ? b : a;
  auto factor = constantOf(scale);
  if (!factor)
    return unknownFact(a.width, typeRange(a.width), variesInEither(a, b));
  if (*factor == 1)
    return other;
  auto one = checkedMultiply(other.range.low, *factor),
       two = checkedMultiply(other.range.high, *factor);
  auto range =
      fitting(a.width, *factor < 0 ? two : one, *factor < 0 ? one : two);
  IndexFact product = unknownFact(a.width, range.value_or(typeRange(a.width)),
                                  variesInEither(a, b));
  if (!other.isAffine || other.wrap || other.base)
    return product;
  product.isExact = other.isExact && range;
  combine(product, constantFact(a.width, 0, other.steps.size()), other,
          *factor);
  return product;
}

IndexFact kvlift::remainderFacts(const IndexFact &a, const IndexFact &b) {
  auto divisor = constantOf(b);
  if (!divisor || *divisor <= 0)
    return unknownFact(a.width, typeRange(a.width), variesInEither(a, b));
  if (a.range.isWithin(0, *divisor))
    return a;
  if (auto dividend = constantOf(a))
    return constantFact(a.width, *dividend % *divisor, a.varies.size());
  // The remainder has the sign of the dividend.
  Interval range{a.range.low < 0 ? 1 - *divisor : 0,
                 a.range.high > 0 ? *divisor - 1 : 0};
  return unknownFact(a.width, range, a.varies);
}

IndexFact kvlift::minimumFacts(const IndexFact &a, const IndexFact &b) {
  if (a.range.high <= b.range.low)
    return a;
  if (b.range.high <= a.range.low)
    return b;
  return unknownFact(a.width,
                     {std::min(a.range.low, b.range.low),
                      std::min(a.range.high, b.range.high)},
                     variesInEither(a, b));
}

IndexFact kvlift::maximumFacts(const IndexFact &a, const IndexFact &b) {
  if (a.range.low >= b.range.high)
    return a;
  if (b.range.low >= a.range.high)
    return b;
  return unknownFact(a.width,
                     {std::max(a.range.low, b.range.low),
                      std::max(a.range.high, b.range.high)},
                     variesInEither(a, b));
}

IndexFact kvlift::eitherFact(const IndexFact &a, const IndexFact &b) {
  return unknownFact(a.width,
                     {std::min(a.range.low, b.range.low),
                      std::max(a.range.high, b.range.high)},
                     variesInEither(a, b));
}

/// Narrower types drop high bits, so that an affine fact stays one. In wider
/// types it stays one only where it does not wrap around.
IndexFact kvlift::convertFact(const IndexFact &a, unsigned width) {
  auto range = fitting(width, a.range.low, a.range.high);
  IndexFact fact = a;
  fact.width = width;
  fact.range = range.value_or(typeRange(width));
  fact.isExact = a.isExact && range;
  fact.offset = addScaled(width, a.offset, 0, 0, fact.isExact);
  for (int64_t &step : fact.steps)
    step = addScaled(width, step, 0, 0, fact.isExact);
  bool holds = !a.wrap && (width <= a.width || a.isExact);
  if (a.isAffine && !holds)
    return unknownFact(width, fact.range, a.varies);
  return fact;
}
