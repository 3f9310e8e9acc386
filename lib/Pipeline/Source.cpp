//===- Source.cpp - Reads modules from bytes ------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Source.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace kvlift;

constexpr std::string_view magic = "ML\xefR";
constexpr std::string_view artifactProducer = "StableHLO_v";

/// The producer that stands after the magic number and the version byte.
static std::string_view producerOf(std::string_view bytecode) {
  std::string_view rest =
      bytecode.substr(std::min(bytecode.size(), magic.size() + 1));
  return rest.substr(0, std::min(rest.find('\0'), size_t(64)));
}

SourceForm kvlift::formOf(std::string_view bytes) {
  if (!bytes.starts_with(magic))
    return SourceForm::text;
  return producerOf(bytes).starts_with(artifactProducer) ? SourceForm::artifact
                                                         : SourceForm::bytecode;
}

/// Whether version `a` (`1.19.0`) is later than `b`.
static bool isLater(const std::string &a, const std::string &b) {
  int x[3] = {}, y[3] = {};
  std::sscanf(a.c_str(), "%d.%d.%d", &x[0], &x[1], &x[2]);
  std::sscanf(b.c_str(), "%d.%d.%d", &y[0], &y[1], &y[2]);
  return std::lexicographical_compare(y, y + 3, x, x + 3);
}

/// What is wrong with the source as far as we can tell before parsing it.
static std::string problemWith(std::string_view bytes) {
  bool blank = std::all_of(bytes.begin(), bytes.end(), [](unsigned char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
  });
  if (blank)
    return "the source is empty";
  if (formOf(bytes) == SourceForm::text)
    return bytes.find('\0') == std::string_view::npos
               ? ""
               : "the source is neither MLIR text nor MLIR bytecode";
  if (formOf(bytes) == SourceForm::bytecode)
    return "";
  std::string version(producerOf(bytes).substr(artifactProducer.size()));
  std::string newest = stablehloVersions().current;
  if (!isLater(version, newest))
    return "";
  return "the portable artifact was written by StableHLO " + version +
         ", the library reads up to " + newest +
         "; write it for an older version, or install a newer torch-mlir";
}

static void giveName(SourceLocation &where, const std::string &name) {
  if (where.file == inMemory || where.file.empty())
    where.file = name;
}

/// A copy with a terminator, which the text parser wants, at an address with
/// the alignment of a page: bytecode asks for the alignment of its resources
/// (64 and more), which neither a string nor the host's own reader gives.
class AlignedCopy {
public:
  explicit AlignedCopy(std::string_view bytes)
      : size(bytes.size()), data(static_cast<char *>(std::aligned_alloc(
                                page, (size / page + 1) * page))) {
    std::memcpy(data, bytes.data(), size);
    data[size] = '\0';
  }
  ~AlignedCopy() { std::free(data); }
  AlignedCopy(const AlignedCopy &) = delete;
  AlignedCopy &operator=(const AlignedCopy &) = delete;
  std::string_view view() const { return {data, size}; }

private:
  static constexpr size_t page = 4096;
  size_t size;
  char *data;
};

/// Parses with `parse` after the checks, under the source's name.
static OwnedModule parseChecked(Context context, std::string_view bytes,
                                const std::string &name,
                                const std::function<OwnedModule()> &parse,
                                DiagnosticLog &log) {
  SourceLocation start;
  start.file = name;
  if (std::string problem = problemWith(bytes); !problem.empty()) {
    log.error(start, problem);
    return {};
  }

  DiagnosticLog found;
  OwnedModule module;
  {
    HostDiagnosticScope diagnostics(context, found);
    module = parse();
  }
  for (const Diagnostic &each : found.all()) {
    Diagnostic &kept = log.report(each.severity, each.location, each.message);
    kept.notes = each.notes;
    giveName(kept.location, name);
    for (Diagnostic &note : kept.notes)
      giveName(note.location, name);
  }
  if (!module && !log.hasErrors())
    log.error(start, "the source is damaged or incomplete");
  return module;
}

OwnedModule kvlift::readModule(Context context, std::string_view bytes,
                               const std::string &name, DiagnosticLog &log) {
  auto parse = [&] {
    AlignedCopy copy(bytes);
    return formOf(bytes) == SourceForm::artifact
               ? OwnedModule::readArtifact(context, copy.view())
               : OwnedModule::parse(context, copy.view());
  };
  return parseChecked(context, bytes, name, parse, log);
}

OwnedModule kvlift::readFile(Context context, const std::string &path,
                             DiagnosticLog &log) {
  SourceLocation start;
  start.file = path;
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) {
    log.error(start, "cannot read the file: it is a directory");
    return {};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    log.error(start,
              "cannot read the file: " + std::string(std::strerror(errno)));
    return {};
  }
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (formOf(bytes) != SourceForm::text)
    return readModule(context, bytes, path, log);
  auto parse = [&] { return OwnedModule::parseFile(context, path); };
  return parseChecked(context, bytes, path, parse, log);
}
