//===- SimplifyUpdates.cpp - kvlift-simplify-updates ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// torch's `index_copy_` and `index_put_` of rows arrive as
//   transpose -> window scatter on dim 0 -> transpose
// which costs two transposes of the whole slot. For every scatter that updates
// a slot, through a transpose or not:
// 1. Check that it overwrites whole rows of one dim, at provably consecutive
//    positions `base + j`.
// 2. Write the rows with one dynamic_update_slice on the slot's own layout.
// 3. Scatter drops rows that are out of range, dynamic_update_slice moves them
//    into range: unless the positions are constants in range, select the old
//    rows where the scatter would have dropped the new ones.
//
// A scatter that does not fit is left alone, with a remark that says why.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/Rows.h"
#include "kvlift/State.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// One scatter that can become a dynamic_update_slice. `slot` is the version
/// that it updates, in the slot's layout; the scatter's operand dim i is slot
/// dim view[i].
struct Plan {
  Operation scatter;
  Value slot;
  Dims view;
  /// The slot's dim along which the rows lie.
  int64_t dim;
  RowRun rows;
  /// The update's shape with a dim for the rows, which a scatter at a single
  /// position leaves out.
  Dims updateShape;
  /// The update's dim for each slot dim.
  Dims updateDims;
};

struct PlanOrReason {
  std::optional<Plan> plan;
  std::string reason;
};

PlanOrReason refuse(std::string reason) { return {std::nullopt, reason}; }

Dims identity(int64_t rank) {
  Dims dims(rank);
  for (int64_t i = 0; i < rank; ++i)
    dims[i] = i;
  return dims;
}

/// Whether the index type is a signed integer that can hold `number`.
bool canHold(Type index, int64_t number) {
  unsigned bits = index.bitWidth() - 1;
  return index.isInteger() && !index.isUnsignedInteger() &&
         (bits >= 63 || number <= (int64_t(1) << bits) - 1);
}

/// For each dim of the scatter's operand, the update's dim that fills it.
Dims updateDimsOf(const Dims &windowDims, int64_t rank, int64_t rowDim) {
  Dims dims(rank);
  int64_t nextWindow = 0;
  for (int64_t i = 0; i < rank; ++i)
    if (i != rowDim)
      dims[i] = windowDims[nextWindow++];
  // The one update dim that is no window dim counts the rows.
  for (int64_t u = 0; u < rank; ++u)
    if (std::find(windowDims.begin(), windowDims.end(), u) == windowDims.end())
      dims[rowDim] = u;
  return dims;
}

/// Whether the update covers every dim of the operand but the row dim.
bool coversWholeRows(const Dims &operand, const Dims &update,
                     const Dims &updateDims, int64_t rowDim) {
  for (int64_t i = 0, rank = operand.size(); i < rank; ++i)
    if (i != rowDim && operand[i] != update[updateDims[i]])
      return false;
  return true;
}

/// How the positions stand in the index tensor.
enum class Positions { single, vector, other };

Positions positionsOf(Type indices, int64_t indexVectorDim) {
  Dims shape = indices.shape();
  if (shape.size() == 1 && indexVectorDim == 0)
    return Positions::single;
  bool isVector = shape.size() == 1 && indexVectorDim == 1;
  bool isColumn = shape.size() == 2 && indexVectorDim == 1 && shape[1] == 1;
  return isVector || isColumn ? Positions::vector : Positions::other;
}

