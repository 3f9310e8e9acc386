//===- UnrollLoops.cpp - kvlift-unroll-loops ------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A target that copies what a loop carries, in each iteration, keeps the same
// updates in place when they stand one after the other.
// 1. Ask the target model which loops of each function copy a slot.
// 2. Plan to unroll those that run a constant number of times; loops inside of
//    others first, as their bodies count once for each iteration around them.
// 3. Put a copy of the body in the loop's place for each iteration, with the
//    values that the one before it yields. What the loop counts is a constant
//    in each copy, so that its updates get constant places.
//
// A loop stays, with a remark, if the number of iterations is not known or its
// condition does more than compare, if a loop in it stays, and if more ops
// would stand there than `limit`. Compiling is what they cost: IREE takes some
// 10 ms for each, so the default may cost a minute, and a decoder of 32 layers
// of a hundred ops fits.
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "kvlift/Builder.h"
#include "kvlift/InPlace.h"
#include "kvlift/LoopCounter.h"
#include "kvlift/Passes.h"

#include <algorithm>
#include <charconv>

using namespace kvlift;

namespace {

constexpr int64_t defaultLimit = 6000;

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
  int64_t number = 0;
  auto [end, failed] =
      std::from_chars(limit.data(), limit.data() + limit.size(), number);
  if (failed != std::errc() || end != limit.data() + limit.size() ||
      number < 0) {
    log.error({}, "limit=" + limit + " is not a number of ops");
    return std::nullopt;
  }
  return Options{*model, number};
}

/// A slot that the target copies in each iteration of a loop.
struct CarriedSlot {
  Operation loop;
  std::string slot;
};

//===----------------------------------------------------------------------===//
// Planning
//===----------------------------------------------------------------------===//

/// What becomes of a loop.
struct Fate {
  /// Why it stays; empty when it is unrolled.
  std::string reason;
  int64_t iterations = 0;
};

struct Plan {
  Operation loop;
  int64_t iterations;
};

class Planner {
public:
  Planner(const std::vector<CarriedSlot> &carried, int64_t limit)
      : limit(limit) {
    for (const CarriedSlot &each : carried)
      copies.insert(each.loop.raw.ptr);
  }

  /// Decides about the loop and those in it, which come first in `plans`.
  const Fate &decide(Operation loop);
  std::vector<Plan> plans;

private:
  Fate judge(Operation loop);
  /// The number of ops in the block once its loops are unrolled. `stays` is set
  /// when one of them is not.
  int64_t countOps(Block block, bool &stays);

  int64_t limit;
  // Ops that the loops decided about so far are unrolled to.
  int64_t made = 0;
  // Looked up, never iterated: the order of pointers must not show.
  std::unordered_set<const void *> copies;
  std::unordered_map<const void *, Fate> fates;
  std::unordered_map<const void *, int64_t> sizes;
};

int64_t Planner::countOps(Block block, bool &stays) {
  int64_t count = 0;
  for (Operation op : block) {
    if (copies.count(op.raw.ptr)) {
      stays |= !decide(op).reason.empty();
      count += sizes[op.raw.ptr];
      continue;
    }
    ++count;
    for (Region region : op.regions())
      for (Block inner : region.blocks())
        count += countOps(inner, stays);
  }
  return count;
}

Fate Planner::judge(Operation loop) {
  std::vector<Region> regions = loop.regions();
  bool stays = false;
  int64_t before = made;
  int64_t body = countOps(regions[1].firstBlock(), stays);
  sizes[loop.raw.ptr] = body;
  Block condition = regions[0].firstBlock();
  for (Operation op : condition)
    if (!(op == condition.terminator()) && !hasNoEffect(op))
      return {"its condition does more than compare"};
  auto iterations = tripCountOf(loop);
  if (!iterations)
    return {"it does not run a constant number of times"};
  if (stays)
    return {"a loop in it stays"};
  // The body's terminator goes. One op at least keeps the product in bounds.
  int64_t ops = std::max<int64_t>(body - 1, 1);
  if (*iterations > (limit - before) / ops)
    return {"it would be " + std::to_string(*iterations) + " times " +
            std::to_string(ops) + " ops, which take long to compile; limit=" +
            std::to_string(limit) + " allows no more"};
  sizes[loop.raw.ptr] = *iterations * ops;
  made = before + *iterations * ops;
  return {"", *iterations};
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

/// Puts one copy of the body before the loop; gives what it yields.
///   %s = dynamic_update_slice %c, %x, %0   // body: dus %carried, %x, %i
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
  std::vector<Value> carried = loop.operands();
  std::vector<std::optional<LoopCounter>> counters;
  for (size_t i = 0; i < carried.size(); ++i)
    counters.push_back(counterWithin(plan, i));
  Builder build(loop);
  // Sums that constants have taken the place of.
  std::vector<Operation> counted;
  for (int64_t iteration = 0; iteration < plan.iterations; ++iteration) {
    carried = repeatBody(loop, carried);
    for (size_t i = 0; i < carried.size(); ++i) {
      if (!counters[i])
        continue;
      counted.push_back(carried[i].definingOp());
      carried[i] =
          build.splat(carried[i].type(), counters[i]->first +
                                             counters[i]->step * (iteration + 1));
      counted.push_back(carried[i].definingOp());
    }
  }
  for (int64_t i = 0, n = loop.numResults(); i < n; ++i)
    loop.result(i).replaceAllUsesWith(carried[i]);
  loop.erase();
  eraseIfDead(counted);
}

/// What the target copies in loops, in program order; nothing after an error.
std::optional<std::vector<CarriedSlot>>
carriedSlots(Operation module, const TargetModel &model, DiagnosticLog &log) {
  std::vector<CarriedSlot> carried;
  if (!model.find(Habit::copiesInLoops))
    return carried;
  auto functions = readPublicFunctions(module, log);
  if (!functions)
    return std::nullopt;
  for (const PublicFunction &each : *functions) {
    if (each.slots.empty() || each.function.isDeclaration())
      continue;
    auto blocks = chainsOf(module, each.function, each.slots);
    for (const Finding &finding :
         findingsOf(each.function, each.slots, blocks, model))
      if (finding.fact->habit == Habit::copiesInLoops)
        carried.push_back({finding.op, finding.slot});
  }
  return carried;
}

} // namespace

Status kvlift::unrollLoops(Operation module, const PassOptions &given,
                           DiagnosticLog &log) {
  auto options = parseOptions(given, log);
  if (!options)
    return Status::failure();
  auto carried = carriedSlots(module, options->model, log);
  if (!carried)
    return Status::failure();
  Planner planner(*carried, options->limit);
  for (const auto &[loop, slot] : *carried)
    if (const Fate &fate = planner.decide(loop); !fate.reason.empty())
      log.remark(loop.location(), "slot " + quote(slot) + ": " +
                                      quote(loop.name()) +
                                      " is not unrolled: " + fate.reason);
  for (const Plan &plan : planner.plans)
    unroll(plan);
  return Status::success();
}
