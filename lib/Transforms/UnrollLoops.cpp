//===- UnrollLoops.cpp - kvlift-unroll-loops ------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A target that copies what a loop carries, in each iteration, keeps the same
// updates in place when they stand one after the other.
// 1. Ask the target model which loops of a function copy a slot.
// 2. Plan to unroll those that run a constant number of times; loops inside of
//    others first, as their bodies count once for each iteration around them.
// 3. Put a copy of the body in the loop's place for each iteration, with the
//    values that the one before it yields. What the loop counts is a constant
//    in each copy, so that its updates get constant places.
//
// A loop stays, with a remark, if the number of iterations is not known, if its
// condition does more than compare, if types change around it, if a loop in it
// stays, and if the loops of the function would become more than `limit` ops.
//
//===----------------------------------------------------------------------===//

#include "Updates/RewriteSupport.h"
#include "kvlift/Builder.h"
#include "kvlift/InPlace.h"
#include "kvlift/LoopCounter.h"
#include "kvlift/Passes.h"

#include <algorithm>
#include <charconv>

using namespace kvlift;

namespace {

// 32 decoder layers of 150 ops. IREE compiles them for about a minute on two
// busy cores, 15 times as long as the loop.
constexpr int64_t defaultLimit = 5000;

struct Options {
  TargetModel model;
  int64_t limit;
};

std::optional<Options> parseOptions(const PassOptions &given,
                                    DiagnosticLog &log) {
  std::string target = optionOr(given, "target", std::string(anyTarget));
  std::string limit = optionOr(given, "limit", std::to_string(defaultLimit));
  auto model = TargetModel::named(target);
  if (!model) {
    log.error({}, "target=" + target + " is not one of " +
                      join(TargetModel::names(), ", "));
    return std::nullopt;
  }
  int64_t number = -1;
  const char *last = limit.data() + limit.size();
  if (std::from_chars(limit.data(), last, number).ptr != last || number < 0) {
    log.error({}, "limit=" + limit + " is not a number of ops");
    return std::nullopt;
  }
  return Options{*model, number};
}

//===----------------------------------------------------------------------===//
// Which loops
//===----------------------------------------------------------------------===//

/// A slot that the target copies for a loop.
struct Cause {
  Operation loop;
  std::string slot;
};

/// In program order; loops in others after these.
std::vector<Cause> causesOf(Operation module, const PublicFunction &each,
                            const TargetModel &model) {
  std::vector<Cause> causes;
  if (each.slots.empty() || each.function.isDeclaration() ||
      !model.find(Habit::copiesInLoops))
    return causes;
  auto blocks = chainsOf(module, each.function, each.slots);
  for (const Finding &finding :
       findingsOf(each.function, each.slots, blocks, model))
    if (finding.fact->habit == Habit::copiesInLoops)
      causes.push_back({finding.op, finding.slot});
  return causes;
}

//===----------------------------------------------------------------------===//
// Planning
//===----------------------------------------------------------------------===//

/// What becomes of a loop.
struct Fate {
  /// Why it stays; empty when it is unrolled.
  std::string reason;
  int64_t iterations = 0;
  /// The ops that it is, or becomes.
  int64_t ops = 0;
};

struct Plan {
  Operation loop;
  int64_t iterations;
};

/// Decides about the loops of one function.
class Planner {
public:
  Planner(const std::vector<Cause> &causes, int64_t limit) : limit(limit) {
    for (const Cause &cause : causes)
      copying.insert(cause.loop.raw.ptr);
  }

  /// Decides about the loop, and about those in it before.
  const Fate &decide(Operation loop);
  /// The loops to unroll, inner ones first.
  std::vector<Plan> plans;

private:
  Fate judge(Operation loop);
  int64_t countOps(Block block, bool &hasLoop);

