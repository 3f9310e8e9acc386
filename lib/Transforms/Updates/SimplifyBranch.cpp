//===- SimplifyBranch.cpp - Updates in branches ---------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %new = if %p { yield dynamic_update_slice %slot, %row, %i }
//          else { yield %slot }
// becomes
//   %row, %i = if %p { yield %row, %i } else { yield zeros, 0 }
//   %new = dynamic_update_slice %slot, select(%p, %row, old row at %i), %i
// so that no branch has to pass the slot on, and what a branch computes is
// still computed only when it is taken. The same for case, for several slots,
// for several updates in a row, and for branches that write in several places:
// the k-th updates of branches share one update outside if their windows have
// one type. Where a branch does not write, the window is filled with what it
// holds.
//
// A branch that reads a version which it made stays: outside, that version
// would come too late.
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "SlicePiece.h"
#include "UpdateRewrite.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// One update of a branch: `data` goes to `starts`, under `condition` unless
/// that is null.
struct BranchUpdate {
  Value data, condition;
  std::vector<Value> starts;
};

/// What all branches that write agree on, so that no branch has to yield it:
/// a number, or a value from outside.
struct Agreed {
  std::optional<int64_t> number;
  Value value;
  explicit operator bool() const { return number || value; }
};

/// An update outside, with what each branch gives it, if it does.
struct Write {
  Type window, index;
  std::vector<std::optional<BranchUpdate>> branches;
  Agreed data;
  std::vector<Agreed> starts;
};

/// A result that is a version of one slot in every branch.
struct Plan {
  int64_t result;
  Value slot;
  std::vector<Write> writes;
};

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
                 std::vector<Write> &writes) {
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

void findAgreement(Write &write, Operation op) {
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

std::optional<Plan> match(Operation op, int64_t result, std::string &reason) {
  std::vector<Region> regions = op.regions();
  Plan plan{result, {}, {}};
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
  for (Write &write : plan.writes)
    findAgreement(write, op);
  return plan;
}

/// Makes the op anew, without the slots among its results.
class Rewriter {
public:
  Rewriter(Operation op, std::vector<Plan> plans)
      : op(op), plans(std::move(plans)), regions(op.regions()) {}

  void run() {
    std::vector<std::vector<Value>> yields;
    for (Region region : regions)
      yields.push_back(kept(region.firstBlock().terminator().operands()));
    int64_t firstNew = yields.front().size();
    for (const Plan &plan : plans)
      for (const Write &write : plan.writes)
        for (size_t k = 0; k < regions.size(); ++k)
          addYields(write, k, yields[k]);

    std::vector<Type> types;
    for (Value value : yields.front())
      types.push_back(value.type());
    std::vector<Operation> dead;
    for (size_t k = 0; k < regions.size(); ++k) {
      Operation yield = regions[k].firstBlock().terminator();
      for (const Plan &plan : plans)
        dead.push_back(yield.operand(plan.result).definingOp());
      yield.setOperands(yields[k]);
    }
    Builder build(op);
    made = build.recreate(op, op.operands(), types);
    replaceKept();
    next = firstNew;
    for (const Plan &plan : plans)
      op.result(plan.result).replaceAllUsesWith(writeAll(build, plan));
    op.erase();
    // Not before: the slot itself could look dead.
    eraseIfDead(dead);
    flattenCheapBranch(made);
  }

private:
  bool isSlot(int64_t result) const {
    return std::any_of(plans.begin(), plans.end(),
                       [&](const Plan &plan) { return plan.result == result; });
  }

  std::vector<Value> kept(const std::vector<Value> &all) const {
    std::vector<Value> rest;
    for (size_t i = 0; i < all.size(); ++i)
      if (!isSlot(i))
        rest.push_back(all[i]);
    return rest;
  }

  void replaceKept() {
    std::vector<Value> old = kept(op.results());
    for (size_t i = 0; i < old.size(); ++i)
      old[i].replaceAllUsesWith(made.result(i));
  }

  /// Whether every branch writes, whatever happens.
  static bool isCertain(const Write &write) {
    return std::all_of(
        write.branches.begin(), write.branches.end(),
        [](const auto &each) { return each && !each->condition; });
  }

  /// Whether an `if` alone says whether it is written: its first branch does,
  /// or its second one.
  bool followsPredicate(const Write &write) const {
    return op.is("stablehlo.if") &&
           write.branches[0].has_value() != write.branches[1].has_value() &&
           !write.branches[write.branches[0] ? 0 : 1]->condition;
  }

  /// What a branch yields for a write: data, starts, and whether it writes.
  void addYields(const Write &write, size_t branch,
                 std::vector<Value> &yields) {
    Builder build(regions[branch].firstBlock().terminator());
    const auto &each = write.branches[branch];
    if (!write.data)
      yields.push_back(each ? each->data : build.zeros(write.window));
    for (size_t i = 0; i < write.starts.size(); ++i)
      if (!write.starts[i])
        yields.push_back(each ? each->starts[i] : build.splat(write.index, 0));
    if (isCertain(write) || followsPredicate(write))
      return;
    Type bit = Type::tensor({}, Type::integer(build.context(), 1));
    yields.push_back(each && each->condition
                         ? build.reshape(each->condition, {})
                         : build.splat(bit, each ? 1 : 0));
  }

  Value writeAll(Builder &build, const Plan &plan) {
    Value version = plan.slot;
    for (const Write &write : plan.writes) {
      Value data = write.data ? write.data.value : made.result(next++);
      std::vector<Value> starts;
      for (const Agreed &start : write.starts)
        starts.push_back(start.number  ? build.splat(write.index, *start.number)
                         : start.value ? start.value
                                       : made.result(next++));
      if (!isCertain(write)) {
        Dims window = write.window.shape();
        Value condition =
            followsPredicate(write) ? op.operand(0) : made.result(next++);
        Value mask = build.broadcast(build.reshape(condition, {}), window, {});
        Value old = build.dynamicSlice(version, starts, window);
        bool isSwapped = followsPredicate(write) && !write.branches[0];
        data = isSwapped ? build.select(mask, old, data)
                         : build.select(mask, data, old);
      }
      version = build.dynamicUpdateSlice(version, data, starts);
    }
    return version;
  }

  Operation op;
  std::vector<Plan> plans;
  std::vector<Region> regions;
  Operation made;
  /// The next result of the new op that is read.
  int64_t next = 0;
};

/// Whether the windows' elements have a zero to yield.
bool hasZeros(Operation op, const Plan &plan) {
  for (const Write &write : plan.writes) {
    Builder build(op);
    Value zeros = build.zeros(write.window);
    if (!zeros)
      return false;
    eraseIfDead(zeros.definingOp());
  }
  return true;
}

} // namespace

Rewritten kvlift::simplifyBranch(const SlotUpdate &update) {
  Operation op = update.op;
  if (!op.is("stablehlo.if") && !op.is("stablehlo.case"))
    return Rewritten::no();
  std::vector<Plan> plans;
  std::string reason;
  for (int64_t i = 0, n = op.numResults(); i < n; ++i) {
    std::string why;
    auto plan =
        op.result(i).type().isRankedTensor() ? match(op, i, why) : std::nullopt;
    if (plan && hasZeros(op, *plan))
      plans.push_back(*plan);
    if (reason.empty())
      reason = why;
  }
  if (plans.empty())
    return Rewritten::because(reason.empty() ? "no branch updates the slot"
                                             : reason);
  Rewriter(op, plans).run();
  return Rewritten::yes();
}
