//===- BranchPlan.h - What branches write into a slot -----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_BRANCHPLAN_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_BRANCHPLAN_H

#include "kvlift/IR.h"

namespace kvlift {

/// One update of a branch: `data` goes to `starts`, under `condition` unless
/// that is null.
struct BranchUpdate {
  Value data, condition;
  std::vector<Value> starts;
};

/// What all branches that write agree on, so that no branch has to yield it:
/// a number, or a value from outside.
struct Agreed {
  std::optional<int64_t> number;
  Value value;
  explicit operator bool() const { return number || value; }
};

/// An update outside, with what each branch gives it, if it does.
struct BranchWrite {
  Type window, index;
  std::vector<std::optional<BranchUpdate>> branches;
  Agreed data;
  std::vector<Agreed> starts;
};

/// A result that is a version of one slot in every branch.
struct BranchPlan {
  int64_t result;
  Value slot;
  std::vector<BranchWrite> writes;
};

/// What the branches of an `if` or `case` write into the slot that one of its
/// results is a version of; nothing when they do more with it, with the reason,
/// or when none updates it.
std::optional<BranchPlan> planBranch(Operation op, int64_t result,
                                     std::string &reason);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_BRANCHPLAN_H
