//===- Source.h - Reads modules from bytes ----------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_SOURCE_H
#define KVLIFT_SOURCE_H

#include "kvlift/Diagnostics.h"

namespace kvlift {

enum class SourceForm { text, bytecode, artifact };

/// Told by the first bytes: bytecode has a magic number, and a portable
/// artifact is bytecode whose producer is `StableHLO_v<version>`.
SourceForm formOf(std::string_view bytes);

/// Parses text, bytecode or a portable artifact. Null after an error in `log`;
/// diagnostics call the source `name`. The host aborts on some damaged
/// bytecode, so what can be checked is checked first.
OwnedModule readModule(Context context, std::string_view bytes,
                       const std::string &name, DiagnosticLog &log);

/// The same for a file; locations in the module carry its name.
OwnedModule readFile(Context context, const std::string &path,
                     DiagnosticLog &log);

} // namespace kvlift

#endif // KVLIFT_SOURCE_H
