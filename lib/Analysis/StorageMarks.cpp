//===- StorageMarks.cpp - How slots are stored, by their marks ------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StorageMarks.h"

#include <algorithm>
#include <map>
#include <numeric>

using namespace kvlift;

/// The integers of an array attribute, if that is what it is.
static std::optional<Dims> integersOf(Attribute array) {
  if (!array.isArray())
    return std::nullopt;
  Dims integers;
  for (int64_t i = 0, n = array.arraySize(); i < n; ++i) {
    auto integer = array.arrayElement(i).asInteger();
    if (!integer)
      return std::nullopt;
    integers.push_back(*integer);
  }
  return integers;
}

Type kvlift::logicalType(const FuncOp &function, int64_t argument) {
  Type logical = function.argumentAttribute(argument, marks::logical).asType();
  return logical ? logical : function.argumentType(argument);
}

std::optional<Dims> kvlift::storeOrder(const FuncOp &function,
                                       int64_t argument) {
  return integersOf(function.argumentAttribute(argument, marks::order));
}

void kvlift::setStoreOrder(const FuncOp &function, int64_t argument,
                           const Dims &order) {
  Context context = function.operation().context();
  std::vector<Attribute> dims;
  for (int64_t dim : order)
    dims.push_back(Attribute::integer(Type::integer(context, 64), dim));
  function.editArgumentAttributes(
      {{argument, marks::order, Attribute::array(context, dims)}});
}

/// How a slot's argument is stored, for people.
static std::string storePrinted(const FuncOp &function, int64_t argument) {
  Attribute order = function.argumentAttribute(argument, marks::order);
  return function.argumentType(argument).print() +
         (order ? " in the order " + order.print() : "");
}

/// Whether an argument of type `store` can hold the elements of `logical`, dim
/// by dim in this order.
static bool isStorageOf(Type store, Type logical, const Dims &order) {
  if (!store.isStaticTensor() || !logical.isStaticTensor() ||
      store.element().bitWidth() != logical.element().bitWidth())
    return false;
  Dims sorted = order, dims = logical.shape(), lies, shape = store.shape();
  std::sort(sorted.begin(), sorted.end());
  if (sorted.size() != dims.size() || !isIdentity(sorted))
    return false;
  for (int64_t dim : order)
    lies.push_back(dims[dim]);
  std::erase(lies, 1);
  std::erase(shape, 1);
  return lies == shape;
}

Status kvlift::checkStorageMarks(const FuncOp &function, DiagnosticLog &log) {
  for (int64_t i = 0, n = function.numArguments(); i < n; ++i) {
    Attribute order = function.argumentAttribute(i, marks::order);
    if (!order && !function.argumentAttribute(i, marks::logical))
      continue;
    Type logical = logicalType(function, i), store = function.argumentType(i);
    Dims dims(logical.isRankedTensor() ? logical.rank() : 0);
    std::iota(dims.begin(), dims.end(), 0);
    if (order)
      dims = integersOf(order).value_or(Dims{});
    if (logical == store && !order)
      continue;
    if (isStorageOf(store, logical, dims))
      continue;
    log.error(function.operation().location(),
              "argument #" + std::to_string(i) + " of function " +
                  quote(function.name()) + " is " + store.print() +
                  ", which stores no " + logical.print() +
                  (order ? " in the order " + order.print() : ""))
        .note(function.operation().location(),
              "remove its kvlift.logical and kvlift.order, or lift again");
    return Status::failure();
  }
  return Status::success();
}

Status kvlift::checkSharedSlots(const std::vector<PublicFunction> &functions,
                                DiagnosticLog &log) {
  std::map<std::string, std::pair<FuncOp, Slot>> known;
  for (const auto &[function, slots] : functions)
    for (const Slot &slot : slots) {
      auto [at, isNew] = known.emplace(slot.name, std::pair(function, slot));
      const auto &[other, first] = at->second;
      Type is = logicalType(function, slot.argument);
      Type was = logicalType(other, first.argument);
      std::string how = "is ", isText = is.print(), wasText = was.print();
      if (is == was) {
        how = "is stored as ";
        isText = storePrinted(function, slot.argument);
        wasText = storePrinted(other, first.argument);
      }
      if (isText == wasText)
        continue;
      log.error(function.operation().location(),
                "slot " + quote(slot.name) + " of function " +
                    quote(function.name()) + " " + how + isText +
                    "; functions that name the same slot share its storage")
          .note(other.operation().location(),
                "function " + quote(other.name()) + " has it as " + wasText +
                    " here; give one of them another name");
      return Status::failure();
    }
  return Status::success();
}
