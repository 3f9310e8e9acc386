//===- GuardScatters.cpp - kvlift-guard-scatters --------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// StableHLO drops a row whose index vector is out of range. IREE writes it
// wherever that falls, outside of the buffer too. So for iree:cpu, and for
// every scatter whose index vectors are not provably in range (IndexFacts.h):
// 1. Clamp the index vectors into range.
// 2. Where a vector was out of range, a body that combines integers gets its
//    identity: x + 0, x * 1, min(x, INT_MAX) are x. Floats have none that
//    leaves each NaN its bits (x + -0.0 makes a signalling one quiet, and what
//    computes in a wider type drops payloads): such a row is marked with one
//    signalling NaN, and the body keeps the bits of what is combined with it.
//    Where an update really has that NaN, the quiet one takes its place:
//    arithmetic gives the same with both.
// 3. A body that overwrites has no identity: such a row repeats the last row
//    that is in range, index and data. Nothing comes after that one but its
//    repetitions, so what it writes stays, whatever was there before. With no
//    row in range, what is at index 0 is written back.
// Before that, a scatter with batched dims, or with windows of which StableHLO
// drops a part, becomes one that indexes element by element what it must.
// Work is in proportion to the update. Indices that are in range then go in 32
// bits where the slot allows it: IREE cannot compile some scatters with i64.
// Refuses, before it changes anything, what it cannot guard. Does nothing for
// other targets.
//
//===----------------------------------------------------------------------===//

#include "Guards/ScatterGuard.h"
#include "Updates/ScatterMap.h"
#include "kvlift/Builder.h"
#include "kvlift/Diagnostics.h"
#include "kvlift/Passes.h"
#include "kvlift/TargetModel.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// Makes every position an index vector. The check has seen to it that this
/// works, and that the body can be guarded.
void spread(GuardPlan &plan) {
  IndexFacts facts;
  ScatterMap map = scatterMapOf(plan.scatter);
  std::string reason;
  plan =
      *planGuard(makeLeadingScatter(facts, map, Edges::dropElements), reason);
}

/// Indices in range fit 32 bits wherever the operand's extents do.
void narrow(const GuardPlan &plan) {
  int64_t at = scatterInputs(plan.scatter);
  Value indices = plan.scatter.operand(at);
  if (indices.type().element().bitWidth() <= 32 ||
      !std::ranges::all_of(plan.last,
                           [](int64_t last) { return last <= INT32_MAX; }))
    return;
  Builder build(plan.scatter);
  plan.scatter.setOperand(
      at, build.convert(indices, Type::integer(build.context(), 32)));
}

/// Whether the scatter had no element to write to, and is gone: any row would
/// be out of range.
bool dropEmpty(Operation scatter) {
  std::vector<Value> results = scatter.results();
  for (size_t i = 0; i < results.size(); ++i)
    if (scatter.operand(i).type().elementCount() != 0 ||
        !(scatter.operand(i).type() == results[i].type()))
      return false;
  for (size_t i = 0; i < results.size(); ++i)
    results[i].replaceAllUsesWith(scatter.operand(i));
  scatter.erase();
  return true;
}

/// Every scatter of the module, or nothing when one cannot be guarded.
std::optional<std::vector<GuardPlan>> planAll(Operation module,
                                              DiagnosticLog &log) {
  std::vector<GuardPlan> plans;
  bool isFine = true;
  walk(module, [&](Operation op) {
    if (!op.is("stablehlo.scatter"))
      return;
    std::string reason;
    if (auto plan = planGuard(op, reason)) {
      plans.push_back(*plan);
      return;
    }
    isFine = false;
    log.error(op.location(),
              "IREE writes outside of the buffer where this scatter's indices "
              "are out of range, and it cannot be guarded: " +
                  reason)
        .note(op.location(), "clamp the indices into range before it, so that "
                             "this can be proved");
  });
  if (!isFine)
    return std::nullopt;
  return plans;
}

} // namespace

Status kvlift::guardScatters(Operation module, const PassOptions &options,
                             DiagnosticLog &log) {
  auto model = targetModelOf(options, log);
  if (!model)
    return Status::failure();
  if (model->name() != "iree:cpu")
    return Status::success();
  auto plans = planAll(module, log);
  if (!plans)
    return Status::failure();
  for (GuardPlan &plan : *plans) {
    if (dropEmpty(plan.scatter))
      continue;
    if (plan.isSpread)
      spread(plan);
    bool isEmpty = plan.scatter.operand(scatterInputs(plan.scatter) + 1)
                       .type()
                       .elementCount() == 0;
    if (!plan.isInRange && !isEmpty)
      applyGuard(plan);
    narrow(plan);
  }
  return Status::success();
}