PlanOrReason match(Operation scatter) {
  if (scatterInputs(scatter) != 1)
    return refuse("it has several inputs");
  if (!scatterOverwrites(scatter))
    return refuse("its body combines the update with the old value");
  Value operand = scatter.operand(0), indices = scatter.operand(1),
        update = scatter.operand(2);
  for (Value value : {operand, indices, update})
    if (!value.type().isStaticTensor())
      return refuse("its shapes are dynamic");
  if (!(scatter.result().type() == operand.type()))
    return refuse("its result is " + scatter.result().type().print());

  ScatterNumbers numbers = scatterNumbersOf(scatter);
  int64_t rank = operand.type().rank();
  if (numbers.hasBatchingDims || numbers.scatterDimsToOperandDims.size() != 1 ||
      numbers.insertedWindowDims != numbers.scatterDimsToOperandDims)
    return refuse("it does not index one dimension");
  Positions positions = positionsOf(indices.type(), numbers.indexVectorDim);
  if (positions == Positions::other)
    return refuse("its positions are not a vector");

  int64_t rowDim = numbers.scatterDimsToOperandDims.front();
  Dims windowDims = numbers.updateWindowDims;
  Dims updateShape = update.type().shape();
  if (positions == Positions::single) {
    // Give the one row a dim of its own, behind the others.
    windowDims = identity(rank - 1);
    updateShape.push_back(1);
  }
  Dims updateDims = updateDimsOf(windowDims, rank, rowDim);
  if (!coversWholeRows(operand.type().shape(), updateShape, updateDims, rowDim))
    return refuse("its windows are smaller than a row");
  std::optional<RowRun> rows = consecutiveRows(indices);
  if (!rows)
    return refuse("its rows are not provably consecutive");
  int64_t extent = operand.type().shape()[rowDim];
  if (rows->count == 0 || rows->count > extent)
    return refuse("it writes " + std::to_string(rows->count) + " rows of " +
                  std::to_string(extent));
  // The guard computes with row numbers up to twice the extent.
  if (!canHold(indices.type().element(), 2 * extent))
    return refuse("its index type " + indices.type().element().print() +
                  " cannot count the rows");

  Plan plan{scatter, operand,     identity(rank), rowDim,
            *rows,   updateShape, updateDims};
  Operation maker = operand.definingOp();
  if (maker && maker.is("stablehlo.transpose")) {
    if (!maker.operand(0).type().isStaticTensor())
      return refuse("its shapes are dynamic");
    plan.slot = maker.operand(0);
    plan.view = permutationOf(maker);
    plan.dim = plan.view[rowDim];
    for (int64_t i = 0; i < rank; ++i)
      plan.updateDims[plan.view[i]] = updateDims[i];
  }
  return {plan, ""};
}

/// Builds the replacement of one scatter.
class Rewriter {
public:
  explicit Rewriter(const Plan &plan)
      : plan(plan), build(plan.scatter),
        extent(plan.slot.type().shape()[plan.dim]),
        scalar(Type::tensor({}, plan.scatter.operand(1).type().element())) {}

  Value run() {
    Value update = build.reshape(plan.scatter.operand(2), plan.updateShape);
    if (!isIdentity(plan.updateDims))
      update = build.transpose(update, plan.updateDims);
    int64_t offset = plan.rows.offset;
    if (!plan.rows.base && offset >= 0 && offset + plan.rows.count <= extent)
      return write(update, build.splat(scalar, offset));
    return plan.rows.count == 1 ? guardOne(update) : guardMany(update);
  }

private:
  /// The first row's position, where the scatter would write it.
  Value position() {
    if (!plan.rows.base)
      return build.splat(scalar, plan.rows.offset);
    Value base = build.reshape(plan.rows.base, {});
    if (plan.rows.offset == 0)
      return base;
    return build.binary("stablehlo.add", base,
                        build.splat(scalar, plan.rows.offset));
  }

  std::vector<Value> startsAt(Value row) {
    std::vector<Value> starts(plan.slot.type().rank(), build.splat(scalar, 0));
    starts[plan.dim] = row;
    return starts;
  }

  Value write(Value update, Value row) {
    return build.dynamicUpdateSlice(plan.slot, update, startsAt(row));
  }

  Value oldRows(Value update, Value row) {
    return build.dynamicSlice(plan.slot, startsAt(row), update.type().shape());
  }

  /// One row:
  ///   %ok  = 0 <= %row < extent
  ///   %old = dynamic_slice %slot[%row]          // clamps like the update
  ///   dynamic_update_slice %slot, select(%ok, %update, %old), %row
  Value guardOne(Value update) {
    Value row = position();
    Value low = build.compare("GE", row, build.splat(scalar, 0));
    Value high = build.compare("LT", row, build.splat(scalar, extent));
    Value inRange = build.binary("stablehlo.and", low, high);
    Value kept =
        build.select(build.broadcast(inRange, update.type().shape(), {}),
                     update, oldRows(update, row));
    return write(kept, row);
  }

