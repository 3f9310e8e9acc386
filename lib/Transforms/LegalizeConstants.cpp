//===- LegalizeConstants.cpp - kvlift-legalize-constants ------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// torch-mlir leaves ops of other dialects in its StableHLO; a portable artifact
// cannot hold them and StableHLO's interpreter aborts on them. Everywhere:
//   arith.constant dense<...>            -> stablehlo.constant
//   tensor.from_elements %scalars        -> stablehlo.constant, when the
//   scalars
//                                           are arith.constants
//   tensor.from_elements (tensor.extract -> stablehlo.reshape, when the tensor
//     %t[...])                              holds one element
//   tensor.cast                          -> its operand, when types are equal
//   cf.assert                            -> nothing, when it asserts `true`
// then scalars that nothing uses any more are erased. What is left is remarked.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "kvlift/Ops.h"
#include "kvlift/Passes.h"

using namespace kvlift;

namespace {

/// The attribute that an `arith.constant` holds; null for any other value.
Attribute constantValue(Value value) {
  Operation op = value.definingOp();
  if (!op || !op.is("arith.constant"))
    return {};
  return op.attribute("value");
}

/// A tensor with the one element that `scalar` was extracted from; null when it
/// was not.
Value extractedFrom(Value scalar) {
  Operation op = scalar.definingOp();
  if (!op || !op.is("tensor.extract"))
    return {};
  Value tensor = op.operand(0);
  bool one =
      tensor.type().isStaticTensor() && tensor.type().elementCount() == 1;
  return one ? tensor : Value();
}

/// What replaces a `tensor.from_elements`; null when nothing does.
Value fromElements(Operation op) {
  Builder build(op);
  Type type = op.result().type();
  if (op.numOperands() == 1)
    if (Value tensor = extractedFrom(op.operand(0)))
      return build.reshape(tensor, type.shape());
  std::vector<Attribute> elements;
  for (Value operand : op.operands())
    elements.push_back(constantValue(operand));
  for (Attribute element : elements)
    if (!element)
      return {};
  // StableHLO has no index type.
  if (elements.empty() || type.element().isIndex())
    return {};
  return build.constant(type, Attribute::elements(type, elements));
}

Value replacementOf(Operation op) {
  if (op.is("arith.constant")) {
    Attribute value = op.attribute("value");
    bool legal = value.isDenseElements() && !op.result().type().isIndex() &&
                 op.result().type().isStaticTensor() &&
                 !op.result().type().element().isIndex();
    return legal ? Builder(op).constant(op.result().type(), value) : Value();
  }
  if (op.is("tensor.from_elements") && op.result().type().isStaticTensor())
    return fromElements(op);
  if (op.is("tensor.cast") && op.operand(0).type() == op.result().type())
    return op.operand(0);
  return {};
}

bool isForeign(Operation op) {
  std::string_view name = op.name();
  std::string_view dialect = name.substr(0, name.find('.'));
  return dialect == "arith" || dialect == "tensor" || dialect == "shape" ||
         dialect == "cf" || dialect == "math";
}

bool isDead(Operation op) {
  for (Value result : op.results())
    if (!result.isUnused())
      return false;
  return op.numResults() > 0;
}

bool assertsTrue(Operation op) {
  return op.is("cf.assert") &&
         constantValue(op.operand(0)).asInteger().value_or(0) != 0;
}

} // namespace

Status kvlift::legalizeConstants(Operation module, const PassOptions &,
                                 DiagnosticLog &log) {
  std::vector<Operation> foreign;
  walk(module, [&](Operation op) {
    if (isForeign(op))
      foreign.push_back(op);
  });

  std::vector<Operation> left;
  for (Operation op : foreign) {
    Value replacement = op.numResults() == 1 ? replacementOf(op) : Value();
    if (!replacement && !assertsTrue(op)) {
      left.push_back(op);
      continue;
    }
    if (replacement)
      op.result().replaceAllUsesWith(replacement);
    op.erase();
  }
  // Users stand after what they use, so one backward sweep is enough.
  for (auto op = left.rbegin(); op != left.rend(); ++op) {
    if (isDead(*op)) {
      op->erase();
      continue;
    }
    log.remark(op->location(), quote(op->name()) +
                                   " has no StableHLO form here: a portable "
                                   "artifact of this module cannot be written");
  }
  return Status::success();
}
