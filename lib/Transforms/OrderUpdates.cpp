//===- OrderUpdates.cpp - kvlift-order-updates ----------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// IREE follows the order of the text: a reader of an old version that stands
// below the update costs two copies of the slot. For every block that holds
// versions of slots:
// 1. Where a slice of an old version must come after the update, but its rows
//    and those of the update are constants that do not overlap: slice the new
//    version, which has the same rows.
// 2. Where an op with regions must come after the update and only slices the
//    old version, at positions that are known before: take the slices before.
// 3. Where a slice or a sum of an old version is used after the update, or a
//    slice is the data of the update itself: pin it by an optimization_barrier,
//    or IREE takes it when it is used, from storage that the update has
//    overwritten.
// 4. Put the readers of each version before its update: ops move only where
//    they must, only within their block, and otherwise keep program order.
//
// Exact: slices move, no value changes. A conflict that is left is
// kvlift-check-in-place's to report.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "kvlift/InPlace.h"
#include "kvlift/Passes.h"

#include <algorithm>

using namespace kvlift;

namespace {

bool isSlice(Operation op) {
  return op && (op.is("stablehlo.slice") || op.is("stablehlo.dynamic_slice"));
}

/// Positions [begin, end) of one dim.
struct Range {
  int64_t begin, end;
};

/// The integer that a scalar holds in all runs.
std::optional<int64_t> constantOf(Value scalar) {
  Operation maker = scalar.definingOp();
  if (!maker || !maker.is("stablehlo.constant"))
    return std::nullopt;
  return maker.attribute("value").splatInteger();
}

/// Where a window of `extent` rows lies that starts at `start` and is moved to
/// fit into `size`; nothing if that is not a constant.
std::optional<Range> windowAt(Value start, int64_t extent, int64_t size) {
  std::optional<int64_t> begin = constantOf(start);
  if (!begin || extent > size)
    return std::nullopt;
  int64_t fitting = std::clamp<int64_t>(*begin, 0, size - extent);
  return Range{fitting, fitting + extent};
}

std::optional<Range> slicedRows(Operation slice, int64_t dim) {
  int64_t size = slice.operand(0).type().shape()[dim];
  if (slice.is("stablehlo.dynamic_slice"))
    return windowAt(slice.operand(1 + dim), slice.result().type().shape()[dim],
                    size);
  auto starts = slice.attribute("start_indices").asI64Array();
  auto limits = slice.attribute("limit_indices").asI64Array();
  if (!starts || !limits)
    return std::nullopt;
  return Range{(*starts)[dim], (*limits)[dim]};
}

/// Whether some dim keeps the rows of both provably apart.
bool areDisjoint(Operation slice, Operation update) {
  Type type = update.operand(0).type();
  if (!update.is("stablehlo.dynamic_update_slice") || !type.isStaticTensor() ||
      !(slice.operand(0).type() == type))
    return false;
  Dims shape = type.shape(), written = update.operand(1).type().shape();
  for (int64_t dim = 0, rank = shape.size(); dim < rank; ++dim) {
    auto reads = slicedRows(slice, dim);
    auto writes = windowAt(update.operand(2 + dim), written[dim], shape[dim]);
    if (reads && writes &&
        (reads->end <= writes->begin || writes->end <= reads->begin))
      return true;
  }
  return false;
}

/// `reader` takes `slice` of the new version instead of `old`.
struct Renewal {
  Operation reader, slice;
  Value newVersion;
};

/// A slice, and the constants that it needs, that leave an op's regions.
struct Hoist {
  std::vector<Operation> ops;
  Operation before;
};

/// An op whose results a barrier is to fix where they are made.
struct Pin {
  Operation maker;
};

struct Plan {
  std::vector<Renewal> renewals;
  std::vector<Hoist> hoists;
  std::vector<Pin> pins;
  bool isEmpty() const {
    return renewals.empty() && hoists.empty() && pins.empty();
  }
};

using OpSet = std::unordered_set<const void *>;

/// Finds what breaks the cycles of one block without a copy of the slot.
class Planner {
public:
  /// `moved` are the ops that a plan moves already, here or in another block.
  Planner(const BlockChains &chains, OpSet &moved)
      : chains(chains), next(chains.nextOnChain()), moved(moved) {}

