//===- ReturnUpdates.cpp - kvlift-return-updates --------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. Find the lost updates of every public function, and of what it calls.
// 2. Plan one more result for the function with the update, and for every
//    function on the way to it.
// 3. Callees first: append the version, in the argument's layout, to the
//    results; make every call of the function anew, with the new results.
// 4. In public functions, mark the pair as a slot.
//
// A version that a branch of an `if` or `case` makes comes out as one more
// result of that op; branches without an update yield what has come in.
//
// Refused: two last versions of one argument, but for branches of one op;
// versions inside of loops, an argument passed twice, functions that call
// themselves, and those that something other than func.call names.
//
// In a loop, a version that the body drops starts from the old value in every
// iteration: to carry it on would change what the next iteration reads, and to
// return the last one would be a guess.
//
//===----------------------------------------------------------------------===//

#include "BranchResults.h"
#include "ReturnPlan.h"
#include "kvlift/Builder.h"
#include "kvlift/Passes.h"
#include "kvlift/State.h"

#include <map>

using namespace kvlift;

namespace {

class Rewriter {
public:
  void apply(const ReturnPlan &plan) {
    std::vector<NewSlot> slots;
    auto next = plan.additions.begin();
    while (next != plan.additions.end()) {
      int64_t argument = next->lost.argument;
      Group group;
      for (; next != plan.additions.end() && next->lost.argument == argument;
           ++next)
        group.push_back(&*next);
      int64_t result =
          plan.function.appendResult(lastVersion(plan.function, group, 0));
      resultOf[{plan.function.name(), argument}] = result;
      slots.push_back({argument, result, "inferred"});
    }
    if (plan.function.isPublic())
      markSlots(plan.function, slots);
    for (Operation call : plan.calls)
      remake(call, plan.function);
  }

  /// Erases what was made anew. Until then no new value may get the address of
  /// an old one, by which it is looked up.
  void finish() {
    for (Operation op : replaced)
      op.erase();
  }

private:
  /// The additions of one argument, as far as they are in one region.
  using Group = std::vector<const Addition *>;

  /// The version that the group ends with in a block that so many branches are
  /// around, in the argument's layout.
  Value lastVersion(const FuncOp &function, const Group &group, size_t depth) {
    const Addition &first = *group.front();
    Value version = versionOf(first.lost);
    Operation maker = version.definingOp();
    if (first.incoming.size() == depth)
      return inArgumentLayout(function, first, {version, first.view},
                              maker.block().terminator());
    Operation branch = branchesAround(maker)[depth].branch;
    std::vector<Group> groups(branch.regions().size());
    for (const Addition *each : group)
      groups[branchesAround(versionOf(each->lost).definingOp())[depth].region]
          .push_back(each);
    Seen incoming = first.incoming[depth];
    incoming.version = current(incoming.version);
    std::vector<Value> yielded;
    for (size_t i = 0; i < groups.size(); ++i)
      yielded.push_back(
          groups[i].empty()
              ? inArgumentLayout(function, first, incoming,
                                 branch.regions()[i].firstBlock().terminator())
              : lastVersion(function, groups[i], depth + 1));
    Operation now = withResult(branch, yielded);
    replace(branch, now);
    return now.result(now.numResults() - 1);
  }

  /// The version with the argument's own dims and shape.
  Value inArgumentLayout(const FuncOp &function, const Addition &addition,
                         Seen seen, Operation before) {
    Builder build(before);
    Value version = seen.version;
    if (!seen.view.empty())
      version = build.transpose(version, invertPermutation(seen.view));
    Type needed = function.argumentType(addition.lost.argument);
    return version.type() == needed ? version
                                    : build.reshape(version, needed.shape());
  }

  Value versionOf(const LostUpdate &lost) {
    if (lost.calls.empty())
      return current(lost.version);
    auto [call, parameter] = lost.calls.front();
    Operation now = newCalls.at(call.raw.ptr);
    std::string callee = now.attribute("callee").asSymbol().value_or("");
    return now.result(resultOf.at({callee, parameter}));
  }

  /// What has taken the value's place.
  Value current(Value value) {
    for (auto now = newValues.find(value.raw.ptr); now != newValues.end();
         now = newValues.find(value.raw.ptr))
      value = now->second;
    return value;
  }

  void replace(Operation old, Operation now) {
    for (int64_t i = 0, n = old.numResults(); i < n; ++i) {
      newValues[old.result(i).raw.ptr] = now.result(i);
      old.result(i).replaceAllUsesWith(now.result(i));
    }
    replaced.push_back(old);
  }

  /// The same call of a function that has more results now.
  void remake(Operation call, const FuncOp &callee) {
    auto attributes = call.attributes();
    // The list must keep pace with the results, if there is one.
    std::erase_if(attributes,
                  [](const auto &each) { return each.first == "res_attrs"; });
    Operation now = Builder(call).create(
        "func.call", call.operands(), callee.functionType().functionResults(),
        attributes);
    replace(call, now);
    newCalls[call.raw.ptr] = now;
  }

  std::map<std::pair<std::string, int64_t>, int64_t> resultOf;
  // Looked up, never iterated: the order of pointers must not show.
  std::unordered_map<const void *, Operation> newCalls;
  std::unordered_map<const void *, Value> newValues;
  std::vector<Operation> replaced;
};

} // namespace

Status kvlift::returnUpdates(Operation module, const PassOptions &,
                             DiagnosticLog &log) {
  auto plans = planReturns(module, log);
  if (!plans)
    return Status::failure();
  Rewriter rewriter;
  for (const ReturnPlan &plan : *plans)
    rewriter.apply(plan);
  rewriter.finish();
  return Status::success();
}
