//===- BranchResults.h - What branches hand out -----------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_BRANCHRESULTS_H
#define KVLIFT_LIB_TRANSFORMS_BRANCHRESULTS_H

#include "kvlift/IR.h"

namespace kvlift {

/// An `if` or `case`, and which of its regions is meant.
struct BranchStep {
  Operation branch;
  int64_t region;
};

/// The branches around an op, the outermost first.
std::vector<BranchStep> branchesAround(Operation op);

/// How many branches are around two ops of which never both run: the innermost
/// of them has the ops in different regions. Nothing when both may run.
std::optional<size_t> branchesAroundEither(Operation one, Operation other);

/// Whether the value is made in a region of the op.
bool isMadeIn(Value value, Operation op);

/// The branch with one more result, for which each region yields a value. The
/// old one loses its bodies; its results are for the caller to replace.
Operation withResult(Operation branch, const std::vector<Value> &yielded);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_BRANCHRESULTS_H
