//===- Info.h - --help, --version, --show-passes ----------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_INFO_H
#define KVLIFT_TOOLS_KVLIFT_OPT_INFO_H

#include "kvlift/MlirC.h"

namespace kvlift {

std::string helpText();

/// kvlift's version, the library's path and what that writes.
std::string versionText(const Host &host);

/// kvlift's passes with their options, then the host's that we know of.
std::string passesText();

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_INFO_H
