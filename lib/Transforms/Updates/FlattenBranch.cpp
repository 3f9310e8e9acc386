//===- FlattenBranch.cpp - Branches that are cheaper than a branch --------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is left of a branch once its update of the slot is outside is often a
// few ops on a row and a position. Runtimes pay more for the branch, and
// XLA:CPU gives up its best copy analysis for it. So when all that is left is
// small and elementwise, compute all branches and select: exact, since none of
// these ops has an effect, and none can fail.
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

// A row of every head of a large model, and then some.
static constexpr int64_t elementLimit = int64_t(1) << 16;
static constexpr int opLimit = 64;

/// Whether computing the op for nothing costs next to nothing.
static bool isCheap(Operation op) {
  static constexpr std::string_view moves[] = {"stablehlo.bitcast_convert",
                                               "stablehlo.broadcast_in_dim",
                                               "stablehlo.concatenate",
                                               "stablehlo.constant",
                                               "stablehlo.dynamic_slice",
                                               "stablehlo.iota",
                                               "stablehlo.pad",
                                               "stablehlo.reshape",
                                               "stablehlo.slice",
                                               "stablehlo.transpose"};
  if (!isPlainArithmetic(op) && std::find(std::begin(moves), std::end(moves),
                                          op.name()) == std::end(moves))
    return false;
  for (Value result : op.results())
    if (!result.type().isStaticTensor() ||
        result.type().elementCount() > elementLimit)
      return false;
  return true;
}

static bool canFlatten(Operation branch) {
  int ops = 0;
  for (Region region : branch.regions()) {
    Operation yield = region.firstBlock().terminator();
    for (Operation op : region.firstBlock())
      if (!(op == yield) && (++ops > opLimit || !isCheap(op)))
        return false;
  }
  for (Value result : branch.results())
    if (!result.type().isStaticTensor() ||
        result.type().elementCount() > elementLimit)
      return false;
  return true;
}

void kvlift::flattenCheapBranch(Operation branch) {
  if (!canFlatten(branch))
    return;
  std::vector<std::vector<Value>> yields;
  for (Region region : branch.regions()) {
    Operation yield = region.firstBlock().terminator();
    yields.push_back(yield.operands());
    for (Operation op : region.firstBlock())
      if (!(op == yield))
        op.moveBefore(branch);
  }
  Builder build(branch);
  Value selector = branch.operand(0);
  std::vector<Value> chosen = yields.back();
  // An index that is out of range takes the last branch.
  for (int64_t k = static_cast<int64_t>(yields.size()) - 2; k >= 0; --k) {
    bool isSame = yields[k] == chosen;
    if (isSame)
      continue;
    Value taken = selector;
    if (branch.is("stablehlo.case"))
      taken = build.compare("EQ", selector, build.splat(selector.type(), k));
    for (size_t i = 0; i < chosen.size(); ++i)
      if (!(yields[k][i] == chosen[i]))
        chosen[i] =
            build.select(build.reshape(taken, {}), yields[k][i], chosen[i]);
  }
  for (size_t i = 0; i < chosen.size(); ++i)
    branch.result(i).replaceAllUsesWith(chosen[i]);
  branch.erase();
}
