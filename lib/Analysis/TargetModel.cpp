//===- TargetModel.cpp - What each runtime does badly or wrongly ----------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// jaxlib 0.10.2 with xla_cpu_copy_insertion_use_region_analysis, which kvlift's
// runtime sets for programs without loops and branches (with them, that option
// loses copies that are needed), and IREE 3.13.0. The evidence is a program of
// test/corpus or a test, which test/python/test_target_facts.py runs; that of
// pjrt:cuda is read off HLO compiled ahead of time.
//
//===----------------------------------------------------------------------===//

#include "kvlift/TargetModel.h"

#include <algorithm>

using namespace kvlift;

static constexpr std::string_view pjrtCpu = "pjrt:cpu", pjrtCuda = "pjrt:cuda",
                                  ireeCpu = "iree:cpu";

static constexpr TargetFact table[] = {
    {pjrtCpu, Habit::rewritesNarrowFloats,
     "XLA:CPU rewrites the whole slot to update elements of type", "dus-bf16"},
    {pjrtCpu, Habit::copiesUnitDims,
     "XLA:CPU copies a slot that has a dimension of extent 1 for",
     "attention-k-and-v-batch-1"},
    {pjrtCpu, Habit::copiesPassedBranches,
     "XLA:CPU copies the slot in and out of", "if-update-or-pass"},
    {pjrtCpu, Habit::copiesReadsBesideControlFlow,
     "XLA:CPU, in a program with loops or branches, may overwrite it before",
     "while-read-only"},
    {pjrtCpu, Habit::copiesShapes,
     "XLA copies a slot whose updates work on other shapes of it, as",
     "folded-update-and-row-read"},
    {pjrtCpu, Habit::copiesBitcasts,
     "XLA rewrites the whole slot when its bits are updated by",
     "bitcast-around"},
    {pjrtCpu, Habit::copiesWholeUpdates,
     "XLA builds the new value beside the old in", "dus-whole"},
    {pjrtCpu, Habit::copiesTransposed, "XLA builds the transposed slot for",
     "transpose-pair"},
    {pjrtCpu, Habit::transposesProducts, "XLA builds the transposed slot for",
     "attention-bshd"},
    {pjrtCpu, Habit::convertsProducts, "XLA:CPU converts the whole slot for",
     "attention-write-then-read-f16"},
    {pjrtCpu, Habit::buildsSummands,
     "XLA:CPU builds the whole slot anew, to sum it, for", "sum-of-converted"},
    {pjrtCpu, Habit::buildsMoved, "XLA builds the whole slot anew for",
     "product-of-reversed"},
    {pjrtCpu, Habit::fusesLate,
     "XLA computes it together with, and so after the update, the op",
     "exchanged-rows"},
    {pjrtCpu, Habit::copiesSecondResult,
     "XLA copies the slot for the other result of", "new-twice"},
    {pjrtCpu, Habit::copiesMoved, "XLA builds the new value beside the old in",
     "rolled"},
    {pjrtCpu, Habit::rewritesMasked, "XLA:CPU rewrites the whole slot for",
     "masked-select"},
    {pjrtCpu, Habit::copiesForks, "the old value has to survive",
     "updated-then-masked"},

    {pjrtCuda, Habit::copiesInBranches, "XLA:GPU copies the slot around",
     "facts: HLO compiled ahead of time for stablehlo.if"},
    {pjrtCuda, Habit::fusesLate,
     "XLA computes it together with, and so after the update, the op",
     "assumed as for pjrt:cpu"},
    {pjrtCuda, Habit::copiesSecondResult,
     "XLA copies the slot for the other result of", "assumed as for pjrt:cpu"},
    {pjrtCuda, Habit::copiesMoved, "XLA builds the new value beside the old in",
     "facts: HLO compiled ahead of time for a sliding window"},
    {pjrtCuda, Habit::copiesForks, "the old value has to survive",
     "assumed as for pjrt:cpu"},

    {ireeCpu, Habit::copiesInBranches, "IREE copies the slot in and out of",
     "if-two-updates"},
    {ireeCpu, Habit::copiesInLoops, "IREE copies the slot in each iteration of",
     "while-given-length"},
    {ireeCpu, Habit::transposesScatters,
     "IREE transposes the whole slot for a scatter that does not index the "
     "leading dimensions in order:",
     "two-index-dims-reversed"},
    {ireeCpu, Habit::copiesBitcasts,
     "IREE builds the new value beside the old when its bits are updated by",
     "bitcast-around"},
    {ireeCpu, Habit::copiesWholeUpdates,
     "IREE builds the new value beside the old in", "dus-whole"},
    {ireeCpu, Habit::copiesTransposed, "IREE builds the transposed slot for",
     "transpose-pair"},
    {ireeCpu, Habit::transposesFactors, "IREE builds the transposed slot for",
     "attention-bshd"},
    {ireeCpu, Habit::transposesSums, "IREE builds the transposed slot for",
     "sum-of-transposed-batch-1"},
    {ireeCpu, Habit::reversesSums, "IREE builds the whole slot anew for",
     "sum-of-reversed"},
    {ireeCpu, Habit::buildsMoved, "IREE builds the whole slot anew for",
     "product-of-reversed"},
    {ireeCpu, Habit::copiesBetween,
     "IREE may copy what one update has made before the next, for",
     "row-moved-between-two-updates"},
    {ireeCpu, Habit::readsOwnWrites,
     "IREE overwrites the slice while it moves it in",
     "test_target_facts.py::test_iree_reads_its_own_writes",
     /*isWrong=*/true},
    {ireeCpu, Habit::copiesSecondResult,
     "IREE copies the slot for the other result of", "new-twice"},
    {ireeCpu, Habit::copiesMoved, "IREE builds the new value beside the old in",
     "rolled"},
    {ireeCpu, Habit::copiesComputed,
     "IREE builds the new value beside the old in", "added"},
    {ireeCpu, Habit::copiesForks, "the old value has to survive",
     "updated-then-masked"},
};

static constexpr TargetOption optionTable[] = {
    {pjrtCpu, "xla_cpu_copy_insertion_use_region_analysis", "true",
     "measured: without it, a read of the old slot beside the update copies "
     "it; "
     "only for programs without loops and branches"},
};

std::span<const TargetFact> TargetModel::facts() { return table; }

std::span<const TargetOption> TargetModel::options() { return optionTable; }

std::vector<std::string> TargetModel::names() {
  std::vector<std::string> names{std::string(anyTarget)};
  for (const TargetFact &fact : table)
    if (std::find(names.begin(), names.end(), fact.target) == names.end())
      names.emplace_back(fact.target);
  return names;
}

std::optional<TargetModel> TargetModel::named(std::string_view target) {
  if (target == anyTarget)
    return TargetModel(anyTarget);
  for (const TargetFact &fact : table)
    if (fact.target == target)
      return TargetModel(fact.target);
  return std::nullopt;
}

const TargetFact *TargetModel::find(Habit habit) const {
  for (const TargetFact &fact : table)
    if (fact.target == target && fact.habit == habit)
      return &fact;
  return nullptr;
}
