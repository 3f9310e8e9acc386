//===- SimplifyUpdates.cpp - kvlift-simplify-updates ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// No exporter writes a row of a cache as dynamic_update_slice. For every update
// of a slot, in program order:
// 1. Ask each rewriter of the table below in turn. Each knows one form that
//    updates arrive in, checks it completely, and replaces it. What it makes
//    may be what another one knows, so this goes on until nothing changes.
// 2. An update whose form is known but that does not fit is left alone, with a
//    remark that says why.
//
//===----------------------------------------------------------------------===//

#include "Updates/RewriteSupport.h"
#include "Updates/SlicePiece.h"
#include "Updates/UpdateRewrite.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <set>

using namespace kvlift;

namespace {

/// How messages name the form, and who knows it.
struct Form {
  std::string_view name;
  UpdateRewriter *rewrite;
};

constexpr Form forms[] = {
    {"scatter", splitScatter},
    {"scatter", simplifyScatter},
    {"update", simplifyViews},
    {"update", simplifyStack},
    {"update", mergeUpdates},
    {"select", simplifySelect},
    {"concatenate", simplifyConcatenate},
    {"branch", simplifyBranch},
    {"loop", simplifyScan},
    {"sum", simplifySum},
};

/// A remark about an update that stays.
struct Remark {
  Location where;
  std::string text;
};

int64_t oldOperandOf(Operation update, const Provenance::Origin &origin) {
  for (int64_t i = 0, n = update.numOperands(); i < n; ++i)
    if (update.operand(i) == origin.from)
      return i;
  return -1;
}

bool isWrite(Operation op) {
  return op.is("stablehlo.dynamic_update_slice") ||
         (op.is("stablehlo.scatter") && scatterInputs(op) == 1);
}

/// The updates between a slice of a stack and the layer that is put back, the
/// first one first; none when the value does not come from such a slice.
std::vector<SlotUpdate> layerUpdates(Value layer, const SlotUpdate &back,
                                     int depth) {
  layer = withoutUnitDims(layer);
  Operation op = layer.definingOp();
  auto slice = slicePieceOf(layer);
  if (!op || depth == 0 ||
      (slice && slice->source.type() == back.op.result().type()))
    return {};
  if (isWrite(op)) {
    auto before = layerUpdates(op.operand(0), back, depth - 1);
    before.push_back({op, 0, back.slot, -1, true});
    return before;
  }
  if (op.is("stablehlo.transpose") || op.is("stablehlo.bitcast_convert"))
    return layerUpdates(op.operand(0), back, depth - 1);
  if (!op.is("stablehlo.select"))
    return {};
  // The side that is a layer of the stack is the old one.
  for (int64_t side : {2, 1}) {
    auto old = slicePieceOf(withoutUnitDims(op.operand(side)));
    if (!old || !(old->source.type() == back.op.result().type()))
      continue;
    auto before = layerUpdates(op.operand(3 - side), back, depth - 1);
    before.push_back({op, side, back.slot, -1, true});
    return before;
  }
  return {};
}

/// What an update puts back, without its guard.
Value layerBehind(Operation back) {
  Value stack = back.operand(0), data = back.operand(1);
  if (stack.type().isStaticTensor() && data.type().isStaticTensor())
    takeCondition(
        data, stack,
        pieceStartsOf(back, stack.type().shape(), data.type().shape()));
  return data;
}

/// The writes that the value comes from, behind views, the last one first: of
/// a window that has slid before, for example.
void appendWritesBehind(Value value, const std::string &slot,
                        std::vector<SlotUpdate> &to) {
  for (Operation op; (op = value.definingOp()); value = op.operand(0)) {
    if (isWrite(op))
      to.push_back({op, 0, slot, -1, /*isOfLayer=*/true});
    else if (!op.is("stablehlo.transpose") && !op.is("stablehlo.reshape"))
      return;
  }
}

/// Ops that make a tied result of something that no update leads to: a stack
/// of layers that were all updated, what a loop fills, arithmetic.
std::vector<SlotUpdate> makersOf(const FuncOp &function,
                                 const Provenance &provenance) {
  std::vector<SlotUpdate> makers;
  std::vector<Value> returned = function.returnOp().operands();
  for (size_t i = 0; i < returned.size(); ++i) {
    auto slot = function.resultAttribute(i, marks::slot).asString();
    Operation maker = returned[i].definingOp();
    if (!slot || !maker || provenance.storage(returned[i]))
      continue;
    makers.push_back({maker, -1, *slot, returned[i].resultNumber(), false});
    if (!isWrite(maker))
      appendWritesBehind(returned[i], *slot, makers);
    else
      appendWritesBehind(maker.operand(0), *slot, makers);
  }
  return makers;
}

/// The updates of slots; those in regions before the op that has them.
std::vector<SlotUpdate> updatesOf(const FuncOp &function,
                                  const Provenance &provenance) {
  std::vector<SlotUpdate> updates;
  std::set<const void *> seen;
  auto isNew = [&](Operation op) { return seen.insert(op.raw.ptr).second; };
  for (Operation op : provenance.updates())
    for (Value result : op.results()) {
      const auto *origin = provenance.storage(result);
      if (!origin)
        continue;
      auto slot =
          function.argumentAttribute(origin->argument, marks::slot).asString();
      if (!slot)
        continue;
      SlotUpdate update{op, oldOperandOf(op, *origin), *slot, -1, false};
      if (op.is("stablehlo.dynamic_update_slice"))
        for (SlotUpdate &each : layerUpdates(layerBehind(op), update, 16))
          if (isNew(each.op)) // Two stacks may get the same layer.
            updates.push_back(each);
      if (isNew(op))
        updates.push_back(update);
      break;
    }
  return updates;
}

/// Whether the update was replaced.
bool simplify(const SlotUpdate &update, std::vector<Remark> &remarks) {
  Location where = update.op.location();
  for (const Form &form : forms) {
    Rewritten done = form.rewrite(update);
    if (done.outcome == Rewritten::replaced)
      return true;
    if (done.outcome == Rewritten::notMine || update.isOfLayer)
      continue;
    remarks.push_back({where, "slot " + quote(update.slot) + ": the " +
                                  std::string(form.name) +
                                  " stays as it is: " + done.reason});
    return false;
  }
  return false;
}

/// What one form makes of an update can be another one's: asks all of them
/// until nothing changes.
void simplify(const FuncOp &function, DiagnosticLog &log) {
  // Each rewrite brings an update closer to its slot. The limit is for what
  // nobody has thought of.
  constexpr int roundLimit = 64;
  std::vector<Remark> remarks;
  bool isChanged = true;
  for (int round = 0; isChanged && round < roundLimit; ++round) {
    isChanged = false;
    remarks.clear();
    Provenance provenance(function);
    for (const SlotUpdate &update : updatesOf(function, provenance))
      isChanged |= simplify(update, remarks);
    if (isChanged)
      continue;
    // One op can make several: look again after each.
    for (const SlotUpdate &maker : makersOf(function, provenance))
      if ((isChanged = simplify(maker, remarks)))
        break;
  }
  for (const Remark &remark : remarks)
    log.remark(remark.where, remark.text);
}

/// A broadcast to the same type, as torch makes it, hides the slot.
void dropIdentities(Operation select) {
  for (int64_t side : {1, 2}) {
    Operation maker = select.operand(side).definingOp();
    while (maker && maker.is("stablehlo.broadcast_in_dim") &&
           maker.operand(0).type() == maker.result().type() &&
           isIdentity(maker.attribute("broadcast_dimensions")
                          .asI64Array()
                          .value_or(Dims{}))) {
      Operation next = maker.operand(0).definingOp();
      select.setOperand(side, maker.operand(0));
      eraseIfDead(maker);
      maker = next;
    }
  }
}

} // namespace

Status kvlift::simplifyUpdates(Operation module, const PassOptions &,
                               DiagnosticLog &log) {
  for (const FuncOp &function : functionsOf(module)) {
    if (function.isDeclaration() || !function.hasOneBlock())
      continue;
    walk(function.operation(), [](Operation op) {
      if (op.is("stablehlo.select"))
        dropIdentities(op);
    });
    simplify(function, log);
  }
  return Status::success();
}
