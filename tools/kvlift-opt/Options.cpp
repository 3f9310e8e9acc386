//===- Options.cpp - The command line -------------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "kvlift/Passes.h"
#include "kvlift/Pipeline.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// An option that either sets a flag or takes a value.
struct OptionSpec {
  std::string_view name;
  bool Options::*flag;
  std::string Options::*value;
  std::string_view valueName;
  std::string_view description;
};

constexpr OptionSpec specs[] = {
    {"o", nullptr, &Options::output, "FILE",
     "write to FILE, whole or not at all (default: -, standard output)"},
    {"pass-pipeline", nullptr, &Options::pipeline, "PIPELINE",
     "run 'builtin.module(pass,pass{option=value},func.func(pass),...)'"},
    {"emit-bytecode", &Options::emitBytecode, nullptr, "",
     "write MLIR bytecode"},
    {"emit-artifact", &Options::emitArtifact, nullptr, "",
     "write a StableHLO portable artifact of the library's version"},
    {"target-version", nullptr, &Options::targetVersion, "X.Y.Z",
     "write a StableHLO portable artifact of this version"},
    {"split-input-file", &Options::splitInput, nullptr, "",
     "process the parts between `// -----` lines one by one"},
    {"verify-diagnostics", &Options::verifyDiagnostics, nullptr, "",
     "compare diagnostics with the expected-error, -warning, -remark and "
     "-note comments of the input"},
    {"allow-unregistered-dialect", &Options::allowUnregistered, nullptr, "",
     "take operations of unknown dialects"},
    {"mlir-print-debuginfo", &Options::printDebugInfo, nullptr, "",
     "print locations"},
    {"mlir-print-op-generic", &Options::printGeneric, nullptr, "",
     "print operations in the generic form"},
    {"mlir-print-ir-before-all", &Options::printBeforeAll, nullptr, "",
     "print the module to standard error before each pass"},
    {"mlir-print-ir-after-all", &Options::printAfterAll, nullptr, "",
     "print the module to standard error after each pass"},
    {"mlir-print-ir-before", nullptr, &Options::printBefore, "PASS,...",
     "print the module to standard error before these passes"},
    {"mlir-print-ir-after", nullptr, &Options::printAfter, "PASS,...",
     "print the module to standard error after these passes"},
    {"mlir-timing", &Options::timing, nullptr, "",
     "print to standard error how long each pass took"},
    {"mlir-library", nullptr, &Options::library, "PATH",
     "the library that brings MLIR (default: KVLIFT_MLIR_LIBRARY, else the "
     "torch_mlir package found beside this program or python3)"},
    {"show-passes", &Options::showPasses, nullptr, "",
     "list the passes and their options"},
    {"version", &Options::version, nullptr, "",
     "print the versions of kvlift and of the library"},
    {"help", &Options::help, nullptr, "", "print this text"},
};

const OptionSpec *findSpec(std::string_view name) {
  if (name == "h")
    name = "help";
  auto found =
      std::find_if(std::begin(specs), std::end(specs),
                   [&](const auto &each) { return each.name == name; });
  return found == std::end(specs) ? nullptr : found;
}

std::string dashed(std::string_view name) {
  return (name.size() == 1 ? "-" : "--") + std::string(name);
}

/// The option that `name` begins or misspells.
std::optional<std::string> nearestOption(std::string_view name) {
  std::vector<std::string> names;
  for (const OptionSpec &spec : specs) {
    if (name.size() > 2 && spec.name.starts_with(name))
      return std::string(spec.name);
    names.emplace_back(spec.name);
  }
  return nearestName(name, names);
}

std::string unknownOption(std::string_view name) {
  std::string text = "unknown option " + quote(dashed(name));
  std::vector<std::string> passes = knownHostPasses();
  for (const Pass &pass : allPasses())
    passes.emplace_back(pass.name);
  if (std::find(passes.begin(), passes.end(), name) != passes.end())
    return text + "; passes are named in --pass-pipeline='builtin.module(" +
           std::string(name) + ")'";

  auto near = nearestOption(name);
  return text + (near ? "; did you mean " + quote(dashed(*near)) + "?"
                      : "; --help lists the options");
}

