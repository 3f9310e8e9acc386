//===- Output.h - Writing what came out -------------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_OUTPUT_H
#define KVLIFT_TOOLS_KVLIFT_OPT_OUTPUT_H

#include "Options.h"
#include "kvlift/Diagnostics.h"

namespace kvlift {

/// The module in the format that the options ask for. Reports and gives
/// nothing when the format cannot express it.
std::optional<std::string> serialize(Operation module, const Options &options,
                                     DiagnosticLog &log);

/// Writes all of `bytes` to `path`, `-` being standard output. A file is
/// replaced at once when all is written, and stays as it was on failure. Says
/// what went wrong, or nothing.
std::string writeOutput(const std::string &path, const std::string &bytes);

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_OUTPUT_H
