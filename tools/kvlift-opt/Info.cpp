//===- Info.cpp - --help, --version, --show-passes ------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Info.h"
#include "Options.h"
#include "kvlift/Pipeline.h"

#include <algorithm>

using namespace kvlift;

/// Appends `text` as lines of at most 80 columns, each after `indent` spaces.
/// The line that `out` ends with counts.
static void appendWrapped(std::string &out, std::string_view text,
                          size_t indent) {
  size_t lineBegin = out.rfind('\n') + 1;
  while (!text.empty()) {
    std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    size_t column = out.size() - lineBegin;
    if (column > indent && column + 1 + word.size() > 80) {
      out += '\n';
      lineBegin = out.size();
      column = 0;
    }
    out.append(column < indent ? indent - column : column > indent, ' ');
    out += word;
  }
  out += '\n';
}

std::string kvlift::helpText() {
  std::string text =
      "usage: kvlift-opt [options] [FILE]\n\n"
      "Reads a module (MLIR text, MLIR bytecode or a StableHLO portable "
      "artifact)\nfrom FILE or from standard input, runs passes on it and "
      "writes it.\n\noptions:\n";
  for (const OptionHelp &option : describeOptions()) {
    text += "  " + option.usage + "\n";
    appendWrapped(text, option.description, 6);
  }
  return text;
}

std::string kvlift::versionText(const Host &host) {
  StablehloVersions stablehlo = stablehloVersions();
  std::string text = "kvlift " KVLIFT_VERSION "\nMLIR library: " + host.path +
                     "\nMLIR producer: " + hostProducer() + "\n";
  if (stablehlo.current.empty())
    return text + "StableHLO: no portable artifacts\n";
  return text + "StableHLO: " + stablehlo.current + " (artifacts since " +
         stablehlo.minimum + ")\n";
}

std::string kvlift::passesText() {
  std::string text = "kvlift's passes, in the order of a lift:\n";
  for (const Pass &pass : allPasses()) {
    text += "  " + std::string(pass.name) + "\n";
    appendWrapped(text, pass.description, 6);
    for (const PassOption &option : pass.options) {
      text += "      " + std::string(option.name) + "=" +
              std::string(option.values) + "\n";
      appendWrapped(text, option.description, 10);
    }
  }
  text += "the library's passes that go well with them (it has more):\n";
  for (const std::string &name : knownHostPasses())
    text += "  " + name + "\n";
  return text;
}
