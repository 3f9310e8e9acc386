//===- LateSums.h - What XLA computes with a later op -----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_ANALYSIS_LATESUMS_H
#define KVLIFT_LIB_ANALYSIS_LATESUMS_H

#include "OpRole.h"
#include "kvlift/InPlace.h"

namespace kvlift {

/// Whether XLA:CPU builds what the op sums before it sums it: it sums long dims
/// in steps, and large f32 tensors in a library.
bool buildsSummand(Operation sum);

/// Whether the op is computed where its result is, together with the ops that
/// it is made of.
bool isLate(Operation reader, OpRoles &roles);

/// The sums between a version and the reader that are computed with the reader:
/// one that is built by itself or for several ops is there before.
std::vector<Operation> sumsComputedWith(const Read &read, OpRoles &roles);

} // namespace kvlift

#endif // KVLIFT_LIB_ANALYSIS_LATESUMS_H
