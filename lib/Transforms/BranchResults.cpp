//===- BranchResults.cpp - What branches hand out -------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BranchResults.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

std::vector<BranchStep> kvlift::branchesAround(Operation op) {
  std::vector<BranchStep> path;
  for (Operation parent = op.parentOp(); parent && !parent.is("func.func");
       op = parent, parent = parent.parentOp()) {
    if (!parent.is("stablehlo.if") && !parent.is("stablehlo.case"))
      continue;
    std::vector<Region> regions = parent.regions();
    auto region =
        std::find_if(regions.begin(), regions.end(), [&](Region each) {
          return each.firstBlock() == op.block();
        });
    path.push_back({parent, region - regions.begin()});
  }
  std::reverse(path.begin(), path.end());
  return path;
}

std::optional<size_t> kvlift::branchesAroundEither(Operation one,
                                                   Operation other) {
  std::vector<BranchStep> a = branchesAround(one), b = branchesAround(other);
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (!(a[i].branch == b[i].branch))
      return std::nullopt;
    if (a[i].region != b[i].region)
      return i + 1;
  }
  return std::nullopt;
}

bool kvlift::isMadeIn(Value value, Operation op) {
  Operation home = value.isBlockArgument() ? value.argumentOwner().parentOp()
                                           : value.definingOp().parentOp();
  return home && home.isIn(op);
}

Operation kvlift::withResult(Operation branch,
                             const std::vector<Value> &yielded) {
  std::vector<Region> regions = branch.regions();
  for (size_t i = 0; i < regions.size(); ++i) {
    Operation yield = regions[i].firstBlock().terminator();
    std::vector<Value> values = yield.operands();
    values.push_back(yielded[i]);
    yield.setOperands(values);
  }
  std::vector<Type> types;
  for (Value result : branch.results())
    types.push_back(result.type());
  types.push_back(yielded.front().type());
  return Builder(branch).recreate(branch, branch.operands(), types);
}
