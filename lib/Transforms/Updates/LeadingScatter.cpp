//===- LeadingScatter.cpp - Scatters on the leading dims of a slot --------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scatter with indices in the first n dims of the slot, in order, and windows
// of the other dims is run in place by every runtime; others are run between
// transposes of the slot, or element by element. So:
// 1. The last dims of the slot along which the update just counts from 0 become
//    the window.
// 2. All dims before them are indexed: by the old component, by counting, or by
//    both.
// 3. The update is transposed to fit; dims that stay index dims keep their
//    order, so that elements for one place are still combined in that order.
//
//===----------------------------------------------------------------------===//

#include "GuardedWrite.h"
#include "ScatterMap.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

namespace {

struct Layout {
  /// The dims of the slot before this one are indexed.
  int64_t indexed;
  /// The update's dims in their new order; the first `scattered` of them count
  /// the index vectors.
  Dims order;
  int64_t scattered;
};

class LeadingScatter {
public:
  LeadingScatter(IndexFacts &facts, const ScatterMap &map)
      : facts(facts), map(map), whole(Window::whole(map.update().type())),
        index(map.indices().type().element()) {}

  Operation run(Edges edges) {
    if (map.rank() == 0 || isLeading() || !findLayout())
      return {};
    for (int64_t dim = 0; dim < map.rank(); ++dim)
      if (!canHold(index, map.extent(dim)) ||
          (edges == Edges::leave && mayCrossEdge(facts, map, dim, whole)))
        return {};
    return apply();
  }

private:
  /// Whether there is nothing to do.
  bool isLeading() {
    const ScatterNumbers &numbers = map.numbers;
    int64_t indexed = numbers.scatterDimsToOperandDims.size();
    int64_t scattered = whole.low.size() - numbers.updateWindowDims.size();
    return isIdentity(map.view) && numbers.inputBatchingDims.empty() &&
           isIdentity(numbers.scatterDimsToOperandDims) &&
           numbers.insertedWindowDims == numbers.scatterDimsToOperandDims &&
           numbers.indexVectorDim == map.indices().type().rank() - 1 &&
           (numbers.updateWindowDims.empty() ||
            numbers.updateWindowDims.front() == scattered) &&
           !(indexed > 1 && countsFromZero(indexed - 1) >= 0);
  }

  /// The update's dim that counts from 0 along a dim of the slot and along no
  /// other; -1 if there is none.
  int64_t countsFromZero(int64_t dim) {
    IndexFact fact = positionsOf(facts, map, dim, whole);
    if (!fact.isAffine || fact.base || fact.wrap || fact.offset != 0 ||
        !fact.range.isWithin(0, map.extent(dim)))
      return -1;
    int64_t found = map.dims[dim].component < 0 ? map.dims[dim].updateDim : -1;
    for (size_t u = 0; u < whole.low.size(); ++u) {
      if (fact.steps[u] == 0)
        continue;
      if (fact.steps[u] != 1 || (found >= 0 && found != int64_t(u)))
        return -1;
      found = u;
    }
    for (int64_t other = 0; other < map.rank() && found >= 0; ++other)
      if (other != dim && positionsOf(facts, map, other, whole).varies[found])
        return -1;
    return found >= 0 ? found : spareUnitDim();
  }

  /// A dim of the update with one element that counts along no dim; -1 if
  /// there is none.
  int64_t spareUnitDim() {
    for (int64_t u = 0, n = whole.low.size(); u < n; ++u) {
      bool isOwn = std::any_of(
          map.dims.begin(), map.dims.end(),
          [&](const ScatterDim &dim) { return dim.updateDim == u; });
      if (whole.extent(u) == 1 && !isOwn &&
          std::find(windows.begin(), windows.end(), u) == windows.end())
        return u;
    }
    return -1;
  }

