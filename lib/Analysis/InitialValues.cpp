//===- InitialValues.cpp - What slots hold before the first call ----------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/State.h"

using namespace kvlift;

/// A splat of a huge shape takes no memory in the IR.
constexpr int64_t mostElements = int64_t(1) << 40;

Status kvlift::checkInitialValues(const FuncOp &function, DiagnosticLog &log) {
  for (int64_t i = 0, n = function.numArguments(); i < n; ++i) {
    Attribute mark = function.argumentAttribute(i, marks::initial);
    if (!mark)
      continue;
    Type type = function.argumentType(i);
    unsigned bits = type.element().bitWidth();
    bool isArray =
        bits == 1 || bits == 8 || bits == 16 || bits == 32 || bits == 64;
    std::string problem;
    if (!mark.isDenseElements() || !(mark.typeOfValue() == type))
      problem = "no dense elements of " + type.print();
    else if (!isArray)
      problem = "elements of " + type.element().print() +
                ", of which no array can be made";
    else if (type.elementCount() > mostElements)
      problem = "more elements than any memory holds";
    if (problem.empty())
      continue;
    log.error(function.operation().location(),
              quote(marks::initial) + " of argument #" + std::to_string(i) +
                  " of function " + quote(function.name()) + " has " + problem);
    return Status::failure();
  }
  return Status::success();
}

std::vector<InitialValue> kvlift::takeInitialValues(Operation module) {
  std::vector<InitialValue> values;
  for (const FuncOp &function : functionsOf(module)) {
    if (!function.isPublic())
      continue;
    std::vector<AttributeEdit> edits;
    for (int64_t i = 0, n = function.numArguments(); i < n; ++i) {
      Attribute mark = function.argumentAttribute(i, marks::initial);
      if (!mark)
        continue;
      values.push_back({argumentName(function, i), function.argumentType(i),
                        mark.denseBytes().value_or("")});
      edits.push_back({i, marks::initial, {}});
    }
    function.editArgumentAttributes(edits);
  }
  return values;
}
