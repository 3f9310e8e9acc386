//===- Attribute.cpp - Attributes and types -------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raw.h"
#include "kvlift/IR.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

using namespace kvlift;

Location Location::unknown(Context context) {
  return api().mlirLocationUnknownGet(context.raw);
}

//===----------------------------------------------------------------------===//
// Attribute
//===----------------------------------------------------------------------===//

Attribute Attribute::string(Context context, std::string_view text) {
  return api().mlirStringAttrGet(context.raw, toRef(text));
}

Attribute Attribute::integer(Type type, int64_t value) {
  if (type.isInteger() && type.bitWidth() == 1)
    return api().mlirBoolAttrGet(type.context().raw, value != 0);
  return api().mlirIntegerAttrGet(type.raw, value);
}

Attribute Attribute::type(Type type) { return api().mlirTypeAttrGet(type.raw); }

Attribute Attribute::array(Context context,
                           const std::vector<Attribute> &elements) {
  std::vector<MlirAttribute> raws;
  for (Attribute element : elements)
    raws.push_back(element.raw);
  return api().mlirArrayAttrGet(context.raw, raws.size(), raws.data());
}

Attribute Attribute::i64Array(Context context, const Dims &values) {
  return api().mlirDenseI64ArrayGet(context.raw, values.size(), values.data());
}

Attribute Attribute::dictionary(
    Context context,
    const std::vector<std::pair<std::string, Attribute>> &entries) {
  std::vector<MlirNamedAttribute> raws;
  for (const auto &[name, value] : entries)
    raws.push_back(
        {api().mlirIdentifierGet(context.raw, toRef(name)), value.raw});
  return api().mlirDictionaryAttrGet(context.raw, raws.size(), raws.data());
}

Attribute Attribute::splat(Type type, Attribute element) {
  return api().mlirDenseElementsAttrSplatGet(type.raw, element.raw);
}

Attribute Attribute::elements(Type type,
                              const std::vector<Attribute> &elements) {
  std::vector<MlirAttribute> raws;
  for (Attribute element : elements)
    raws.push_back(element.raw);
  return api().mlirDenseElementsAttrGet(type.raw, raws.size(), raws.data());
}

Attribute Attribute::parse(Context context, std::string_view text) {
  return api().mlirAttributeParseGet(context.raw, toRef(text));
}

Context Attribute::context() const {
  return api().mlirAttributeGetContext(raw);
}

Type Attribute::typeOfValue() const { return api().mlirAttributeGetType(raw); }

std::optional<std::string> Attribute::asString() const {
  if (!*this || !api().mlirAttributeIsAString(raw))
    return std::nullopt;
  return std::string(toView(api().mlirStringAttrGetValue(raw)));
}

std::optional<int64_t> Attribute::asInteger() const {
  if (!*this || !api().mlirAttributeIsAInteger(raw))
    return std::nullopt;
  if (!typeOfValue().isUnsignedInteger())
    return api().mlirIntegerAttrGetValueInt(raw);
  uint64_t value = api().mlirIntegerAttrGetValueUInt(raw);
  return value > INT64_MAX ? std::nullopt : std::optional<int64_t>(value);
}

std::optional<std::string> Attribute::asSymbol() const {
  if (!*this || !api().mlirAttributeIsAFlatSymbolRef(raw))
    return std::nullopt;
  return std::string(toView(api().mlirFlatSymbolRefAttrGetValue(raw)));
}

std::optional<Dims> Attribute::asI64Array() const {
  if (!*this || !api().mlirAttributeIsADenseI64Array(raw))
    return std::nullopt;
  Dims values(api().mlirDenseArrayGetNumElements(raw));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = api().mlirDenseI64ArrayGetElement(raw, i);
  return values;
}

Type Attribute::asType() const {
  if (!*this || !api().mlirAttributeIsAType(raw))
    return {};
  return api().mlirTypeAttrGetValue(raw);
}

bool Attribute::isArray() const {
  return *this && api().mlirAttributeIsAArray(raw);
}

