//===- VerifyDiagnostics.h - Was it reported as expected? -------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_VERIFYDIAGNOSTICS_H
#define KVLIFT_TOOLS_KVLIFT_OPT_VERIFYDIAGNOSTICS_H

#include "DiagnosticPrinter.h"

namespace kvlift {

/// Compares what was reported with what comments in the text expect:
///   // expected-error {{part of the message}}
/// of `error`, `warning`, `remark` or `note`, meant for the comment's line or
/// for another one (`@+2`, `@-1`, `@above`, `@below`, `@unknown`). After
/// `expected-error-re`, each inner `{{...}}` is a regular expression. Prints
/// each diagnostic that was not expected, and each expected one that did not
/// come.
Status verifyDiagnostics(std::string_view text, const DiagnosticLog &log,
                         const std::string &inputName,
                         DiagnosticPrinter &printer);

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_VERIFYDIAGNOSTICS_H
