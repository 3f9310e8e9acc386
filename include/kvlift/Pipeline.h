//===- Pipeline.h - Runs kvlift's and the host's passes ---------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_PIPELINE_H
#define KVLIFT_PIPELINE_H

#include "kvlift/Passes.h"

namespace kvlift {

/// One pass: kvlift's own, or the host's under its nesting
/// (`func.func(canonicalize{max-iterations=2})`).
struct Step {
  std::string text;
  /// Null when the host runs it.
  PassFunction *run = nullptr;
  PassOptions options;
};

/// Parses `builtin.module(a,func.func(b{x=y}),...)` into single passes.
/// Reports and gives nothing on a syntax error, an unknown pass (with the
/// nearest name) or an unknown option.
std::optional<std::vector<Step>>
parsePipeline(Context context, std::string_view text, DiagnosticLog &log);

/// Is told of every step; both functions may be empty.
struct PipelineObserver {
  std::function<void(const Step &, Operation module)> before;
  std::function<void(const Step &, Operation module, double seconds)> after;
};

/// Runs the steps in order. On failure the log says why and the module is as
/// it was before the first step.
Status runPipeline(Operation module, const std::vector<Step> &steps,
                   DiagnosticLog &log, const PipelineObserver &observer = {});

/// Names of the host's passes that kvlift's users need, for `--show-passes` and
/// for suggestions: the C API cannot list them.
const std::vector<std::string> &knownHostPasses();

} // namespace kvlift

#endif // KVLIFT_PIPELINE_H
