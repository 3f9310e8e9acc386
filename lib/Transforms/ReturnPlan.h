//===- ReturnPlan.h - What functions return of lost updates -----*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_RETURNPLAN_H
#define KVLIFT_LIB_TRANSFORMS_RETURNPLAN_H

#include "kvlift/Diagnostics.h"
#include "kvlift/Provenance.h"

namespace kvlift {

/// A version, and how its dims permute the argument's.
struct Seen {
  Value version;
  Dims view;
};

/// One more result of a function: the last version of an argument. It is made
/// here, or comes out of a call as one more result of the callee. The branches
/// of an op can make one each; then the additions of one argument stand one
/// after the other and are one result.
struct Addition {
  LostUpdate lost;
  /// How the dims of what is returned permute the argument's.
  Dims view;
  /// The versions that come into the branches around it, the outermost first.
  std::vector<Seen> incoming;

  Operation maker() const {
    return lost.calls.empty() ? lost.update : lost.calls.front().call;
  }
};

/// What one function returns besides, and the calls that take it.
struct ReturnPlan {
  FuncOp function;
  std::vector<Addition> additions;
  std::vector<Operation> calls;
};

/// Plans that all lost updates of public functions are returned, callees before
/// their callers. Reports and gives nothing when one cannot be.
std::optional<std::vector<ReturnPlan>> planReturns(Operation module,
                                                   DiagnosticLog &log);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_RETURNPLAN_H
