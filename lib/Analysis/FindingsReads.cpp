//===- FindingsReads.cpp - What readers of a slot make a runtime build ----===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product or a sum runs in a kernel of its own. What such a kernel does not
// take in on the way, a transpose or a conversion of the whole slot, is built
// beside the slot first.
//
//===----------------------------------------------------------------------===//

#include "Finder.h"
#include "LateSums.h"
#include "kvlift/Carriers.h"
#include "kvlift/ProductOperand.h"

#include <algorithm>
#include <numeric>

using namespace kvlift;

static bool hasUnitDim(const Dims &shape) {
  return std::find(shape.begin(), shape.end(), 1) != shape.end();
}

/// How the value's dims permute those of what it transposes.
static Dims permutationBehind(Value value) {
  Dims permutation(value.type().rank());
  std::iota(permutation.begin(), permutation.end(), 0);
  while (Operation maker = value.definingOp()) {
    if (maker.is("stablehlo.transpose")) {
      Dims inner = permutationOf(maker);
      for (int64_t &dim : permutation)
        dim = inner[dim];
    } else if (!maker.is("stablehlo.optimization_barrier"))
      break;
    value = maker.operand(value.resultNumber());
  }
  return permutation;
}

static bool movesElements(Value value) {
  Dims permutation = permutationBehind(value), shape = value.type().shape();
  Dims moved;
  for (size_t dim = 0; dim < shape.size(); ++dim)
    if (shape[dim] != 1)
      moved.push_back(permutation[dim]);
  return !std::is_sorted(moved.begin(), moved.end());
}

namespace {

/// Whether IREE reads the factor as it lies: it wants the summed dims last in
/// the first factor and before the free ones in the second, but for a few
/// products that it has other kernels for.
bool readsInOrder(const ProductOperand &factor, bool isFirst,
                  int64_t otherCount) {
  if (!factor.isMatrix())
    return false;
  if (factor.isVector() || factor.sumsLast() == isFirst)
    return true;
  int64_t batches = factor.count(ProductOperand::batched);
  if (isFirst || batches > 1)
    return batches == 1 && otherCount == 1;
  return batches == 1 || otherCount > 1;
}

} // namespace

void Finder::inspectProduct(const BlockChains &chains, const Read &read) {
  Operation dot = chains.ops[read.op];
  const Version &version = chains.versions[read.version];
  const std::string &slot = chains.slotOf(version);
  Type type = read.through.type();
  if (type.element().print() == "f16" || isNarrowFloat(type.element()))
    add(Habit::convertsProducts, slot, dot);
  if (version.maker >= 0 && hasUnitDim(type.shape()))
    add(Habit::copiesUnitDims, slot, dot);
  inspectFactors(dot, read.through, slot);
}

/// Whether the product reads the operand as it lies, which is the slot or its
/// elements converted.
void Finder::inspectFactors(Operation dot, Value through,
                            const std::string &slot) {
  DotNumbers numbers = dotNumbersOf(dot);
  auto factor = [&](bool isFirst, bool withUnits) {
    Value value = dot.operand(isFirst ? 0 : 1);
    return ProductOperand(
        value.type().shape(), invertPermutation(permutationBehind(value)),
        isFirst ? numbers.lhsBatch : numbers.rhsBatch,
        isFirst ? numbers.lhsContracting : numbers.rhsContracting, withUnits);
  };
  for (bool isFirst : {true, false}) {
    if (!(dot.operand(isFirst ? 0 : 1) == through))
      continue;
    ProductOperand whole = factor(isFirst, /*withUnits=*/true);
    ProductOperand folded = factor(isFirst, /*withUnits=*/false);
    ProductOperand other = factor(!isFirst, /*withUnits=*/true);
    if (!whole.isMatrix())
      add(Habit::transposesProducts, slot, dot);
    // IREE computes sums over one batched dim without a matrix.
    bool isSumOfVectors = other.count(ProductOperand::free) == 0 &&
                          folded.count(ProductOperand::batched) == 1 &&
                          folded.dims.size() == whole.dims.size();
    if (!isSumOfVectors && (movesElements(through) ||
                            !readsInOrder(folded, isFirst, other.freeCount)))
      add(Habit::transposesFactors, slot, dot);
  }
}

