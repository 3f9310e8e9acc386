//===- SimplifyReads.cpp - kvlift-simplify-reads --------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention from torch reads a cache [B, KV, S, D] as
//   repeat heads -> transpose -> reshape to [B * H, D, S] -> dot_general
// and the runtimes build what they are told to: copies of the whole slot, even
// a second update. dot_general can batch over several dims and sum over any, so
// it can read the slot itself. For each dot_general with an operand that is a
// view of a slot:
// 1. Split the dims of the other operand as the view's dims are composed.
// 2. Batched dims of the slot stay batched; repeated heads become free dims of
//    the other operand, which is small.
// 3. Put the slot first when its summed dims are its last ones, else second:
//    [S, D] x [D, 1] and [1, S] x [S, D] are products that need no transpose.
// 4. Transpose and reshape the (small) result to what it was.
// Of two slots whose last dims are summed, IREE transposes the second, unless
// one dim is batched: for iree:cpu their leading batched dims are merged.
//
// A weight [N, K] that meets rows [M, K] as its transpose [K, N], which is how
// torch's Linear comes, is put first where the target pays for the transpose in
// each call: IREE for one row, XLA:CPU for a few. XLA would turn the product
// around again but for an optimization_barrier.
//
// Each element is the same sum of the same products. Left alone: a view that
// splits a dim of the slot, a version that is overwritten before the dot,
// repetition in summed or free dims, a dot that names an algorithm for its
// operands or a sharding of its result, and quantized elements, whose scales
// can belong to a dim.
//
//===----------------------------------------------------------------------===//

#include "MergeBatches.h"
#include "kvlift/Builder.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"
#include "kvlift/View.h"

#include <algorithm>

using namespace kvlift;

