//===- ReadOrder.cpp - In which order products want a slot's dims ---------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention over a sequence-major cache [B, S, H, D] batches over B and H: both
// runtimes build [B, H, S, D] of it in each call. Stored in that order, it is
// read as it lies, and only the new rows are turned around.
//
// Each reader of the whole slot counts once: a product when it would not read
// the slot as it lies, any other when the slot does not lie as the program says
// it. Slices are taken of the store and turned around behind; they are free.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Carriers.h"
#include "kvlift/ProductOperand.h"
#include "kvlift/View.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

using namespace kvlift;

namespace {

/// A product's operand that shows a whole carrier, as kvlift-simplify-reads
/// lets it read that: the dims of the carrier that it batches and sums.
struct ProductRead {
  Dims batch, summed;
  bool hasOtherFree;
};

struct Readers {
  std::vector<ProductRead> products;
  int64_t others = 0;
};

bool isSlice(const Use &use) {
  Operation op(use.user);
  return use.operand == 0 &&
         (op.is("stablehlo.slice") || op.is("stablehlo.dynamic_slice"));
}

bool isBetween(Operation op) {
  return op.is("stablehlo.reshape") || op.is("stablehlo.transpose") ||
         op.is("stablehlo.broadcast_in_dim") || op.is("stablehlo.convert") ||
         op.is("stablehlo.bitcast_convert");
}

/// The carrier's dims behind some of the view's.
Dims sourcesOf(const View &view, const Dims &dims) {
  Dims sources;
  for (int64_t dim : dims)
    for (const Atom &atom : view.dims[dim])
      if (atom.source != Atom::repeated)
        sources.push_back(atom.source);
  return sources;
}

/// Nothing when the product is bound to its form, or sums over repetitions.
std::optional<ProductRead> productRead(Operation dot, bool isFirst,
                                       Value carrier) {
  Operation around = dot.block().parentOp();
  if (!around.is("func.func") || !FuncOp(around).isPublic() ||
      dot.attribute("algorithm") || dot.attribute("mhlo.sharding") ||
      dot.attribute("sdy.sharding"))
    return std::nullopt;
  std::optional<View> view = viewOf(dot.operand(isFirst ? 0 : 1));
  if (!view || !(behindConversions(view->source) == carrier))
    return std::nullopt;
  DotNumbers numbers = dotNumbersOf(dot);
  const Dims &batch = isFirst ? numbers.lhsBatch : numbers.rhsBatch;
  const Dims &summed =
      isFirst ? numbers.lhsContracting : numbers.rhsContracting;
  bool repeats = false;
  for (int64_t dim = 0, n = view->dims.size(); dim < n; ++dim)
    for (const Atom &atom : view->dims[dim]) {
      if (atom.source != Atom::repeated)
        continue;
      repeats = true;
      if (std::find(batch.begin(), batch.end(), dim) == batch.end())
        return std::nullopt;
    }
  size_t otherRank = dot.operand(isFirst ? 1 : 0).type().rank();
  return ProductRead{sourcesOf(*view, batch), sourcesOf(*view, summed),
                     repeats || otherRank > batch.size() + summed.size()};
}

/// Adds what reads the carrier, through views of it, by one use.
void addReaders(Value carrier, const Use &use, Readers &to) {
  constexpr size_t useLimit = 64;
  std::vector<Use> reached{use};
  for (size_t at = 0; at < reached.size(); ++at) {
    Operation op(reached[at].user);
    if (isSlice(reached[at]))
      continue;
    if (isBetween(op) && at < useLimit) {
      for (const Use &next : op.result().uses())
        reached.push_back(next);
      continue;
    }
    std::optional<ProductRead> product;
    if (op.is("stablehlo.dot_general"))
      product = productRead(op, reached[at].operand == 0, carrier);
    if (product)
      to.products.push_back(*product);
    else
      ++to.others;
  }
}

Dims identityOf(const Dims &shape) {
  Dims order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

/// The orders in which one product would read the slot as it lies; first the
/// one that moves the fewest dims.
std::vector<Dims> ordersFor(const ProductRead &read, const Dims &shape) {
  Dims rest = identityOf(shape), free;
  std::erase_if(rest, [&](int64_t dim) { return contains(read.batch, dim); });
  for (int64_t dim : rest)
    if (!contains(read.summed, dim))
      free.push_back(dim);
  auto joined = [&](const Dims &second, const Dims &third) {
    Dims order = read.batch;
    order.insert(order.end(), second.begin(), second.end());
    order.insert(order.end(), third.begin(), third.end());
    return order;
  };
  return {joined(rest, {}), joined(free, read.summed),
          joined(read.summed, free)};
}

} // namespace

Dims kvlift::orderForReads(const Carriers &carriers, bool countsUnits,
                           bool sumsVectors) {
  Readers readers;
  Dims shape = carriers.values.front().type().shape();
  for (Value carrier : carriers.values)
    for (const Use &use : carrier.uses())
      if (carrier.type().shape() == shape && !carriers.isHandedOn(use))
        addReaders(carrier, use, readers);
  bool hasUnits = std::count(shape.begin(), shape.end(), 1) != 0;
  auto costOf = [&](const Dims &order) {
    int64_t cost = isIdentity(order) ? 0 : readers.others;
    for (const ProductRead &read : readers.products) {
      ProductOperand operand(shape, order, read.batch, read.summed,
                             countsUnits);
      bool isSumOfVectors = sumsVectors && !read.hasOtherFree && !hasUnits &&
                            operand.count(ProductOperand::batched) == 1;
      cost += !isSumOfVectors && !operand.isMatrix();
    }
    return cost;
  };
  Dims best = identityOf(shape);
  int64_t least = costOf(best);
  for (const ProductRead &read : readers.products)
    for (const Dims &order : ordersFor(read, shape))
      if (int64_t cost = costOf(order); cost < least) {
        least = cost;
        best = order;
      }
  return isIdentity(best) ? Dims{} : best;
}
