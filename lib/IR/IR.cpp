//===- IR.cpp - Values, operations, blocks and regions --------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/IR.h"
#include "Raw.h"

using namespace kvlift;

//===----------------------------------------------------------------------===//
// Value
//===----------------------------------------------------------------------===//

Type Value::type() const { return api().mlirValueGetType(raw); }

void Value::setType(Type type) const { api().mlirValueSetType(raw, type.raw); }

Location Value::location() const { return api().mlirValueGetLocation(raw); }

bool Value::isBlockArgument() const {
  return api().mlirValueIsABlockArgument(raw);
}

Block Value::argumentOwner() const {
  return api().mlirBlockArgumentGetOwner(raw);
}

int64_t Value::argumentNumber() const {
  return api().mlirBlockArgumentGetArgNumber(raw);
}

Operation Value::definingOp() const {
  if (isBlockArgument())
    return {};
  return api().mlirOpResultGetOwner(raw);
}

int64_t Value::resultNumber() const {
  return api().mlirOpResultGetResultNumber(raw);
}

std::vector<Use> Value::uses() const {
  std::vector<Use> all;
  for (MlirOpOperand use = api().mlirValueGetFirstUse(raw); use.ptr;
       use = api().mlirOpOperandGetNextUse(use))
    all.push_back({api().mlirOpOperandGetOwner(use),
                   api().mlirOpOperandGetOperandNumber(use)});
  return all;
}

bool Value::isUnused() const { return !api().mlirValueGetFirstUse(raw).ptr; }

void Value::replaceAllUsesWith(Value other) const {
  api().mlirValueReplaceAllUsesOfWith(raw, other.raw);
}

//===----------------------------------------------------------------------===//
// Region and Block
//===----------------------------------------------------------------------===//

Block Region::firstBlock() const { return api().mlirRegionGetFirstBlock(raw); }

std::vector<Block> Region::blocks() const {
  std::vector<Block> all;
  for (Block block = firstBlock(); block;
       block = api().mlirBlockGetNextInRegion(block.raw))
    all.push_back(block);
  return all;
}

void Region::takeBody(Region other) const {
  api().mlirRegionTakeBody(raw, other.raw);
}

Operation Block::parentOp() const {
  return api().mlirBlockGetParentOperation(raw);
}

Operation Block::firstOp() const {
  return api().mlirBlockGetFirstOperation(raw);
}

Operation Block::terminator() const {
  return api().mlirBlockGetTerminator(raw);
}

int64_t Block::numArguments() const {
  return api().mlirBlockGetNumArguments(raw);
}

Value Block::argument(int64_t position) const {
  return api().mlirBlockGetArgument(raw, position);
}

std::vector<Value> Block::arguments() const {
  std::vector<Value> all(numArguments());
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = argument(i);
  return all;
}

Value Block::addArgument(Type type, Location location) const {
  return api().mlirBlockAddArgument(raw, type.raw, location.raw);
}

void Block::eraseArgument(int64_t position) const {
  api().mlirBlockEraseArgument(raw, static_cast<unsigned>(position));
}

//===----------------------------------------------------------------------===//
// Operation
//===----------------------------------------------------------------------===//

std::string_view Operation::name() const {
  return toView(api().mlirIdentifierStr(api().mlirOperationGetName(raw)));
}

Location Operation::location() const {
  return api().mlirOperationGetLocation(raw);
}

Context Operation::context() const {
  return api().mlirOperationGetContext(raw);
}

Block Operation::block() const { return api().mlirOperationGetBlock(raw); }

Operation Operation::parentOp() const {
  return api().mlirOperationGetParentOperation(raw);
}

Operation Operation::next() const {
  return api().mlirOperationGetNextInBlock(raw);
}

bool Operation::isBefore(Operation other) const {
  return api().mlirOperationIsBeforeInBlock(raw, other.raw);
}

int64_t Operation::numOperands() const {
  return api().mlirOperationGetNumOperands(raw);
}

int64_t Operation::numResults() const {
  return api().mlirOperationGetNumResults(raw);
}