  Plan run() {
    OrderGraph graph(chains, /*withDeferred=*/true);
    for (const OrderEdge &edge : graph.readsInCycles())
      planRead(chains.reads[edge.read]);
    for (const Read &read : chains.reads)
      if (next[read.version] >= 0 && isOwnData(read))
        pin(read.through.definingOp());
    return std::move(plan);
  }

private:
  Operation updateAfter(const Read &read) const {
    return chains.ops[chains.versions[next[read.version]].maker];
  }

  void planRead(const Read &read) {
    if (read.deferral.bySum)
      return pinSums(read.version);
    Operation reader = chains.ops[read.op], update = updateAfter(read);
    Operation slice = read.deferral ? read.through.definingOp() : reader;
    if (!read.deferral && !reader.regions().empty())
      return planHoists(read);
    if (!isSlice(slice) || (read.deferral && read.deferral.byElements))
      return;
    Value sliced = slice.operand(0);
    bool isWhole = sliced == chains.versions[read.version].value;
    if (isWhole && update.isBefore(reader) && areDisjoint(slice, update) &&
        reader.block() == slice.block()) {
      plan.renewals.push_back(
          {reader, slice, chains.versions[next[read.version]].value});
      return;
    }
    if (read.deferral && !read.deferral.isPinned)
      pin(slice);
  }

  /// Whether the update's data is a slice of the version that it overwrites.
  bool isOwnData(const Read &read) const {
    if (!read.deferral.bySlice || read.deferral.isPinned || read.makes >= 0)
      return false;
    Operation op = chains.ops[read.op];
    return op.is("stablehlo.dynamic_update_slice") &&
           read.through == op.operand(1) &&
           isSlice(read.through.definingOp()) && op == updateAfter(read);
  }

  void pin(Operation maker) {
    if (pinned.insert(maker.raw.ptr).second)
      plan.pins.push_back({maker});
  }

  /// Pins what sums the version up, but for what a barrier holds already.
  void pinSums(int32_t version) {
    for (const Read &read : chains.reads) {
      Operation sum = chains.ops[read.op];
      if (read.version != version || !sum.is("stablehlo.reduce"))
        continue;
      bool isHeld = true;
      for (Value result : sum.results())
        for (const Use &use : result.uses())
          isHeld &= Operation(use.user).is("stablehlo.optimization_barrier");
      if (!isHeld)
        pin(sum);
    }
  }

  /// All that the op captures of the version must be small slices at positions
  /// from outside.
  void planHoists(const Read &read) {
    Operation op = chains.ops[read.op], update = updateAfter(read);
    if (!update.isBefore(op))
      return;
    Hoist hoist{{}, update};
    OpSet own;
    for (const Use &use : usesIn(op, read.through)) {
      Operation slice(use.user);
      if (!isSlice(slice) || use.operand != 0 || !isSmall(slice) ||
          !addPositions(slice, op, hoist, own))
        return;
      own.insert(slice.raw.ptr);
      hoist.ops.push_back(slice);
    }
    auto isMoved = [&](Operation op) { return moved.count(op.raw.ptr) > 0; };
    if (hoist.ops.empty() ||
        std::any_of(hoist.ops.begin(), hoist.ops.end(), isMoved))
      return;
    moved.insert(own.begin(), own.end());
    plan.hoists.push_back(std::move(hoist));
  }

  static bool isSmall(Operation slice) {
    int64_t part = byteSize(slice.result().type());
    return part > 0 && part * 2 <= byteSize(slice.operand(0).type());
  }

  /// Positions are known if they stand before the update, or are constants of
  /// the regions, which then move along.
  static bool addPositions(Operation slice, Operation from, Hoist &hoist,
                           OpSet &own) {
    for (int64_t i = 1, n = slice.numOperands(); i < n; ++i) {
      Value position = slice.operand(i);
      Operation maker = position.definingOp();
      Block home = maker ? maker.block() : position.argumentOwner();
      if (!home.parentOp().isIn(from)) {
        if (maker && home == from.block() && !maker.isBefore(hoist.before))
          return false;
        continue;
      }
      if (!maker || !maker.is("stablehlo.constant"))
        return false;
      if (own.insert(maker.raw.ptr).second)
        hoist.ops.push_back(maker);
    }
    return true;
  }

