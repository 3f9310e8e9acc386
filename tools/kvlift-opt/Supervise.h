//===- Supervise.h - When the host ends the process -------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_SUPERVISE_H
#define KVLIFT_TOOLS_KVLIFT_OPT_SUPERVISE_H

#include <functional>
#include <string>

namespace kvlift {

/// Runs `work` in a process of its own and returns its exit code. MLIR aborts
/// on some damaged bytecode, pipelines and modules, which no C API can catch:
/// then `problem` says so and the code is 1.
int runSupervised(const std::function<int()> &work, std::string &problem);

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_SUPERVISE_H
