//===- Provenance.cpp - Whose storage is this value? ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProvenanceBuilder.h"

#include <algorithm>

using namespace kvlift;

bool kvlift::isUpdate(Operation op) {
  return op.is("stablehlo.dynamic_update_slice") || op.is("stablehlo.scatter");
}

std::string_view kvlift::shortName(Operation op) {
  std::string_view name = op.name();
  return name.substr(name.find('.') + 1);
}

Dims kvlift::composeViews(const Dims &outer, const Dims &inner) {
  if (outer.empty())
    return inner;
  if (inner.empty())
    return outer;
  Dims view(inner.size());
  for (size_t i = 0; i < view.size(); ++i)
    view[i] = outer[inner[i]];
  return isIdentity(view) ? Dims{} : view;
}

//===----------------------------------------------------------------------===//
// Provenance
//===----------------------------------------------------------------------===//

Provenance::Provenance(const FuncOp &function) : function(function) {
  Callees callees(function.operation().parentOp());
  build(function, callees);
}

Provenance::Provenance(const FuncOp &function, Callees &callees)
    : function(function) {
  build(function, callees);
}

void Provenance::build(const FuncOp &function, Callees &callees) {
  if (!function.isDeclaration())
    ProvenanceBuilder(*this, callees).build(function);
}

const Provenance::Origin *Provenance::storage(Value value) const {
  auto entry = indexOf.find(value.raw.ptr);
  if (entry == indexOf.end() || origins[entry->second].argument < 0)
    return nullptr;
  return &origins[entry->second];
}

const Provenance::Origin *Provenance::origin(Value value) const {
  const Origin *found = storage(value);
  return found && found->hasView && !found->isCounter ? found : nullptr;
}

const NoOrigin *Provenance::noOrigin(Value value) const {
  auto entry = cut.find(value.raw.ptr);
  return entry == cut.end() ? nullptr : &entry->second;
}

//===----------------------------------------------------------------------===//
// ProvenanceBuilder: what is known
//===----------------------------------------------------------------------===//

void ProvenanceBuilder::build(const FuncOp &function) {
  for (Value argument : function.body().arguments())
    addRoot(argument);
  visitBlock(function.body());
  resolve();
}

const Provenance::Origin *ProvenanceBuilder::known(Value value) const {
  auto entry = into.indexOf.find(value.raw.ptr);
  return entry == into.indexOf.end() ? nullptr : &into.origins[entry->second];
}

uint32_t ProvenanceBuilder::orderOf(Value version) const {
  return into.indexOf.find(version.raw.ptr)->second;
}

void ProvenanceBuilder::add(Value value, Origin origin) {
  into.indexOf[value.raw.ptr] = into.origins.size();
  into.origins.push_back(std::move(origin));
}

void ProvenanceBuilder::addRoot(Value argument) {
  if (!argument.type().isRankedTensor())
    return;
  Origin origin{};
  origin.argument = -1;
  origin.version = origin.root = origin.entry = argument;
  add(argument, origin);
}

void ProvenanceBuilder::addUpdate(Operation op) {
  if (into.found.empty() || !(into.found.back() == op))
    into.found.push_back(op);
}

void ProvenanceBuilder::becomeUpdate(Origin &origin, Value before, Value made,
                                     Operation by, Change change) const {
  // A version from the same block has entered the block before.
  const Origin &previous = *known(before);
  Block block = by.block();
  Value version = previous.version;
  bool isInside = version.isBlockArgument()
                      ? version.argumentOwner() == block
                      : version.definingOp().block() == block;
  origin.entry =
      isInside && !version.isBlockArgument() ? previous.entry : version;
  origin.update = by;
  origin.made = origin.version = made;
  origin.before = before;
  origin.change = change;
  origin.strongest = std::max(origin.strongest, change);
}

void ProvenanceBuilder::pass(Value from, Value to) {
  if (const Origin *source = known(from)) {
    Origin target = *source;
    target.from = from;
    return add(to, target);
  }
  if (const NoOrigin *why = into.noOrigin(from))
    cut(to, *why);
}

void ProvenanceBuilder::update(Value from, Value to, Operation by,
                               Change change) {
  const Origin *source = known(from);
  if (!source)
    return cutUpdate(from, to, by);
  Origin target = *source;
  target.from = from;
  becomeUpdate(target, from, to, by, change);
  target.isCounter |= change == Change::counted;
  if (!target.isCounter)
    addUpdate(by);
  add(to, target);
}

void ProvenanceBuilder::cut(Value value, NoOrigin why) {
  into.cut[value.raw.ptr] = why;
}

