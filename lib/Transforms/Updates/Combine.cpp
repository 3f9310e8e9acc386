//===- Combine.cpp - Bodies of scatters on whole windows ------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `k[rows] += x` is a scatter whose body adds. Where its rows are windows, the
// body is computed on them: read the old rows, combine, write them back. That
// is the same arithmetic on the same elements in the same order, and a slot
// that is stored as bits can take the result, while XLA:CPU widens a whole
// bf16 slot to run a scatter that adds.
//
//===----------------------------------------------------------------------===//

#include "Combine.h"
#include "kvlift/Ops.h"

#include <algorithm>

using namespace kvlift;

/// Ops on one element that cannot fail.
static bool isOfOneElement(Operation op) {
  return (isPlainArithmetic(op) || op.is("stablehlo.constant")) &&
         op.result().type().isStaticTensor() && op.result().type().rank() == 0;
}

/// Whether the value is computed in the body from constants and arguments.
static bool isOf(Block body, Value value) {
  for (Value argument : {body.argument(0), body.argument(1)})
    if (value == argument)
      return true;
  Operation maker = value.definingOp();
  return maker && maker.block() == body;
}

bool kvlift::canCombine(Operation scatter) {
  Block body = scatter.regions().front().firstBlock();
  Type element = scatter.operand(0).type().element();
  if (scatterInputs(scatter) != 1 ||
      !(scatter.operand(2).type().element() == element) ||
      !(body.argument(0).type().element() == element) ||
      !(body.argument(1).type().element() == element))
    return false;
  for (Operation op : body) {
    if (!(op == body.terminator()) && !isOfOneElement(op))
      return false;
    for (Value operand : op.operands())
      if (!isOf(body, operand))
        return false;
  }
  return true;
}

Value kvlift::combine(Builder &build, Operation scatter, Value old,
                      Value update) {
  Block body = scatter.regions().front().firstBlock();
  std::vector<std::pair<Value, Value>> windows = {{body.argument(0), old},
                                                  {body.argument(1), update}};
  auto windowOf = [&](Value one) {
    return std::find_if(windows.begin(), windows.end(),
                        [&](const auto &pair) { return pair.first == one; })
        ->second;
  };
  Dims shape = update.type().shape();
  for (Operation op : body) {
    if (op == body.terminator())
      return windowOf(op.operand(0));
    if (op.is("stablehlo.constant")) {
      Value one = build.recreate(op, {}, {op.result().type()}).result();
      windows.emplace_back(op.result(), build.broadcast(one, shape, {}));
      continue;
    }
    std::vector<Value> operands;
    for (Value operand : op.operands())
      operands.push_back(windowOf(operand));
    Type type = Type::tensor(shape, op.result().type().element());
    windows.emplace_back(op.result(),
                         build.recreate(op, operands, {type}).result());
  }
  return {};
}
