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

#include "RewriteSupport.h"
#include "UpdateRewrite.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <unordered_set>

using namespace kvlift;

namespace {

/// How messages name the form, and who knows it.
struct Form {
  std::string_view name;
  UpdateRewriter *rewrite;
};

constexpr Form forms[] = {
    {"scatter", simplifyScatter},
    {"update", moveViewBehindUpdate},
    {"update", writeThroughSlice},
    {"select", simplifySelect},
    {"concatenate", simplifyConcatenate},
    {"branch", simplifyBranch},
    {"loop", simplifyScan},
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

/// Ops that make a tied result of something that no update leads to: a stack
/// of layers that were all updated, what a loop fills, arithmetic.
void addMakers(const FuncOp &function, const Provenance &provenance,
               std::vector<SlotUpdate> &updates) {
  std::unordered_set<const void *> known;
  for (const SlotUpdate &update : updates)
    known.insert(update.op.raw.ptr);
  std::vector<Value> returned = function.returnOp().operands();
  for (size_t i = 0; i < returned.size(); ++i) {
    auto slot = function.resultAttribute(i, marks::slot).asString();
    Operation maker = returned[i].definingOp();
    if (slot && maker && !provenance.storage(returned[i]) &&
        known.insert(maker.raw.ptr).second)
      updates.push_back({maker, -1, *slot, returned[i].resultNumber()});
  }
}

/// The updates of slots; those in regions before the op that has them.
std::vector<SlotUpdate> updatesOf(const FuncOp &function) {
  Provenance provenance(function);
  std::vector<SlotUpdate> updates;
  for (Operation op : provenance.updates())
    for (Value result : op.results()) {
      const auto *origin = provenance.origin(result);
      if (!origin)
        continue;
      auto slot =
          function.argumentAttribute(origin->argument, marks::slot).asString();
      if (!slot)
        continue;
      updates.push_back({op, oldOperandOf(op, *origin), *slot});
      break;
    }
  addMakers(function, provenance, updates);
  return updates;
}

/// Whether the update was replaced.
bool simplify(const SlotUpdate &update, std::vector<Remark> &remarks) {
  Location where = update.op.location();
  for (const Form &form : forms) {
    Rewritten done = form.rewrite(update);
    if (done.outcome == Rewritten::replaced)
      return true;
    if (done.outcome == Rewritten::notMine)
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
    for (const SlotUpdate &update : updatesOf(function))
      isChanged |= simplify(update, remarks);
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
