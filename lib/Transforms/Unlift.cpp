//===- Unlift.cpp - kvlift-unlift -----------------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The inverse of a lift: slots become plain arguments and results again, and
// nothing says any more which result carries an argument's new value.
// 1. Check that the marks of each public function agree with each other and
//    with `tf.aliasing_output`: what contradicts itself was never lifted, and
//    without the marks nobody could tell.
// 2. Remove from the arguments and results of all functions every `kvlift.*`
//    mark, names and kinds included, `tf.aliasing_output` and
//    `iree.abi.output`.
//
// Bodies stay as they are: a call computes the same results. A new lift finds
// the same ties where provenance shows them, and elsewhere with `state`.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Passes.h"
#include "kvlift/State.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// Reports a slot whose argument is tied to another result than the marks say.
Status checkTies(const FuncOp &function, const std::vector<Slot> &slots,
                 DiagnosticLog &log) {
  for (const Slot &slot : slots)
    for (std::string_view tie : {marks::aliasing, marks::ireeOutput}) {
      auto result = function.argumentAttribute(slot.argument, tie).asInteger();
      if (!result || *result == slot.result)
        continue;
      log.error(function.operation().location(),
                "slot " + quote(slot.name) + " is marked on result #" +
                    std::to_string(slot.result) + ", but " + std::string(tie) +
                    " ties argument #" + std::to_string(slot.argument) +
                    " to result #" + std::to_string(*result))
          .note(function.operation().location(),
                "run kvlift-tie-state first, or remove the wrong one");
      return Status::failure();
    }
  return Status::success();
}

bool isMark(std::string_view name) {
  return name.starts_with("kvlift.") || name == marks::aliasing ||
         name == marks::ireeOutput;
}

/// Removes the marks from `arg_attrs` or `res_attrs`.
void removeMarks(Operation function, std::string_view list) {
  Attribute all = function.attribute(list);
  if (!all.isArray())
    return;
  std::vector<Attribute> kept;
  bool isEmpty = true;
  for (int64_t i = 0, n = all.arraySize(); i < n; ++i) {
    auto entries = all.arrayElement(i).dictionaryEntries();
    std::erase_if(entries, [](const auto &each) { return isMark(each.first); });
    isEmpty &= entries.empty();
    kept.push_back(Attribute::dictionary(function.context(), entries));
  }
  if (isEmpty)
    function.removeAttribute(list);
  else
    function.setAttribute(list, Attribute::array(function.context(), kept));
}

} // namespace

Status kvlift::unlift(Operation module, const PassOptions &,
                      DiagnosticLog &log) {
  auto functions = readPublicFunctions(module, log);
  if (!functions)
    return Status::failure();
  for (const auto &[function, slots] : *functions)
    if (checkTies(function, slots, log).failed() ||
        !readSlicedSlots(function, slots, log))
      return Status::failure();
  for (const FuncOp &function : functionsOf(module)) {
    removeMarks(function.operation(), "arg_attrs");
    removeMarks(function.operation(), "res_attrs");
    function.operation().removeAttribute(marks::inputs);
    function.operation().removeAttribute(marks::outputs);
  }
  return Status::success();
}
