//===- Builder.cpp - Makes StableHLO operations ---------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "Raw.h"
#include "kvlift/Ops.h"

#include <cassert>

using namespace kvlift;

Operation Builder::create(std::string_view name,
                          const std::vector<Value> &operands,
                          const std::vector<Type> &results,
                          const NamedAttributes &attributes) {
  return create(name, operands, results, attributes, 0);
}

Operation Builder::recreate(Operation old, const std::vector<Value> &operands,
                            const std::vector<Type> &results) {
  NamedAttributes attributes;
  for (auto &[name, value] : old.attributes())
    attributes.emplace_back(name, value);
  std::vector<Region> bodies = old.regions();
  Operation made =
      create(old.name(), operands, results, attributes, bodies.size());
  std::vector<Region> regions = made.regions();
  for (size_t i = 0; i < bodies.size(); ++i)
    regions[i].takeBody(bodies[i]);
  return made;
}

Operation Builder::create(std::string_view name,
                          const std::vector<Value> &operands,
                          const std::vector<Type> &results,
                          const NamedAttributes &attributes, int64_t regions) {
  std::vector<MlirValue> rawOperands;
  for (Value operand : operands)
    rawOperands.push_back(operand.raw);
  std::vector<MlirType> rawResults;
  for (Type type : results)
    rawResults.push_back(type.raw);
  std::vector<MlirNamedAttribute> rawAttributes;
  for (const auto &[key, value] : attributes)
    rawAttributes.push_back(
        {api().mlirIdentifierGet(ctx.raw, toRef(key)), value.raw});

  MlirOperationState state =
      api().mlirOperationStateGet(toRef(name), where.raw);
  api().mlirOperationStateAddOperands(&state, rawOperands.size(),
                                      rawOperands.data());
  api().mlirOperationStateAddResults(&state, rawResults.size(),
                                     rawResults.data());
  api().mlirOperationStateAddAttributes(&state, rawAttributes.size(),
                                        rawAttributes.data());
  std::vector<MlirRegion> rawRegions;
  for (int64_t i = 0; i < regions; ++i)
    rawRegions.push_back(api().mlirRegionCreate());
  api().mlirOperationStateAddOwnedRegions(&state, rawRegions.size(),
                                          rawRegions.data());
  Operation op = api().mlirOperationCreate(&state);
  assert(op && "operation could not be created");
  api().mlirBlockInsertOwnedOperationBefore(before.block().raw, before.raw,
                                            op.raw);
  return op;
}

Value Builder::constant(Type type, Attribute value) {
  return create("stablehlo.constant", {}, {type}, {{"value", value}}).result();
}

Value Builder::splat(Type type, int64_t value) {
  return constant(
      type, Attribute::splat(type, Attribute::integer(type.element(), value)));
}

Value Builder::zeros(Type type) {
  Type element = type.element();
  std::string zero = "0.0";
  if (element.isInteger())
    zero = element.bitWidth() == 1 ? "false" : "0";
  else if (element.print().starts_with("complex<f"))
    zero = "(0.0, 0.0)";
  else if (element.bitWidth() == 0)
    return {};
  return constant(
      type, Attribute::parse(ctx, "dense<" + zero + "> : " + type.print()));
}

Value Builder::reshape(Value value, const Dims &shape) {
  Type type = value.type().withShape(shape);
  if (type == value.type())
    return value;
  if (Operation maker = value.definingOp();
      maker && maker.is("stablehlo.reshape") && maker.operand(0).type() == type)
    return maker.operand(0);
  return create("stablehlo.reshape", {value}, {type}).result();
}

Value Builder::bitcast(Value value, Type element) {
  Type type = Type::tensor(value.type().shape(), element);
  if (type == value.type())
    return value;
  if (Operation maker = value.definingOp();
      maker && maker.is("stablehlo.bitcast_convert") &&
      maker.operand(0).type() == type)
    return maker.operand(0);
  return create("stablehlo.bitcast_convert", {value}, {type}).result();
}

Value Builder::transpose(Value value, const Dims &permutation) {
  if (Operation maker = value.definingOp();
      maker && maker.is("stablehlo.transpose") &&
      invertPermutation(permutationOf(maker)) == permutation)
    return maker.operand(0);
  Dims from = value.type().shape(), to;
  for (int64_t dim : permutation)
    to.push_back(from[dim]);
  return create("stablehlo.transpose", {value}, {value.type().withShape(to)},
                {{"permutation", Attribute::i64Array(ctx, permutation)}})
      .result();
}

Value Builder::broadcast(Value value, const Dims &shape, const Dims &dims) {
  return create("stablehlo.broadcast_in_dim", {value},
                {value.type().withShape(shape)},
                {{"broadcast_dimensions", Attribute::i64Array(ctx, dims)}})
      .result();
}

