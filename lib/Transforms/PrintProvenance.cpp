//===- PrintProvenance.cpp - kvlift-print-provenance ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One remark for each result of each function, at its return: the chain from
// the result back to an argument, or why there is none. Changes nothing.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"

using namespace kvlift;

Status kvlift::printProvenance(Operation module, const PassOptions &,
                               DiagnosticLog &log) {
  Callees callees(module);
  for (const FuncOp &function : functionsOf(module)) {
    const Provenance *provenance = callees.provenanceOf(function);
    if (!provenance)
      continue;
    Operation last = function.returnOp();
    for (int64_t i = 0, n = last.numOperands(); i < n; ++i)
      log.remark(last.location(), "result #" + std::to_string(i) + " of " +
                                      quote(function.name()) + ": " +
                                      provenance->print(last.operand(i)));
  }
  return Status::success();
}
