//===- Diagnostics.cpp - What kvlift reports, with places and notes -------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Diagnostics.h"
#include "Raw.h"

#include <algorithm>

using namespace kvlift;

static std::string text(MlirIdentifier identifier) {
  return asUtf8(toView(api().mlirIdentifierStr(identifier)));
}

/// Fills `place` from the first file position and the first name that the
/// location mentions, outside in.
static void findPlace(MlirLocation location, SourceLocation &place) {
  if (!place.file.empty())
    return;
  if (api().mlirLocationIsAFileLineColRange(location)) {
    place.file = text(api().mlirLocationFileLineColRangeGetFilename(location));
    place.line = api().mlirLocationFileLineColRangeGetStartLine(location);
    place.column = api().mlirLocationFileLineColRangeGetStartColumn(location);
    return;
  }
  if (api().mlirLocationIsAName(location)) {
    if (place.name.empty())
      place.name = text(api().mlirLocationNameGetName(location));
    return findPlace(api().mlirLocationNameGetChildLoc(location), place);
  }
  if (api().mlirLocationIsACallSite(location))
    return findPlace(api().mlirLocationCallSiteGetCallee(location), place);
  if (!api().mlirLocationIsAFused(location))
    return;
  std::vector<MlirLocation> parts(
      api().mlirLocationFusedGetNumLocations(location));
  api().mlirLocationFusedGetLocations(location, parts.data());
  for (MlirLocation part : parts)
    findPlace(part, place);
}

SourceLocation::SourceLocation(Location location) {
  if (location)
    findPlace(location.raw, *this);
  if (file == "-")
    file = inMemory;
}

std::string SourceLocation::print() const {
  if (!file.empty() && line == 0)
    return file;
  if (!file.empty())
    return file + ":" + std::to_string(line) + ":" + std::to_string(column);
  return name.empty() ? "<unknown>" : name;
}

std::string_view kvlift::severityName(Severity severity) {
  switch (severity) {
  case Severity::error:
    return "error";
  case Severity::warning:
    return "warning";
  case Severity::remark:
    return "remark";
  case Severity::note:
    return "note";
  }
  return "";
}

Diagnostic &Diagnostic::note(SourceLocation where, std::string text) {
  notes.push_back({Severity::note, std::move(where), asUtf8(text), {}});
  return *this;
}

std::string Diagnostic::print() const {
  std::string where = location.isKnown() ? location.print() + ": " : "";
  std::string out =
      where + std::string(severityName(severity)) + ": " + message + "\n";
  for (const Diagnostic &each : notes)
    out += each.print();
  return out;
}

Diagnostic &DiagnosticLog::report(Severity severity, SourceLocation where,
                                  std::string text) {
  return entries.emplace_back(
      Diagnostic{severity, std::move(where), asUtf8(text), {}});
}

bool DiagnosticLog::hasErrors() const {
  return std::any_of(entries.begin(), entries.end(), [](const Diagnostic &d) {
    return d.severity == Severity::error;
  });
}

static Severity severityOf(MlirDiagnosticSeverity severity) {
  switch (severity) {
  case MlirDiagnosticError:
    return Severity::error;
  case MlirDiagnosticWarning:
    return Severity::warning;
  case MlirDiagnosticNote:
    return Severity::note;
  case MlirDiagnosticRemark:
    return Severity::remark;
  }
  return Severity::error;
}

static std::string messageOf(MlirDiagnostic diagnostic) {
  std::string message;
  api().mlirDiagnosticPrint(
      diagnostic,
      [](MlirStringRef part, void *into) {
        static_cast<std::string *>(into)->append(part.data, part.length);
      },
      &message);
  return message;
}

static SourceLocation placeOf(MlirDiagnostic diagnostic) {
  return Location(api().mlirDiagnosticGetLocation(diagnostic));
}

static MlirLogicalResult keepDiagnostic(MlirDiagnostic diagnostic,
                                        void *userData) {
  auto &log = *static_cast<DiagnosticLog *>(userData);
  Diagnostic &kept =
      log.report(severityOf(api().mlirDiagnosticGetSeverity(diagnostic)),
                 placeOf(diagnostic), messageOf(diagnostic));
  for (intptr_t i = 0, n = api().mlirDiagnosticGetNumNotes(diagnostic); i < n;
       ++i) {
    MlirDiagnostic note = api().mlirDiagnosticGetNote(diagnostic, i);
    kept.note(placeOf(note), messageOf(note));
  }
  return {1};
}

HostDiagnosticScope::HostDiagnosticScope(Context context, DiagnosticLog &log)
    : context(context), handler(api().mlirContextAttachDiagnosticHandler(
                            context.raw, keepDiagnostic, &log, nullptr)) {}

HostDiagnosticScope::~HostDiagnosticScope() {
  api().mlirContextDetachDiagnosticHandler(context.raw, handler);
}
