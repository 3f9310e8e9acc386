//===- Rows.h - Which rows does an index tensor name? -----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_ROWS_H
#define KVLIFT_ROWS_H

#include "kvlift/IR.h"

namespace kvlift {

/// The rows `base + offset + j` for j in [0, count), in this order.
struct RowRun {
  /// A tensor of one integer, of any rank; null for 0.
  Value base;
  int64_t offset;
  int64_t count;
};

/// The run that a tensor of integers names when its elements, in row-major
/// order, are provably consecutive. One element always is a run.
std::optional<RowRun> consecutiveRows(Value indices);

} // namespace kvlift

#endif // KVLIFT_ROWS_H
