//===- layouts.cpp - Are our structs those of mlir-c? ---------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints the layouts of the structs that cross the border. The names are the
// same on both sides, so this is compiled once with ours and once with theirs
// (KVLIFT_THEIRS); test/python/test_signatures.py compares what is printed.
//
//===----------------------------------------------------------------------===//

#ifdef KVLIFT_THEIRS
#include "mlir-c/Diagnostics.h"
#include "mlir-c/IR.h"
#include "mlir-c/Pass.h"
#include "mlir-c/Support.h"
#else
#include "kvlift/MlirC.h"
#endif

#include <cstddef>
#include <cstdio>

#define SIZE(type)                                                             \
  std::printf("%s: size %zu align %zu\n", #type, sizeof(type), alignof(type));
#define FIELD(type, field)                                                     \
  std::printf("%s.%s: at %zu size %zu\n", #type, #field,                       \
              offsetof(type, field), sizeof(type::field));
#define VALUE(name) std::printf("%s = %d\n", #name, static_cast<int>(name));

int main() {
  SIZE(MlirAttribute)
  SIZE(MlirBlock)
  SIZE(MlirContext)
  SIZE(MlirDiagnostic)
  SIZE(MlirDialect)
  SIZE(MlirDialectHandle)
  SIZE(MlirDialectRegistry)
  SIZE(MlirIdentifier)
  SIZE(MlirLocation)
  SIZE(MlirModule)
  SIZE(MlirOpOperand)
  SIZE(MlirOperation)
  SIZE(MlirOpPassManager)
  SIZE(MlirOpPrintingFlags)
  SIZE(MlirPassManager)
  SIZE(MlirRegion)
  SIZE(MlirType)
  SIZE(MlirValue)

  SIZE(MlirStringRef)
  FIELD(MlirStringRef, data)
  FIELD(MlirStringRef, length)
  SIZE(MlirLogicalResult)
  FIELD(MlirLogicalResult, value)
  SIZE(MlirNamedAttribute)
  FIELD(MlirNamedAttribute, name)
  FIELD(MlirNamedAttribute, attribute)

  SIZE(MlirOperationState)
  FIELD(MlirOperationState, name)
  FIELD(MlirOperationState, location)
  FIELD(MlirOperationState, nResults)
  FIELD(MlirOperationState, results)
  FIELD(MlirOperationState, nOperands)
  FIELD(MlirOperationState, operands)
  FIELD(MlirOperationState, nRegions)
  FIELD(MlirOperationState, regions)
  FIELD(MlirOperationState, nSuccessors)
  FIELD(MlirOperationState, successors)
  FIELD(MlirOperationState, nAttributes)
  FIELD(MlirOperationState, attributes)
  FIELD(MlirOperationState, enableResultTypeInference)

  SIZE(MlirDiagnosticSeverity)
  VALUE(MlirDiagnosticError)
  VALUE(MlirDiagnosticWarning)
  VALUE(MlirDiagnosticNote)
  VALUE(MlirDiagnosticRemark)
  SIZE(MlirDiagnosticHandlerID)
  SIZE(MlirDiagnosticHandler)
  SIZE(MlirStringCallback)
}
