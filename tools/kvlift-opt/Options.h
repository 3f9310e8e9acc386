//===- Options.h - The command line -----------------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_OPTIONS_H
#define KVLIFT_TOOLS_KVLIFT_OPT_OPTIONS_H

#include <optional>
#include <string>
#include <vector>

namespace kvlift {

struct Options {
  std::string input = "-";
  std::string output = "-";
  std::string pipeline;
  std::string library;
  std::string targetVersion;
  std::string printBefore;
  std::string printAfter;
  bool emitBytecode = false;
  bool emitArtifact = false;
  bool splitInput = false;
  bool verifyDiagnostics = false;
  bool allowUnregistered = false;
  bool printDebugInfo = false;
  bool printGeneric = false;
  bool printBeforeAll = false;
  bool printAfterAll = false;
  bool timing = false;
  bool showPasses = false;
  bool help = false;
  bool version = false;
};

/// Reads `-x`, `--x`, `--x=value` and `--x value` in any order. Nothing, and
/// `problem` says why, on an unknown option, a missing or unwanted value, an
/// option given twice, a second input, or options that exclude each other.
std::optional<Options> parseOptions(const std::vector<std::string> &arguments,
                                    std::string &problem);

/// What `--help` says of an option: `--name=VALUE` and its purpose.
struct OptionHelp {
  std::string usage;
  std::string_view description;
};
std::vector<OptionHelp> describeOptions();

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_OPTIONS_H
