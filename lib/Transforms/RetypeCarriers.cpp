//===- RetypeCarriers.cpp - Gives carriers another type -------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With a bf16 slot [1, H, S, D] stored as ui16 [H, S, D]:
//   %n = dynamic_update_slice %c, %u, %0, %0, %p, %0
//   %s = dot_general %n, %q
// becomes
//   %w = bitcast_convert (reshape %u)
//   %n = dynamic_update_slice %c, %w, %0, %p, %0
//   %s = dot_general (reshape (bitcast_convert %n)), %q
// A start of a dim of extent 1 is clamped to 0, so that it can go. A slice of
// the slot is taken of the store type: the runtime then reads only its rows. A
// conversion is of the store type too, so that products see the slot behind it.
//
// With dims in another order, updates are transposed, and so is what reads the
// slot, as simplify-reads can take out again: the slot's new rows are small.
//
//===----------------------------------------------------------------------===//

#include "RetypeCarriers.h"
#include "Updates/RewriteSupport.h"
#include "kvlift/Builder.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

using namespace kvlift;

namespace {

/// A use of a carrier that hands nothing on.
struct Read {
  Value carrier;
  Use use;
};

class Retyper {
public:
  Retyper(const Carriers &carriers, const Storage &storage)
      : carriers(carriers), storage(storage) {}

  void run();

private:
  void plan();
  void setTypes();
  void rewriteRead(const Read &read);
  void rewriteSlice(const Read &read);
  void rewriteConvert(const Read &read);
  Value stored(Builder &build, Value value, const Dims &shape) const;
  Value logicalOf(Builder &build, Value value, Type type) const;
  void rewriteUpdate(Operation op);
  void rewriteScatter(Operation op);
  void rewriteTranspose(Operation op);
  Type logicalType(Value carrier) const { return logical.at(carrier.raw.ptr); }

  const Carriers &carriers;
  const Storage &storage;
  // Looked up, never iterated: the order of pointers must not show.
  std::unordered_map<const void *, Type> logical;
  std::unordered_map<const void *, FoldedScatter> foldedScatters;
  std::vector<Read> reads;
  /// The ops that make carriers, each once.
  std::vector<Operation> makers;
};

/// Notes what depends on the logical types, which go away.
void Retyper::plan() {
  std::unordered_set<const void *> seen;
  for (Value carrier : carriers.values) {
    logical.emplace(carrier.raw.ptr, carrier.type());
    for (const Use &use : carrier.uses())
      if (!carriers.isHandedOn(use))
        reads.push_back({carrier, use});
    Operation maker = carrier.definingOp();
    if (!maker || !seen.insert(maker.raw.ptr).second)
      continue;
    makers.push_back(maker);
    std::string why;
    if (maker.is("stablehlo.scatter") && storage.foldsUnitDims)
      foldedScatters.emplace(maker.raw.ptr, *foldScatter(maker, why));
  }
}

void Retyper::setTypes() {
  for (Value carrier : carriers.values) {
    Type type = storage.of(carrier.type());
    if (carrier.isBlockArgument())
      if (Operation owner = carrier.argumentOwner().parentOp();
          owner.is("func.func")) {
        FuncOp(owner).setArgumentType(carrier.argumentNumber(), type);
        continue;
      }
    carrier.setType(type);
  }
  for (const auto &[function, index] : carriers.results)
    function.setResultType(index, storage.of(function.resultType(index)));
}

//===----------------------------------------------------------------------===//
// Between the types
//===----------------------------------------------------------------------===//

/// The value's elements in their store type, in `shape`, which is that of the
/// value as it lies. A select of rows selects what is stored: a runtime may
/// change NaNs that it selects as bf16, and old rows lie in this order already.
Value Retyper::stored(Builder &build, Value value, const Dims &shape) const {
  Type element = value.type().element();
  Type storedElement = storage.storedElement(element);
  if (storedElement == element && storage.order.empty())
    return build.reshape(value, shape);
  auto inShape = [&](Value each) {
    if (!storage.order.empty())
      each = build.transpose(each, storage.order);
    return build.reshape(each, shape);
  };
  auto inStore = [&](Value each) {
    return build.bitcast(inShape(each), storedElement);
  };
  Operation op = value.definingOp();
  if (!op || !op.is("stablehlo.select"))
    return inStore(value);
  Value predicate = op.operand(0);
  if (predicate.type().rank() != 0)
    predicate = inShape(predicate);
  return build.select(predicate, inStore(op.operand(1)),
                      inStore(op.operand(2)));
}

/// What a stored value means: the inverse of `stored`.
Value Retyper::logicalOf(Builder &build, Value value, Type type) const {
  value = build.bitcast(value, type.element());
  if (storage.order.empty())
    return build.reshape(value, type.shape());
  Dims shape = type.shape(), lies;
  for (int64_t dim : storage.order)
    lies.push_back(shape[dim]);
  return build.transpose(build.reshape(value, lies),
                         invertPermutation(storage.order));
}

//===----------------------------------------------------------------------===//
// Reads
//===----------------------------------------------------------------------===//

void Retyper::rewriteRead(const Read &read) {
  Operation op(read.use.user);
  if (!(op.operand(read.use.operand) == read.carrier))
    return; // One view serves all operands of an op.
  Builder build(op);
  Value view = logicalOf(build, read.carrier, logicalType(read.carrier));
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i)
    if (op.operand(i) == read.carrier && !carriers.isHandedOn({op.raw, i}))
      op.setOperand(i, view);
}

