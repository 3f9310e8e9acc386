//===- ProductOperand.h - How a product reads an operand --------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_PRODUCTOPERAND_H
#define KVLIFT_PRODUCTOPERAND_H

#include "kvlift/Support.h"

namespace kvlift {

/// One operand of a product, as it lies in memory.
struct ProductOperand {
  enum Use { batched, summed, free };
  /// What the product does with each dim, the slowest first.
  std::vector<Use> dims;
  /// Whether batched and summed dims are in the product's order.
  bool isInOrder;
  /// Elements of the free dims.
  int64_t freeCount = 1;

  /// `order` names the dims of `shape` as they lie in memory, `batch` and
  /// `contracting` those that the product batches and sums, in its order. Dims
  /// of extent 1 are left out unless `withUnits`.
  ProductOperand(const Dims &shape, const Dims &order, const Dims &batch,
                 const Dims &contracting, bool withUnits);

  int64_t count(Use use) const;
  /// Batched dims, then all free and all summed ones or the other way round.
  bool isMatrix() const;
  bool isVector() const { return count(summed) == 0 || count(free) == 0; }
  bool sumsLast() const { return !dims.empty() && dims.back() == summed; }
};

} // namespace kvlift

#endif // KVLIFT_PRODUCTOPERAND_H