  const BlockChains &chains;
  const std::vector<int64_t> &next;
  OpSet &moved;
  OpSet pinned;
  Plan plan;
};

/// Before:
///   %s = slice %old            After:
///   %new = dus %old, ...         %new = dus %old, ...
///   op %s, f(%new)               %s = slice %new
///                                op %s, f(%new)
void apply(const Renewal &renewal) {
  if (renewal.reader == renewal.slice) {
    renewal.slice.setOperand(0, renewal.newVersion);
    return;
  }
  std::vector<Value> operands = renewal.slice.operands();
  operands[0] = renewal.newVersion;
  Builder::NamedAttributes attributes;
  for (const auto &[name, value] : renewal.slice.attributes())
    attributes.emplace_back(name, value);
  Value old = renewal.slice.result();
  Value renewed =
      Builder(renewal.reader)
          .create(renewal.slice.name(), operands, {old.type()}, attributes)
          .result();
  for (const Use &use : usesIn(renewal.reader, old))
    Operation(use.user).setOperand(use.operand, renewed);
}

void apply(const Hoist &hoist) {
  for (Operation op : hoist.ops)
    op.moveBefore(hoist.before);
}

/// Before: op slice(%old)    After: op optimization_barrier(slice(%old))
void apply(const Pin &pin) {
  std::vector<Value> made = pin.maker.results();
  std::vector<Type> types;
  std::vector<std::vector<Use>> uses;
  for (Value value : made) {
    types.push_back(value.type());
    uses.push_back(value.uses());
  }
  Operation barrier =
      Builder(pin.maker.next())
          .create("stablehlo.optimization_barrier", made, types);
  for (size_t i = 0; i < made.size(); ++i)
    for (const Use &use : uses[i])
      Operation(use.user).setOperand(use.operand, barrier.result(i));
}

void apply(const Plan &plan) {
  std::vector<Operation> left;
  OpSet known;
  for (const Renewal &renewal : plan.renewals) {
    apply(renewal);
    if (known.insert(renewal.slice.raw.ptr).second)
      left.push_back(renewal.slice);
  }
  for (Operation slice : left)
    if (slice.result().isUnused())
      slice.erase();
  for (const Hoist &hoist : plan.hoists)
    apply(hoist);
  for (const Pin &pin : plan.pins)
    apply(pin);
}

/// Breaks what cycles it can; true if something changed, so that the chains are
/// others now and there may be more to find.
bool breakCycles(const std::deque<BlockChains> &blocks) {
  OpSet moved, planned;
  std::vector<Plan> plans;
  for (const BlockChains &chains : blocks) {
    // A callee is there once for each way of passing versions to it.
    if (planned.count(chains.block.raw.ptr))
      continue;
    Plan plan = Planner(chains, moved).run();
    if (plan.isEmpty())
      continue;
    planned.insert(chains.block.raw.ptr);
    plans.push_back(std::move(plan));
  }
  for (const Plan &plan : plans)
    apply(plan);
  return !plans.empty();
}

void order(Operation module, const PublicFunction &of) {
  std::deque<BlockChains> blocks = chainsOf(module, of.function, of.slots);
  // Every round takes away reads of old versions and adds none of the kind.
  while (breakCycles(blocks))
    blocks = chainsOf(module, of.function, of.slots);
  for (const BlockChains &chains : blocks)
    applyOrder(chains, orderOf(chains));
}

} // namespace

Status kvlift::orderUpdates(Operation module, const PassOptions &,
                            DiagnosticLog &log) {
  auto functions = readPublicFunctions(module, log);
  if (!functions)
    return Status::failure();
  for (const PublicFunction &each : *functions)
    if (!each.slots.empty())
      order(module, each);
  return Status::success();
}