Value Operation::operand(int64_t position) const {
  return api().mlirOperationGetOperand(raw, position);
}

Value Operation::result(int64_t position) const {
  return api().mlirOperationGetResult(raw, position);
}

std::vector<Value> Operation::operands() const {
  std::vector<Value> all(numOperands());
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = operand(i);
  return all;
}

std::vector<Value> Operation::results() const {
  std::vector<Value> all(numResults());
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = result(i);
  return all;
}

std::vector<Region> Operation::regions() const {
  std::vector<Region> all(api().mlirOperationGetNumRegions(raw));
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = api().mlirOperationGetRegion(raw, i);
  return all;
}

void Operation::setOperand(int64_t position, Value value) const {
  api().mlirOperationSetOperand(raw, position, value.raw);
}

void Operation::setOperands(const std::vector<Value> &values) const {
  std::vector<MlirValue> raws;
  for (Value value : values)
    raws.push_back(value.raw);
  api().mlirOperationSetOperands(raw, raws.size(), raws.data());
}

Attribute Operation::attribute(std::string_view name) const {
  return api().mlirOperationGetAttributeByName(raw, toRef(name));
}

std::vector<std::pair<std::string, Attribute>> Operation::attributes() const {
  std::vector<std::pair<std::string, Attribute>> all;
  for (intptr_t i = 0, n = api().mlirOperationGetNumAttributes(raw); i < n;
       ++i) {
    MlirNamedAttribute entry = api().mlirOperationGetAttribute(raw, i);
    all.emplace_back(toView(api().mlirIdentifierStr(entry.name)),
                     entry.attribute);
  }
  return all;
}

void Operation::setAttribute(std::string_view name, Attribute value) const {
  api().mlirOperationSetAttributeByName(raw, toRef(name), value.raw);
}

void Operation::removeAttribute(std::string_view name) const {
  api().mlirOperationRemoveAttributeByName(raw, toRef(name));
}

bool Operation::verify() const { return api().mlirOperationVerify(raw); }

Operation Operation::clone() const { return api().mlirOperationClone(raw); }

void Operation::free() const { api().mlirOperationDestroy(raw); }

void Operation::moveBefore(Operation other) const {
  api().mlirOperationMoveBefore(raw, other.raw);
}

void Operation::erase() const {
  api().mlirOperationRemoveFromParent(raw);
  api().mlirOperationDestroy(raw);
}

std::string Operation::print(bool withLocations, bool generic) const {
  std::string text;
  MlirOpPrintingFlags flags = api().mlirOpPrintingFlagsCreate();
  if (withLocations)
    api().mlirOpPrintingFlagsEnableDebugInfo(flags, true, false);
  if (generic)
    api().mlirOpPrintingFlagsPrintGenericOpForm(flags);
  api().mlirOperationPrintWithFlags(raw, flags, appendTo, &text);
  api().mlirOpPrintingFlagsDestroy(flags);
  return text;
}

std::string Operation::bytecode() const {
  std::string bytes;
  api().mlirOperationWriteBytecode(raw, appendTo, &bytes);
  return bytes;
}

void kvlift::walk(Operation root, const std::function<void(Operation)> &visit) {
  visit(root);
  for (Region region : root.regions())
    for (Block block : region.blocks())
      for (Operation op : block)
        walk(op, visit);
}

bool Operation::isIn(Operation around) const {
  Operation op = *this;
  while (op && !(op == around))
    op = op.parentOp();
  return bool(op);
}

std::vector<Use> kvlift::usesIn(Operation op, Value value) {
  std::vector<Use> uses;
  if (op.regions().empty()) {
    for (int64_t i = 0, n = op.numOperands(); i < n; ++i)
      if (op.operand(i) == value)
        uses.push_back({op.raw, i});
    return uses;
  }
  // Bodies may be long; the value tells who uses it.
  for (const Use &use : value.uses())
    if (Operation(use.user).isIn(op))
      uses.push_back(use);
  // New uses come first in the list.
  return {uses.rbegin(), uses.rend()};
}
