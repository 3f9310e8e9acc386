//===- MergeBatches.h - Products with one batched dim -----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_MERGEBATCHES_H
#define KVLIFT_LIB_TRANSFORMS_MERGEBATCHES_H

#include "kvlift/IR.h"

namespace kvlift {

/// Merges the batched dims of a dot_general whose second factor is summed over
/// its last dim, where there are several and they lead; leaves others alone.
void mergeBatches(Operation dot);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_MERGEBATCHES_H