namespace {

// XLA:CPU, 24 weights [1408, 512], ms of CPU time before and after: 8 rows 11.6
// and 8.9, 32 rows 22.3 and 16.3, 128 rows 51.5 and 48.6, 512 rows 184 and 195.
constexpr int64_t mostRowsOfTransposedProduct = 32;

/// A dim of the new product: of the slot, or of the split other operand.
struct Label {
  enum Side { slot, other } side;
  int64_t dim;
  friend bool operator==(const Label &, const Label &) = default;
};

/// The new product of the slot and the other operand, split to `otherShape`.
struct Plan {
  Operation dot;
  View view;
  Value other;
  Dims otherShape;
  /// Pairs of dims, slot's and other's.
  Dims slotBatch, otherBatch, slotContracting, otherContracting;
  /// The dims of the old result, split.
  std::vector<Label> wanted;
};

/// One side of a dot_general.
struct Operand {
  Value value;
  Dims batch, contracting;
};

std::pair<Operand, Operand> operandsOf(Operation dot) {
  DotNumbers numbers = dotNumbersOf(dot);
  return {{dot.operand(0), numbers.lhsBatch, numbers.lhsContracting},
          {dot.operand(1), numbers.rhsBatch, numbers.rhsContracting}};
}

bool hasRepetition(const std::vector<Atom> &atoms) {
  return std::any_of(atoms.begin(), atoms.end(), [](const Atom &atom) {
    return atom.source == Atom::repeated;
  });
}

/// Dims of the slot with those of the split other operand that they meet.
using DimPairs = std::vector<std::pair<int64_t, int64_t>>;

void appendPairs(Dims &slot, Dims &other, const Dims &oldDims,
                 const std::vector<DimPairs> &pairs) {
  for (int64_t dim : oldDims)
    for (auto [slotDim, split] : pairs[dim]) {
      slot.push_back(slotDim);
      other.push_back(split);
    }
}

/// Splits the other operand; gives the labels of each of its old dims.
std::vector<std::vector<Label>> splitOther(Plan &plan, const Operand &viewed,
                                           const Operand &other) {
  std::vector<std::vector<Label>> labels;
  Dims shape = other.value.type().shape();
  std::vector<DimPairs> pairs(shape.size());
  for (int64_t dim = 0, rank = shape.size(); dim < rank; ++dim) {
    labels.emplace_back();
    bool isBatch = contains(other.batch, dim);
    if (!isBatch && !contains(other.contracting, dim)) {
      labels.back().push_back(
          {Label::other, static_cast<int64_t>(plan.otherShape.size())});
      plan.otherShape.push_back(shape[dim]);
      continue;
    }
    int64_t paired = isBatch
                         ? viewed.batch[indexOf(other.batch, dim)]
                         : viewed.contracting[indexOf(other.contracting, dim)];
    for (const Atom &atom : plan.view.dims[paired]) {
      int64_t split = plan.otherShape.size();
      plan.otherShape.push_back(atom.extent);
      if (atom.source == Atom::repeated) {
        labels.back().push_back({Label::other, split});
        continue;
      }
      pairs[dim].push_back({atom.source, split});
      labels.back().push_back({Label::slot, atom.source});
    }
  }
  appendPairs(plan.slotBatch, plan.otherBatch, other.batch, pairs);
  // In the order in which the old product sums: another one rounds otherwise.
  appendPairs(plan.slotContracting, plan.otherContracting, other.contracting,
              pairs);
  return labels;
}

/// The labels of an operand's free dims, in order.
void appendFree(std::vector<Label> &to, const Operand &operand,
                const std::vector<std::vector<Label>> &labels) {
  for (size_t dim = 0; dim < labels.size(); ++dim)
    if (!contains(operand.batch, dim) && !contains(operand.contracting, dim))
      to.insert(to.end(), labels[dim].begin(), labels[dim].end());
}

/// Whether the product already has the form that needs no transpose.
bool slotComesFirst(const Plan &plan) {
  int64_t rank = plan.view.source.type().rank();
  return contains(plan.slotContracting, rank - 1);
}

/// What the dot says about its operands or its result by their places.
bool isBoundToItsForm(Operation dot) {
  return dot.attribute("algorithm") || dot.attribute("mhlo.sharding") ||
         dot.attribute("sdy.sharding");
}

bool isPlainTensor(Type type) {
  return type.isStaticTensor() && type.element().bitWidth() != 0;
}

std::optional<Plan> match(Operation dot, bool viewedIsFirst) {
  if (isBoundToItsForm(dot))
    return std::nullopt;
  auto [first, second] = operandsOf(dot);
  const Operand &viewed = viewedIsFirst ? first : second;
  const Operand &other = viewedIsFirst ? second : first;
  std::optional<View> view = viewOf(viewed.value);
  if (!view || !isPlainTensor(view->source.type()) ||
      !isPlainTensor(other.value.type()) || !isPlainTensor(dot.result().type()))
    return std::nullopt;
  for (int64_t dim = 0, rank = view->dims.size(); dim < rank; ++dim)
    if (!contains(viewed.batch, dim) && hasRepetition(view->dims[dim]))
      return std::nullopt;

  Plan plan{dot, *view, other.value, {}, {}, {}, {}, {}, {}};
  auto otherLabels = splitOther(plan, viewed, other);
  std::vector<std::vector<Label>> viewedLabels;
  for (const auto &atoms : view->dims) {
    viewedLabels.emplace_back();
    for (const Atom &atom : atoms)
      viewedLabels.back().push_back({Label::slot, atom.source});
  }
  for (int64_t dim : other.batch)
    plan.wanted.insert(plan.wanted.end(), otherLabels[dim].begin(),
                       otherLabels[dim].end());
  if (viewedIsFirst)
    appendFree(plan.wanted, viewed, viewedLabels);
  appendFree(plan.wanted, other, otherLabels);
  if (!viewedIsFirst)
    appendFree(plan.wanted, viewed, viewedLabels);

  if (view->through.empty() && slotComesFirst(plan) == viewedIsFirst)
    return std::nullopt; // It is as good as it gets.
  return plan;
}

/// The labels of the new product's dims, in dot_general's order.
std::vector<Label> productLabels(const Plan &plan) {
  std::vector<Label> batch, ofSlot, ofOther;
  for (int64_t dim : plan.slotBatch)
    batch.push_back({Label::slot, dim});
  for (int64_t dim = 0, n = plan.view.source.type().rank(); dim < n; ++dim)
    if (!contains(plan.slotBatch, dim) && !contains(plan.slotContracting, dim))
      ofSlot.push_back({Label::slot, dim});
  for (int64_t dim = 0, n = plan.otherShape.size(); dim < n; ++dim)
    if (!contains(plan.otherBatch, dim) &&
        !contains(plan.otherContracting, dim))
      ofOther.push_back({Label::other, dim});
  if (!slotComesFirst(plan))
    std::swap(ofSlot, ofOther);
  batch.insert(batch.end(), ofSlot.begin(), ofSlot.end());
  batch.insert(batch.end(), ofOther.begin(), ofOther.end());
  return batch;
}

Dims shapeOf(const Plan &plan, const std::vector<Label> &labels) {
  Dims slot = plan.view.source.type().shape(), shape;
  for (const Label &label : labels)
    shape.push_back(label.side == Label::slot ? slot[label.dim]
                                              : plan.otherShape[label.dim]);
  return shape;
}

/// The dot's attributes for operands that may have changed sides.
Builder::NamedAttributes attributesOf(const Plan &plan, bool isSwapped) {
  Context context = plan.dot.context();
  DotNumbers numbers{plan.slotBatch, plan.otherBatch, plan.slotContracting,
                     plan.otherContracting};
  if (!slotComesFirst(plan))
    numbers = {plan.otherBatch, plan.slotBatch, plan.otherContracting,
               plan.slotContracting};
  Builder::NamedAttributes attributes{
      {"dot_dimension_numbers", dotNumbersAttribute(context, numbers)}};
  for (const auto &[name, value] : plan.dot.attributes()) {
    if (name == "dot_dimension_numbers")
      continue;
    bool isPair =
        name == "precision_config" && value.isArray() && value.arraySize() == 2;
    attributes.emplace_back(
        name, isSwapped && isPair
                  ? Attribute::array(
                        context, {value.arrayElement(1), value.arrayElement(0)})
                  : value);
  }
  return attributes;
}

/// A dot_general, and which of its operands is a view of a slot or weight.
struct Read {
  Operation dot;
  bool viewedIsFirst, isKeptFromTurning;
};

void apply(const Plan &plan, const Read &read) {
  Builder build(plan.dot);
  Value slot = plan.view.source;
  Value other = build.reshape(plan.other, plan.otherShape);
  std::vector<Label> labels = productLabels(plan);
  bool first = slotComesFirst(plan);
  Type oldType = plan.dot.result().type();
  Value product =
      build
          .create("stablehlo.dot_general",
                  first ? std::vector{slot, other} : std::vector{other, slot},
                  {oldType.withShape(shapeOf(plan, labels))},
                  attributesOf(plan, first != read.viewedIsFirst))
          .result();
  if (read.isKeptFromTurning)
    product = build
                  .create("stablehlo.optimization_barrier", {product},
                          {product.type()}, {})
                  .result();

  Dims permutation;
  for (const Label &label : plan.wanted)
    permutation.push_back(std::find(labels.begin(), labels.end(), label) -
                          labels.begin());
  if (!isIdentity(permutation))
    product = build.transpose(product, permutation);
  plan.dot.result().replaceAllUsesWith(build.reshape(product, oldType.shape()));
  plan.dot.erase();
  for (Operation op : plan.view.through) {
    if (!op.result().isUnused())
      break;
    op.erase();
  }
}

/// Whether the value is a version of a slot, or becomes its new value as it is;
/// its elements may be converted.
bool isSlotVersion(const FuncOp &function, const Provenance &provenance,
                   Value value) {
  value = behindConversions(value);
  const auto *origin = provenance.origin(value);
  if (origin && origin->view.empty() &&
      function.argumentAttribute(origin->argument, marks::slot))
    return true;
  for (const Use &use : value.uses())
    if (Operation(use.user) == function.returnOp() &&
        function.resultAttribute(use.operand, marks::slot))
      return true;
  return false;
}

/// How many rows a whole argument meets that is turned around for them; 0 if
/// it is no such product.
int64_t rowsForTurnedWeight(const Plan &plan) {
  Value argument = plan.view.source;
  if (!argument.isBlockArgument() || argument.type().rank() != 2 ||
      plan.view.through.empty() || !plan.slotBatch.empty() ||
      !slotComesFirst(plan))
    return 0;
  int64_t rows = 1;
  for (int64_t dim = 0, n = plan.otherShape.size(); dim < n; ++dim)
    if (!contains(plan.otherContracting, dim))
      rows *= plan.otherShape[dim];
  return rows;
}

/// Whether XLA:CPU packs the transposed weight anew for so few rows that this
/// costs more than a transposed product.
bool isPackedByXla(int64_t rows, const TargetModel &model) {
  return model.find(Habit::transposesProducts) && rows > 1 &&
         rows <= mostRowsOfTransposedProduct;
}

bool isTransposedByIree(int64_t rows, const TargetModel &model) {
  return model.find(Habit::transposesFactors) && rows == 1;
}

/// Whether an update overwrites the version before the dot reads it. A copy
/// made by the view then saves the old contents, and has to stay.
bool isOverwrittenBefore(Operation dot, Value version) {
  for (const Use &use : version.uses()) {
    Operation user(use.user);
    if (isUpdate(user) && user.block() == dot.block() && user.isBefore(dot))
      return true;
  }
  return false;
}

std::vector<Read> findReads(const FuncOp &function, const TargetModel &model) {
  std::vector<Read> reads;
  Provenance provenance(function);
  for (Operation op : function.body()) {
    if (!op.is("stablehlo.dot_general"))
      continue;
    for (bool viewedIsFirst : {false, true}) {
      std::optional<Plan> plan = match(op, viewedIsFirst);
      if (!plan ||
          isOverwrittenBefore(op, behindConversions(plan->view.source)))
        continue;
      int64_t rows = rowsForTurnedWeight(*plan);
      bool isPacked = isPackedByXla(rows, model);
      if (!isPacked && !isTransposedByIree(rows, model) &&
          !isSlotVersion(function, provenance, plan->view.source))
        continue;
      // Of two slots that are read as they lie, one has to give way.
      if (plan->view.through.empty() &&
          isSlotVersion(function, provenance, plan->other))
        continue;
      reads.push_back({op, viewedIsFirst, isPacked});
      break;
    }
  }
  return reads;
}

/// Of two slots as they lie, one may have to be turned around.
void mergeBatchesIn(const FuncOp &function) {
  std::vector<Operation> dots;
  Provenance provenance(function);
  for (Operation op : function.body())
    if (op.is("stablehlo.dot_general") && !isBoundToItsForm(op) &&
        isSlotVersion(function, provenance, op.operand(0)) &&
        isSlotVersion(function, provenance, op.operand(1)))
      dots.push_back(op);
  for (Operation dot : dots)
    mergeBatches(dot);
}

} // namespace

Status kvlift::simplifyReads(Operation module, const PassOptions &options,
                             DiagnosticLog &log) {
  auto model = targetModelOf(options, log);
  if (!model)
    return Status::failure();
  for (const FuncOp &function : functionsOf(module)) {
    if (function.isDeclaration() || !function.hasOneBlock())
      continue;
    // All are found before the first is changed: provenance is of values that
    // exist. Plans are made anew, since one's operand may be another's result.
    for (const Read &read : findReads(function, *model))
      if (std::optional<Plan> plan = match(read.dot, read.viewedIsFirst))
        apply(*plan, read);
    if (model->find(Habit::transposesFactors))
      mergeBatchesIn(function);
  }
  return Status::success();
}
