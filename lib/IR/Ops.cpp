//===- Ops.cpp - Typed views of the operations we look at -----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Ops.h"

#include <algorithm>

using namespace kvlift;

//===----------------------------------------------------------------------===//
// FuncOp
//===----------------------------------------------------------------------===//

std::string FuncOp::name() const {
  return op.attribute("sym_name").asString().value_or("");
}

bool FuncOp::isPublic() const {
  return op.attribute("sym_visibility").asString().value_or("public") ==
         "public";
}

int64_t FuncOp::numArguments() const {
  return functionType().numFunctionInputs();
}

int64_t FuncOp::numResults() const {
  return functionType().numFunctionResults();
}

Type FuncOp::argumentType(int64_t index) const {
  return functionType().functionInput(index);
}

Type FuncOp::resultType(int64_t index) const {
  return functionType().functionResult(index);
}

static Attribute elementAttribute(Operation op, std::string_view list,
                                  int64_t index, std::string_view name) {
  Attribute all = op.attribute(list);
  if (!all.isArray() || index >= all.arraySize())
    return {};
  return all.arrayElement(index).dictionaryElement(name);
}

/// Edits entries of the list, which gets `size` elements.
static void editElements(Operation op, std::string_view list, int64_t size,
                         const std::vector<AttributeEdit> &edits) {
  if (edits.empty())
    return;
  Context context = op.context();
  Attribute all = op.attribute(list);
  std::vector<Attribute> elements;
  for (int64_t i = 0; i < size; ++i)
    elements.push_back(all.isArray() && i < all.arraySize()
                           ? all.arrayElement(i)
                           : Attribute::dictionary(context, {}));
  for (const auto &[index, name, value] : edits) {
    auto entries = elements[index].dictionaryEntries();
    std::erase_if(entries, [&](const auto &e) { return e.first == name; });
    if (value)
      entries.emplace_back(name, value);
    elements[index] = Attribute::dictionary(context, entries);
  }
  op.setAttribute(list, Attribute::array(context, elements));
}

Attribute FuncOp::argumentAttribute(int64_t index,
                                    std::string_view name) const {
  return elementAttribute(op, "arg_attrs", index, name);
}

Attribute FuncOp::resultAttribute(int64_t index, std::string_view name) const {
  return elementAttribute(op, "res_attrs", index, name);
}

void FuncOp::editArgumentAttributes(
    const std::vector<AttributeEdit> &edits) const {
  editElements(op, "arg_attrs", numArguments(), edits);
}

void FuncOp::editResultAttributes(
    const std::vector<AttributeEdit> &edits) const {
  editElements(op, "res_attrs", numResults(), edits);
}

void FuncOp::setArgumentType(int64_t index, Type type) const {
  std::vector<Type> inputs = functionType().functionInputs();
  inputs[index] = type;
  Type changed =
      Type::function(op.context(), inputs, functionType().functionResults());
  op.setAttribute("function_type", Attribute::type(changed));
  body().argument(index).setType(type);
}

void FuncOp::setResultType(int64_t index, Type type) const {
  std::vector<Type> results = functionType().functionResults();
  results[index] = type;
  Type changed =
      Type::function(op.context(), functionType().functionInputs(), results);
  op.setAttribute("function_type", Attribute::type(changed));
}

/// An attribute list must keep pace with what it is about, if there is one.
static void extendList(Operation op, std::string_view list, int64_t size) {
  Attribute all = op.attribute(list);
  if (!all.isArray())
    return;
  std::vector<Attribute> elements;
  for (int64_t i = 0; i < all.arraySize(); ++i)
    elements.push_back(all.arrayElement(i));
  elements.resize(size, Attribute::dictionary(op.context(), {}));
  op.setAttribute(list, Attribute::array(op.context(), elements));
}

int64_t FuncOp::appendArgument(Type type, Location location) const {
  std::vector<Type> inputs = functionType().functionInputs();
  inputs.push_back(type);
  Type changed =
      Type::function(op.context(), inputs, functionType().functionResults());
  op.setAttribute("function_type", Attribute::type(changed));
  body().addArgument(type, location);
  extendList(op, "arg_attrs", inputs.size());
  return inputs.size() - 1;
}

void FuncOp::setResults(const std::vector<Value> &values) const {
  std::vector<Type> results;
  for (Value value : values)
    results.push_back(value.type());
  Type changed =
      Type::function(op.context(), functionType().functionInputs(), results);
  op.setAttribute("function_type", Attribute::type(changed));
  returnOp().setOperands(values);
  extendList(op, "res_attrs", values.size());
}

