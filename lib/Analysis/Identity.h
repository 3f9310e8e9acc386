//===- Identity.h - Ops that compilers fold to an operand -------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_ANALYSIS_IDENTITY_H
#define KVLIFT_LIB_ANALYSIS_IDENTITY_H

#include "kvlift/IR.h"

namespace kvlift {

/// The value that compilers put in place of the op's result, since both are the
/// same: of `c * 1`, of a slice of everything, of a second reverse. Null when
/// the op makes a value of its own. The sum of -0.0 and 0.0 counts as the same,
/// since the compilers take it so.
Value sameAs(Operation op);

} // namespace kvlift

#endif // KVLIFT_LIB_ANALYSIS_IDENTITY_H