/// Whether the op's result can be taken of the store type: a part of the
/// carrier that has all of each folded dim, or its elements converted.
bool isOfStore(const Read &read) {
  Operation op(read.use.user);
  return read.use.operand == 0 &&
         (op.is("stablehlo.dynamic_slice") || op.is("stablehlo.slice") ||
          op.is("stablehlo.convert")) &&
         op.result().type().elementCount() != 0 &&
         !op.attribute("mhlo.sharding") && !op.attribute("sdy.sharding");
}

/// Converts the elements as they lie.
void Retyper::rewriteConvert(const Read &read) {
  Operation op(read.use.user);
  Type type = op.result().type();
  Builder build(op);
  Type from = logicalType(read.carrier).element();
  Value elements = build.bitcast(read.carrier, from);
  Value converted =
      build
          .create("stablehlo.convert", {elements},
                  {Type::tensor(read.carrier.type().shape(), type.element())})
          .result();
  op.result().replaceAllUsesWith(logicalOf(build, converted, type));
  op.erase();
}

/// Takes the slice of the store type.
void Retyper::rewriteSlice(const Read &read) {
  Operation op(read.use.user);
  Type type = op.result().type(), from = logicalType(read.carrier);
  Builder build(op);
  Context context = build.context();
  Dims shape = storage.keep(from, type.shape());
  std::vector<Value> operands{read.carrier};
  Builder::NamedAttributes attributes;
  auto keepAttribute = [&](std::string_view name) {
    Dims values = op.attribute(name).asI64Array().value();
    attributes.emplace_back(
        name, Attribute::i64Array(context, storage.keep(from, values)));
  };
  if (op.is("stablehlo.dynamic_slice")) {
    std::vector<Value> starts = op.operands();
    starts.erase(starts.begin());
    for (Value start : storage.keep(from, starts))
      operands.push_back(start);
    keepAttribute("slice_sizes");
  } else {
    for (std::string_view name : {"start_indices", "limit_indices", "strides"})
      keepAttribute(name);
  }
  Value slice = build
                    .create(op.name(), operands,
                            {read.carrier.type().withShape(shape)}, attributes)
                    .result();
  op.result().replaceAllUsesWith(logicalOf(build, slice, type));
  op.erase();
}

//===----------------------------------------------------------------------===//
// Updates
//===----------------------------------------------------------------------===//

