//===- MaskedWrite.cpp - Write the window that a mask chooses -------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. Find the window's part of the new value. Along each dim of which the mask
//    chooses rows, that repeats one row, or the rows are at constant places, or
//    it is a single row: then they can be taken from it.
// 2. A flag that does not hold moves the window to where it is dropped.
// 3. One window is written with its guard (GuardedWrite.h). Windows at other
//    positions for each row of other dims are a scatter, which drops what is
//    out of range as the mask does:
//      select(iota(S) == %pos[b], %row, %slot)
//    is
//      scatter(%slot, [iota(B), %pos], %row)
//    and SimplifyScatter.cpp says what becomes of that one.
//
//===----------------------------------------------------------------------===//

#include "MaskedWrite.h"
#include "GuardedWrite.h"
#include "RewriteSupport.h"

#include <algorithm>

using namespace kvlift;

namespace {

bool isSplat(Value value) {
  Operation op = value.definingOp();
  return op && op.is("stablehlo.constant") && op.attribute("value").isSplat();
}

class Writer {
public:
  Writer(const Masked &masked, const WindowMask &window)
      : masked(masked), window(window), build(masked.select),
        shape(masked.slot.type().shape()), fresh(spreadOf(masked.fresh)),
        scalar(Type::tensor({}, window.index)) {
    for (int64_t dim = 0, n = shape.size(); dim < n; ++dim) {
      if (window.varies(dim))
        varied.push_back(dim);
      if (!window.isWhole(dim, shape))
        chosen.push_back(dim);
    }
  }

  Rewritten run() {
    if (std::string obstacle = findObstacle(); !obstacle.empty())
      return Rewritten::because(obstacle);
    replaceUpdate(masked.select, varied.empty() ? writeOne() : writeEach());
    return Rewritten::yes();
  }

private:
  //===--------------------------------------------------------------------===//
  // Checks
  //===--------------------------------------------------------------------===//

  /// Whether it is known only at run time where the rows are.
  bool isMoving(int64_t dim) const { return bool(window.dims[dim].base.value); }

  bool isRepeated(int64_t dim) const {
    return isSplat(masked.fresh) || !fresh.varies(dim);
  }

  std::string findObstacle() const {
    Dims extents;
    std::vector<WindowStart> starts;
    for (size_t dim = 0; dim < shape.size(); ++dim) {
      const WindowMask::Rows &rows = window.dims[dim];
      extents.push_back(rows.count);
      starts.push_back({rows.base.value, rows.offset});
    }
    // Flags move the window along this dim.
    if (!window.flags.empty())
      starts[chosen.front()].base = window.flags.front().value.value;
    if (auto obstacle = obstacleTo(shape, extents, starts, window.index))
      return *obstacle;
    for (int64_t dim : chosen)
      if (isMoving(dim) && !isRepeated(dim) &&
          (window.dims[dim].count != 1 ||
           !window.dims[dim].base.isOneElement()))
        return "its new rows differ, and where they are is known only at run "
               "time";
    // A scatter names every row.
    for (size_t dim = 0; dim < shape.size() && !varied.empty(); ++dim)
      if ((!window.isWhole(dim, shape) || window.varies(dim)) &&
          !canHold(window.index, shape[dim]))
        return "its index type " + window.index.print() +
               " cannot count the rows";
    return "";
  }

  //===--------------------------------------------------------------------===//
  // New rows
  //===--------------------------------------------------------------------===//

  /// `base + offset` along a dim, for each element of the dims `along`.
  Value position(int64_t dim, const Dims &along) {
    const WindowMask::Rows &rows = window.dims[dim];
    Dims extents = extentsOf(along);
    Value offset =
        build.splat(Type::tensor(extents, window.index), rows.offset);
    if (!rows.base.value)
      return offset;
    Value base = layOutSpread(build, rows.base, extents, along);
    return rows.offset == 0 ? base
                            : build.binary("stablehlo.add", base, offset);
  }

  Dims extentsOf(const Dims &along) const {
    Dims extents;
    for (int64_t dim : along)
      extents.push_back(shape[dim]);
    return extents;
  }

  /// The window's part of the new value.
  Value newRows() {
    Dims sizes = shape;
    for (int64_t dim : chosen)
      if (isRepeated(dim))
        sizes[dim] = window.dims[dim].count;
    Value rows = masked.fresh;
    if (sizes != shape)
      rows = repeat(sizes);
    // Constant places first: what is left is smaller.
    Dims low(sizes.size(), 0), high = sizes;
    for (int64_t dim : chosen)
      if (!isRepeated(dim) && !isMoving(dim)) {
        low[dim] = window.dims[dim].offset;
        high[dim] = low[dim] + window.dims[dim].count;
      }
    rows = takeConstant(rows, low, high);
    return takeMoving(rows);
  }

  Value repeat(const Dims &sizes) {
    if (isSplat(masked.fresh)) {
      Dims corner(shape.size(), 1);
      Value one = build.slice(masked.fresh, Dims(shape.size(), 0), corner);
      return build.broadcast(build.reshape(one, {}), sizes, {});
    }
    Dims all(shape.size());
    for (size_t i = 0; i < all.size(); ++i)
      all[i] = i;
    return layOutSpread(build, fresh, sizes, all);
  }