int64_t Attribute::arraySize() const {
  return api().mlirArrayAttrGetNumElements(raw);
}

Attribute Attribute::arrayElement(int64_t position) const {
  return api().mlirArrayAttrGetElement(raw, position);
}

bool Attribute::isDictionary() const {
  return *this && api().mlirAttributeIsADictionary(raw);
}

std::vector<std::pair<std::string, Attribute>>
Attribute::dictionaryEntries() const {
  std::vector<std::pair<std::string, Attribute>> entries;
  for (intptr_t i = 0, n = api().mlirDictionaryAttrGetNumElements(raw); i < n;
       ++i) {
    MlirNamedAttribute entry = api().mlirDictionaryAttrGetElement(raw, i);
    entries.emplace_back(toView(api().mlirIdentifierStr(entry.name)),
                         entry.attribute);
  }
  return entries;
}

Attribute Attribute::dictionaryElement(std::string_view name) const {
  return api().mlirDictionaryAttrGetElementByName(raw, toRef(name));
}

bool Attribute::isDenseElements() const {
  return *this && api().mlirAttributeIsADenseElements(raw);
}

std::optional<Dims> Attribute::denseIntegers() const {
  if (!*this || !api().mlirAttributeIsADenseIntElements(raw))
    return std::nullopt;
  Type element = typeOfValue().element();
  unsigned width = element.bitWidth();
  // The host reads unsigned elements through other entry points.
  if (element.isUnsignedInteger() || (width != 32 && width != 64))
    return std::nullopt;
  // A splat of a huge shape takes no memory in the IR; here it would.
  constexpr int64_t most = int64_t(1) << 24;
  int64_t count = api().mlirElementsAttrGetNumElements(raw);
  if (count < 0 || count > most)
    return std::nullopt;
  Dims values(count);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = width == 32 ? api().mlirDenseElementsAttrGetInt32Value(raw, i)
                            : api().mlirDenseElementsAttrGetInt64Value(raw, i);
  return values;
}

bool Attribute::isSplat() const {
  return isDenseElements() && api().mlirDenseElementsAttrIsSplat(raw);
}

std::optional<int64_t> Attribute::splatInteger() const {
  if (!isSplat())
    return std::nullopt;
  return Attribute(api().mlirDenseElementsAttrGetSplatValue(raw)).asInteger();
}

std::optional<double> Attribute::splatNumber() const {
  if (!isSplat())
    return std::nullopt;
  std::string text =
      Attribute(api().mlirDenseElementsAttrGetSplatValue(raw)).print();
  char *end = nullptr;
  double number = std::strtod(text.c_str(), &end);
  return end == text.c_str() ? std::nullopt : std::optional(number);
}

std::optional<std::string> Attribute::denseBytes() const {
  if (!isDenseElements())
    return std::nullopt;
  unsigned bits = typeOfValue().element().bitWidth();
  size_t count = isSplat() ? 1 : api().mlirElementsAttrGetNumElements(raw);
  if (bits == 1) {
    // Some hosts pack them.
    std::string bytes(count, '\0');
    for (size_t i = 0; i < count; ++i)
      bytes[i] = api().mlirDenseElementsAttrGetBoolValue(raw, i);
    return bytes;
  }
  if (bits == 0 || bits % 8 != 0)
    return std::nullopt;
  auto *data =
      static_cast<const char *>(api().mlirDenseElementsAttrGetRawData(raw));
  return std::string(data, count * (bits / 8));
}

std::string Attribute::print() const {
  std::string text;
  api().mlirAttributePrint(raw, appendTo, &text);
  return text;
}

//===----------------------------------------------------------------------===//
// Type
//===----------------------------------------------------------------------===//

Type Type::integer(Context context, unsigned width) {
  return api().mlirIntegerTypeGet(context.raw, width);
}

Type Type::tensor(const Dims &shape, Type element) {
  Dims extents = shape;
  std::replace(extents.begin(), extents.end(), dynamicExtent,
               api().mlirShapedTypeGetDynamicSize());
  return api().mlirRankedTensorTypeGet(extents.size(), extents.data(),
                                       element.raw, MlirAttribute{nullptr});
}

