//===- signatures.cpp - Are our signatures those of mlir-c? ---------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// dlsym checks no types. This compiles when each row of MlirC.inc says what the
// headers say; test/python/test_signatures.py compiles it.
//
//===----------------------------------------------------------------------===//

#include "mlir-c/BuiltinAttributes.h"
#include "mlir-c/BuiltinTypes.h"
#include "mlir-c/Diagnostics.h"
#include "mlir-c/IR.h"
#include "mlir-c/Pass.h"
#include "mlir-c/RegisterEverything.h"
#include "mlir-c/Support.h"

#include <type_traits>

#define KVLIFT_MLIR_C(presence, result, name, params)                          \
  static_assert(std::is_same_v<decltype(&::name), result(*) params>,           \
                "MlirC.inc and mlir-c differ in " #name);
#define KVLIFT_MLIR_C_ONLY_MLIR
#include "kvlift/MlirC.inc"
