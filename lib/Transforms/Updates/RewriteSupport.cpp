//===- RewriteSupport.cpp - What rewriters of updates share ---------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "kvlift/IndexFacts.h"
#include "kvlift/State.h"

#include <algorithm>
#include <unordered_set>

using namespace kvlift;

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

std::optional<int64_t> kvlift::constantInteger(Value value) {
  Type type = value.type();
  if (!type.isStaticTensor() || !type.element().isInteger() ||
      type.elementCount() == 0)
    return std::nullopt;
  // Masks: index facts are of wider integers.
  if (Operation maker = value.definingOp();
      maker && type.element().bitWidth() == 1 && maker.is("stablehlo.constant"))
    return maker.attribute("value").splatInteger();
  Interval range = IndexFacts().of(value).range;
  return range.low == range.high ? std::optional(range.low) : std::nullopt;
}

/// Whether the op is a function of its operands and attributes only, and of
/// integers so simple that comparing it is worth it.
static bool isIndexArithmetic(Operation op) {
  return isPlainArithmetic(op) || op.is("stablehlo.broadcast_in_dim") ||
         op.is("stablehlo.reshape") || op.is("stablehlo.slice") ||
         op.is("stablehlo.constant");
}

/// An identity that frontends leave behind: the value itself.
static Value withoutIdentity(Value value) {
  Operation op = value.definingOp();
  while (op && (op.is("stablehlo.convert") || op.is("stablehlo.reshape")) &&
         op.operand(0).type() == op.result().type()) {
    value = op.operand(0);
    op = value.definingOp();
  }
  return value;
}

static bool isSame(Value a, Value b, int depth) {
  a = withoutIdentity(a);
  b = withoutIdentity(b);
  if (a == b)
    return true;
  if (!(a.type() == b.type()) || depth == 0)
    return false;
  if (auto one = constantInteger(a), other = constantInteger(b); one || other)
    return one && one == other;
  Operation x = a.definingOp(), y = b.definingOp();
  if (!x || !y || x.name() != y.name() || !isIndexArithmetic(x) ||
      x.numOperands() != y.numOperands())
    return false;
  auto ours = x.attributes(), theirs = y.attributes();
  if (ours.size() != theirs.size())
    return false;
  for (const auto &[name, value] : ours)
    if (!(y.attribute(name) == value))
      return false;
  for (int64_t i = 0, n = x.numOperands(); i < n; ++i)
    if (!isSame(x.operand(i), y.operand(i), depth - 1))
      return false;
  return true;
}

bool kvlift::isSameInteger(Value a, Value b) { return isSame(a, b, 6); }

/// Whether a dynamic_update_slice provably leaves a window alone.
static bool isApart(Operation update,
                    const std::vector<std::optional<int64_t>> &low,
                    const Dims &sizes) {
  std::vector<Value> starts = startsOf(update);
  Dims slot = update.operand(0).type().shape();
  Dims window = update.operand(1).type().shape();
  for (size_t i = 0; i < slot.size(); ++i) {
    auto start = constantInteger(starts[i]);
    if (!start || !low[i])
      continue;
    int64_t at = std::clamp<int64_t>(*start, 0, slot[i] - window[i]);
    if (at + window[i] <= *low[i] || *low[i] + sizes[i] <= at)
      return true;
  }
  return false;
}

bool kvlift::isUntouched(Value newer, Value older,
                         const std::vector<std::optional<int64_t>> &low,
                         const Dims &sizes) {
  while (!(newer == older)) {
    Operation op = newer.definingOp();
    if (!op || !op.is("stablehlo.dynamic_update_slice") ||
        !op.operand(1).type().isStaticTensor() || !isApart(op, low, sizes))
      return false;
    newer = op.operand(0);
  }
  return true;
}

std::vector<Value> kvlift::startsOf(Operation op) {
  std::vector<Value> operands = op.operands();
  int64_t first = op.is("stablehlo.dynamic_slice") ? 1 : 2;
  return {operands.begin() + first, operands.end()};
}

//===----------------------------------------------------------------------===//
// Uses
//===----------------------------------------------------------------------===//

/// The op of `block` that is `op` or has it in its regions; null if none is.
static Operation ancestorIn(Block block, Operation op) {
  while (op && !(op.block() == block))
    op = op.parentOp();
  return op;
}

bool kvlift::isAvailable(Value value, Operation at) {
  Operation maker = value.definingOp();
  if (!maker || !(maker.block() == at.block()))
    return true;
  return maker.isBefore(at);
}

bool kvlift::isNeededAfter(Value old, Operation update, Operation except) {
  Block block = update.block();
  std::unordered_set<const void *> later;
  Operation last;
  for (const Use &use : old.uses()) {
    Operation user = ancestorIn(block, use.user);
    if (!user || user == update || user == except || user.isBefore(update))
      continue;
    later.insert(user.raw.ptr);
    if (!last || last.isBefore(user))
      last = user;
  }
  // Nearly always nothing else reads it; looking on costs time.
  if (later.empty())
    return false;
  int budget = 2000;
  std::vector<Operation> open{update};
  std::unordered_set<const void *> seen{update.raw.ptr};
  while (!open.empty()) {
    Operation op = open.back();
    open.pop_back();
    for (Value result : op.results())
      for (const Use &use : result.uses()) {
        Operation user = ancestorIn(block, use.user);
        if (!user || !seen.insert(user.raw.ptr).second)
          continue;
        if (later.count(user.raw.ptr) || --budget == 0)
          return true;
        if (user.isBefore(last))
          open.push_back(user);
      }
  }
  return false;
}

bool kvlift::hasNoEffect(Operation op) {
  std::string_view name = op.name();
  if (!name.starts_with("stablehlo.") || name == "stablehlo.custom_call" ||
      name.ends_with("feed") || name == "stablehlo.send" ||
      name == "stablehlo.recv")
    return false;
  return op.regions().empty() || name == "stablehlo.scatter";
}

void kvlift::eraseIfDead(const std::vector<Operation> &ops) {
  std::vector<Operation> open;
  for (Operation op : ops)
    if (op && std::find(open.begin(), open.end(), op) == open.end())
      open.push_back(op);
  while (!open.empty()) {
    Operation next = open.back();
    open.pop_back();
    if (!hasNoEffect(next))
      continue;
    std::vector<Value> results = next.results();
    if (!std::all_of(results.begin(), results.end(),
                     [](Value result) { return result.isUnused(); }))
      continue;
    std::vector<Operation> makers;
    for (Value operand : next.operands())
      if (Operation maker = operand.definingOp();
          maker &&
          std::find(makers.begin(), makers.end(), maker) == makers.end())
        makers.push_back(maker);
    next.erase();
    // One of them may have been erased as what another one used.
    for (Operation maker : makers)
      if (std::find(open.begin(), open.end(), maker) == open.end())
        open.push_back(maker);
  }
}

void kvlift::replaceUpdate(Operation update, Value by) {
  update.result().replaceAllUsesWith(by);
  eraseIfDead(update);
}

Value kvlift::slotArgument(Operation op, const std::string &slot) {
  Operation parent = op.parentOp();
  if (!parent || !parent.is("func.func"))
    return {};
  FuncOp function(parent);
  for (int64_t i = 0, n = function.numArguments(); i < n; ++i)
    if (function.argumentAttribute(i, marks::slot).asString() == slot)
      return function.body().argument(i);
  return {};
}