class Parser {
public:
  Parser(const std::vector<std::string> &arguments, std::string &problem)
      : arguments(arguments), problem(problem) {}

  bool parse(Options &options) {
    bool onlyInputs = false;
    while (at < arguments.size()) {
      const std::string &argument = arguments[at++];
      if (!onlyInputs && argument == "--") {
        onlyInputs = true;
        continue;
      }
      bool isInput = onlyInputs || argument.size() < 2 || argument[0] != '-';
      if (!(isInput ? takeInput(options, argument)
                    : takeOption(options, argument)))
        return false;
    }
    return checkCombination(options);
  }

private:
  bool fail(std::string text) {
    problem = std::move(text);
    return false;
  }

  bool takeInput(Options &options, const std::string &path) {
    if (hasInput)
      return fail("more than one input: " + quote(options.input) + " and " +
                  quote(path));
    hasInput = true;
    options.input = path;
    return true;
  }

  bool takeOption(Options &options, std::string_view argument) {
    argument.remove_prefix(argument.starts_with("--") ? 2 : 1);
    size_t equals = argument.find('=');
    std::string_view name = argument.substr(0, equals);
    const OptionSpec *spec = findSpec(name);
    if (!spec)
      return fail(unknownOption(name));
    if (std::find(seen.begin(), seen.end(), spec) != seen.end())
      return fail("option " + quote(dashed(name)) + " is given twice");
    seen.push_back(spec);

    std::optional<std::string> value;
    if (equals != std::string_view::npos)
      value = std::string(argument.substr(equals + 1));
    return spec->flag ? takeFlag(options, *spec, value)
                      : takeValue(options, *spec, value);
  }

  bool takeFlag(Options &options, const OptionSpec &spec,
                const std::optional<std::string> &value) {
    if (value && *value != "true" && *value != "false")
      return fail("option " + quote(dashed(spec.name)) +
                  " is true or false, not " + quote(*value));
    options.*spec.flag = !value || *value == "true";
    return true;
  }

  bool takeValue(Options &options, const OptionSpec &spec,
                 std::optional<std::string> value) {
    if (!value && at < arguments.size())
      value = arguments[at++];
    if (!value || value->empty())
      return fail("option " + quote(dashed(spec.name)) +
                  " needs a value: " + std::string(spec.valueName));
    options.*spec.value = *value;
    return true;
  }

  bool checkCombination(Options &options) {
    options.emitArtifact |= !options.targetVersion.empty();
    if (options.emitBytecode && options.emitArtifact)
      return fail("the output is bytecode or a portable artifact, not both");
    if (options.splitInput && (options.emitBytecode || options.emitArtifact))
      return fail("--split-input-file gives several modules, and only text can "
                  "hold them: drop " +
                  std::string(options.emitBytecode ? "--emit-bytecode"
                                                   : "--emit-artifact"));
    return true;
  }

  const std::vector<std::string> &arguments;
  std::string &problem;
  size_t at = 0;
  bool hasInput = false;
  std::vector<const OptionSpec *> seen;
};

} // namespace

std::optional<Options>
kvlift::parseOptions(const std::vector<std::string> &arguments,
                     std::string &problem) {
  Options options;
  if (!Parser(arguments, problem).parse(options))
    return std::nullopt;
  return options;
}

std::vector<OptionHelp> kvlift::describeOptions() {
  std::vector<OptionHelp> lines;
  for (const OptionSpec &spec : specs) {
    std::string usage = dashed(spec.name);
    if (spec.value)
      usage +=
          (spec.name.size() == 1 ? " " : "=") + std::string(spec.valueName);
    lines.push_back({usage, spec.description});
  }
  return lines;
}
