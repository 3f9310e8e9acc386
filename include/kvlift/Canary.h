//===- Canary.h - Does this library do what we think it does? ---*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_CANARY_H
#define KVLIFT_CANARY_H

#include <string>

namespace kvlift {

/// dlsym checks no types: a library whose C API changed would crash later or,
/// worse, work a little. Parses a tiny module, lifts it, verifies it and reads
/// the marks back. Returns what went wrong, or nothing.
std::string runCanary();

} // namespace kvlift

#endif // KVLIFT_CANARY_H