  bool findLayout() {
    layout.indexed = map.rank();
    while (layout.indexed > 0) {
      int64_t u = countsFromZero(layout.indexed - 1);
      if (u < 0)
        break;
      windows.insert(windows.begin(), u);
      --layout.indexed;
    }
    for (size_t u = 0; u < whole.low.size(); ++u)
      if (std::find(windows.begin(), windows.end(), int64_t(u)) ==
          windows.end())
        layout.order.push_back(u);
    layout.scattered = layout.order.size();
    layout.order.insert(layout.order.end(), windows.begin(), windows.end());
    return layout.indexed > 0;
  }

  /// The extents of the dims that count the index vectors.
  Dims vectorShape() const {
    Dims shape;
    for (int64_t i = 0; i < layout.scattered; ++i)
      shape.push_back(whole.extent(layout.order[i]));
    return shape;
  }

  int64_t placeOf(int64_t updateDim) const {
    return std::find(layout.order.begin(),
                     layout.order.begin() + layout.scattered, updateDim) -
           layout.order.begin();
  }

  /// The old component along a dim of the slot, one for each index vector.
  Value component(Builder &build, int64_t number) {
    Window part = whole;
    Dims shape, dims;
    for (size_t u = 0; u < whole.low.size(); ++u) {
      bool isKept = map.indexDims[u] >= 0 && placeOf(u) < layout.scattered;
      if (!isKept)
        part.high[u] = 1;
      if (!isKept)
        continue;
      shape.push_back(whole.extent(u));
      dims.push_back(placeOf(u));
    }
    Window window = map.componentWindow(number, part);
    Value one = build.slice(map.indices(), window.low, window.high);
    return build.broadcast(build.reshape(one, shape), vectorShape(), dims);
  }

  Value positions(Builder &build, int64_t dim) {
    Type type = Type::tensor(vectorShape(), index);
    const ScatterDim &along = map.dims[dim];
    Value sum;
    if (along.component >= 0)
      sum = component(build, along.component);
    if (along.updateDim >= 0) {
      Value count = build.iota(type, placeOf(along.updateDim));
      sum = sum ? build.binary("stablehlo.add", sum, count) : count;
    }
    return sum ? sum : build.splat(type, 0);
  }

  Operation apply() {
    Builder build(map.scatter);
    Dims column = vectorShape();
    column.push_back(1);
    std::vector<Value> columns;
    for (int64_t dim = 0; dim < layout.indexed; ++dim)
      columns.push_back(build.reshape(positions(build, dim), column));
    Value indices = build.concatenate(columns, layout.scattered);
    Value update = isIdentity(layout.order)
                       ? map.update()
                       : build.transpose(map.update(), layout.order);
    ScatterNumbers numbers{};
    for (int64_t u = layout.scattered, n = layout.order.size(); u < n; ++u)
      numbers.updateWindowDims.push_back(u);
    for (int64_t dim = 0; dim < layout.indexed; ++dim)
      numbers.insertedWindowDims.push_back(dim);
    numbers.scatterDimsToOperandDims = numbers.insertedWindowDims;
    numbers.indexVectorDim = layout.scattered;
    Operation made = build.recreate(map.scatter, {map.slot, indices, update},
                                    {map.slot.type()});
    made.setAttribute("scatter_dimension_numbers",
                      scatterNumbersAttribute(build.context(), numbers));
    // The index vectors are others now.
    made.removeAttribute("indices_are_sorted");
    // What overlapping windows share is named several times.
    if (std::any_of(map.dims.begin(), map.dims.end(),
                    [](const ScatterDim &dim) {
                      return dim.component >= 0 && dim.updateDim >= 0;
                    }))
      made.removeAttribute("unique_indices");
    replaceScatter(map, made.result());
    return made;
  }

  IndexFacts &facts;
  const ScatterMap &map;
  Window whole;
  Type index;
  Layout layout{};
  /// The update's dims that become the window, by the slot's dims.
  Dims windows;
};

} // namespace

Operation kvlift::makeLeadingScatter(IndexFacts &facts, const ScatterMap &map,
                                     Edges edges) {
  return LeadingScatter(facts, map).run(edges);
}
