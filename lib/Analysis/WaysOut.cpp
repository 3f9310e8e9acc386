//===- WaysOut.cpp - What to do about what a runtime does -----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Who reads these writes the model, not the runtime: each says what to write
// instead, in words of the model where there are any.
//
//===----------------------------------------------------------------------===//

#include "kvlift/TargetModel.h"

using namespace kvlift;

std::string_view kvlift::wayOut(Habit habit) {
  switch (habit) {
  case Habit::rewritesNarrowFloats:
    return "store it as integers, as kvlift-choose-storage does with bf16 and "
           "f8, or in a wider type";
  case Habit::copiesUnitDims:
    return "leave the dimension of extent 1 out of the slot";
  case Habit::copiesShapes:
    return "update and read the slot in one shape";
  case Habit::copiesBitcasts:
    return "give the slot the element type that it is updated in";
  case Habit::copiesWholeUpdates:
    return "write only the rows that change";
  case Habit::copiesInBranches:
  case Habit::copiesPassedBranches:
    return "let the branch choose the rows, and write them after it";
  case Habit::copiesReadsBesideControlFlow:
    return "read the new value, or have no loop or branch in this function";
  case Habit::copiesInLoops:
    return "write all rows after the loop, or give it a constant trip count so "
           "that kvlift-unroll-loops unrolls it";
  case Habit::transposesScatters:
    return "index the leading dimensions of the slot, in order";
  case Habit::copiesTransposed:
    return "lay the slot out as it is updated";
  case Habit::transposesProducts:
  case Habit::transposesFactors:
    return "lay the slot out with the dimensions first that the product does "
           "batch by batch: [batch, heads, rows, depth]";
  case Habit::transposesSums:
    return "lay the slot out as it is summed";
  case Habit::reversesSums:
  case Habit::buildsMoved:
    return "read the slot as it lies";
  case Habit::convertsProducts:
    return "keep the slot in f32, or compile for iree:cpu, which converts "
           "elements as it reads them";
  case Habit::buildsSummands:
    return "keep the slot in the type that is summed, in its order";
  case Habit::fusesLate:
    return "read the new value instead";
  case Habit::copiesBetween:
    return "read before the first of the updates or after the last";
  case Habit::readsOwnWrites:
    return "write one row at a position that wraps around, or compile for "
           "pjrt:cpu";
  case Habit::copiesSecondResult:
    return "return it once; a session's `state` has it too";
  case Habit::copiesMoved:
    return "move no rows: write one at a position that wraps around";
  case Habit::rewritesMasked:
    return "write rows at positions instead of selecting by a mask";
  case Habit::copiesComputed:
    return "compute and write only the rows that change";
  case Habit::copiesForks:
    return "let each update go on from the one before";
  }
  return "";
}