Type Type::function(Context context, const std::vector<Type> &inputs,
                    const std::vector<Type> &results) {
  std::vector<MlirType> in, out;
  for (Type type : inputs)
    in.push_back(type.raw);
  for (Type type : results)
    out.push_back(type.raw);
  return api().mlirFunctionTypeGet(context.raw, in.size(), in.data(),
                                   out.size(), out.data());
}

Type Type::parse(Context context, std::string_view text) {
  return api().mlirTypeParseGet(context.raw, toRef(text));
}

Context Type::context() const { return api().mlirTypeGetContext(raw); }

bool Type::isRankedTensor() const { return api().mlirTypeIsARankedTensor(raw); }

bool Type::isStaticTensor() const {
  if (!isRankedTensor() || api().mlirRankedTensorTypeGetEncoding(raw).ptr)
    return false;
  for (int64_t dim = 0, n = rank(); dim < n; ++dim)
    if (api().mlirShapedTypeIsDynamicDim(raw, dim))
      return false;
  return true;
}

int64_t Type::rank() const {
  return isRankedTensor() ? api().mlirShapedTypeGetRank(raw) : 0;
}

int64_t Type::elementCount() const {
  Dims extents = shape();
  if (std::find(extents.begin(), extents.end(), 0) != extents.end())
    return 0;
  int64_t count = 1;
  for (int64_t extent : extents)
    if (__builtin_mul_overflow(count, extent, &count))
      return std::numeric_limits<int64_t>::max();
  return count;
}

Dims Type::shape() const {
  Dims extents(rank());
  for (size_t dim = 0; dim < extents.size(); ++dim)
    extents[dim] = api().mlirShapedTypeIsDynamicDim(raw, dim)
                       ? dynamicExtent
                       : api().mlirShapedTypeGetDimSize(raw, dim);
  return extents;
}

Type Type::element() const {
  return isRankedTensor() ? Type(api().mlirShapedTypeGetElementType(raw))
                          : *this;
}

Type Type::withShape(const Dims &shape) const {
  return tensor(shape, element());
}

bool Type::isInteger() const { return api().mlirTypeIsAInteger(raw); }

bool Type::isUnsignedInteger() const {
  return isInteger() && api().mlirIntegerTypeIsUnsigned(raw);
}

bool Type::isIndex() const { return api().mlirTypeIsAIndex(raw); }

bool Type::isFunction() const { return api().mlirTypeIsAFunction(raw); }

bool Type::isTorchNonValueTensor() const {
  return api().torchMlirTypeIsATorchNonValueTensor &&
         api().torchMlirTypeIsATorchNonValueTensor(raw);
}

unsigned Type::bitWidth() const {
  if (isInteger())
    return api().mlirIntegerTypeGetWidth(raw);
  return api().mlirTypeIsAFloat(raw) ? api().mlirFloatTypeGetWidth(raw) : 0;
}

int64_t Type::numFunctionInputs() const {
  return api().mlirFunctionTypeGetNumInputs(raw);
}

int64_t Type::numFunctionResults() const {
  return api().mlirFunctionTypeGetNumResults(raw);
}

Type Type::functionInput(int64_t position) const {
  return api().mlirFunctionTypeGetInput(raw, position);
}

Type Type::functionResult(int64_t position) const {
  return api().mlirFunctionTypeGetResult(raw, position);
}

std::vector<Type> Type::functionInputs() const {
  std::vector<Type> types(numFunctionInputs());
  for (size_t i = 0; i < types.size(); ++i)
    types[i] = functionInput(i);
  return types;
}

std::vector<Type> Type::functionResults() const {
  std::vector<Type> types(numFunctionResults());
  for (size_t i = 0; i < types.size(); ++i)
    types[i] = functionResult(i);
  return types;
}

std::string Type::print() const {
  std::string text;
  api().mlirTypePrint(raw, appendTo, &text);
  return text;
}
