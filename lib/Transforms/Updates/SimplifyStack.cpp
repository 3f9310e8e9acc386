//===- SimplifyStack.cpp - Layers that are updated and put back -----------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %layer = dynamic_slice %stack, %l, ...
//   %new   = dynamic_update_slice %layer, %row, %p, ...
//   %done  = dynamic_update_slice %stack, %new, %l, ...
// becomes
//   %done  = dynamic_update_slice %stack, %row, %l, %p, ...
// and who reads %new slices %done. Both windows start at the same place, so
// the layer without the row is what the stack holds there already. Starts are
// moved into range dim by dim; where the layer takes all of a dim, or one
// position of it, the one start is what both together come to, else both are
// moved into range and added. Several updates of a layer become several of the
// stack. Where the layer is put back under a condition, as a guarded write
// does it, the row gets the condition.
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "SlicePiece.h"
#include "UpdateRewrite.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// An update that puts a layer back.
struct Plan {
  Operation back;
  UpdatedPiece layer;
  /// What the layer is put back under; null for always.
  Value condition;
};

/// For each dim of the stack the layer's dim that it shows; -1 for unit dims.
Dims layerDims(const Dims &window, const Dims &layer) {
  Dims dims;
  size_t next = 0;
  for (int64_t extent : window) {
    while (extent != 1 && layer[next] == 1)
      ++next;
    dims.push_back(extent == 1 ? -1 : static_cast<int64_t>(next++));
  }
  return dims;
}

std::vector<std::optional<int64_t>>
numbersOf(const std::vector<PieceStart> &starts) {
  std::vector<std::optional<int64_t>> numbers;
  for (const PieceStart &start : starts)
    numbers.push_back(start.number);
  return numbers;
}

std::optional<Plan> match(Operation back) {
  Value stack = back.operand(0), data = back.operand(1);
  if (!stack.type().isStaticTensor() || !data.type().isStaticTensor() ||
      !(back.result().type() == stack.type()) ||
      data.type().elementCount() == 0)
    return std::nullopt;
  Dims window = data.type().shape();
  auto starts = pieceStartsOf(back, stack.type().shape(), window);
  Value condition = takeCondition(data, stack, starts);
  auto layer = updatedPieceOf(data);
  if (!layer || layer->slice.sizes != window ||
      !(layer->slice.source.type() == stack.type()) ||
      !isSamePlace(layer->slice.starts, starts) ||
      !isUntouched(stack, layer->slice.source, numbersOf(starts), window))
    return std::nullopt;
  for (Operation update : layer->updates)
    if (!(update.block() == back.block()) ||
        update.operand(1).type().elementCount() == 0)
      return std::nullopt;
  return Plan{back, *layer, condition};
}

/// Whether only the next update, or the op that puts the layer back, reads
/// each updated layer: the updates can then move to where that op is.
bool isReadByChainOnly(const Plan &plan) {
  auto hasOneUse = [](Value value) { return value.uses().size() == 1; };
  auto throughViews = [&](Value value, Value end) {
    while (hasOneUse(value)) {
      Operation user(value.uses().front().user);
      bool isView = user.is("stablehlo.reshape") ||
                    user.is("stablehlo.transpose") ||
                    user.is("stablehlo.broadcast_in_dim");
      if (!isView)
        return user == end.definingOp() || user == plan.back;
      value = user.result();
    }
    return false;
  };
  const auto &updates = plan.layer.updates;
  for (size_t i = 0; i < updates.size(); ++i) {
    bool isLast = i + 1 == updates.size();
    Value end = isLast ? plan.back.operand(1) : updates[i + 1].result();
    if (!throughViews(updates[i].result(), end))
      return false;
  }
  return true;
}

/// Whether everything that an update of the stack needs is there before the
/// first update of the layer.
bool canMoveUp(const Plan &plan) {
  Operation first = plan.layer.updates.front();
  if (!isAvailable(plan.back.operand(0), first) ||
      (plan.condition && !isAvailable(plan.condition, first)))
    return false;
  return !isNeededAfter(plan.back.operand(0), first, plan.back);
}

class Writer {
public:
  explicit Writer(const Plan &plan)
      : plan(plan), stack(plan.back.operand(0)), shape(stack.type().shape()),
        window(plan.layer.slice.sizes), starts(plan.layer.slice.starts) {}

  /// Writes all updates where the layer was put back.
  void writeAtEnd() {
    Value version = stack;
    for (Operation update : plan.layer.updates)
      version = write(Builder(plan.back), update, version);
    replaceUpdate(plan.back, version);
  }

