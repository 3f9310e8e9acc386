//===- DiagnosticPrinter.cpp - Diagnostics beside their source ------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DiagnosticPrinter.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace kvlift;

static std::vector<std::string> splitLines(std::istream &text) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);)
    lines.push_back(line);
  return lines;
}

DiagnosticPrinter::DiagnosticPrinter(std::string inputName,
                                     const std::string &text)
    : inputName(std::move(inputName)) {
  std::istringstream stream(text);
  sources[this->inputName] = splitLines(stream);
}

SourceLocation DiagnosticPrinter::nameInput(SourceLocation where) const {
  if (where.file == inMemory)
    where.file = inputName;
  return where;
}

void DiagnosticPrinter::printNew(const DiagnosticLog &log) {
  for (; printed < log.all().size(); ++printed)
    print(log.all()[printed]);
}

void DiagnosticPrinter::print(const Diagnostic &diagnostic) {
  Diagnostic head = diagnostic;
  head.location = nameInput(head.location);
  head.notes.clear();
  std::fputs((head.print() + excerpt(head.location)).c_str(), stderr);
  for (const Diagnostic &note : diagnostic.notes)
    print(note);
}

const DiagnosticPrinter::Lines &
DiagnosticPrinter::linesOf(const std::string &file) {
  auto [entry, isNew] = sources.try_emplace(file);
  std::error_code ignored;
  if (isNew && std::filesystem::is_regular_file(file, ignored)) {
    std::ifstream stream(file);
    entry->second = splitLines(stream);
  }
  return entry->second;
}

static bool isControl(char c) {
  return static_cast<unsigned char>(c) < ' ' && c != '\t';
}

/// The line and the caret; empty when the place is in no text that we have.
std::string DiagnosticPrinter::excerpt(const SourceLocation &where) {
  if (where.line < 1 || where.column < 1)
    return "";
  const Lines &lines = linesOf(where.file);
  size_t row = static_cast<size_t>(where.line) - 1;
  size_t column = static_cast<size_t>(where.column) - 1;
  if (row >= lines.size() || column > lines[row].size() ||
      std::any_of(lines[row].begin(), lines[row].end(), isControl))
    return "";
  std::string indent = lines[row].substr(0, column);
  std::replace_if(
      indent.begin(), indent.end(), [](char c) { return c != '\t'; }, ' ');
  return lines[row] + "\n" + indent + "^\n";
}
