//===- MlirC.h - The MLIR C API, loaded at run time -------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The handles of mlir-c as plain structs, the table of entry points that
// MlirC.inc lists, and how a host library is loaded. Only lib/MlirC and lib/IR
// may use C names.
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_MLIRC_H
#define KVLIFT_MLIRC_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#define KVLIFT_HANDLE(name)                                                    \
  struct name {                                                                \
    const void *ptr = nullptr;                                                 \
  }
KVLIFT_HANDLE(MlirAttribute);
KVLIFT_HANDLE(MlirBlock);
KVLIFT_HANDLE(MlirContext);
KVLIFT_HANDLE(MlirDiagnostic);
KVLIFT_HANDLE(MlirDialect);
KVLIFT_HANDLE(MlirDialectHandle);
KVLIFT_HANDLE(MlirDialectRegistry);
KVLIFT_HANDLE(MlirIdentifier);
KVLIFT_HANDLE(MlirLocation);
KVLIFT_HANDLE(MlirModule);
KVLIFT_HANDLE(MlirOpOperand);
KVLIFT_HANDLE(MlirOperation);
KVLIFT_HANDLE(MlirOpPassManager);
KVLIFT_HANDLE(MlirOpPrintingFlags);
KVLIFT_HANDLE(MlirPassManager);
KVLIFT_HANDLE(MlirRegion);
KVLIFT_HANDLE(MlirType);
KVLIFT_HANDLE(MlirValue);
#undef KVLIFT_HANDLE

struct MlirStringRef {
  const char *data;
  size_t length;
};
struct MlirLogicalResult {
  int8_t value;
};
struct MlirNamedAttribute {
  MlirIdentifier name;
  MlirAttribute attribute;
};
struct MlirOperationState {
  MlirStringRef name;
  MlirLocation location;
  intptr_t nResults;
  MlirType *results;
  intptr_t nOperands;
  MlirValue *operands;
  intptr_t nRegions;
  MlirRegion *regions;
  intptr_t nSuccessors;
  MlirBlock *successors;
  intptr_t nAttributes;
  MlirNamedAttribute *attributes;
  bool enableResultTypeInference;
};
enum MlirDiagnosticSeverity {
  MlirDiagnosticError,
  MlirDiagnosticWarning,
  MlirDiagnosticNote,
  MlirDiagnosticRemark
};
using MlirDiagnosticHandlerID = uint64_t;
using MlirDiagnosticHandler = MlirLogicalResult (*)(MlirDiagnostic, void *);
using MlirStringCallback = void (*)(MlirStringRef, void *);

namespace kvlift {

/// The entry points, under their C names. Optional ones may be null.
struct MlirC {
#define KVLIFT_MLIR_C(presence, result, name, params)                          \
  result(*name) params = nullptr;
#include "kvlift/MlirC.inc"
};

/// A loaded host library. It stays loaded until the process ends: MLIR keeps
/// global registrations that cannot be undone.
struct Host {
  std::string path;
  MlirC table;
  /// Names of optional entry points that the library lacks.
  std::vector<std::string> missingOptional;
};

/// A host, or why there is none: what was needed, what was found, the fix.
struct HostOrError {
  std::unique_ptr<Host> host;
  std::string error;
};

/// Loads the library at `path`, or takes the copy that the process already
/// has. Fails when the file is missing, is no complete shared library for this
/// machine, or lacks required entry points (all are listed).
HostOrError loadHost(const std::string &path);

/// Checks that `path` is a complete ELF library for this machine: dlopen on a
/// truncated one can kill the process. Returns what is wrong, or nothing.
std::string checkElfFile(const std::string &path);

/// Binds a table to this thread until the scope ends. Scopes nest.
class ApiScope {
public:
  explicit ApiScope(const Host &host);
  ~ApiScope();
  ApiScope(const ApiScope &) = delete;
  ApiScope &operator=(const ApiScope &) = delete;

private:
  const MlirC *outer;
};

/// The table of the innermost ApiScope of this thread.
const MlirC &api();

} // namespace kvlift

#endif // KVLIFT_MLIRC_H