void Retyper::rewriteUpdate(Operation op) {
  Builder build(op);
  Type from = logicalType(op.result());
  Value update = op.operand(1);
  std::vector<Value> operands = op.operands();
  std::vector<Value> starts(operands.begin() + 2, operands.end());
  operands = {op.operand(0),
              stored(build, update, storage.keep(from, update.type().shape()))};
  for (Value start : storage.keep(from, starts))
    operands.push_back(start);
  op.setOperands(operands);
  eraseIfDead(update.definingOp());
}

/// The columns of an index tensor, its dim `vectorDim`, that stay.
Value keepColumns(Builder &build, Value indices, const Dims &columns,
                  int64_t vectorDim) {
  Dims shape = indices.type().shape();
  if (vectorDim == static_cast<int64_t>(shape.size()) ||
      static_cast<int64_t>(columns.size()) == shape[vectorDim])
    return indices;
  std::vector<Value> kept;
  for (int64_t column : columns) {
    Dims low(shape.size(), 0), high = shape;
    low[vectorDim] = column;
    high[vectorDim] = column + 1;
    kept.push_back(build.slice(indices, low, high));
  }
  return kept.size() == 1 ? kept.front() : build.concatenate(kept, vectorDim);
}

void Retyper::rewriteScatter(Operation op) {
  Builder build(op);
  Value indices = op.operand(1), update = op.operand(2);
  Dims shape = update.type().shape();
  if (auto folded = foldedScatters.find(op.raw.ptr);
      folded != foldedScatters.end()) {
    Dims kept;
    for (int64_t dim : folded->second.updateDims)
      kept.push_back(shape[dim]);
    shape = kept;
    indices = keepColumns(build, indices, folded->second.columns,
                          scatterNumbersOf(op).indexVectorDim);
    op.setAttribute("scatter_dimension_numbers", folded->second.numbers);
  }
  op.setOperands({op.operand(0), indices, stored(build, update, shape)});
  eraseIfDead(update.definingOp());
  Type element = op.result().type().element();
  for (Value argument : op.regions().front().firstBlock().arguments())
    argument.setType(Type::tensor({}, element));
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

void Retyper::rewriteTranspose(Operation op) {
  Dims kept = storage.keptDims(logicalType(op.operand(0))), permutation;
  for (int64_t dim : storage.keep(logicalType(op.result()), permutationOf(op)))
    permutation.push_back(std::find(kept.begin(), kept.end(), dim) -
                          kept.begin());
  op.setAttribute("permutation",
                  Attribute::i64Array(op.context(), permutation));
}

/// Removes a view that the store types have made one of the same elements.
void dropIdentity(Operation op) {
  bool isView = op.is("stablehlo.reshape") ||
                op.is("stablehlo.bitcast_convert") ||
                (op.is("stablehlo.transpose") && isIdentity(permutationOf(op)));
  if (!isView || !(op.operand(0).type() == op.result().type()))
    return;
  op.result().replaceAllUsesWith(op.operand(0));
  op.erase();
}

void Retyper::run() {
  plan();
  setTypes();
  // A slice goes away, so that its other operands have to be done before.
  auto ofStore =
      std::stable_partition(reads.begin(), reads.end(),
                            [](const Read &read) { return !isOfStore(read); });
  std::for_each(reads.begin(), ofStore,
                [&](const Read &read) { rewriteRead(read); });
  std::for_each(ofStore, reads.end(), [&](const Read &read) {
    if (Operation(read.use.user).is("stablehlo.convert"))
      rewriteConvert(read);
    else
      rewriteSlice(read);
  });
  for (Operation op : makers) {
    if (op.is("stablehlo.dynamic_update_slice"))
      rewriteUpdate(op);
    else if (op.is("stablehlo.scatter"))
      rewriteScatter(op);
    else if (op.is("stablehlo.transpose"))
      rewriteTranspose(op);
  }
  for (Operation op : makers)
    dropIdentity(op);
}

} // namespace

void kvlift::retypeCarriers(const Carriers &carriers, const Storage &storage) {
  Retyper(carriers, storage).run();
}
