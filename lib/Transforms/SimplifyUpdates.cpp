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
//    updates arrive in, checks it completely, and replaces it.
// 2. An update whose form is known but that does not fit is left alone, with a
//    remark that says why.
//
//===----------------------------------------------------------------------===//

#include "UpdateRewrite.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"

using namespace kvlift;

namespace {

/// How messages name the form, and who knows it.
struct Form {
  std::string_view name;
  UpdateRewriter *rewrite;
};

constexpr Form forms[] = {
    {"scatter", simplifyScatter},
};

int64_t oldOperandOf(Operation update, const Provenance::Origin &origin) {
  for (int64_t i = 0, n = update.numOperands(); i < n; ++i)
    if (update.operand(i) == origin.from)
      return i;
  return -1;
}

/// The updates of slots, in program order.
std::vector<SlotUpdate> updatesOf(const FuncOp &function) {
  Provenance provenance(function);
  std::vector<SlotUpdate> updates;
  for (Operation op : provenance.updates()) {
    const auto *origin = provenance.origin(op.result());
    if (!origin)
      continue;
    auto slot =
        function.argumentAttribute(origin->argument, marks::slot).asString();
    if (slot)
      updates.push_back({op, oldOperandOf(op, *origin), *slot});
  }
  return updates;
}

void simplify(const SlotUpdate &update, DiagnosticLog &log) {
  Location where = update.op.location();
  for (const Form &form : forms) {
    Rewritten done = form.rewrite(update);
    if (done.outcome == Rewritten::stays)
      log.remark(where, "slot " + quote(update.slot) + ": the " +
                            std::string(form.name) +
                            " stays as it is: " + done.reason);
    if (done.outcome != Rewritten::notMine)
      return;
  }
}

} // namespace

Status kvlift::simplifyUpdates(Operation module, const PassOptions &,
                               DiagnosticLog &log) {
  for (const FuncOp &function : functionsOf(module)) {
    if (function.isDeclaration() || !function.hasOneBlock())
      continue;
    for (const SlotUpdate &update : updatesOf(function))
      simplify(update, log);
  }
  return Status::success();
}