int64_t FuncOp::appendResult(Value value) const {
  std::vector<Value> returned = returnOp().operands();
  returned.push_back(value);
  setResults(returned);
  return returned.size() - 1;
}

std::vector<FuncOp> kvlift::functionsOf(Operation module) {
  std::vector<FuncOp> functions;
  for (Operation op : module.regions().front().firstBlock())
    if (op.is("func.func"))
      functions.emplace_back(op);
  return functions;
}

static void
visitSymbols(Attribute value,
             const std::function<void(const std::string &)> &visit) {
  if (auto symbol = value.asSymbol())
    visit(*symbol);
  if (!value.isArray())
    return;
  for (int64_t i = 0, n = value.arraySize(); i < n; ++i)
    visitSymbols(value.arrayElement(i), visit);
}

std::unordered_map<std::string, Operation> kvlift::callersIn(Operation module) {
  std::unordered_map<std::string, Operation> users;
  walk(module, [&](Operation op) {
    for (const auto &[name, value] : op.attributes())
      visitSymbols(
          value, [&](const std::string &symbol) { users.emplace(symbol, op); });
  });
  return users;
}

std::vector<std::pair<std::string, Operation>>
kvlift::usersOf(Operation module,
                const std::unordered_set<std::string> &functions) {
  std::vector<std::pair<std::string, Operation>> users;
  walk(module, [&](Operation op) {
    for (const auto &[name, value] : op.attributes())
      visitSymbols(value, [&](const std::string &symbol) {
        if (functions.count(symbol))
          users.emplace_back(symbol, op);
      });
  });
  return users;
}

//===----------------------------------------------------------------------===//
// Transpose
//===----------------------------------------------------------------------===//

Dims kvlift::permutationOf(Operation transpose) {
  return transpose.attribute("permutation").asI64Array().value_or(Dims{});
}

Dims kvlift::invertPermutation(const Dims &permutation) {
  Dims inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i)
    inverse[permutation[i]] = i;
  return inverse;
}

bool kvlift::isIdentity(const Dims &permutation) {
  for (size_t i = 0; i < permutation.size(); ++i)
    if (permutation[i] != static_cast<int64_t>(i))
      return false;
  return true;
}

