//===- SimplifyScatter.cpp - Scatters in simplify-updates -----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// torch's `index_copy_` and `index_put_` arrive as element-wise scatters, or as
// window scatters between two transposes of the whole slot; JAX's `.at[].set`
// as scatters on any dims. For a scatter that updates a slot:
// 1. Describe where each dim of the update goes, in the slot's own layout
//    (ScatterMap.h), with affine facts about the index vectors (IndexFacts.h).
// 2. Where every dim of the update counts along one dim of the slot, by ones,
//    the update is a window: one dynamic_update_slice, guarded because scatter
//    drops what is out of range.
// 3. Dims of the update that do not count like this are unrolled if they have
//    few elements: a dynamic_update_slice for each, in order, so that of two
//    elements for one place the last one stays, as in the interpreter
//    (ScatterWindows.cpp).
// 4. A body that combines the update with the old value is computed on the
//    windows (Combine.cpp).
// 5. What is left becomes a scatter on the slot's leading dims
//    (LeadingScatter.cpp).
//
//===----------------------------------------------------------------------===//

#include "Combine.h"
#include "GuardedWrite.h"
#include "RewriteSupport.h"
#include "ScatterWindows.h"
#include "UpdateRewrite.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// What keeps a scatter from being looked at; empty when nothing does.
std::string unreadable(Operation scatter) {
  for (Value value : scatter.operands())
    if (!value.type().isStaticTensor())
      return "its shapes are dynamic";
  if (!(scatter.result().type() == scatter.operand(0).type()))
    return "its result is " + scatter.result().type().print();
  Operation maker = scatter.operand(0).definingOp();
  if (maker && maker.is("stablehlo.transpose") &&
      !maker.operand(0).type().isStaticTensor())
    return "its shapes are dynamic";
  return "";
}

/// What a transpose that moves only unit dims is made of: the elements lie the
/// same way there.
Value behindUnitMoves(Value value) {
  Operation maker = value.definingOp();
  if (!maker || !maker.is("stablehlo.transpose"))
    return value;
  Value from = maker.operand(0);
  return movesOnlyUnitDims(from.type().shape(), permutationOf(maker)) ? from
                                                                      : value;
}

/// A window of the update in the slot's layout.
Value layOut(Builder &build, const ScatterWindows &plan, const Window &part) {
  Value update = build.slice(plan.map.update(), part.low, part.high);
  // Unit dims of the update stand for unit dims of the window while there are
  // both; a reshape drops or adds the others.
  size_t missing =
      std::count(plan.updateDims.begin(), plan.updateDims.end(), int64_t(-1));
  Dims spare, order, shape, placeOf(part.low.size(), -1);
  for (size_t u = 0; u < part.low.size(); ++u) {
    bool isOwn = contains(plan.updateDims, u);
    if (!isOwn && spare.size() == missing)
      continue;
    if (!isOwn)
      spare.push_back(u);
    placeOf[u] = shape.size();
    shape.push_back(part.extent(u));
  }
  size_t nextSpare = 0;
  for (int64_t u : plan.updateDims) {
    if (u >= 0) {
      order.push_back(placeOf[u]);
    } else if (nextSpare < spare.size()) {
      order.push_back(placeOf[spare[nextSpare++]]);
    } else {
      order.push_back(shape.size());
      shape.push_back(1);
    }
  }
  Dims turned;
  for (int64_t dim : order)
    turned.push_back(shape[dim]);
  return movesOnlyUnitDims(shape, order)
             ? build.reshape(behindUnitMoves(update), turned)
             : build.transpose(build.reshape(update, shape), order);
}

/// The start of a window; `moved` counts negative positions from the end.
WindowStart startOf(Builder &build, const ScatterWindows &plan,
                    const ScatterPiece &piece, int64_t dim, bool isMoved) {
  const IndexFact &fact = piece.starts[dim];
  WindowStart start;
  start.offset = fact.offset;
  if (isMoved && fact.wrap)
    start.offset =
        static_cast<int64_t>(uint64_t(start.offset) + uint64_t(*fact.wrap));
  if (!fact.base)
    return start;
  Dims high = fact.base.at;
  for (int64_t &at : high)
    ++at;
  Value one = build.slice(fact.base.tensor, fact.base.at, high);
  start.base = build.convert(build.reshape(one, {}), plan.index);
  start.isInRange = !fact.wrap && fact.range.isWithin(0, plan.map.extent(dim));
  return start;
}

Value writePiece(Builder &build, const ScatterWindows &plan,
                 const ScatterPiece &piece, Value version, bool isMoved) {
  GuardedWrite write{version, layOut(build, plan, piece.part), {}, plan.index};
  if (!scatterOverwrites(plan.map.scatter))
    write.combiner = plan.map.scatter;
  for (int64_t dim = 0; dim < plan.map.rank(); ++dim)
    write.starts.push_back(startOf(build, plan, piece, dim, isMoved));
  return writeGuarded(build, write);
}

/// Rows of which some are counted from the end are two windows: the one in
/// which the negative ones are out of range, and the one in which all have the
/// extent added, and those that were not negative are out of range. The
/// negative ones come first in a run, and a longer one than the slot comes back
/// to them: so they are written first.
void apply(const ScatterWindows &plan) {
  Builder build(plan.map.scatter);
  Value version = plan.map.slot;
  for (const ScatterPiece &piece : plan.pieces) {
    if (std::any_of(piece.starts.begin(), piece.starts.end(),
                    [](const IndexFact &start) { return bool(start.wrap); }))
      version = writePiece(build, plan, piece, version, true);
    version = writePiece(build, plan, piece, version, false);
  }
  replaceScatter(plan.map, version);
}

} // namespace

Rewritten kvlift::simplifyScatter(const SlotUpdate &update) {
  Operation scatter = update.op;
  if (!scatter.is("stablehlo.scatter"))
    return Rewritten::no();
  if (scatterInputs(scatter) != 1)
    return Rewritten::because("its body combines its several inputs");
  if (std::string obstacle = unreadable(scatter); !obstacle.empty())
    return Rewritten::because(obstacle);
  if (scatter.operand(2).type().elementCount() == 0) {
    replaceUpdate(scatter, scatter.operand(0));
    return Rewritten::yes();
  }
  IndexFacts facts;
  ScatterMap map = scatterMapOf(scatter);
  WindowsOrReason found =
      scatterOverwrites(scatter) || canCombine(scatter)
          ? findWindows(facts, map)
          : WindowsOrReason{{}, "its body cannot be computed on whole rows"};
  if (found.windows) {
    apply(*found.windows);
    return Rewritten::yes();
  }
  if (makeLeadingScatter(facts, map, Edges::leave))
    return Rewritten::yes();
  return Rewritten::because(found.reason);
}
