//===- Passes.h - kvlift's passes are ordinary functions --------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_PASSES_H
#define KVLIFT_PASSES_H

#include "kvlift/Diagnostics.h"
#include "kvlift/TargetModel.h"

#include <map>

namespace kvlift {

/// `{name=value ...}` as written in a pipeline.
using PassOptions = std::map<std::string, std::string>;

/// The value of an option, or what it is when the pipeline does not say.
std::string optionOr(const PassOptions &options, const std::string &name,
                     const std::string &fallback);
/// The model that `target=` names; says so when there is none of the name.
std::optional<TargetModel> targetModelOf(const PassOptions &options,
                                         DiagnosticLog &log);

/// The number in `arg3`, if the text is the prefix and a number.
std::optional<int64_t> numberAfter(std::string_view text,
                                   std::string_view prefix);

/// Runs on a `builtin.module`. A pass checks everything before it changes
/// anything: when it fails it has said why, and the module is as it was.
using PassFunction = Status(Operation module, const PassOptions &options,
                            DiagnosticLog &log);

struct PassOption {
  std::string_view name, values, description;
};

struct Pass {
  std::string_view name, description;
  std::vector<PassOption> options;
  PassFunction *run;
};

#define KVLIFT_PASS(function, name, description, options) PassFunction function;
#include "kvlift/Passes.inc"

/// All passes, in the order in which a lift runs them.
std::vector<Pass> allPasses();

} // namespace kvlift

#endif // KVLIFT_PASSES_H