  /// A slice; of what a pad put there, the operand itself.
  Value takeConstant(Value rows, const Dims &low, const Dims &high) {
    Operation pad = rows.definingOp();
    if (!pad || !pad.is("stablehlo.pad") ||
        !pad.operand(0).type().isStaticTensor())
      return build.slice(rows, low, high);
    Dims sizes = pad.operand(0).type().shape();
    for (size_t i = 0; i < sizes.size(); ++i)
      if (sizes[i] != high[i] - low[i])
        return build.slice(rows, low, high);
    bool isThere =
        pad.attribute("edge_padding_low").asI64Array() == low &&
        pad.attribute("interior_padding").asI64Array() == Dims(low.size(), 0);
    return isThere ? pad.operand(0) : build.slice(rows, low, high);
  }

  /// The single rows at places that are known at run time.
  Value takeMoving(Value rows) {
    Dims sizes = rows.type().shape();
    std::vector<Value> starts(sizes.size());
    bool isAll = true;
    for (int64_t dim : chosen)
      if (isMoving(dim) && !isRepeated(dim)) {
        starts[dim] = position(dim, {});
        sizes[dim] = 1;
        isAll = false;
      }
    if (isAll)
      return rows;
    for (Value &start : starts)
      if (!start)
        start = build.splat(scalar, 0);
    return build.dynamicSlice(rows, starts, sizes);
  }

  //===--------------------------------------------------------------------===//
  // One window
  //===--------------------------------------------------------------------===//

  Value writeOne() {
    std::vector<WindowStart> starts;
    for (const WindowMask::Rows &rows : window.dims)
      starts.push_back({rows.base.value, rows.offset});
    if (!window.flags.empty())
      starts[chosen.front()] = {flagged(chosen.front(), {}), 0};
    return writeGuarded(build, {masked.slot, newRows(), starts, window.index});
  }

  /// The position along a dim, moved away where a flag does not hold.
  Value flagged(int64_t dim, const Dims &along) {
    Value place = position(dim, along);
    if (dim != chosen.front())
      return place;
    for (const WindowMask::Flag &flag : window.flags) {
      Value away = build.splat(place.type(), -window.dims[dim].count);
      Value holds = layOutSpread(build, flag.value, extentsOf(along), along);
      place = flag.wanted ? build.select(holds, place, away)
                          : build.select(holds, away, place);
    }
    return place;
  }

  //===--------------------------------------------------------------------===//
  // A window for each row of other dims
  //===--------------------------------------------------------------------===//

  Value writeEach() {
    // The index vectors count the dims along which positions vary, and the rows
    // of a run; single rows need no dim of their own.
    Dims counts, varyingPlaces, placeOf(shape.size(), -1), indexed, kept;
    ScatterNumbers numbers{};
    for (int64_t dim = 0, n = shape.size(); dim < n; ++dim) {
      bool isVaried = window.varies(dim);
      bool isIndexed = isVaried || !window.isWhole(dim, shape);
      int64_t count = window.dims[dim].count;
      if (isIndexed)
        indexed.push_back(dim);
      if (isIndexed && !isVaried && count == 1)
        continue;
      if (!isIndexed)
        numbers.updateWindowDims.push_back(kept.size());
      kept.push_back(count);
      if (!isIndexed)
        continue;
      if (isVaried)
        varyingPlaces.push_back(counts.size());
      placeOf[dim] = counts.size();
      counts.push_back(count);
    }
    Dims column = counts;
    column.push_back(1);
    std::vector<Value> columns;
    for (int64_t dim : indexed)
      columns.push_back(build.reshape(
          positions(dim, placeOf[dim], counts, varyingPlaces), column));
    numbers.insertedWindowDims = numbers.scatterDimsToOperandDims = indexed;
    numbers.indexVectorDim = counts.size();
    Value indices = build.concatenate(columns, counts.size());
    Value update = build.reshape(newRows(), kept);
    return build.scatter(masked.slot, indices, update, numbers);
  }

  /// The positions along a dim, whose rows the index vectors count along
  /// `place`, if they do.
  Value positions(int64_t dim, int64_t place, const Dims &counts,
                  const Dims &varyingPlaces) {
    Type type = Type::tensor(counts, window.index);
    if (window.isWhole(dim, shape))
      return build.iota(type, place);
    Value first = flagged(dim, varied);
    if (!(first.type() == type))
      first = build.broadcast(first, counts, varyingPlaces);
    return place < 0
               ? first
               : build.binary("stablehlo.add", first, build.iota(type, place));
  }

  const Masked &masked;
  const WindowMask &window;
  Builder build;
  Dims shape;
  Spread fresh;
  Type scalar;
  /// The dims along which positions vary, and those of which the mask chooses
  /// rows.
  Dims varied, chosen;
};

} // namespace

Rewritten kvlift::writeMasked(const Masked &masked, const WindowMask &window) {
  return Writer(masked, window).run();
}