/// Whether the value is made of constants only, as far as it is worth looking.
static bool isConstant(Value value) {
  for (int steps = 0; steps < 8; ++steps) {
    Operation maker = value.definingOp();
    if (!maker)
      return false;
    if (maker.is("stablehlo.constant") || maker.is("stablehlo.iota"))
      return true;
    if (!maker.is("stablehlo.broadcast_in_dim") &&
        !maker.is("stablehlo.reshape") && !maker.is("stablehlo.convert") &&
        !maker.is("stablehlo.transpose"))
      return false;
    value = maker.operand(0);
  }
  return false;
}

void ProvenanceBuilder::cutUpdate(Value from, Value to, Operation by) {
  NoOrigin why{NoOrigin::computed, from.definingOp(), by};
  if (const NoOrigin *before = into.noOrigin(from))
    why = {before->why, before->at, by};
  else if (isConstant(from))
    why.why = NoOrigin::constant;
  if (why.at)
    cut(to, why);
}

//===----------------------------------------------------------------------===//
// ProvenanceBuilder: ops
//===----------------------------------------------------------------------===//

void ProvenanceBuilder::visitBlock(Block block) {
  for (Operation op : block)
    visit(op);
}

void ProvenanceBuilder::visit(Operation op) {
  // The name costs a call into the host: take it once.
  std::string_view name = op.name();
  if (name == "func.call")
    return call(op);
  if (name == "tensor.cast")
    return pass(op.operand(0), op.result());
  if (!name.starts_with("stablehlo."))
    return;
  name.remove_prefix(std::string_view("stablehlo.").size());

  if (name == "dynamic_update_slice")
    return write(op, 1);
  if (name == "scatter")
    return write(op, op.numResults());
  if (name == "transpose")
    return transpose(op);
  if (name == "reshape" || name == "dynamic_reshape" ||
      name == "bitcast_convert")
    return reshape(op);
  if (name == "optimization_barrier") {
    for (int64_t i = 0, n = op.numResults(); i < n; ++i)
      pass(op.operand(i), op.result(i));
    return;
  }
  if (name == "select")
    return select(op, op.operand(1), op.operand(2), op.result());
  if (name == "concatenate")
    return concatenate(op);
  if (name == "pad")
    return pad(op);
  if (name == "add" || name == "subtract")
    return count(op);
  if (name == "while")
    return loop(op);
  if (name == "if" || name == "case")
    return branches(op);
  if (name == "composite")
    return call(op);
  if (isShardingCall(op))
    return pass(op.operand(0), op.result());
  if (name == "custom_call")
    return customCall(op);
  if (name == "get_tuple_element")
    return tupleElement(op);
}

void ProvenanceBuilder::transpose(Operation op) {
  Value from = op.operand(0);
  const Origin *source = known(from);
  if (!source || !source->hasView)
    return pass(from, op.result());
  // view[i] is the dim of the root's layout that dim i shows.
  Origin target = *source;
  target.from = from;
  target.view = composeViews(source->view, permutationOf(op));
  if (isIdentity(target.view))
    target.view.clear();
  add(op.result(), target);
}

/// Reshapes, and bitcasts of one width. A reshaped transpose has no permutation
/// that we could follow.
void ProvenanceBuilder::reshape(Operation op) {
  Value from = op.operand(0), to = op.result();
  bool isBitcast = op.is("stablehlo.bitcast_convert");
  if (isBitcast &&
      from.type().element().bitWidth() != to.type().element().bitWidth())
    return;
  const Origin *source = known(from);
  if (!source)
    return pass(from, to);
  Origin target = *source;
  target.from = from;
  if (!isBitcast) {
    target.isReshaped = true;
    target.hasView &= source->view.empty();
  }
  add(to, target);
}

/// Roots in loop bodies become what the loop starts from. A loop's operand was
/// added before its body's values, so one pass is enough.
void ProvenanceBuilder::resolve() {
  Block entry = into.function.body();
  for (Origin &origin : into.origins) {
    if (origin.root.argumentOwner() == entry) {
      origin.argument = origin.root.argumentNumber();
      continue;
    }
    auto loop = carried.find(origin.root.raw.ptr);
    const Origin *start = loop != carried.end() && loop->second.isStable
                              ? known(loop->second.start)
                              : nullptr;
    if (!start)
      continue;
    origin.argument = start->argument;
    origin.hasView &=
        start->hasView && (start->view.empty() || !origin.isReshaped);
    if (origin.hasView)
      origin.view = composeViews(start->view, origin.view);
    origin.isReshaped |= start->isReshaped;
    origin.isCounter |= start->isCounter;
  }
}
