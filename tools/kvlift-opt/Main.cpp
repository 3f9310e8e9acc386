//===- Main.cpp - Runs passes on modules ----------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parses the command line, finds the host library, then takes each module of
// the input through parsing, the pipeline and the writer.
//
//===----------------------------------------------------------------------===//

#include "Chunk.h"
#include "FindHost.h"
#include "Info.h"
#include "Output.h"
#include "Supervise.h"
#include "Versions.h"

#include <cstdio>

using namespace kvlift;

static int fail(const std::string &problem) {
  std::fprintf(stderr, "kvlift-opt: error: %s\n", problem.c_str());
  return 1;
}

static int printInfo(const std::string &text) {
  std::string problem = writeOutput("-", text);
  return problem.empty() ? 0 : fail(problem);
}

/// Parses the pipeline; prints why it cannot.
static std::optional<std::vector<Step>> parseSteps(Context context,
                                                   const Options &options) {
  if (options.pipeline.empty())
    return std::vector<Step>();
  DiagnosticLog log;
  auto steps = parsePipeline(context, options.pipeline, log);
  for (const Diagnostic &diagnostic : log.all())
    fail(diagnostic.message);
  return steps;
}

static std::vector<Input> chunksOf(const Input &input, const Options &options) {
  if (!options.splitInput || !input.isText())
    return {input};
  std::vector<Input> chunks = splitInput(input);
  return chunks.empty() ? std::vector{input} : chunks;
}

static int processInput(const Options &options) {
  OwnedContext context;
  if (options.allowUnregistered)
    context.allowUnregisteredDialects();
  auto steps = parseSteps(context.get(), options);
  if (!steps)
    return 1;

  std::string problem;
  std::optional<Input> input = readInput(options.input, problem);
  if (!input)
    return fail(problem);
  Timing timing;
  std::vector<std::string> outputs;
  bool failed = false;
  for (const Input &chunk : chunksOf(*input, options))
    failed |=
        processChunk(context.get(), chunk, options, *steps, timing, outputs)
            .failed();
  if (options.timing)
    std::fputs(timing.print().c_str(), stderr);

  // Standard output gets the modules that came through; a file is whole or not
  // touched at all.
  if (!failed || options.output == "-")
    problem = writeOutput(options.output, join(outputs, "\n// -----\n"));
  if (!problem.empty())
    return fail(problem);
  return failed;
}

/// Everything that needs the host library.
static int runOnHost(const Options &options) {
  std::string problem;
  std::string library = findHost(options.library, problem);
  if (library.empty())
    return fail(problem);
  HostOrError loaded = loadHost(library);
  if (!loaded.host)
    return fail(loaded.error);
  ApiScope scope(*loaded.host);
  if (options.version)
    return printInfo(versionText(*loaded.host));
  if (!options.targetVersion.empty())
    problem = findVersionProblem("--target-version", options.targetVersion);
  return problem.empty() ? processInput(options) : fail(problem);
}

int main(int argc, char **argv) {
  std::string problem;
  auto options = parseOptions({argv + 1, argv + argc}, problem);
  if (!options)
    return fail(problem);
  if (options->help)
    return printInfo(helpText());
  if (options->showPasses)
    return printInfo(passesText());

  int code = runSupervised([&] { return runOnHost(*options); }, problem);
  return problem.empty() ? code : fail(problem);
}
