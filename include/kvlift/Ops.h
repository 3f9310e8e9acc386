//===- Ops.h - Typed views of the operations we look at ---------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_OPS_H
#define KVLIFT_OPS_H

#include "kvlift/IR.h"

#include <unordered_map>
#include <unordered_set>

namespace kvlift {

/// An attribute of an argument or a result of a function.
struct AttributeEdit {
  int64_t index;
  std::string_view name;
  /// Null takes the attribute away.
  Attribute value;
};

/// A `func.func`.
class FuncOp {
public:
  explicit FuncOp(Operation op) : op(op) {}

  Operation operation() const { return op; }
  std::string name() const;
  bool isPublic() const;
  bool isDeclaration() const { return !body(); }
  /// The entry block; null for a declaration.
  Block body() const { return op.regions().front().firstBlock(); }
  bool hasOneBlock() const { return op.regions().front().blocks().size() == 1; }
  Operation returnOp() const { return body().terminator(); }

  Type functionType() const { return op.attribute("function_type").asType(); }
  int64_t numArguments() const;
  int64_t numResults() const;
  Type argumentType(int64_t index) const;
  Type resultType(int64_t index) const;

  Attribute argumentAttribute(int64_t index, std::string_view name) const;
  Attribute resultAttribute(int64_t index, std::string_view name) const;
  /// Makes all edits at once: each call costs as much as there are arguments.
  void editArgumentAttributes(const std::vector<AttributeEdit> &edits) const;
  void editResultAttributes(const std::vector<AttributeEdit> &edits) const;

  /// Changes an argument's type in the signature and in the entry block.
  void setArgumentType(int64_t index, Type type) const;
  /// Changes a result's type in the signature only.
  void setResultType(int64_t index, Type type) const;
  /// Takes one more argument, at the end; gives its index.
  int64_t appendArgument(Type type, Location location) const;
  /// Returns these values, of any types, instead; at least as many as before.
  /// Attributes stay with their positions.
  void setResults(const std::vector<Value> &values) const;
  /// Returns one more value; gives its result index.
  int64_t appendResult(Value value) const;

private:
  Operation op;
};

/// The functions of a module, in program order.
std::vector<FuncOp> functionsOf(Operation module);

/// For each function that ops in `module` name in an attribute, the first op
/// that does: a call, a composite, a custom call.
std::unordered_map<std::string, Operation> callersIn(Operation module);

/// The ops in `module` that name one of `functions` in an attribute, in program
/// order, each with the name.
std::vector<std::pair<std::string, Operation>>
usersOf(Operation module, const std::unordered_set<std::string> &functions);

/// `stablehlo.transpose`'s permutation: result dim i is operand dim p[i].
Dims permutationOf(Operation transpose);
Dims invertPermutation(const Dims &permutation);
bool isIdentity(const Dims &permutation);
/// Whether a transpose of a tensor of this shape leaves all elements where they
/// lie: a reshape says the same.
bool movesOnlyUnitDims(const Dims &shape, const Dims &permutation);

/// Whether the op computes each element of one of each operand, costs next to
/// nothing, and cannot fail. Division is not among these: IREE's integer
/// division by zero traps.
bool isPlainArithmetic(Operation op);

/// `stablehlo.compare`'s direction: EQ NE GE GT LE LT.
std::string directionOf(Operation compare);

/// What a `stablehlo.scatter` says about where its update goes.
struct ScatterNumbers {
  Dims updateWindowDims;
  Dims insertedWindowDims;
  Dims scatterDimsToOperandDims;
  Dims inputBatchingDims;
  Dims indicesBatchingDims;
  int64_t indexVectorDim;
};
ScatterNumbers scatterNumbersOf(Operation scatter);
Attribute scatterNumbersAttribute(Context context,
                                  const ScatterNumbers &numbers);

/// Whether the scatter's body returns the update, so that it overwrites.
bool scatterOverwrites(Operation scatter);

/// Which dims of its operands a `stablehlo.dot_general` batches and sums.
struct DotNumbers {
  Dims lhsBatch, rhsBatch;
  Dims lhsContracting, rhsContracting;
};
DotNumbers dotNumbersOf(Operation dot);
Attribute dotNumbersAttribute(Context context, const DotNumbers &numbers);

/// What a `stablehlo.custom_call` says about a result that lives in an operand.
/// The tuples say where in an operand or result of tuple type; with several
/// results, the output's number comes first.
struct OperandAlias {
  Dims outputTuple;
  int64_t operand;
  Dims operandTuple;
};
std::vector<OperandAlias> operandAliasesOf(Operation customCall);

/// Whether it is a `stablehlo.custom_call` that gives its operand, and only
/// says how devices share it.
bool isShardingCall(Operation op);

/// Number of inputs of a scatter: (inputs..., indices, updates...).
inline int64_t scatterInputs(Operation scatter) {
  return (scatter.numOperands() - 1) / 2;
}

} // namespace kvlift

#endif // KVLIFT_OPS_H
