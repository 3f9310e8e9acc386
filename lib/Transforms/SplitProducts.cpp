//===- SplitProducts.cpp - kvlift-split-products --------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// XLA:CPU multiplies bf16, f16 and f8 as f32 and converts each operand as a
// whole first: a cache of 32 MB gets 64 MB of fresh memory beside it in each
// call. For each dot_general with an operand that is a slot which the target
// converts so:
// 1. Cut the operand along its leading dims, as far as the product does not sum
//    over them, into pieces that are small as f32.
// 2. Multiply each piece, one after the other: the position of the next piece
//    waits for the product of the last one (Await.h), so that the pieces use
//    the same memory, which stays in the cache of the processor.
// 3. Put the products together.
//
// Each element is the same product of the same vectors. Left alone: operands
// that are small as a whole, those of which the smallest piece would be as
// large as the slot itself (products that sum over the first dim), and products
// that say how devices share their result.
//
//===----------------------------------------------------------------------===//

#include "Await.h"
#include "kvlift/Carriers.h"
#include "kvlift/InPlace.h"
#include "kvlift/Passes.h"
#include "kvlift/Provenance.h"
#include "kvlift/State.h"
#include "kvlift/View.h"

#include <algorithm>

using namespace kvlift;

namespace {

constexpr int64_t bytesConverted = 4; // As f32.
// Keys and values of 8 heads of 64, capacity 32768, in bf16: 205 ms whole, 93
// in pieces of 16 MiB, 38 of 8, 47 of 4; each piece takes XLA 0.1 s to compile.
constexpr int64_t defaultPieceBytes = int64_t(8) << 20;
constexpr int64_t mostPieces = 64;

/// A product and how its operand is cut.
struct Plan {
  Operation dot;
  int64_t operand;
  /// The dim along which pieces are cut, the dims before it one by one.
  int64_t dim;
  int64_t rowsPerPiece;

