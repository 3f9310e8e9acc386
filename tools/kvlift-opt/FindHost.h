//===- FindHost.h - Where is the MLIR library? ------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_FINDHOST_H
#define KVLIFT_TOOLS_KVLIFT_OPT_FINDHOST_H

#include <string>

namespace kvlift {

/// The path of the host library: `named` if not empty, else what
/// KVLIFT_MLIR_LIBRARY says, else the one of the torch_mlir package that is
/// installed with this program, else with a python3 on PATH. Empty, and
/// `problem` says what to do, when there is none.
std::string findHost(const std::string &named, std::string &problem);

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_FINDHOST_H
