//===- BranchPlan.cpp - What branches write into a slot -------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BranchPlan.h"
#include "RewriteSupport.h"
#include "SlicePiece.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// The updates between the slot outside and what a branch yields, the first
/// one first; nothing when a version between them has other readers.
struct Chain {
  Value slot;
  std::vector<Operation> updates;
};

std::optional<Chain> chainOf(Value yielded, Block branch) {
  Chain chain{yielded, {}};
  while (Operation op = chain.slot.definingOp()) {
    if (!(op.block() == branch))
      break;
    if (!op.is("stablehlo.dynamic_update_slice") ||
        !op.operand(1).type().isStaticTensor())
      return std::nullopt;
    chain.updates.push_back(op);
    chain.slot = op.operand(0);
  }
  std::reverse(chain.updates.begin(), chain.updates.end());
  return chain;
}

/// The update, with its guard taken off: the guard may read the version that
/// the branch made, and is put on outside.
BranchUpdate branchUpdateOf(Operation update) {
  Value stack = update.operand(0), data = update.operand(1);
  auto starts =
      pieceStartsOf(update, stack.type().shape(), data.type().shape());
  Value condition = takeCondition(data, stack, starts);
  return {data, condition, startsOf(update)};
}

/// Whether only the next update or the end of the branch sees each version.
/// A guard that is taken off may have read it.
bool isHidden(const Chain &chain) {
  for (size_t i = 0; i < chain.updates.size(); ++i) {
    Operation next;
    if (i + 1 < chain.updates.size())
      next = chain.updates[i + 1];
    int others = 0;
    for (const Use &use : chain.updates[i].result().uses()) {
      Operation user(use.user);
      bool isGuard = false;
      if (next && user.is("stablehlo.dynamic_slice")) {
        Operation select = next.operand(1).definingOp();
        isGuard = branchUpdateOf(next).condition && select &&
                  select.operand(2) == user.result() &&
                  user.result().uses().size() == 1 &&
                  next.operand(1).uses().size() == 1;
      }
      others += !isGuard;
    }
    if (others != 1)
      return false;
  }
  return true;
}

/// Gives the chain's updates to the writes outside, in order.
void addToWrites(const Chain &chain, size_t branch, size_t branches,
                 std::vector<BranchWrite> &writes) {
  size_t next = 0;
  for (Operation update : chain.updates) {
    BranchUpdate each = branchUpdateOf(update);
    Type window = each.data.type();
    Type index = each.starts.empty() ? Type() : each.starts.front().type();
    while (next < writes.size() &&
           !(writes[next].window == window && writes[next].index == index))
      ++next;
    if (next == writes.size())
      writes.push_back({window,
                        index,
                        std::vector<std::optional<BranchUpdate>>(branches),
                        {},
                        {}});
    writes[next++].branches[branch] = each;
  }
}

bool isInside(Value value, Operation op) {
  Block block = value.isBlockArgument() ? value.argumentOwner()
                                        : value.definingOp().block();
  for (Operation at = block.parentOp(); at; at = at.parentOp())
    if (at == op)
      return true;
  return false;
}

/// What the values are, if they are all one, and known outside of the op.
Agreed agreementOf(const std::vector<Value> &values, Operation op) {
  auto number = constantInteger(values.front());
  bool isOne = !isInside(values.front(), op);
  for (Value value : values) {
    isOne = isOne && value == values.front();
    if (number && constantInteger(value) != number)
      number.reset();
  }
  if (number)
    return {number, {}};
  return {{}, isOne ? values.front() : Value()};
}

void findAgreement(BranchWrite &write, Operation op) {
  std::vector<Value> data;
  std::vector<std::vector<Value>> starts(write.window.rank());
  for (const auto &each : write.branches) {
    if (!each)
      continue;
    data.push_back(each->data);
    for (size_t i = 0; i < starts.size(); ++i)
      starts[i].push_back(each->starts[i]);
  }
  write.data = agreementOf(data, op);
  // Numbers are for starts: data of one number is not worth a special case.
  write.data.number.reset();
  for (const auto &values : starts)
    write.starts.push_back(agreementOf(values, op));
}

} // namespace

std::optional<BranchPlan> kvlift::planBranch(Operation op, int64_t result,
                                             std::string &reason) {
  std::vector<Region> regions = op.regions();
  BranchPlan plan{result, {}, {}};
  bool hasUpdate = false;
  for (size_t k = 0; k < regions.size(); ++k) {
    Block block = regions[k].firstBlock();
    auto chain = chainOf(block.terminator().operand(result), block);
    if (!chain || (plan.slot && !(plan.slot == chain->slot)) ||
        !(chain->slot.type() == op.result(result).type()) ||
        !chain->slot.type().isStaticTensor()) {
      reason = "a branch does more with the slot than to update it";
      return std::nullopt;
    }
    if (!isHidden(*chain)) {
      reason = "a branch reads the slot after it has updated it";
      return std::nullopt;
    }
    plan.slot = chain->slot;
    hasUpdate |= !chain->updates.empty();
    addToWrites(*chain, k, regions.size(), plan.writes);
  }
  if (!hasUpdate)
    return std::nullopt;
  if (isNeededAfter(plan.slot, op)) {
    reason = "the old value is still needed after it";
    return std::nullopt;
  }
  for (BranchWrite &write : plan.writes)
    findAgreement(write, op);
  return plan;
}
