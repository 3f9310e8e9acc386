//===- SimplifyViews.cpp - Updates of a view of a slot --------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   view back(dynamic_update_slice(view(slot), update, starts))
// becomes
//   dynamic_update_slice(slot, view back(update), starts of the slot's dims)
// for transposes, reshapes, and bitcasts of one width. Every element of a view
// is one element of the slot, and the window stays a window: a reshape may
// only split and merge dims that the update covers wholly, or add and remove
// unit dims. dynamic_update_slice moves a window into range dim by dim, and
// the extents of slot and window are the same on both sides. A barrier between
// a view and the update moves behind the update with it. A dynamic_slice of the
// same window, which a guard keeps old rows by, is taken from the slot as well:
// a runtime would build the view for it.
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "UpdateRewrite.h"
#include "kvlift/Builder.h"
#include "kvlift/Provenance.h"

using namespace kvlift;

namespace {

/// The slot's dims [sourceBegin, sourceEnd) hold the same elements as the
/// view's dims [viewBegin, viewEnd).
struct DimGroup {
  size_t sourceBegin, sourceEnd, viewBegin, viewEnd;
};

/// The smallest such groups, in order; both shapes have as many elements, more
/// than none.
std::vector<DimGroup> groupDims(const Dims &source, const Dims &view) {
  std::vector<DimGroup> groups;
  size_t s = 0, v = 0;
  while (s < source.size() || v < view.size()) {
    DimGroup group{s, s, v, v};
    int64_t ours = 1, theirs = 1;
    if (s < source.size())
      ours = source[s++];
    if (v < view.size() && (ours > 1 || s == source.size()))
      theirs = view[v++];
    while (ours != theirs)
      (ours < theirs ? ours : theirs) *=
          ours < theirs ? source[s++] : view[v++];
    group.sourceEnd = s;
    group.viewEnd = v;
    groups.push_back(group);
  }
  return groups;
}

/// Where an update goes in the slot's own dims. `from[i]` is the view's dim
/// whose start slot dim i has; -1 for 0.
struct Window {
  Dims sizes;
  std::vector<int64_t> from;
};

/// The one dim of [begin, end) that is not a unit dim; -1 when all are, nothing
/// when there are several.
std::optional<int64_t> onlyRealDim(const Dims &shape, size_t begin,
                                   size_t end) {
  int64_t found = -1;
  for (size_t i = begin; i < end; ++i) {
    if (shape[i] == 1)
      continue;
    if (found >= 0)
      return std::nullopt;
    found = i;
  }
  return found;
}

/// The window of an update through a reshape; nothing when it is none there.
std::optional<Window> windowThroughReshape(const Dims &source, const Dims &view,
                                           const Dims &update) {
  Window window{Dims(source.size(), 1),
                std::vector<int64_t>(source.size(), -1)};
  for (const DimGroup &group : groupDims(source, view)) {
    auto ours = onlyRealDim(source, group.sourceBegin, group.sourceEnd);
    auto theirs = onlyRealDim(view, group.viewBegin, group.viewEnd);
    if (ours && theirs) {
      if (*ours >= 0) {
        window.sizes[*ours] = update[*theirs];
        window.from[*ours] = *theirs;
      }
      continue;
    }
    for (size_t v = group.viewBegin; v < group.viewEnd; ++v)
      if (update[v] != view[v])
        return std::nullopt;
    for (size_t s = group.sourceBegin; s < group.sourceEnd; ++s)
      window.sizes[s] = source[s];
  }
  return window;
}

Window windowThroughTranspose(const Dims &permutation, const Dims &update) {
  Window window{Dims(update.size()), std::vector<int64_t>(update.size())};
  for (size_t i = 0; i < permutation.size(); ++i) {
    window.sizes[permutation[i]] = update[i];
    window.from[permutation[i]] = i;
  }
  return window;
}

bool isViewOp(Operation op) {
  return op && (op.is("stablehlo.transpose") || op.is("stablehlo.reshape") ||
                op.is("stablehlo.bitcast_convert"));
}

bool isBarrier(Operation op) {
  return op && op.is("stablehlo.optimization_barrier");
}

Value bitcast(Builder &build, Value value, Type element) {
  return build
      .create("stablehlo.bitcast_convert", {value},
              {Type::tensor(value.type().shape(), element)})
      .result();
}

/// One way of seeing a slot, and how to show another value the same way.
class View {
public:
  explicit View(Operation op) : op(op), source(op.operand(0)) {}

  bool isElementwise() const { return op.is("stablehlo.bitcast_convert"); }

  /// Where an update of the view goes in the source.
  std::optional<Window> windowOf(const Dims &update) const {
    if (op.is("stablehlo.transpose"))
      return windowThroughTranspose(permutationOf(op), update);
    Dims shape = source.type().shape(), view = op.result().type().shape();
    if (isElementwise() && shape != view)
      return std::nullopt;
    return windowThroughReshape(shape, view, update);
  }