Value Builder::convert(Value value, Type element) {
  Type type = Type::tensor(value.type().shape(), element);
  if (type == value.type())
    return value;
  return create("stablehlo.convert", {value}, {type}).result();
}

Value Builder::iota(Type type, int64_t dim) {
  return create("stablehlo.iota", {}, {type},
                {{"iota_dimension",
                  Attribute::integer(Type::integer(ctx, 64), dim)}})
      .result();
}

Value Builder::maximumOf(Value vector, Value atLeast) {
  std::string one = atLeast.type().print(), all = vector.type().print();
  // The C API can make no block; one that was parsed can be taken over.
  OwnedModule parsed = OwnedModule::parse(
      ctx, "func.func @f(%a: " + all + ", %b: " + one + ") -> " + one +
               " { %r = stablehlo.reduce(%a init: %b) applies "
               "stablehlo.maximum across dimensions = [0] : (" +
               all + ", " + one + ") -> " + one + " return %r : " + one + " }");
  Operation reduce = functionsOf(parsed.operation()).front().body().firstOp();
  return recreate(reduce, {vector, atLeast}, {atLeast.type()}).result();
}

Value Builder::binary(std::string_view opName, Value lhs, Value rhs) {
  return create(opName, {lhs, rhs}, {lhs.type()}).result();
}

Value Builder::compare(std::string_view direction, Value lhs, Value rhs) {
  std::string text =
      "#stablehlo<comparison_direction " + std::string(direction) + ">";
  Type bits = Type::tensor(lhs.type().shape(), Type::integer(ctx, 1));
  return create("stablehlo.compare", {lhs, rhs}, {bits},
                {{"comparison_direction", Attribute::parse(ctx, text)}})
      .result();
}

Value Builder::select(Value condition, Value onTrue, Value onFalse) {
  return create("stablehlo.select", {condition, onTrue, onFalse},
                {onTrue.type()})
      .result();
}

Value Builder::slice(Value from, const Dims &low, const Dims &high) {
  Dims sizes(low.size());
  for (size_t i = 0; i < low.size(); ++i)
    sizes[i] = high[i] - low[i];
  Type type = from.type().withShape(sizes);
  if (type == from.type())
    return from;
  return create("stablehlo.slice", {from}, {type},
                {{"start_indices", Attribute::i64Array(ctx, low)},
                 {"limit_indices", Attribute::i64Array(ctx, high)},
                 {"strides", Attribute::i64Array(ctx, Dims(low.size(), 1))}})
      .result();
}

Value Builder::dynamicSlice(Value from, const std::vector<Value> &starts,
                            const Dims &sizes) {
  // Without starts its text could not be parsed again.
  if (starts.empty())
    return from;
  std::vector<Value> operands{from};
  operands.insert(operands.end(), starts.begin(), starts.end());
  return create("stablehlo.dynamic_slice", operands,
                {from.type().withShape(sizes)},
                {{"slice_sizes", Attribute::i64Array(ctx, sizes)}})
      .result();
}

Value Builder::dynamicUpdateSlice(Value into, Value update,
                                  const std::vector<Value> &starts) {
  if (starts.empty())
    return update;
  std::vector<Value> operands{into, update};
  operands.insert(operands.end(), starts.begin(), starts.end());
  return create("stablehlo.dynamic_update_slice", operands, {into.type()})
      .result();
}

Value Builder::concatenate(const std::vector<Value> &parts, int64_t dim) {
  Dims shape = parts.front().type().shape();
  shape[dim] = 0;
  for (Value part : parts)
    shape[dim] += part.type().shape()[dim];
  return create(
             "stablehlo.concatenate", parts,
             {parts.front().type().withShape(shape)},
             {{"dimension", Attribute::integer(Type::integer(ctx, 64), dim)}})
      .result();
}

Value Builder::scatter(Value into, Value indices, Value update,
                       const ScatterNumbers &numbers) {
  Type element = Type::tensor({}, into.type().element());
  std::string one = element.print(), all = into.type().print(),
              where = indices.type().print(), some = update.type().print();
  // As with a reduce: the body comes out of a text.
  OwnedModule parsed = OwnedModule::parse(
      ctx, "func.func @f(%a: " + all + ", %i: " + where + ", %u: " + some +
               ") -> " + all +
               " { %r = \"stablehlo.scatter\"(%a, %i, %u) <{"
               "scatter_dimension_numbers = " +
               scatterNumbersAttribute(ctx, numbers).print() +
               "}> ({ ^bb0(%o: " + one + ", %n: " + one +
               "): stablehlo.return %n : " + one + " }) : (" + all + ", " +
               where + ", " + some + ") -> " + all + " return %r : " + all +
               " }");
  Operation scatter = functionsOf(parsed.operation()).front().body().firstOp();
  return recreate(scatter, {into, indices, update}, {into.type()}).result();
}
