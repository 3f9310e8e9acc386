//===- ProductOperand.cpp - How a product reads an operand ----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/ProductOperand.h"

#include <algorithm>

using namespace kvlift;

ProductOperand::ProductOperand(const Dims &shape, const Dims &order,
                               const Dims &batch, const Dims &contracting,
                               bool withUnits) {
  Dims batchOrder, summedOrder;
  for (int64_t dim : order) {
    auto inBatch = std::find(batch.begin(), batch.end(), dim);
    auto inSum = std::find(contracting.begin(), contracting.end(), dim);
    Use use = inBatch != batch.end()       ? batched
              : inSum != contracting.end() ? summed
                                           : free;
    freeCount *= use == free ? shape[dim] : 1;
    if (shape[dim] == 1 && !withUnits)
      continue;
    dims.push_back(use);
    if (use == batched)
      batchOrder.push_back(inBatch - batch.begin());
    if (use == summed)
      summedOrder.push_back(inSum - contracting.begin());
  }
  isInOrder = std::is_sorted(batchOrder.begin(), batchOrder.end()) &&
              std::is_sorted(summedOrder.begin(), summedOrder.end());
}

int64_t ProductOperand::count(Use use) const {
  return std::count(dims.begin(), dims.end(), use);
}

bool ProductOperand::isMatrix() const {
  auto rest = dims.begin() + count(batched);
  auto changes = [](Use one, Use other) { return one != other; };
  auto change = std::adjacent_find(rest, dims.end(), changes);
  bool hasOneChange =
      change == dims.end() ||
      std::adjacent_find(change + 1, dims.end(), changes) == dims.end();
  return isInOrder && hasOneChange &&
         std::all_of(dims.begin(), rest,
                     [](Use use) { return use == batched; });
}
