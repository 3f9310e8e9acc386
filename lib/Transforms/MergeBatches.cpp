//===- MergeBatches.cpp - Products with one batched dim -------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   dot_general %a, %b, batching_dims = [0, 1] x [0, 1], contracting_dims = …
// becomes
//   reshape(dot_general reshape(%a), reshape(%b), batching_dims = [0] x [0], …)
// Each element is the same sum of the same products.
//
//===----------------------------------------------------------------------===//

#include "MergeBatches.h"
#include "kvlift/Builder.h"
#include "kvlift/Ops.h"

#include <algorithm>
#include <numeric>

using namespace kvlift;

static bool wantsOneBatch(Operation dot) {
  for (Value value : {dot.operand(0), dot.operand(1), dot.result()})
    if (!value.type().isStaticTensor())
      return false;
  DotNumbers numbers = dotNumbersOf(dot);
  Dims leading(numbers.lhsBatch.size());
  std::iota(leading.begin(), leading.end(), 0);
  return leading.size() > 1 && numbers.lhsBatch == leading &&
         numbers.rhsBatch == leading &&
         std::ranges::count(numbers.rhsContracting,
                            dot.operand(1).type().rank() - 1) > 0;
}

/// The shape with its first `count` dims as one.
static Dims mergeFirst(Dims shape, int64_t count) {
  int64_t merged = 1;
  for (int64_t dim = 0; dim < count; ++dim)
    merged *= shape[dim];
  shape.erase(shape.begin(), shape.begin() + count - 1);
  shape.front() = merged;
  return shape;
}

static Builder::NamedAttributes attributesOf(Operation dot, int64_t batches) {
  auto moveDown = [&](Dims dims) {
    for (int64_t &dim : dims)
      dim -= batches - 1;
    return dims;
  };
  DotNumbers numbers = dotNumbersOf(dot);
  numbers = {{0},
             {0},
             moveDown(numbers.lhsContracting),
             moveDown(numbers.rhsContracting)};
  Builder::NamedAttributes attributes{
      {"dot_dimension_numbers", dotNumbersAttribute(dot.context(), numbers)}};
  for (const auto &[name, value] : dot.attributes())
    if (name != "dot_dimension_numbers")
      attributes.emplace_back(name, value);
  return attributes;
}

void kvlift::mergeBatches(Operation dot) {
  if (!wantsOneBatch(dot))
    return;
  int64_t batches = dotNumbersOf(dot).lhsBatch.size();
  Builder build(dot);
  std::vector<Value> factors;
  for (Value factor : dot.operands())
    factors.push_back(
        build.reshape(factor, mergeFirst(factor.type().shape(), batches)));
  Type type = dot.result().type();
  Value product =
      build
          .create("stablehlo.dot_general", factors,
                  {type.withShape(mergeFirst(type.shape(), batches))},
                  attributesOf(dot, batches))
          .result();
  dot.result().replaceAllUsesWith(build.reshape(product, type.shape()));
  dot.erase();
}
