//===- View.cpp - How a value shows another one's elements ----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/View.h"
#include "kvlift/Ops.h"

using namespace kvlift;

namespace {

using AtomDims = std::vector<std::vector<Atom>>;

AtomDims wholeDims(Type type) {
  AtomDims dims;
  for (int64_t extent : type.shape())
    dims.push_back({{static_cast<int64_t>(dims.size()), extent}});
  return dims;
}

AtomDims afterTranspose(const AtomDims &dims, Operation op) {
  AtomDims result;
  for (int64_t dim : permutationOf(op))
    result.push_back(dims[dim]);
  return result;
}

AtomDims afterBroadcast(const AtomDims &dims, Operation op) {
  Dims from = op.operand(0).type().shape(), to = op.result().type().shape();
  Dims positions =
      op.attribute("broadcast_dimensions").asI64Array().value_or(Dims{});
  AtomDims result(to.size());
  for (size_t i = 0; i < positions.size(); ++i)
    result[positions[i]] = dims[i];
  std::vector<bool> isKept(to.size(), false);
  for (size_t i = 0; i < positions.size(); ++i)
    isKept[positions[i]] = from[i] == to[positions[i]];
  for (size_t i = 0; i < to.size(); ++i)
    if (!isKept[i] && to[i] != 1)
      result[i].push_back({Atom::repeated, to[i]});
  return result;
}

/// Deals the atoms out to new dims in order; a unit atom goes to the dim that
/// is being filled. Nothing when an atom would have to be split.
std::optional<AtomDims> afterReshape(const AtomDims &dims, const Dims &shape) {
  std::vector<Atom> atoms;
  for (const auto &dim : dims)
    atoms.insert(atoms.end(), dim.begin(), dim.end());
  AtomDims result(shape.size());
  size_t next = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t product = 1;
    while (next < atoms.size() &&
           (product < shape[i] || atoms[next].extent == 1)) {
      product *= atoms[next].extent;
      result[i].push_back(atoms[next++]);
    }
    if (product != shape[i])
      return std::nullopt;
  }
  if (next != atoms.size())
    return std::nullopt;
  return result;
}

bool isViewOp(Operation op) {
  return op && (op.is("stablehlo.transpose") || op.is("stablehlo.reshape") ||
                op.is("stablehlo.broadcast_in_dim"));
}

} // namespace

std::optional<View> kvlift::viewOf(Value value) {
  View view{value, {}, {}};
  while (isViewOp(view.source.definingOp())) {
    view.through.push_back(view.source.definingOp());
    view.source = view.through.back().operand(0);
  }
  if (!view.source.type().isRankedTensor() ||
      !view.source.type().isStaticTensor())
    return std::nullopt;

  view.dims = wholeDims(view.source.type());
  for (auto op = view.through.rbegin(); op != view.through.rend(); ++op) {
    if (!op->result().type().isStaticTensor())
      return std::nullopt;
    if (op->is("stablehlo.transpose")) {
      view.dims = afterTranspose(view.dims, *op);
      continue;
    }
    if (op->is("stablehlo.broadcast_in_dim")) {
      view.dims = afterBroadcast(view.dims, *op);
      continue;
    }
    auto reshaped = afterReshape(view.dims, op->result().type().shape());
    if (!reshaped)
      return std::nullopt;
    view.dims = *reshaped;
  }
  return view;
}

Value kvlift::behindConversions(Value value) {
  while (Operation op = value.definingOp()) {
    bool isConversion =
        op.is("stablehlo.convert") || op.is("stablehlo.bitcast_convert");
    if (!isConversion || !op.operand(0).type().isStaticTensor() ||
        op.operand(0).type().shape() != value.type().shape())
      break;
    value = op.operand(0);
  }
  return value;
}
