//===- TargetModel.cpp - What each runtime does badly or wrongly ----------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// jaxlib 0.10.2 with xla_cpu_copy_insertion_use_region_analysis, which kvlift's
// runtime sets for programs without loops and branches (with them, that option
// loses copies that are needed), and IREE 3.13.0. "measured" facts are programs
// that were compiled, audited and run on 16 MB slots; those of pjrt:cuda are
// read off its ahead-of-time compiled HLO.
//
//===----------------------------------------------------------------------===//

#include "kvlift/TargetModel.h"

#include <algorithm>

using namespace kvlift;

static constexpr std::string_view pjrtCpu = "pjrt:cpu", pjrtCuda = "pjrt:cuda",
                                  ireeCpu = "iree:cpu";

static constexpr TargetFact table[] = {
    {pjrtCpu, Habit::rewritesNarrowFloats,
     "XLA:CPU rewrites the whole slot to update elements of type",
     "measured: dynamic_update_slice of bf16 and f8E4M3FN"},
    {pjrtCpu, Habit::copiesUnitDims,
     "XLA:CPU copies a slot that has a dimension of extent 1 for",
     "measured: attention on [1,8,2048,64], not on [8,2048,64]"},
    {pjrtCpu, Habit::copiesPassedBranches,
     "XLA:CPU copies the slot in and out of",
     "measured: if with dynamic_update_slice in one branch, without region "
     "analysis"},
    {pjrtCpu, Habit::copiesReadsBesideControlFlow,
     "XLA:CPU, in a program with loops or branches, may overwrite it before",
     "measured: a sum of the old version beside an update, without region "
     "analysis"},
    {pjrtCpu, Habit::copiesShapes,
     "XLA copies a slot that is updated in several shapes, as by",
     "updates-in-two-shapes"},
    {pjrtCpu, Habit::copiesBitcasts, "XLA rewrites the whole slot for the update of its bits by",
     "bitcast-around"},
    {pjrtCpu, Habit::transposesProducts, "XLA builds the transposed slot for", "attention-bshd"},
    {pjrtCpu, Habit::convertsProducts, "XLA:CPU converts the whole slot to f32 for", "attention-write-then-read-f16"},
    {pjrtCpu, Habit::convertsSums, "XLA:CPU builds all converted elements for the sum of", "sum-of-converted"},
    {pjrtCpu, Habit::buildsMoved, "XLA builds the whole slot anew for", "converted-product"},
    {pjrtCpu, Habit::copiesTransposed, "XLA builds the transposed slot for",
     "measured: transpose, dynamic_update_slice, transpose"},
    {pjrtCpu, Habit::fusesLate,
     "XLA computes it together with, and so after the update, the op",
     "measured: a row of the old version times a sum of the new one"},
    {pjrtCpu, Habit::copiesSecondResult,
     "XLA copies the slot for the other result of",
     "measured: the updated slot returned twice"},
    {pjrtCpu, Habit::copiesMoved, "XLA builds the new value beside the old in",
     "measured: concatenate(slice(c, 1:), row)"},
    {pjrtCpu, Habit::rewritesMasked, "XLA:CPU rewrites the whole slot for",
     "measured: select(iota == position, row, c)"},
    {pjrtCpu, Habit::copiesForks, "the old value has to survive",
     "measured: two updates of one version"},

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
     "measured: if and case with dynamic_update_slice in a branch"},
    {ireeCpu, Habit::copiesInLoops, "IREE copies the slot in each iteration of",
     "measured: while with dynamic_update_slice"},
    {ireeCpu, Habit::transposesScatters,
     "IREE transposes the whole slot for a scatter that does not index the "
     "leading dimensions in order:",
     "measured: scatter on dim 1, scatter on dims [1, 0]"},
    {ireeCpu, Habit::copiesBitcasts, "IREE builds the new value beside the old for the update of its bits by",
     "bitcast-around"},
    {ireeCpu, Habit::copiesWholeUpdates, "IREE builds the new value beside the old in", "dus-whole"},
    {ireeCpu, Habit::transposesFactors, "IREE builds the transposed slot for", "attention-bshd"},
    {ireeCpu, Habit::transposesSums, "IREE builds the transposed slot for", "sum-of-transposed"},
    {ireeCpu, Habit::buildsMoved, "IREE builds the whole slot anew for", "reversed-product"},
    {ireeCpu, Habit::copiesBetween, "IREE copies the version between two updates for", "read-between-updates"},
    {ireeCpu, Habit::copiesTransposed, "IREE builds the transposed slot for",
     "measured: transpose, dynamic_update_slice, transpose"},
    {ireeCpu, Habit::slicesLate,
     "IREE takes the slice where it is used, after the update, by",
     "measured: a row of the old version times a sum of the new one"},
    {ireeCpu, Habit::readsOwnWrites,
     "IREE overwrites the slice while it moves it in",
     "measured: dus(c, slice(c, :-1), 1) gives 261120 of 262144 wrong",
     /*isWrong=*/true},
    {ireeCpu, Habit::copiesSecondResult,
     "IREE copies the slot for the other result of",
     "measured: the updated slot returned twice"},
    {ireeCpu, Habit::copiesMoved, "IREE builds the new value beside the old in",
     "measured: concatenate(slice(c, 1:), row)"},
    {ireeCpu, Habit::copiesComputed,
     "IREE builds the new value beside the old in",
     "measured: c + c, select(mask, row, c)"},
    {ireeCpu, Habit::copiesForks, "the old value has to survive",
     "measured: two updates of one version"},
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
