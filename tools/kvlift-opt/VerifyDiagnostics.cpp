//===- VerifyDiagnostics.cpp - Was it reported as expected? ---------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyDiagnostics.h"

#include <algorithm>
#include <regex.h>

using namespace kvlift;

namespace {

//===----------------------------------------------------------------------===//
// Regular expressions
//===----------------------------------------------------------------------===//

/// A POSIX extended regular expression (std::regex throws on a bad one).
class Regex {
public:
  explicit Regex(const std::string &pattern)
      : isValid(::regcomp(&raw, pattern.c_str(), REG_EXTENDED) == 0) {}
  ~Regex() {
    if (isValid)
      ::regfree(&raw);
  }
  Regex(const Regex &) = delete;
  Regex &operator=(const Regex &) = delete;
  bool valid() const { return isValid; }

  /// Where the groups of the first match stand; empty when there is none.
  std::vector<regmatch_t> match(const std::string &text) const {
    std::vector<regmatch_t> groups(raw.re_nsub + 1);
    if (::regexec(&raw, text.c_str(), groups.size(), groups.data(), 0) != 0)
      return {};
    return groups;
  }

private:
  regex_t raw{};
  bool isValid;
};

std::string group(const std::string &line, const regmatch_t &match) {
  if (match.rm_so < 0)
    return "";
  return line.substr(match.rm_so, match.rm_eo - match.rm_so);
}

std::string escape(std::string_view literal) {
  std::string pattern;
  for (char c : literal) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos)
      pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// `value {{[0-9]+}} is bad` as one pattern.
std::string patternOf(std::string_view text) {
  std::string pattern;
  while (!text.empty()) {
    size_t open = text.find("{{");
    pattern += escape(text.substr(0, open));
    if (open == std::string_view::npos)
      break;
    text.remove_prefix(open + 2);
    size_t close = text.find("}}");
    pattern += "(" + std::string(text.substr(0, close)) + ")";
    text.remove_prefix(std::min(text.size(), close == std::string_view::npos
                                                 ? text.size()
                                                 : close + 2));
  }
  return pattern;
}

//===----------------------------------------------------------------------===//
// Expectations
//===----------------------------------------------------------------------===//

struct Expectation {
  Severity severity;
  /// Where the comment stands.
  SourceLocation comment;
  /// The line that it means; 0 for a diagnostic without a place.
  int64_t line;
  std::string text;
  bool isPattern;
  bool isMet = false;

  bool matches(const Diagnostic &diagnostic) const {
    if (diagnostic.severity != severity || diagnostic.location.line != line)
      return false;
    if (!isPattern)
      return diagnostic.message.find(text) != std::string::npos;
    return !Regex(patternOf(text)).match(diagnostic.message).empty();
  }
};

Severity severityOf(const std::string &name) {
  return name == "error"     ? Severity::error
         : name == "warning" ? Severity::warning
         : name == "remark"  ? Severity::remark
                             : Severity::note;
}

/// Reads the comments of a text. Lines that hold one do not count for `@above`
/// and `@below`, so that several can stand around the line they mean.
class CommentReader {
public:
  CommentReader(std::string_view text, std::string inputName)
      : text(text), inputName(std::move(inputName)) {}

  std::vector<Expectation> read() {
    for (int64_t line = 1; !text.empty(); ++line) {
      std::string current(text.substr(0, text.find('\n')));
      text.remove_prefix(std::min(text.size(), current.size() + 1));
      readLine(current, line);
    }
    return std::move(found);
  }

private:
  void readLine(const std::string &current, int64_t line) {
    std::vector<regmatch_t> groups = comment.match(current);
    if (groups.empty()) {
      for (size_t index : waiting)
        found[index].line = line;
      waiting.clear();
      lastPlainLine = line;
      return;
    }
    Expectation expectation;
    expectation.severity = severityOf(group(current, groups[1]));
    expectation.isPattern = groups[2].rm_so >= 0;
    expectation.text = group(current, groups[5]);
    expectation.comment.file = inputName;
    expectation.comment.line = line;
    expectation.comment.column = groups[0].rm_so + 1;
    expectation.line = lineMeant(group(current, groups[4]), line);
    found.push_back(expectation);
  }

  int64_t lineMeant(const std::string &where, int64_t line) {
    if (where.empty())
      return line;
    if (where == "above")
      return lastPlainLine;
    if (where == "below")
      waiting.push_back(found.size());
    if (where == "below" || where == "unknown")
      return 0;
    return line + std::atoll(where.c_str());
  }

  Regex comment{"expected-(error|warning|remark|note)(-re)? *"
                "(@([+-][0-9]+|above|below|unknown))? *\\{\\{(.*)\\}\\}"
                "[[:space:]]*$"};
  std::string_view text;
  std::string inputName;
  std::vector<Expectation> found;
  std::vector<size_t> waiting;
  int64_t lastPlainLine = 0;
};

//===----------------------------------------------------------------------===//
// The comparison
//===----------------------------------------------------------------------===//

class Comparison {
public:
  Comparison(std::vector<Expectation> expectations,
             const std::string &inputName, DiagnosticPrinter &printer)
      : expectations(std::move(expectations)), inputName(inputName),
        printer(printer) {}

  void rejectBadPatterns() {
    for (const Expectation &each : expectations)
      if (each.isPattern && !Regex(patternOf(each.text)).valid())
        fail(each.comment, "bad regular expression in " + quote(each.text));
  }

  void see(Diagnostic diagnostic) {
    diagnostic.location = printer.nameInput(diagnostic.location);
    std::vector<Diagnostic> notes = std::move(diagnostic.notes);
    if (!meet(diagnostic) && !isAboutTheOp(diagnostic))
      fail(diagnostic.location,
           "unexpected " + std::string(severityName(diagnostic.severity)) +
               ": " + diagnostic.message);
    for (const Diagnostic &note : notes)
      see(note);
  }

  Status finish() {
    for (const Expectation &each : expectations)
      if (!each.isMet)
        fail(each.comment, "expected " +
                               std::string(severityName(each.severity)) +
                               " \"" + each.text + "\" was not produced");
    return failed ? Status::failure() : Status::success();
  }

private:
  /// The host adds this note to every error on an op; mlir-opt turns it off
  /// here, which the C API cannot.
  static bool isAboutTheOp(const Diagnostic &diagnostic) {
    return diagnostic.severity == Severity::note &&
           diagnostic.message.starts_with("see current operation: ");
  }

  bool meet(const Diagnostic &diagnostic) {
    const std::string &file = diagnostic.location.file;
    if (!file.empty() && file != inputName)
      return false;
    for (Expectation &each : expectations) {
      if (each.isMet || !each.matches(diagnostic))
        continue;
      each.isMet = true;
      return true;
    }
    return false;
  }

  void fail(const SourceLocation &where, std::string text) {
    failed = true;
    printer.print({Severity::error, where, std::move(text), {}});
  }

  std::vector<Expectation> expectations;
  const std::string &inputName;
  DiagnosticPrinter &printer;
  bool failed = false;
};

} // namespace

Status kvlift::verifyDiagnostics(std::string_view text,
                                 const DiagnosticLog &log,
                                 const std::string &inputName,
                                 DiagnosticPrinter &printer) {
  Comparison comparison(CommentReader(text, inputName).read(), inputName,
                        printer);
  comparison.rejectBadPatterns();
  for (const Diagnostic &diagnostic : log.all())
    comparison.see(diagnostic);
  return comparison.finish();
}
