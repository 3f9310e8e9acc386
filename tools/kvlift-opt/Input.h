//===- Input.h - What was given to read -------------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_INPUT_H
#define KVLIFT_TOOLS_KVLIFT_OPT_INPUT_H

#include "kvlift/Source.h"

namespace kvlift {

/// A file or standard input, read once; or a part of it.
struct Input {
  /// What diagnostics call it.
  std::string name;
  /// Whether `bytes` are all of the file `name`: the host then opens it itself,
  /// so that locations carry its name.
  bool isWholeFile;
  std::string bytes;

  bool isText() const { return formOf(bytes) == SourceForm::text; }
};

/// Reads `path`, `-` being standard input. Nothing, and `problem` says why,
/// when that does not work.
std::optional<Input> readInput(const std::string &path, std::string &problem);

/// The parts between `// -----` lines that are not blank. Each begins with as
/// many empty lines as the input has lines before it: the host then counts the
/// lines of the whole input.
std::vector<Input> splitInput(const Input &input);

/// Parses the input; null after an error in `log`.
OwnedModule parseInput(Context context, const Input &input, DiagnosticLog &log);

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_INPUT_H
