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

#include "BranchPlan.h"
#include "RewriteSupport.h"
#include "UpdateRewrite.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// Makes the op anew, without the slots among its results.
class Rewriter {
public:
  Rewriter(Operation op, std::vector<BranchPlan> plans)
      : op(op), plans(std::move(plans)), regions(op.regions()) {}

  void run() {
    std::vector<std::vector<Value>> yields;
    for (Region region : regions)
      yields.push_back(kept(region.firstBlock().terminator().operands()));
    int64_t firstNew = yields.front().size();
    for (const BranchPlan &plan : plans)
      for (const BranchWrite &write : plan.writes)
        for (size_t k = 0; k < regions.size(); ++k)
          addYields(write, k, yields[k]);

    std::vector<Type> types;
    for (Value value : yields.front())
      types.push_back(value.type());
    std::vector<Operation> dead;
    for (size_t k = 0; k < regions.size(); ++k) {
      Operation yield = regions[k].firstBlock().terminator();
      for (const BranchPlan &plan : plans)
        dead.push_back(yield.operand(plan.result).definingOp());
      yield.setOperands(yields[k]);
    }
    Builder build(op);
    made = build.recreate(op, op.operands(), types);
    replaceKept();
    next = firstNew;
    for (const BranchPlan &plan : plans)
      op.result(plan.result).replaceAllUsesWith(writeAll(build, plan));
    op.erase();
    // Not before: the slot itself could look dead.
    eraseIfDead(dead);
    flattenCheapBranch(made);
  }

private:
  bool isSlot(int64_t result) const {
    return std::any_of(plans.begin(), plans.end(), [&](const BranchPlan &plan) {
      return plan.result == result;
    });
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
  static bool isCertain(const BranchWrite &write) {
    return std::all_of(
        write.branches.begin(), write.branches.end(),
        [](const auto &each) { return each && !each->condition; });
  }

  /// Whether an `if` alone says whether it is written: its first branch does,
  /// or its second one.
  bool followsPredicate(const BranchWrite &write) const {
    return op.is("stablehlo.if") &&
           write.branches[0].has_value() != write.branches[1].has_value() &&
           !write.branches[write.branches[0] ? 0 : 1]->condition;
  }

  /// What a branch yields for a write: data, starts, and whether it writes.
  void addYields(const BranchWrite &write, size_t branch,
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

  Value writeAll(Builder &build, const BranchPlan &plan) {
    Value version = plan.slot;
    for (const BranchWrite &write : plan.writes) {
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
  std::vector<BranchPlan> plans;
  std::vector<Region> regions;
  Operation made;
  /// The next result of the new op that is read.
  int64_t next = 0;
};

/// Whether the windows' elements have a zero to yield.
bool hasZeros(Operation op, const BranchPlan &plan) {
  for (const BranchWrite &write : plan.writes) {
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
  std::vector<BranchPlan> plans;
  std::string reason;
  for (int64_t i = 0, n = op.numResults(); i < n; ++i) {
    std::string why;
    auto plan = op.result(i).type().isRankedTensor() ? planBranch(op, i, why)
                                                     : std::nullopt;
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
