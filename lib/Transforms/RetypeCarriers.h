//===- RetypeCarriers.h - Gives carriers another type -----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_RETYPECARRIERS_H
#define KVLIFT_LIB_TRANSFORMS_RETYPECARRIERS_H

#include "kvlift/Carriers.h"

namespace kvlift {

/// Gives every carrier its store type: in signatures, loops, branches and
/// callees. Updates write in it, other ops read the logical type of it. The
/// group must have no obstacle to the storage.
void retypeCarriers(const Carriers &carriers, const Storage &storage);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_RETYPECARRIERS_H