bool kvlift::movesOnlyUnitDims(const Dims &shape, const Dims &permutation) {
  Dims moving;
  for (int64_t dim : permutation)
    if (shape[dim] != 1)
      moving.push_back(dim);
  return std::is_sorted(moving.begin(), moving.end());
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

bool kvlift::isPlainArithmetic(Operation op) {
  static constexpr std::string_view names[] = {
      "stablehlo.add",      "stablehlo.and",      "stablehlo.clamp",
      "stablehlo.compare",  "stablehlo.convert",  "stablehlo.maximum",
      "stablehlo.minimum",  "stablehlo.multiply", "stablehlo.negate",
      "stablehlo.not",      "stablehlo.or",       "stablehlo.select",
      "stablehlo.subtract", "stablehlo.xor"};
  return std::find(std::begin(names), std::end(names), op.name()) !=
         std::end(names);
}

//===----------------------------------------------------------------------===//
// Compare
//===----------------------------------------------------------------------===//

std::string kvlift::directionOf(Operation compare) {
  // #stablehlo<comparison_direction EQ>
  std::string text = compare.attribute("comparison_direction").print();
  size_t from = text.rfind(' ') + 1;
  return text.substr(from, text.size() - 1 - from);
}

//===----------------------------------------------------------------------===//
// Scatter
//===----------------------------------------------------------------------===//

static Dims readDims(MlirAttribute numbers, intptr_t (*size)(MlirAttribute),
                     int64_t (*element)(MlirAttribute, intptr_t)) {
  Dims dims(size(numbers));
  for (size_t i = 0; i < dims.size(); ++i)
    dims[i] = element(numbers, i);
  return dims;
}

static std::string printDims(const Dims &dims) {
  std::vector<std::string> parts;
  for (int64_t dim : dims)
    parts.push_back(std::to_string(dim));
  return "[" + join(parts, ", ") + "]";
}

ScatterNumbers kvlift::scatterNumbersOf(Operation scatter) {
  MlirAttribute numbers = scatter.attribute("scatter_dimension_numbers").raw;
  return {
      readDims(numbers,
               api().stablehloScatterDimensionNumbersGetUpdateWindowDimsSize,
               api().stablehloScatterDimensionNumbersGetUpdateWindowDimsElem),
      readDims(numbers,
               api().stablehloScatterDimensionNumbersGetInsertedWindowDimsSize,
               api().stablehloScatterDimensionNumbersGetInsertedWindowDimsElem),
      readDims(
          numbers,
          api()
              .stablehloScatterDimensionNumbersGetScatteredDimsToOperandDimsSize,
          api()
              .stablehloScatterDimensionNumbersGetScatteredDimsToOperandDimsElem),
      readDims(numbers,
               api().stablehloScatterDimensionNumbersGetInputBatchingDimsSize,
               api().stablehloScatterDimensionNumbersGetInputBatchingDimsElem),
      readDims(
          numbers,
          api()
              .stablehloScatterDimensionNumbersGetScatterIndicesBatchingDimsSize,
          api()
              .stablehloScatterDimensionNumbersGetScatterIndicesBatchingDimsElem),
      api().stablehloDimensionNumbersGetIndexVectorDim(numbers)};
}

Attribute kvlift::scatterNumbersAttribute(Context context,
                                          const ScatterNumbers &numbers) {
  return Attribute::parse(
      context,
      "#stablehlo.scatter<update_window_dims = " +
          printDims(numbers.updateWindowDims) +
          ", inserted_window_dims = " + printDims(numbers.insertedWindowDims) +
          ", input_batching_dims = " + printDims(numbers.inputBatchingDims) +
          ", scatter_indices_batching_dims = " +
          printDims(numbers.indicesBatchingDims) +
          ", scatter_dims_to_operand_dims = " +
          printDims(numbers.scatterDimsToOperandDims) +
          ", index_vector_dim = " + std::to_string(numbers.indexVectorDim) +
          ">");
}

bool kvlift::scatterOverwrites(Operation scatter) {
  Block body = scatter.regions().front().firstBlock();
  Operation last = body.terminator();
  int64_t inputs = scatterInputs(scatter);
  for (int64_t i = 0; i < inputs; ++i)
    if (!(last.operand(i) == body.argument(inputs + i)))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Dot
//===----------------------------------------------------------------------===//

DotNumbers kvlift::dotNumbersOf(Operation dot) {
  MlirAttribute numbers = dot.attribute("dot_dimension_numbers").raw;
  return {
      readDims(numbers,
               api().stablehloDotDimensionNumbersGetLhsBatchingDimensionsSize,
               api().stablehloDotDimensionNumbersGetLhsBatchingDimensionsElem),
      readDims(numbers,
               api().stablehloDotDimensionNumbersGetRhsBatchingDimensionsSize,
               api().stablehloDotDimensionNumbersGetRhsBatchingDimensionsElem),
      readDims(
          numbers,
          api().stablehloDotDimensionNumbersGetLhsContractingDimensionsSize,
          api().stablehloDotDimensionNumbersGetLhsContractingDimensionsElem),
      readDims(
          numbers,
          api().stablehloDotDimensionNumbersGetRhsContractingDimensionsSize,
          api().stablehloDotDimensionNumbersGetRhsContractingDimensionsElem)};
}

Attribute kvlift::dotNumbersAttribute(Context context,
                                      const DotNumbers &numbers) {
  return Attribute::parse(context, "#stablehlo.dot<lhs_batching_dimensions = " +
                                       printDims(numbers.lhsBatch) +
                                       ", rhs_batching_dimensions = " +
                                       printDims(numbers.rhsBatch) +
                                       ", lhs_contracting_dimensions = " +
                                       printDims(numbers.lhsContracting) +
                                       ", rhs_contracting_dimensions = " +
                                       printDims(numbers.rhsContracting) + ">");
}

//===----------------------------------------------------------------------===//
// Custom call
//===----------------------------------------------------------------------===//

std::vector<OperandAlias> kvlift::operandAliasesOf(Operation customCall) {
  std::vector<OperandAlias> aliases;
  Attribute list = customCall.attribute("output_operand_aliases");
  for (int64_t i = 0, n = list.isArray() ? list.arraySize() : 0; i < n; ++i) {
    MlirAttribute alias = list.arrayElement(i).raw;
    aliases.push_back(
        {readDims(alias,
                  api().stablehloOutputOperandAliasGetOutputTupleIndicesSize,
                  api().stablehloOutputOperandAliasGetOutputTupleIndicesElem),
         api().stablehloOutputOperandAliasGetOperandIndex(alias),
         readDims(
             alias, api().stablehloOutputOperandAliasGetOperandTupleIndicesSize,
             api().stablehloOutputOperandAliasGetOperandTupleIndicesElem)});
  }
  return aliases;
}

bool kvlift::isShardingCall(Operation op) {
  if (!op.is("stablehlo.custom_call") || op.numOperands() != 1 ||
      op.numResults() != 1)
    return false;
  auto target = op.attribute("call_target_name").asString();
  return target == "Sharding" || target == "xla.sdy.FuncResultSharding";
}