/// Whether the op is computed together with the one that makes its operand.
bool Finder::isFused(Operation op) {
  OpRole role = roles.of(op);
  if (role == OpRole::elements || role == OpRole::slice ||
      role == OpRole::loop || role == OpRole::branch)
    return true;
  return op.is("stablehlo.reduce") && !buildsSummand(op);
}

/// Whether the op runs by itself, whatever makes its operands.
static bool runsAlone(Operation op, OpRole role) {
  return role == OpRole::terminator || role == OpRole::loop ||
         role == OpRole::branch || op.is("stablehlo.dot_general") ||
         op.is("stablehlo.convolution") || op.is("stablehlo.sort") ||
         op.is("stablehlo.custom_call");
}

/// The reader moves or converts the whole slot: it is built where that ends in
/// an op that runs by itself, or in a slice of it turned around. A product may
/// take conversions in.
void Finder::inspectMoved(const BlockChains &chains, const Read &read) {
  Operation reader = chains.ops[read.op];
  const Version &version = chains.versions[read.version];
  int64_t size = byteSize(version.value.type());
  constexpr size_t wayLimit = 64;
  std::vector<Operation> reached{reader};
  bool isMoved = false;
  for (size_t at = 0; at < reached.size() && at < wayLimit; ++at) {
    isMoved |= isMove(reached[at]);
    Value moved = reached[at].result();
    if (byteSize(moved.type()) < size)
      continue;
    for (const Use &use : moved.uses()) {
      Operation user(use.user);
      OpRole role = roles.of(user);
      if (isMove(user) || user.is("stablehlo.convert") ||
          role == OpRole::view || role == OpRole::barrier)
        reached.push_back(user);
      else if (user.is("stablehlo.dot_general") && !isMoved) {
        add(Habit::convertsProducts, chains.slotOf(version), user);
        return inspectFactors(user, moved, chains.slotOf(version));
      } else if (runsAlone(user, role) ||
                 (role == OpRole::slice && reached[at].is("stablehlo.reverse")))
        return add(Habit::buildsMoved, chains.slotOf(version), reader);
      else if (user.is("stablehlo.reduce") && reader.is("stablehlo.reverse") &&
               model.find(Habit::reversesSums))
        return add(Habit::reversesSums, chains.slotOf(version), reader);
      else if (user.is("stablehlo.reduce") && buildsSummand(user) &&
               (reader.is("stablehlo.convert") ||
                reader.is("stablehlo.reverse")))
        return add(Habit::buildsSummands, chains.slotOf(version), reader);
    }
  }
}

/// IREE turns a transposed summand around on the way, but not past the reshapes
/// by which it takes dims of one element from what an update has made.
void Finder::inspectSum(const BlockChains &chains, const Read &read) {
  const Version &version = chains.versions[read.version];
  Operation sum = chains.ops[read.op];
  if (version.maker >= 0 && hasUnitDim(read.through.type().shape()) &&
      !isIdentity(permutationBehind(read.through)))
    add(Habit::transposesSums, chains.slotOf(version), sum);
}

void Finder::inspectReads(const BlockChains &chains) {
  for (const Read &read : chains.reads) {
    Operation reader = chains.ops[read.op];
    if (read.makes >= 0)
      continue;
    // A masked select of the slot is as good as the slot.
    Operation mask = read.through.definingOp();
    bool isMasked = mask && mask.is("stablehlo.select") &&
                    !read.deferral.bySlice && !read.deferral.bySum &&
                    !read.deferral.isPinned;
    if (read.deferral && !isMasked)
      continue;
    if (reader.is("stablehlo.dot_general"))
      inspectProduct(chains, read);
    if (isMove(reader) || reader.is("stablehlo.convert"))
      inspectMoved(chains, read);
    if (reader.is("stablehlo.reduce"))
      inspectSum(chains, read);
  }
}
