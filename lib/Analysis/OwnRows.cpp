//===- OwnRows.cpp - Updates whose data is other rows of the slot ---------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRole.h"
#include "kvlift/Carriers.h"

#include <unordered_set>

using namespace kvlift;

namespace {

/// The value behind views of it.
Value behindViews(Value value, OpRoles &roles) {
  for (Operation op = value.definingOp(); op; op = value.definingOp()) {
    OpRole role = roles.of(op);
    if (role != OpRole::view && role != OpRole::transpose &&
        role != OpRole::barrier)
      break;
    value = op.operand(value.resultNumber());
  }
  return value;
}

bool isSameConstant(Value one, Value other) {
  Operation a = one.definingOp(), b = other.definingOp();
  return a && b && a.is("stablehlo.constant") && b.is("stablehlo.constant") &&
         a.attribute("value") == b.attribute("value");
}

/// Whether the slice is of the very rows that the update overwrites, as the
/// guard's is.
bool isOfSameRows(Operation slice, Operation update) {
  if (!slice.is("stablehlo.dynamic_slice") ||
      slice.numOperands() != update.numOperands() - 1 ||
      slice.result().type().shape() != update.operand(1).type().shape())
    return false;
  for (int64_t i = 1, n = slice.numOperands(); i < n; ++i) {
    Value start = slice.operand(i), ownStart = update.operand(i + 1);
    if (!(start == ownStart) && !isSameConstant(start, ownStart))
      return false;
  }
  return true;
}

} // namespace

bool kvlift::movesOwnRows(Operation update) {
  constexpr size_t opLimit = 256;
  OpRoles roles;
  Value version = behindViews(update.operand(0), roles);
  std::vector<Operation> reached{update.operand(1).definingOp()};
  std::unordered_set<const void *> seen;
  for (size_t i = 0; i < reached.size() && i < opLimit; ++i) {
    Operation op = reached[i];
    OpRole role = op ? roles.of(op) : OpRole::other;
    bool isFusible = role == OpRole::view || role == OpRole::transpose ||
                     role == OpRole::barrier || role == OpRole::slice ||
                     role == OpRole::elements;
    if (!isFusible || !seen.insert(op.raw.ptr).second)
      continue;
    if (role == OpRole::slice && !isOfSameRows(op, update) &&
        behindViews(op.operand(0), roles) == version)
      return true;
    for (Value operand : op.operands())
      reached.push_back(operand.definingOp());
  }
  return false;
}
