//===- ScatterMap.cpp - Where a scatter's elements go ---------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScatterMap.h"
#include "RewriteSupport.h"
#include "kvlift/Builder.h"
#include "kvlift/IndexArithmetic.h"

using namespace kvlift;

static int64_t placeIn(const Dims &dims, int64_t dim) {
  return contains(dims, dim) ? indexOf(dims, dim) : -1;
}

static Dims ascending(int64_t rank) {
  Dims dims(rank);
  for (int64_t i = 0; i < rank; ++i)
    dims[i] = i;
  return dims;
}

ScatterMap kvlift::scatterMapOf(Operation scatter) {
  Value operand = scatter.operand(0);
  int64_t rank = operand.type().rank();
  ScatterMap map{scatter, operand, ascending(rank), scatterNumbersOf(scatter),
                 {},      {}};
  Operation maker = operand.definingOp();
  if (maker && maker.is("stablehlo.transpose") &&
      maker.operand(0).type().isStaticTensor()) {
    map.slot = maker.operand(0);
    map.view = permutationOf(maker);
  }

  const ScatterNumbers &numbers = map.numbers;
  // The update's other dims count the index vectors, in order.
  int64_t nextIndexDim = 0;
  Dims updateDimOf(scatter.operand(1).type().rank(), -1);
  for (int64_t u = 0, n = scatter.operand(2).type().rank(); u < n; ++u) {
    if (contains(numbers.updateWindowDims, u)) {
      map.indexDims.push_back(-1);
      continue;
    }
    nextIndexDim += nextIndexDim == numbers.indexVectorDim;
    updateDimOf[nextIndexDim] = u;
    map.indexDims.push_back(nextIndexDim++);
  }

  map.dims.resize(rank);
  int64_t nextWindowDim = 0;
  for (int64_t i = 0; i < rank; ++i) {
    ScatterDim &dim = map.dims[map.view[i]];
    dim.component = placeIn(numbers.scatterDimsToOperandDims, i);
    int64_t batch = placeIn(numbers.inputBatchingDims, i);
    if (batch >= 0)
      dim.updateDim = updateDimOf[numbers.indicesBatchingDims[batch]];
    else if (!contains(numbers.insertedWindowDims, i))
      dim.updateDim = numbers.updateWindowDims[nextWindowDim++];
  }
  return map;
}

Window ScatterMap::componentWindow(int64_t component,
                                   const Window &part) const {
  Window window = Window::whole(indices().type());
  for (size_t u = 0; u < indexDims.size(); ++u)
    if (indexDims[u] >= 0) {
      window.low[indexDims[u]] = part.low[u];
      window.high[indexDims[u]] = part.high[u];
    }
  if (numbers.indexVectorDim < indices().type().rank()) {
    window.low[numbers.indexVectorDim] = component;
    window.high[numbers.indexVectorDim] = component + 1;
  }
  return window;
}

IndexFact kvlift::positionsOf(IndexFacts &facts, const ScatterMap &map,
                              int64_t dim, const Window &part) {
  const ScatterDim &along = map.dims[dim];
  size_t rank = map.indexDims.size();
  IndexFact sum = constantFact(64, 0, rank);
  if (along.component >= 0) {
    IndexFact fact =
        facts.of(map.indices(), map.componentWindow(along.component, part));
    sum = fact;
    sum.steps.assign(rank, 0);
    sum.varies.assign(rank, false);
    for (size_t u = 0; u < rank; ++u)
      if (map.indexDims[u] >= 0) {
        sum.steps[u] = fact.steps[map.indexDims[u]];
        sum.varies[u] = fact.varies[map.indexDims[u]];
      }
  }
  int64_t u = along.updateDim;
  if (u < 0 || (part.low[u] == 0 && part.high[u] == 1))
    return sum;
  IndexFact count = constantFact(sum.width, part.low[u], rank);
  count.range.high = part.high[u] - 1;
  count.steps[u] = part.extent(u) > 1;
  count.varies[u] = part.extent(u) > 1;
  return addFacts(sum, count);
}

bool kvlift::mayCrossEdge(IndexFacts &facts, const ScatterMap &map, int64_t dim,
                          const Window &part) {
  const ScatterDim &along = map.dims[dim];
  if (along.component < 0 || along.updateDim < 0)
    return false;
  // A window is dropped as a whole, even where it is looked at row by row.
  Window window = part;
  window.low[along.updateDim] = 0;
  window.high[along.updateDim] = map.update().type().shape()[along.updateDim];
  return window.extent(along.updateDim) > 1 &&
         !positionsOf(facts, map, dim, window)
              .range.isWithin(0, map.extent(dim));
}

void kvlift::replaceScatter(const ScatterMap &map, Value updated) {
  Operation scatter = map.scatter;
  Value old = scatter.result();
  bool isTurned = !isIdentity(map.view);
  Dims back = invertPermutation(map.view);
  for (const Use &use : isTurned ? old.uses() : std::vector<Use>{}) {
    Operation user(use.user);
    if (!user.is("stablehlo.transpose") || permutationOf(user) != back ||
        !(user.result().type() == updated.type()))
      continue;
    user.result().replaceAllUsesWith(updated);
    user.erase();
  }
  if (!old.isUnused() && isTurned)
    updated = Builder(scatter).transpose(updated, map.view);
  replaceUpdate(scatter, updated);
}
