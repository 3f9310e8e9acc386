//===- Pipeline.cpp - Runs kvlift's and the host's passes -----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Pipeline.h"

#include <chrono>

using namespace kvlift;

std::vector<Pass> kvlift::allPasses() {
  return {
#define KVLIFT_PASS(function, name, description, options)                      \
  Pass{name, description, options, function},
#include "kvlift/Passes.inc"
  };
}

const std::vector<std::string> &kvlift::knownHostPasses() {
  static const std::vector<std::string> names{
      "canonicalize",
      "cse",
      "inline",
      "loop-invariant-code-motion",
      "sccp",
      "strip-debuginfo",
      "symbol-dce",
      "symbol-privatize",
      "topological-sort",
      "chlo-legalize-to-stablehlo",
      "stablehlo-aggressive-simplification",
      "stablehlo-canonicalize-dynamism",
      "stablehlo-complex-math-expander",
      "stablehlo-convert-to-signless",
      "stablehlo-legalize-composite-to-call",
      "stablehlo-legalize-to-vhlo",
      "stablehlo-refine-arguments",
      "stablehlo-refine-shapes",
      "vhlo-legalize-to-stablehlo",
      "vhlo-to-version",
      "convert-torch-to-stablehlo",
      "torch-backend-to-stablehlo-backend-pipeline",
      "torch-decompose-complex-ops",
      "torch-maximize-value-semantics",
      "torch-reduce-op-variants",
      "torchdynamo-export-to-torch-backend-pipeline"};
  return names;
}

/// Puts a module back to what `backup` holds.
static void restore(Operation module, OwnedModule backup) {
  Operation saved = backup.operation();
  module.regions().front().takeBody(saved.regions().front());
  for (const auto &[name, value] : module.attributes())
    module.removeAttribute(name);
  for (const auto &[name, value] : saved.attributes())
    module.setAttribute(name, value);
}

static Status runHostStep(Operation module, const Step &step,
                          DiagnosticLog &log) {
  std::string problem;
  if (runHostPipeline(module, "builtin.module(" + step.text + ")", problem))
    return Status::success();
  if (!log.hasErrors())
    log.error(module.location(), "host pass " + quote(step.text) + " failed" +
                                     (problem.empty() ? "" : ": " + problem));
  return Status::failure();
}

/// Verifies once for a run of kvlift's passes: it costs more than they do. The
/// host verifies after each of its own.
static Status verifyAfter(Operation module, std::string_view steps,
                          DiagnosticLog &log) {
  if (module.verify())
    return Status::success();
  log.error(module.location(),
            quote(steps) + " made invalid IR; this is a defect of kvlift, "
                           "please report it with the input");
  return Status::failure();
}

/// Runs the steps and tells the observer.
static Status runSteps(Operation module, const std::vector<Step> &steps,
                       DiagnosticLog &log, const PipelineObserver &observer) {
  std::vector<std::string> unverified;
  for (const Step &step : steps) {
    if (!step.run && !unverified.empty() &&
        verifyAfter(module, join(unverified, ","), log).failed())
      return Status::failure();
    if (observer.before)
      observer.before(step, module);
    auto begin = std::chrono::steady_clock::now();
    Status done = step.run ? step.run(module, step.options, log)
                           : runHostStep(module, step, log);
    if (done.failed())
      return done;
    std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - begin;
    if (observer.after)
      observer.after(step, module, taken.count());
    if (step.run)
      unverified.push_back(step.text);
    else
      unverified.clear();
  }
  return unverified.empty() ? Status::success()
                            : verifyAfter(module, join(unverified, ","), log);
}

Status kvlift::runPipeline(Operation module, const std::vector<Step> &steps,
                           DiagnosticLog &log,
                           const PipelineObserver &observer) {
  HostDiagnosticScope hostDiagnostics(module.context(), log);
  if (!module.verify())
    return Status::failure();
  OwnedModule backup = OwnedModule::clone(module);
  Status done = runSteps(module, steps, log, observer);
  if (done.failed())
    restore(module, std::move(backup));
  return done;
}