  int64_t rowsOf(int64_t cut) const { return cut == dim ? rowsPerPiece : 1; }
};

/// Where a piece begins and how many rows of the cut dim it has.
struct Piece {
  Dims low, high;
};

/// The operand as the program has it before it converts it for the product.
Value unconverted(Value operand) {
  Operation maker = operand.definingOp();
  return maker && maker.is("stablehlo.convert") ? maker.operand(0) : operand;
}

bool isConvertedByXla(Value operand) {
  Type element = operand.type().element();
  return !(unconverted(operand) == operand) || isNarrowFloat(element) ||
         element.print() == "f16";
}

/// The product's dims of one operand.
struct Sides {
  Dims batch, contracting, otherBatch;
};

Sides sidesOf(const Plan &plan) {
  DotNumbers numbers = dotNumbersOf(plan.dot);
  if (plan.operand == 0)
    return {numbers.lhsBatch, numbers.lhsContracting, numbers.rhsBatch};
  return {numbers.rhsBatch, numbers.rhsContracting, numbers.lhsBatch};
}

/// The dim of the result that a dim of the cut operand becomes: batched dims,
/// then the free ones of the first operand, then those of the second.
int64_t resultDim(const Plan &plan, const Sides &sides, int64_t dim) {
  if (contains(sides.batch, dim))
    return indexOf(sides.batch, dim);
  int64_t place = sides.batch.size();
  if (plan.operand == 1) {
    DotNumbers numbers = dotNumbersOf(plan.dot);
    place += plan.dot.operand(0).type().rank() - numbers.lhsBatch.size() -
             numbers.lhsContracting.size();
  }
  for (int64_t before = 0; before < dim; ++before)
    place +=
        !contains(sides.batch, before) && !contains(sides.contracting, before);
  return place;
}

/// Finds the dim to cut: the first at which one index is a small piece, or the
/// last one that the product does not sum over.
std::optional<Plan> planFor(Operation dot, int64_t operand,
                            int64_t pieceBytes) {
  Type type = dot.operand(operand).type();
  if (!type.isStaticTensor() || !dot.result().type().isStaticTensor() ||
      !dot.operand(1 - operand).type().isStaticTensor() ||
      dot.attribute("mhlo.sharding") || dot.attribute("sdy.sharding") ||
      !canBeAwaited(dot.result().type()))
    return std::nullopt;
  int64_t total = type.elementCount() * bytesConverted;
  if (total <= pieceBytes)
    return std::nullopt;
  int64_t slotBytes = byteSize(unconverted(dot.operand(operand)).type());
  pieceBytes =
      std::max(std::min(pieceBytes, slotBytes / 2), total / mostPieces);
  Plan plan{dot, operand, -1, 0};
  Sides sides = sidesOf(plan);
  Dims shape = type.shape();
  int64_t bytes = total;
  for (int64_t dim = 0, rank = shape.size(); dim < rank; ++dim) {
    if (contains(sides.contracting, dim))
      break;
    if (shape[dim] == 1)
      continue;
    bytes /= shape[dim];
    plan.dim = dim;
    plan.rowsPerPiece = std::clamp<int64_t>(pieceBytes / bytes, 1, shape[dim]);
    if (bytes <= pieceBytes)
      break;
  }
  if (plan.dim < 0 || bytes * plan.rowsPerPiece >= slotBytes)
    return std::nullopt;
  return plan;
}

/// All pieces in order, the last dim that is cut the fastest.
std::vector<Piece> piecesOf(const Plan &plan) {
  Dims shape = plan.dot.operand(plan.operand).type().shape();
  std::vector<Piece> pieces{{Dims(shape.size(), 0), shape}};
  for (int64_t dim = 0; dim <= plan.dim; ++dim) {
    int64_t step = plan.rowsOf(dim);
    std::vector<Piece> cut;
    for (const Piece &piece : pieces)
      for (int64_t low = 0; low < shape[dim]; low += step) {
        cut.push_back(piece);
        cut.back().low[dim] = low;
        cut.back().high[dim] = std::min(low + step, shape[dim]);
      }
    pieces = std::move(cut);
  }
  return pieces;
}

/// The piece of the operand, taken after `last` if there is one.
Value takePiece(Builder &build, const Plan &plan, const Piece &piece,
                Value last) {
  Value operand = plan.dot.operand(plan.operand);
  Value source = unconverted(operand);
  Type position = Type::tensor({}, Type::integer(build.context(), 32));
  std::vector<Value> starts;
  Dims sizes;
  for (size_t dim = 0; dim < piece.low.size(); ++dim) {
    starts.push_back(build.splat(position, piece.low[dim]));
    sizes.push_back(piece.high[dim] - piece.low[dim]);
  }
  if (last)
    starts[plan.dim] = computeAfter(build, starts[plan.dim], last);
  return build.convert(build.dynamicSlice(source, starts, sizes),
                       operand.type().element());
}

/// What the piece meets: all of the other operand but for other batches.
Value takeOther(Builder &build, const Plan &plan, const Sides &sides,
                const Piece &piece) {
  Value other = plan.dot.operand(1 - plan.operand);
  Dims high = other.type().shape(), low(high.size(), 0);
  for (size_t i = 0; i < sides.batch.size(); ++i) {
    low[sides.otherBatch[i]] = piece.low[sides.batch[i]];
    high[sides.otherBatch[i]] = piece.high[sides.batch[i]];
  }
  return build.slice(other, low, high);
}

/// The products of all pieces, in order.
std::vector<Value> multiplyPieces(Builder &build, const Plan &plan,
                                  const Sides &sides) {
  Type type = plan.dot.result().type();
  Builder::NamedAttributes attributes;
  for (const auto &[name, value] : plan.dot.attributes())
    attributes.emplace_back(name, value);
  std::vector<Value> products;
  for (const Piece &piece : piecesOf(plan)) {
    Value last = products.empty() ? Value() : products.back();
    std::vector<Value> operands(2);
    operands[plan.operand] = takePiece(build, plan, piece, last);
    operands[1 - plan.operand] = takeOther(build, plan, sides, piece);
    Dims shape = type.shape();
    for (int64_t dim = 0; dim <= plan.dim; ++dim)
      shape[resultDim(plan, sides, dim)] = piece.high[dim] - piece.low[dim];
    products.push_back(build
                           .create("stablehlo.dot_general", operands,
                                   {type.withShape(shape)}, attributes)
                           .result());
  }
  return products;
}

/// The whole product, from the dim that is cut last to the one that is first.
Value joinPieces(Builder &build, const Plan &plan, const Sides &sides,
                 std::vector<Value> products) {
  Dims cut = plan.dot.operand(plan.operand).type().shape();
  for (int64_t dim = plan.dim; dim >= 0; --dim) {
    size_t count = (cut[dim] + plan.rowsOf(dim) - 1) / plan.rowsOf(dim);
    if (count == 1)
      continue;
    std::vector<Value> joined;
    for (auto part = products.begin(); part != products.end(); part += count)
      joined.push_back(
          build.concatenate({part, part + count}, resultDim(plan, sides, dim)));
    products = std::move(joined);
  }
  return products.front();
}

/// Before:
///   %r = dot_general %slot, %q, batching_dims = [0] x [0], ...
/// After:
///   %0 = dot_general slice(%slot, 0), slice(%q, 0), ...
///   %1 = dot_general slice(%slot, 1 after %0), slice(%q, 1), ...
///   %r = concatenate %0, %1, ...
void apply(const Plan &plan) {
  Builder build(plan.dot);
  Sides sides = sidesOf(plan);
  Value product =
      joinPieces(build, plan, sides, multiplyPieces(build, plan, sides));
  Operation conversion = plan.dot.operand(plan.operand).definingOp();
  plan.dot.result().replaceAllUsesWith(product);
  plan.dot.erase();
  if (conversion && conversion.is("stablehlo.convert") &&
      conversion.result().isUnused())
    conversion.erase();
}

bool isSlot(const FuncOp &function, const Provenance &provenance, Value value) {
  const auto *origin = provenance.origin(value);
  return origin && origin->view.empty() &&
         function.argumentAttribute(origin->argument, marks::slot);
}

std::vector<Plan> plansFor(const FuncOp &function, int64_t pieceBytes) {
  std::vector<Plan> plans;
  Provenance provenance(function);
  for (Operation op : function.body()) {
    if (!op.is("stablehlo.dot_general"))
      continue;
    for (int64_t operand : {0, 1}) {
      Value value = op.operand(operand);
      if (!isConvertedByXla(value) ||
          !isSlot(function, provenance, behindConversions(value)))
        continue;
      if (std::optional<Plan> plan = planFor(op, operand, pieceBytes)) {
        plans.push_back(*plan);
        break;
      }
    }
  }
  return plans;
}

} // namespace

Status kvlift::splitProducts(Operation module, const PassOptions &options,
                             DiagnosticLog &log) {
  auto model = targetModelOf(options, log);
  if (!model)
    return Status::failure();
  std::string text =
      optionOr(options, "bytes", std::to_string(defaultPieceBytes));
  std::optional<int64_t> bytes = numberAfter(text, "");
  if (!bytes || *bytes <= 0) {
    log.error({}, "bytes=" + text + " is no number of bytes above 0");
    return Status::failure();
  }
  if (!model->find(Habit::convertsProducts))
    return Status::success();
  for (const FuncOp &function : functionsOf(module)) {
    if (function.isDeclaration() || !function.hasOneBlock())
      continue;
    for (const Plan &plan : plansFor(function, *bytes))
      apply(plan);
  }
  return Status::success();
}
