//===- AwaitSums.cpp - kvlift-await-sums ----------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// XLA computes a short sum of a slot's old version together with the one op
// that takes it in. If that op also takes in what an update makes of the slot,
// the old version has to survive the update: two copies of the slot. XLA orders
// ops by data alone, so for each such sum (LateSums.h):
// 1. Let the update's data wait for the sum (Await.h). Now two ops take the sum
//    in, which XLA therefore computes by itself, and before the update.
//
// Exact: the data keep their bits. Left alone: updates that are no
// dynamic_update_slice, data or sums that are no plain numbers.
// kvlift-check-in-place announces the copy of those.
//
//===----------------------------------------------------------------------===//

#include "Await.h"
#include "kvlift/InPlace.h"
#include "kvlift/Passes.h"

using namespace kvlift;

namespace {

/// The type of the integers that have the bits of an update's data.
Type bitsOf(Type type) {
  if (type.element().isInteger())
    return type;
  return Type::tensor(type.shape(),
                      Type::integer(type.context(), type.element().bitWidth()));
}

bool canAwait(const LateSum &late) {
  const auto &[sum, update] = late;
  if (!update.is("stablehlo.dynamic_update_slice") ||
      !(sum.block() == update.block()) || !sum.isBefore(update))
    return false;
  Type data = update.operand(1).type();
  return canBeAwaited(sum.result(0).type()) && canBeAwaited(data) &&
         canWait(bitsOf(data));
}

/// Before:                        After:
///   %s = reduce %old               %s = reduce %old
///   %new = dus %old, %data         %d = %data, once %s is there
///                                  %new = dus %old, %d
void apply(const LateSum &late) {
  Builder build(late.update);
  Value data = late.update.operand(1);
  Type element = data.type().element();
  Value bits = build.bitcast(data, bitsOf(data.type()).element());
  Value waiting = computeAfter(build, bits, late.sum.result(0));
  late.update.setOperand(1, build.bitcast(waiting, element));
}

} // namespace

Status kvlift::awaitSums(Operation module, const PassOptions &options,
                         DiagnosticLog &log) {
  auto model = targetModelOf(options, log);
  auto functions = readPublicFunctions(module, log);
  if (!model || !functions)
    return Status::failure();
  if (!model->find(Habit::fusesLate))
    return Status::success();
  // All are found before the first is changed.
  std::vector<LateSum> awaited;
  for (const PublicFunction &each : *functions)
    for (const BlockChains &chains :
         chainsOf(module, each.function, each.slots))
      for (const LateSum &late : lateSumsOf(chains))
        if (canAwait(late))
          awaited.push_back(late);
  for (const LateSum &late : awaited)
    apply(late);
  return Status::success();
}
