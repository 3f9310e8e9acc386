//===- StorageMarks.h - How slots are stored, by their marks -*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_ANALYSIS_STORAGEMARKS_H
#define KVLIFT_LIB_ANALYSIS_STORAGEMARKS_H

#include "kvlift/State.h"

namespace kvlift {

/// Reports `kvlift.logical` and `kvlift.order` marks that cannot be true.
Status checkStorageMarks(const FuncOp &function, DiagnosticLog &log);

/// Reports a slot of another type than an earlier function's of that name: a
/// session keeps one buffer for both.
Status checkSharedSlots(const std::vector<PublicFunction> &functions,
                        DiagnosticLog &log);

} // namespace kvlift

#endif // KVLIFT_LIB_ANALYSIS_STORAGEMARKS_H