  int64_t limit;
  // Ops that the loops decided about so far become.
  int64_t made = 0;
  // Looked up, never iterated: the order of pointers must not show.
  std::unordered_set<const void *> copying;
  std::unordered_map<const void *, Fate> fates;
};

/// The number of ops in the block when its loops are unrolled; `hasLoop` is set
/// when one of them is not.
int64_t Planner::countOps(Block block, bool &hasLoop) {
  int64_t count = 0;
  for (Operation op : block) {
    ++count;
    if (copying.count(op.raw.ptr)) {
      const Fate &fate = decide(op);
      hasLoop |= !fate.reason.empty();
      count += fate.ops;
      continue;
    }
    for (Region region : op.regions())
      for (Block inner : region.blocks())
        count += countOps(inner, hasLoop);
  }
  return count;
}

/// Whether what the loop is given, hands on and gives is of the same types.
bool keepsTypes(Operation loop) {
  Block body = loop.regions()[1].firstBlock();
  Operation yield = body.terminator();
  for (int64_t i = 0, n = loop.numOperands(); i < n; ++i) {
    Type type = loop.operand(i).type();
    if (!(body.argument(i).type() == type) ||
        !(yield.operand(i).type() == type) || !(loop.result(i).type() == type))
      return false;
  }
  return true;
}

Fate Planner::judge(Operation loop) {
  std::vector<Region> regions = loop.regions();
  bool hasLoop = false;
  int64_t before = made;
  int64_t body = countOps(regions[1].firstBlock(), hasLoop);
  Block condition = regions[0].firstBlock();
  for (Operation op : condition)
    if (!(op == condition.terminator()) && !hasNoEffect(op))
      return {"its condition does more than compare", 0, body};
  auto iterations = tripCountOf(loop);
  if (!iterations)
    return {"it does not run a constant number of times", 0, body};
  if (!keepsTypes(loop))
    return {"the types of what it carries change", 0, body};
  if (hasLoop)
    return {"a loop in it stays", 0, body};
  if (*iterations > (limit - before) / body)
    return {std::to_string(*iterations) + " times " + std::to_string(body) +
                " more ops would take too long to compile (limit=" +
                std::to_string(limit) + ")",
            0, body};
  // The inner loops' ops are among these.
  made = before + *iterations * body;
  return {"", *iterations, *iterations * body};
}

const Fate &Planner::decide(Operation loop) {
  auto found = fates.find(loop.raw.ptr);
  if (found != fates.end())
    return found->second;
  Fate fate = judge(loop);
  if (fate.reason.empty())
    plans.push_back({loop, fate.iterations});
  return fates.emplace(loop.raw.ptr, std::move(fate)).first->second;
}

/// The loops to unroll; those that stay are reported.
std::vector<Plan> planFor(const std::vector<Cause> &causes, int64_t limit,
                          DiagnosticLog &log) {
  Planner planner(causes, limit);
  for (const auto &[loop, slot] : causes)
    if (const Fate &fate = planner.decide(loop); !fate.reason.empty())
      log.remark(loop.location(), "slot " + quote(slot) + ": " +
                                      quote(loop.name()) +
                                      " is not unrolled: " + fate.reason);
  return std::move(planner.plans);
}

//===----------------------------------------------------------------------===//
// Unrolling
//===----------------------------------------------------------------------===//

/// What a carried value counts, if it stays clear of wrapping around.
std::optional<LoopCounter> counterWithin(const Plan &plan, int64_t carried) {
  auto counter = counterOf(plan.loop, carried);
  if (!counter ||
      std::abs(counter->first + counter->step * plan.iterations) > INT32_MAX)
    return std::nullopt;
  return counter;
}

/// Puts a copy of the body before the loop; gives what it yields.
///   body:  %u = dynamic_update_slice %carried, %x, %i; return %u
///   copy:  %u = dynamic_update_slice %slot, %x, %three
std::vector<Value> repeatBody(Operation loop,
                              const std::vector<Value> &carried) {
  Operation copy = loop.clone();
  Block body = copy.regions()[1].firstBlock();
  for (int64_t i = 0, n = body.numArguments(); i < n; ++i)
    body.argument(i).replaceAllUsesWith(carried[i]);
  Operation yield = body.terminator();
  std::vector<Value> yielded = yield.operands();
  for (Operation op : body)
    if (!(op == yield))
      op.moveBefore(loop);
  copy.free();
  return yielded;
}

void unroll(const Plan &plan) {
  Operation loop = plan.loop;
  Builder build(loop);
  std::vector<Value> carried = loop.operands();
  std::vector<std::optional<LoopCounter>> counters;
  for (size_t i = 0; i < carried.size(); ++i)
    counters.push_back(counterWithin(plan, i));
  // Sums that constants take the place of, and constants that are not needed.
  std::vector<Operation> unused;
  for (int64_t done = 1; done <= plan.iterations; ++done) {
    carried = repeatBody(loop, carried);
    for (size_t i = 0; i < carried.size(); ++i) {
      if (!counters[i])
        continue;
      unused.push_back(carried[i].definingOp());
      carried[i] = build.splat(carried[i].type(),
                               counters[i]->first + counters[i]->step * done);
      unused.push_back(carried[i].definingOp());
    }
  }
  for (int64_t i = 0, n = loop.numResults(); i < n; ++i)
    loop.result(i).replaceAllUsesWith(carried[i]);
  loop.erase();
  eraseIfDead(unused);
}

} // namespace

Status kvlift::unrollLoops(Operation module, const PassOptions &given,
                           DiagnosticLog &log) {
  auto options = parseOptions(given, log);
  if (!options)
    return Status::failure();
  auto functions = readPublicFunctions(module, log);
  if (!functions)
    return Status::failure();
  for (const PublicFunction &each : *functions)
    for (const Plan &plan :
         planFor(causesOf(module, each, options->model), options->limit, log))
      unroll(plan);
  return Status::success();
}
