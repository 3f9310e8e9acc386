//===- PrintIndexFacts.cpp - kvlift-print-index-facts ---------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// At every scatter, a remark for each component of its index vectors; at every
// dynamic_slice and dynamic_update_slice, one for each start. Changes nothing.
//
//===----------------------------------------------------------------------===//

#include "kvlift/IndexFacts.h"
#include "kvlift/Ops.h"
#include "kvlift/Passes.h"

using namespace kvlift;

static void printComponents(Operation scatter, IndexFacts &facts,
                            DiagnosticLog &log) {
  Value indices = scatter.operand(scatterInputs(scatter));
  ScatterNumbers numbers = scatterNumbersOf(scatter);
  if (!indices.type().isStaticTensor())
    return;
  for (size_t c = 0; c < numbers.scatterDimsToOperandDims.size(); ++c) {
    Window window = Window::whole(indices.type());
    if (numbers.indexVectorDim < indices.type().rank()) {
      window.low[numbers.indexVectorDim] = c;
      window.high[numbers.indexVectorDim] = c + 1;
    }
    log.remark(scatter.location(),
               "position in dim " +
                   std::to_string(numbers.scatterDimsToOperandDims[c]) + ": " +
                   facts.of(indices, window).print());
  }
}

static void printStarts(Operation op, int64_t first, IndexFacts &facts,
                        DiagnosticLog &log) {
  for (int64_t i = first; i < op.numOperands(); ++i)
    log.remark(op.location(), "start in dim " + std::to_string(i - first) +
                                  ": " + facts.of(op.operand(i)).print());
}

Status kvlift::printIndexFacts(Operation module, const PassOptions &,
                               DiagnosticLog &log) {
  IndexFacts facts;
  walk(module, [&](Operation op) {
    if (op.is("stablehlo.scatter"))
      printComponents(op, facts, log);
    if (op.is("stablehlo.dynamic_slice"))
      printStarts(op, 1, facts, log);
    if (op.is("stablehlo.dynamic_update_slice"))
      printStarts(op, 2, facts, log);
  });
  return Status::success();
}
