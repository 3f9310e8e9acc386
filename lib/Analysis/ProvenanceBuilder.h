//===- ProvenanceBuilder.h - Follows versions through a function -*- C++ -*-==//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. Visit each op once, in program order, regions before the op's results.
//    Roots are the arguments of the function and of loop bodies.
// 2. A loop carries argument i when its body yields a version of argument i:
//    then result i is a version of operand i, and so is the argument.
// 3. At the end, replace roots in loop bodies by what the loop starts from.
//
// A body is visited before it is known what the loop carries, so nothing is
// visited twice, however deep loops nest.
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_ANALYSIS_PROVENANCEBUILDER_H
#define KVLIFT_LIB_ANALYSIS_PROVENANCEBUILDER_H

#include "kvlift/Provenance.h"

namespace kvlift {

class ProvenanceBuilder {
public:
  ProvenanceBuilder(Provenance &into, Callees &callees)
      : into(into), callees(callees) {}

  void build(const FuncOp &function);

private:
  using Origin = Provenance::Origin;

  // Straight-line ops: Provenance.cpp.
  void visitBlock(Block block);
  void visit(Operation op);
  void transpose(Operation op);
  void reshape(Operation op);
  void resolve();

  // Ops that update a part: ProvenanceUpdates.cpp.
  void write(Operation op, int64_t count);
  void select(Operation op, Value onTrue, Value onFalse, Value to);
  void concatenate(Operation op);
  void pad(Operation op);
  void count(Operation op);
  void customCall(Operation op);
  void tupleElement(Operation op);

  // Ops with regions, and calls: ProvenanceRegions.cpp.
  void loop(Operation op);
  void branches(Operation op);
  void branchResult(Operation op, int64_t result,
                    const std::vector<Operation> &yields);
  void call(Operation op);

  /// What is known about a value so far; null when it has no root. Adding an
  /// origin makes it dangle.
  const Origin *known(Value value) const;
  uint32_t orderOf(Value version) const;
  /// Whether `change` is worth a word when its chain is cut.
  static bool isTold(Change change) { return change >= Change::written; }

  void addRoot(Value argument);
  /// `to` shows the same version as `from`.
  void pass(Value from, Value to);
  /// `to` is a new version of `from`.
  void update(Value from, Value to, Operation by, Change change);
  void add(Value value, Origin origin);
  void addUpdate(Operation op);
  /// Makes `origin` that of a version which `by` makes of `before`.
  void becomeUpdate(Origin &origin, Value before, Value made, Operation by,
                    Change change) const;
  void cut(Value value, NoOrigin why);
  /// Cuts where `to` would be a version of `from`, if that has no root.
  void cutUpdate(Value from, Value to, Operation by);

  /// What a loop's argument stands for once the loop is known to carry it.
  struct Carried {
    Value start;
    bool isStable;
  };

  Provenance &into;
  Callees &callees;
  std::unordered_map<const void *, Carried> carried;
};

/// How dims are permuted by `inner` on top of `outer`.
Dims composeViews(const Dims &outer, const Dims &inner);

} // namespace kvlift

#endif // KVLIFT_LIB_ANALYSIS_PROVENANCEBUILDER_H
