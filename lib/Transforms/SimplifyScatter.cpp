//===- SimplifyScatter.cpp - Overwriting scatters in simplify-updates -----===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// torch's `index_copy_` and `index_put_` of rows arrive as
//   transpose -> window scatter on dim 0 -> transpose
// which costs two transposes of the whole slot. For a scatter that updates a
// slot, through a transpose or not:
// 1. Check that it overwrites whole rows of one dim, at provably consecutive
//    positions `base + j`.
// 2. Write the rows with one dynamic_update_slice on the slot's own layout,
//    guarded because scatter drops rows that are out of range.
//
//===----------------------------------------------------------------------===//

#include "GuardedWrite.h"
#include "UpdateRewrite.h"
#include "kvlift/Ops.h"
#include "kvlift/Rows.h"

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

std::vector<WindowStart> startsOf(const Plan &plan) {
  std::vector<WindowStart> starts(plan.slot.type().rank());
  starts[plan.dim] = {plan.rows.base, plan.rows.offset};
  return starts;
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
  Dims window(rank);
  for (int64_t i = 0; i < rank; ++i)
    window[i] = updateShape[plan.updateDims[i]];
  if (auto obstacle = obstacleTo(plan.slot.type().shape(), window,
                                 startsOf(plan), indices.type().element()))
    return refuse(*obstacle);
  return {plan, ""};
}

GuardedWrite writeOf(const Plan &plan, Builder &build) {
  Value update = build.reshape(plan.scatter.operand(2), plan.updateShape);
  if (!isIdentity(plan.updateDims))
    update = build.transpose(update, plan.updateDims);
  return {plan.slot, update, startsOf(plan),
          plan.scatter.operand(1).type().element()};
}

void eraseIfUnused(Operation op) {
  for (Value result : op.results())
    if (!result.isUnused())
      return;
  op.erase();
}

/// Uses of the scatter's result see the new version in their own layout; a
/// transpose back to the slot's layout is the new version itself.
void apply(const Plan &plan) {
  Builder build(plan.scatter);
  Value updated = writeGuarded(build, writeOf(plan, build));
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
        isIdentity(plan.view) ? updated : build.transpose(updated, plan.view));
  plan.scatter.erase();
  for (Operation maker : makers)
    if (maker && maker.is("stablehlo.transpose"))
      eraseIfUnused(maker);
}

} // namespace

Rewritten kvlift::simplifyScatter(const SlotUpdate &update) {
  if (!update.op.is("stablehlo.scatter"))
    return Rewritten::no();
  PlanOrReason found = match(update.op);
  if (!found.plan)
    return Rewritten::because(found.reason);
  apply(*found.plan);
  return Rewritten::yes();
}