  /// What the update of the view is as an update of the source.
  Value back(Builder &build, Value update, const Window &window) const {
    if (op.is("stablehlo.transpose"))
      return build.transpose(update, invertPermutation(permutationOf(op)));
    if (isElementwise())
      return bitcast(build, update, source.type().element());
    return build.reshape(update, window.sizes);
  }

  /// A version of the source or a window of one, seen this way as `type`.
  Value show(Builder &build, Value version, Type type) const {
    if (op.is("stablehlo.transpose"))
      return build.transpose(version, permutationOf(op));
    if (isElementwise())
      return bitcast(build, version, type.element());
    return build.reshape(version, type.shape());
  }

  /// Whether a user of the view shows the source again.
  bool isUndoneBy(Operation user) const {
    if (user.name() != op.name() || !(user.result().type() == source.type()))
      return false;
    return !op.is("stablehlo.transpose") ||
           permutationOf(user) == invertPermutation(permutationOf(op));
  }

private:
  Operation op;
  Value source;
};

/// The starts in the slot's own dims.
std::vector<Value> startsIn(const Window &window, Builder &build,
                            const std::vector<Value> &starts) {
  // A view without dims has no start whose type could be taken.
  Type index = starts.empty()
                   ? Type::tensor({}, Type::integer(build.context(), 32))
                   : starts.front().type();
  std::vector<Value> moved;
  for (int64_t from : window.from)
    moved.push_back(from >= 0 ? starts[from] : build.splat(index, 0));
  return moved;
}

/// What is sliced from the view where the update writes comes from its source.
void sliceSource(Operation update, const View &view, const Window &window,
                 Value source) {
  for (const Use &use : update.operand(0).uses()) {
    Operation slice(use.user);
    if (!slice.is("stablehlo.dynamic_slice") || use.operand != 0 ||
        !(slice.result().type() == update.operand(1).type()) ||
        startsOf(slice) != startsOf(update))
      continue;
    Builder build(slice);
    Value rows = build.dynamicSlice(
        source, startsIn(window, build, startsOf(slice)), window.sizes);
    slice.result().replaceAllUsesWith(
        view.show(build, rows, slice.result().type()));
    slice.erase();
  }
}

/// The new version of the view's source, which the users of the updated view
/// see as they saw that.
void apply(Operation update, const View &view, const Window &window,
           Value source) {
  sliceSource(update, view, window, source);
  Builder build(update);
  Value data = view.back(build, update.operand(1), window);
  Value updated = build.dynamicUpdateSlice(
      source, data, startsIn(window, build, startsOf(update)));
  for (const Use &use : update.result().uses()) {
    Operation user(use.user);
    if (!view.isUndoneBy(user))
      continue;
    user.result().replaceAllUsesWith(updated);
    user.erase();
  }
  if (!update.result().isUnused())
    update.result().replaceAllUsesWith(
        view.show(build, updated, update.result().type()));
  eraseIfDead(update);
}

/// The update skips a barrier, which then stands behind it.
Rewritten moveBarrierBehind(Operation update, Operation barrier) {
  int64_t position = update.operand(0).resultNumber();
  Operation above = barrier.operand(position).definingOp();
  if (!isViewOp(above) && !isBarrier(above))
    return Rewritten::no();
  Builder build(update);
  Value updated = build.dynamicUpdateSlice(barrier.operand(position),
                                           update.operand(1), startsOf(update));
  Value behind =
      build
          .create("stablehlo.optimization_barrier", {updated}, {updated.type()})
          .result();
  replaceUpdate(update, behind);
  return Rewritten::yes();
}

} // namespace

Rewritten kvlift::simplifyViews(const SlotUpdate &slotUpdate) {
  Operation update = slotUpdate.op;
  if (!update.is("stablehlo.dynamic_update_slice"))
    return Rewritten::no();
  Operation maker = update.operand(0).definingOp();
  if (isBarrier(maker))
    return moveBarrierBehind(update, maker);
  if (!isViewOp(maker))
    return Rewritten::no();
  Value source = maker.operand(0);
  for (Value value : {source, update.operand(0), update.operand(1)})
    if (!value.type().isStaticTensor())
      return Rewritten::because("its shapes are dynamic");
  if (!(update.result().type() == update.operand(0).type()))
    return Rewritten::because("its result is " +
                              update.result().type().print());
  if (update.operand(1).type().elementCount() == 0) {
    replaceUpdate(update, update.operand(0));
    return Rewritten::yes();
  }
  View view(maker);
  std::optional<Window> window =
      view.windowOf(update.operand(1).type().shape());
  if (!window)
    return Rewritten::because("what it writes is no window of the slot behind "
                              "the " +
                              std::string(shortName(maker)));
  apply(update, view, *window, source);
  return Rewritten::yes();
}
