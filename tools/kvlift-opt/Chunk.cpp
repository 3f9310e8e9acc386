//===- Chunk.cpp - Takes one module through the tool ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chunk.h"
#include "DiagnosticPrinter.h"
#include "Output.h"
#include "VerifyDiagnostics.h"

#include <chrono>
#include <cstdio>

using namespace kvlift;

namespace {

class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin = Clock::now();
};

/// `canonicalize` of `func.func(canonicalize{top-down=true})`.
std::string_view passNameOf(const Step &step) {
  std::string_view name = step.text;
  name = name.substr(0, name.find('{'));
  name.remove_prefix(name.rfind('(') + 1);
  return name.substr(0, name.find(')'));
}

bool isListed(std::string_view name, const std::string &list) {
  return ("," + list + ",").find("," + std::string(name) + ",") !=
         std::string::npos;
}

class ChunkRun {
public:
  ChunkRun(const Input &chunk, const Options &options, Timing &timing)
      : options(options), timing(timing),
        printer(chunk.name, chunk.isText() ? chunk.bytes : "") {}

  /// The output, or nothing after diagnostics.
  std::optional<std::string> run(Context context, const Input &chunk,
                                 const std::vector<Step> &steps) {
    Stopwatch parsing;
    OwnedModule module = parseInput(context, chunk, log);
    timing.add("Parser", parsing.seconds());
    if (!module)
      return std::nullopt;
    if (runSteps(module.operation(), steps).failed())
      return std::nullopt;
    Stopwatch writing;
    auto text = serialize(module.operation(), options, log);
    timing.add("Output", writing.seconds());
    return text;
  }

  /// A failure that nobody explained would be a riddle.
  void explainFailure(const Input &chunk) {
    SourceLocation start;
    start.file = chunk.name;
    if (!log.hasErrors())
      log.error(start, "the library gave up without saying why");
  }

  void flush() {
    if (!options.verifyDiagnostics)
      printer.printNew(log);
  }

  Status verify(const Input &chunk) {
    return verifyDiagnostics(chunk.isText() ? chunk.bytes : "", log, chunk.name,
                             printer);
  }

private:
  Status runSteps(Operation module, const std::vector<Step> &steps) {
    PipelineObserver observer;
    observer.before = [&](const Step &step, Operation op) {
      if (options.printBeforeAll ||
          isListed(passNameOf(step), options.printBefore))
        dump(step, op, "Before");
    };
    observer.after = [&](const Step &step, Operation op, double seconds) {
      timing.add(step.text, seconds);
      if (options.printAfterAll ||
          isListed(passNameOf(step), options.printAfter))
        dump(step, op, "After");
    };
    return runPipeline(module, steps, log, observer);
  }

  void dump(const Step &step, Operation module, const char *when) {
    flush();
    std::string text =
        module.print(options.printDebugInfo, options.printGeneric);
    std::fprintf(stderr, "// -----// IR Dump %s %s //----- //\n%s\n\n", when,
                 step.text.c_str(), text.c_str());
  }

  const Options &options;
  Timing &timing;
  DiagnosticPrinter printer;
  DiagnosticLog log;
};

} // namespace

Status kvlift::processChunk(Context context, const Input &chunk,
                            const Options &options,
                            const std::vector<Step> &steps, Timing &timing,
                            std::vector<std::string> &output) {
  ChunkRun run(chunk, options, timing);
  auto text = run.run(context, chunk, steps);
  if (text)
    output.push_back(std::move(*text));
  else
    run.explainFailure(chunk);
  if (options.verifyDiagnostics)
    return run.verify(chunk);
  run.flush();
  return text ? Status::success() : Status::failure();
}
