//===- FoldScatter.cpp - A scatter without dims of extent 1 ---------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scatter drops what it would write at any position but 0 of such a dim: a
// column of positions along it can go only if all of them are 0.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Carriers.h"
#include "kvlift/IndexFacts.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// Whether all positions in one column of the index tensor are 0.
bool isZeroColumn(Value indices, int64_t column, int64_t vectorDim) {
  Window window = Window::whole(indices.type());
  if (vectorDim < indices.type().rank()) {
    window.low[vectorDim] = column;
    window.high[vectorDim] = column + 1;
  }
  return IndexFacts().of(indices, window).range.isWithin(0, 1);
}

Attribute numbersAttribute(Context context, const Dims &window,
                           const Dims &inserted, const Dims &scattered,
                           int64_t vectorDim) {
  auto list = [](const Dims &dims) {
    std::vector<std::string> parts;
    for (int64_t dim : dims)
      parts.push_back(std::to_string(dim));
    return "[" + join(parts, ", ") + "]";
  };
  return Attribute::parse(
      context, "#stablehlo.scatter<update_window_dims = " + list(window) +
                   ", inserted_window_dims = " + list(inserted) +
                   ", scatter_dims_to_operand_dims = " + list(scattered) +
                   ", index_vector_dim = " + std::to_string(vectorDim) + ">");
}

/// The positions of `dims` among those in `kept`; the others are left out.
Dims renumber(const Dims &dims, const Dims &kept) {
  Dims result;
  for (int64_t dim : dims)
    if (auto at = std::find(kept.begin(), kept.end(), dim); at != kept.end())
      result.push_back(at - kept.begin());
  return result;
}

} // namespace

std::optional<FoldedScatter> kvlift::foldScatter(Operation scatter,
                                                 std::string &why) {
  ScatterNumbers numbers = scatterNumbersOf(scatter);
  Type slot = scatter.operand(0).type();
  Dims shape = slot.shape(), dropped;
  if (!numbers.inputBatchingDims.empty()) {
    why = "a scatter batches over its dimensions";
    return std::nullopt;
  }
  FoldedScatter folded;
  for (size_t k = 0; k < numbers.scatterDimsToOperandDims.size(); ++k) {
    int64_t dim = numbers.scatterDimsToOperandDims[k];
    if (shape[dim] != 1) {
      folded.columns.push_back(k);
    } else if (!isZeroColumn(scatter.operand(1), k, numbers.indexVectorDim)) {
      why = "a scatter drops what is not at position 0 of dimension " +
            std::to_string(dim);
      return std::nullopt;
    }
  }
  if (folded.columns.empty()) {
    why = "a scatter indexes no other dimension";
    return std::nullopt;
  }
  for (int64_t dim = 0, window = 0, n = shape.size(); dim < n; ++dim) {
    if (contains(numbers.insertedWindowDims, dim))
      continue;
    int64_t inUpdate = numbers.updateWindowDims[window++];
    if (shape[dim] == 1)
      dropped.push_back(inUpdate);
  }
  for (int64_t dim = 0, n = scatter.operand(2).type().rank(); dim < n; ++dim)
    if (!contains(dropped, dim))
      folded.updateDims.push_back(dim);
  Dims kept = Storage{/*foldsUnitDims=*/true}.keptDims(slot);
  folded.numbers = numbersAttribute(
      scatter.context(), renumber(numbers.updateWindowDims, folded.updateDims),
      renumber(numbers.insertedWindowDims, kept),
      renumber(numbers.scatterDimsToOperandDims, kept), numbers.indexVectorDim);
  return folded;
}
