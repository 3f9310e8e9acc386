//===- Diagnostics.h - What kvlift reports, with places and notes -*- C++ -*-=//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C API can neither attach notes nor emit warnings, so kvlift keeps its
// own log; Python raises it, kvlift-opt prints it. Diagnostics hold plain data
// and outlive the context they came from. Their text is UTF-8 whatever the IR
// holds.
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_DIAGNOSTICS_H
#define KVLIFT_DIAGNOSTICS_H

#include "kvlift/IR.h"

#include <deque>

namespace kvlift {

/// What the user's source is called when it comes from memory. The host says
/// `-`, which is no file either.
inline constexpr std::string_view inMemory = "<module>";

/// A place in the user's source. `file` is empty and numbers are 0 when the IR
/// does not know; `name` is what `loc("name")` said.
struct SourceLocation {
  std::string file;
  int64_t line = 0;
  int64_t column = 0;
  std::string name;

  SourceLocation() = default;
  /// The innermost place in a file that the location mentions.
  SourceLocation(Location location);
  bool isKnown() const { return !file.empty() || !name.empty(); }
  /// `file:line:column`, `file`, the name, or `<unknown>`: what is known.
  std::string print() const;
};

enum class Severity { error, warning, remark, note };
std::string_view severityName(Severity severity);

struct Diagnostic {
  Severity severity;
  SourceLocation location;
  std::string message;
  std::vector<Diagnostic> notes;

  Diagnostic &note(SourceLocation where, std::string text);
  /// `file:line:col: error: message`, then one line for each note.
  std::string print() const;
};

/// Diagnostics in the order they were reported.
class DiagnosticLog {
public:
  Diagnostic &report(Severity severity, SourceLocation where, std::string text);
  Diagnostic &error(SourceLocation where, std::string text) {
    return report(Severity::error, std::move(where), std::move(text));
  }
  Diagnostic &remark(SourceLocation where, std::string text) {
    return report(Severity::remark, std::move(where), std::move(text));
  }
  bool hasErrors() const;
  const std::deque<Diagnostic> &all() const { return entries; }

private:
  // A deque: references that report() handed out stay valid.
  std::deque<Diagnostic> entries;
};

/// Sends the host's own diagnostics to a log until the scope ends.
class HostDiagnosticScope {
public:
  HostDiagnosticScope(Context context, DiagnosticLog &log);
  ~HostDiagnosticScope();
  HostDiagnosticScope(const HostDiagnosticScope &) = delete;
  HostDiagnosticScope &operator=(const HostDiagnosticScope &) = delete;

private:
  Context context;
  MlirDiagnosticHandlerID handler;
};

} // namespace kvlift

#endif // KVLIFT_DIAGNOSTICS_H