  /// Writes each update where it was; its readers see the stack.
  void writeInPlace() {
    Value version = stack;
    for (Operation update : plan.layer.updates)
      version = write(Builder(update), update, version);
    plan.back.result().replaceAllUsesWith(version);
    // The versions are in place: the readers of the layer can move to them.
    size_t next = 0;
    for (Operation update : plan.layer.updates) {
      Builder build(update);
      Value seen = layerOf(build, written[next++]);
      update.result().replaceAllUsesWith(
          build.reshape(seen, update.result().type().shape()));
    }
    std::vector<Operation> dead(plan.layer.updates);
    dead.push_back(plan.back);
    eraseIfDead(dead);
  }

private:
  Value write(Builder build, Operation update, Value version) {
    Value data = update.operand(1);
    Dims part = data.type().shape(), rows = window;
    Dims dims = layerDims(window, update.operand(0).type().shape());
    for (size_t i = 0; i < dims.size(); ++i)
      rows[i] = dims[i] < 0 ? 1 : part[dims[i]];
    std::vector<Value> places;
    for (size_t i = 0; i < dims.size(); ++i)
      places.push_back(place(build, update, i, dims[i], rows[i]));
    data = build.reshape(data, rows);
    if (plan.condition) {
      Value condition = build.reshape(plan.condition, {});
      data = build.select(build.broadcast(condition, rows, {}), data,
                          build.dynamicSlice(version, places, rows));
    }
    written.push_back(build.dynamicUpdateSlice(version, data, places));
    return written.back();
  }

  /// Where rows of the layer are in the stack, along stack dim `i`.
  Value place(Builder &build, Operation update, size_t i, int64_t layerDim,
              int64_t rows) {
    if (layerDim < 0 || rows == window[i])
      return start(build, i);
    Value inner = toIndex(build, startsOf(update)[layerDim]);
    if (window[i] == shape[i])
      return inner;
    Value outer = clamp(build, start(build, i), shape[i] - window[i]);
    return build.binary("stablehlo.add", outer,
                        clamp(build, inner, window[i] - rows));
  }

  Value start(Builder &build, size_t i) {
    if (starts[i].number)
      return build.splat(index(build), *starts[i].number);
    return toIndex(build, starts[i].value);
  }

  Value clamp(Builder &build, Value value, int64_t high) {
    Type type = index(build);
    return build
        .create("stablehlo.clamp",
                {build.splat(type, 0), value, build.splat(type, high)}, {type})
        .result();
  }

  Value toIndex(Builder &build, Value value) {
    Type type = index(build);
    if (value.type() == type)
      return value;
    return build.create("stablehlo.convert", {value}, {type}).result();
  }

  Type index(Builder &build) {
    return Type::tensor({}, Type::integer(build.context(), wideBits()));
  }

  /// 32 when everything is, else 64.
  unsigned wideBits() {
    for (int64_t extent : shape)
      if (extent > INT32_MAX)
        return 64;
    for (Operation update : plan.layer.updates)
      for (Value value : startsOf(update))
        if (value.type().element().bitWidth() > 32)
          return 64;
    for (const PieceStart &each : starts)
      if (!each.number && each.value.type().element().bitWidth() > 32)
        return 64;
    return 32;
  }

  /// The window of the stack that the layer is.
  Value layerOf(Builder &build, Value version) {
    std::vector<Value> places;
    for (size_t i = 0; i < window.size(); ++i)
      places.push_back(start(build, i));
    return build.dynamicSlice(version, places, window);
  }

  const Plan &plan;
  Value stack;
  Dims shape, window;
  std::vector<PieceStart> starts;
  std::vector<Value> written;
};

/// Whether all starts are signed integers: they may have to be widened.
bool hasSignedStarts(const Plan &plan) {
  std::vector<Operation> updates = plan.layer.updates;
  updates.push_back(plan.back);
  for (Operation update : updates)
    for (Value start : startsOf(update))
      if (!start.type().element().isInteger() ||
          start.type().element().isUnsignedInteger())
        return false;
  return true;
}

} // namespace

Rewritten kvlift::simplifyStack(const SlotUpdate &update) {
  if (!update.op.is("stablehlo.dynamic_update_slice"))
    return Rewritten::no();
  std::optional<Plan> plan = match(update.op);
  if (!plan)
    return Rewritten::no();
  if (!hasSignedStarts(*plan))
    return Rewritten::because("its positions are unsigned");
  if (isReadByChainOnly(*plan)) {
    Writer(*plan).writeAtEnd();
    return Rewritten::yes();
  }
  // With a condition, the layer that is read is not what the stack holds.
  if (plan->condition || !canMoveUp(*plan))
    return Rewritten::because("the layer that it puts back is read before the "
                              "stack can be updated");
  Writer(*plan).writeInPlace();
  return Rewritten::yes();
}
