//===- Builder.h - Makes StableHLO operations -------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_BUILDER_H
#define KVLIFT_BUILDER_H

#include "kvlift/IR.h"

namespace kvlift {

struct ScatterNumbers;

/// Inserts operations before one op, with that op's location.
class Builder {
public:
  explicit Builder(Operation before)
      : before(before), where(before.location()), ctx(before.context()) {}

  using NamedAttributes = std::vector<std::pair<std::string, Attribute>>;
  Operation create(std::string_view name, const std::vector<Value> &operands,
                   const std::vector<Type> &results,
                   const NamedAttributes &attributes = {});
  /// The same op with other operands and results; it takes the old one's
  /// attributes and the bodies of its regions, which the old one loses.
  Operation recreate(Operation old, const std::vector<Value> &operands,
                     const std::vector<Type> &results);

  Context context() const { return ctx; }
  Value constant(Type type, Attribute value);
  /// A tensor of integers, all `value`.
  Value splat(Type type, int64_t value);
  /// A tensor of zeros; null for element types that have no zero.
  Value zeros(Type type);
  /// Gives the operand of a reshape that this one would undo.
  Value reshape(Value value, const Dims &shape);
  /// The same bits as elements of another type of the same width; the operand
  /// of a bitcast_convert that this one would undo.
  Value bitcast(Value value, Type element);
  /// Gives the operand of a transpose that this one would undo.
  Value transpose(Value value, const Dims &permutation);
  /// Broadcasts `value` so that its dimension i becomes `dims[i]`.
  Value broadcast(Value value, const Dims &shape, const Dims &dims);
  /// Integers as integers of another type.
  Value convert(Value value, Type element);
  Value iota(Type type, int64_t dim);
  /// The largest of a vector of integers and of `atLeast`.
  Value maximumOf(Value vector, Value atLeast);
  Value binary(std::string_view opName, Value lhs, Value rhs);
  /// `direction` is one of EQ NE GE GT LE LT; signed integers.
  Value compare(std::string_view direction, Value lhs, Value rhs);
  Value select(Value condition, Value onTrue, Value onFalse);
  /// The elements from `low` on, before `high`, in each dim.
  Value slice(Value from, const Dims &low, const Dims &high);
  Value dynamicSlice(Value from, const std::vector<Value> &starts,
                     const Dims &sizes);
  Value dynamicUpdateSlice(Value into, Value update,
                           const std::vector<Value> &starts);
  Value concatenate(const std::vector<Value> &parts, int64_t dim);
  /// A scatter that overwrites.
  Value scatter(Value into, Value indices, Value update,
                const ScatterNumbers &numbers);

private:
  Operation create(std::string_view name, const std::vector<Value> &operands,
                   const std::vector<Type> &results,
                   const NamedAttributes &attributes, int64_t regions);

  Operation before;
  Location where;
  Context ctx;
};

} // namespace kvlift

#endif // KVLIFT_BUILDER_H
