//===- DiagnosticPrinter.h - Diagnostics beside their source ----*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_DIAGNOSTICPRINTER_H
#define KVLIFT_TOOLS_KVLIFT_OPT_DIAGNOSTICPRINTER_H

#include "kvlift/Diagnostics.h"

#include <map>

namespace kvlift {

/// Prints diagnostics as `file:line:col: error: message`, then the line of the
/// source and a caret under the column when the file is at hand.
class DiagnosticPrinter {
public:
  /// `text` is the input's, empty when it is binary.
  DiagnosticPrinter(std::string inputName, const std::string &text);

  /// The entries of the log that were not printed yet.
  void printNew(const DiagnosticLog &log);
  void print(const Diagnostic &diagnostic);

  /// The host calls text that came without a name `-`.
  SourceLocation nameInput(SourceLocation where) const;

private:
  using Lines = std::vector<std::string>;
  const Lines &linesOf(const std::string &file);
  std::string excerpt(const SourceLocation &where);

  std::string inputName;
  std::map<std::string, Lines> sources;
  size_t printed = 0;
};

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_DIAGNOSTICPRINTER_H
