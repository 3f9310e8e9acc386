//===- OpRole.h - What an op does with the storage of a slot ----*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_ANALYSIS_OPROLE_H
#define KVLIFT_LIB_ANALYSIS_OPROLE_H

#include "kvlift/IR.h"

#include <unordered_map>

namespace kvlift {

enum class OpRole {
  /// Its results are its operands in other shapes.
  view,
  /// A view that runtimes do not compute past.
  barrier,
  transpose,
  /// A part of its operand, which a runtime may take as late as it is used.
  slice,
  /// Each element of few elements, which a runtime may compute as late as it
  /// is used.
  elements,
  /// A reduction, which a runtime may compute together with what uses it.
  sum,
  update,
  loop,
  branch,
  call,
  terminator,
  other
};

/// The roles of ops, by their names.
class OpRoles {
public:
  OpRole of(Operation op);
  /// Whether the op must keep its place among others of the kind: it may do
  /// more than make its results.
  static bool isOrdered(Operation op, OpRole role);
  /// False spares a look at the op.
  static bool mayHaveRegions(OpRole role) {
    return role == OpRole::update || role == OpRole::loop ||
           role == OpRole::branch || role == OpRole::sum ||
           role == OpRole::other;
  }

private:
  // Names are interned: one pointer each.
  std::unordered_map<const char *, OpRole> known;
};

} // namespace kvlift

#endif // KVLIFT_LIB_ANALYSIS_OPROLE_H
