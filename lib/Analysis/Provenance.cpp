//===- Provenance.cpp - Whose storage is this value? ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Provenance.h"

using namespace kvlift;

bool kvlift::isUpdate(Operation op) {
  return op.is("stablehlo.dynamic_update_slice") || op.is("stablehlo.scatter");
}

std::string_view kvlift::shortName(Operation op) {
  std::string_view name = op.name();
  return name.substr(name.find('.') + 1);
}

Provenance::Provenance(const FuncOp &function) {
  if (function.isDeclaration())
    return;
  Block body = function.body();
  for (int64_t i = 0, n = body.numArguments(); i < n; ++i)
    if (Value argument = body.argument(i); argument.type().isRankedTensor())
      origins[argument.raw.ptr] = {i, {}, {}, {}, {}};
  for (Operation op : body)
    visit(op);
}

const Provenance::Origin *Provenance::origin(Value value) const {
  auto entry = origins.find(value.raw.ptr);
  return entry == origins.end() ? nullptr : &entry->second;
}

void Provenance::visit(Operation op) {
  if (op.is("stablehlo.dynamic_update_slice"))
    return pass(op.operand(0), op.result(), op);
  if (op.is("stablehlo.transpose"))
    return transpose(op);
  if (op.is("stablehlo.scatter") || op.is("stablehlo.optimization_barrier")) {
    Operation update = op.is("stablehlo.scatter") ? op : Operation();
    for (int64_t i = 0, n = op.numResults(); i < n; ++i)
      pass(op.operand(i), op.result(i), update);
    return;
  }
  // A reshaped transpose has no permutation that we could follow.
  if (op.is("stablehlo.reshape"))
    if (const Origin *from = origin(op.operand(0)); from && from->view.empty())
      pass(op.operand(0), op.result(), {});
}

void Provenance::pass(Value from, Value to, Operation update) {
  const Origin *source = origin(from);
  if (!source)
    return;
  Origin target = *source;
  if (update) {
    target.update = update;
    target.made = to;
    target.before = from;
    if (found.empty() || !(found.back() == update))
      found.push_back(update);
  }
  origins[to.raw.ptr] = target;
}

void Provenance::transpose(Operation op) {
  const Origin *source = origin(op.operand(0));
  if (!source)
    return;
  // view[i] is the dim of the argument's layout that dim i shows.
  Dims view = permutationOf(op);
  if (!source->view.empty())
    for (int64_t &dim : view)
      dim = source->view[dim];
  Origin target = *source;
  target.view = isIdentity(view) ? Dims{} : view;
  origins[op.result().raw.ptr] = target;
}