  /// T rows, `start` being `row` clamped to [0, extent - T]: row j of the
  /// window takes row `j - shift` of the update, shift = row - start, if there
  /// is one, else the old row.
  ///   %shift = clamp(-T, %row, extent) - %start     // within [-T, T]
  ///   %moved = dynamic_slice concat(%update x 3)[T - %shift]
  ///   %ok    = 0 <= iota - %shift < T
  ///   dynamic_update_slice %slot, select(%ok, %moved, %old), %start
  /// Positions that would wrap around in the index type are out of range
  /// before and after the wrap, so clamping them first changes nothing.
  Value guardMany(Value update) {
    int64_t count = plan.rows.count;
    Value row = clamp(position(), -count, extent);
    Value start = clamp(row, 0, extent - count);
    Value shift = build.binary("stablehlo.subtract", row, start);
    Value from =
        build.binary("stablehlo.subtract", build.splat(scalar, count), shift);
    Value tripled = build.concatenate({update, update, update}, plan.dim);
    Value moved =
        build.dynamicSlice(tripled, startsAt(from), update.type().shape());

    Type vector = Type::tensor({count}, scalar.element());
    Value source = build.binary("stablehlo.subtract", build.iota(vector, 0),
                                build.broadcast(shift, {count}, {}));
    Value low = build.compare("GE", source, build.splat(vector, 0));
    Value high = build.compare("LT", source, build.splat(vector, count));
    Value inRange = build.broadcast(build.binary("stablehlo.and", low, high),
                                    update.type().shape(), {plan.dim});
    return write(build.select(inRange, moved, oldRows(update, start)), start);
  }

  Value clamp(Value value, int64_t low, int64_t high) {
    return build
        .create("stablehlo.clamp",
                {build.splat(scalar, low), value, build.splat(scalar, high)},
                {scalar})
        .result();
  }

  const Plan &plan;
  Builder build;
  int64_t extent;
  Type scalar;
};

void eraseIfUnused(Operation op) {
  for (Value result : op.results())
    if (!result.isUnused())
      return;
  op.erase();
}

/// Uses of the scatter's result see the new version in their own layout; a
/// transpose back to the slot's layout is the new version itself.
void apply(const Plan &plan) {
  Value updated = Rewriter(plan).run();
  Value old = plan.scatter.result();
  std::vector<Operation> makers{plan.scatter.operand(0).definingOp()};
  if (Operation maker = plan.scatter.operand(2).definingOp();
      !(maker == makers.front()))
    makers.push_back(maker);
  Dims back = invertPermutation(plan.view);
  for (const Use &use : old.uses()) {
    Operation user(use.user);
    if (isIdentity(plan.view) || !user.is("stablehlo.transpose") ||
        permutationOf(user) != back ||
        !(user.result().type() == updated.type()))
      continue;
    user.result().replaceAllUsesWith(updated);
    user.erase();
  }
  if (!old.isUnused())
    old.replaceAllUsesWith(
        isIdentity(plan.view)
            ? updated
            : Builder(plan.scatter).transpose(updated, plan.view));
  plan.scatter.erase();
  for (Operation maker : makers)
    if (maker && maker.is("stablehlo.transpose"))
      eraseIfUnused(maker);
}

/// The slot that an update belongs to, if it does.
std::optional<std::string>
slotOf(const FuncOp &function, const Provenance &provenance, Operation update) {
  const auto *origin = provenance.origin(update.result());
  if (!origin)
    return std::nullopt;
  return function.argumentAttribute(origin->argument, marks::slot).asString();
}

void simplify(const FuncOp &function, DiagnosticLog &log) {
  Provenance provenance(function);
  for (Operation update : provenance.updates()) {
    std::optional<std::string> slot = slotOf(function, provenance, update);
    if (!slot || !update.is("stablehlo.scatter"))
      continue;
    PlanOrReason found = match(update);
    if (found.plan) {
      apply(*found.plan);
      continue;
    }
    log.remark(update.location(),
               "slot " + quote(*slot) +
                   ": the scatter stays as it is: " + found.reason);
  }
}

} // namespace

Status kvlift::simplifyUpdates(Operation module, const PassOptions &,
                               DiagnosticLog &log) {
  for (const FuncOp &function : functionsOf(module))
    if (!function.isDeclaration() && function.hasOneBlock())
      simplify(function, log);
  return Status::success();
}
