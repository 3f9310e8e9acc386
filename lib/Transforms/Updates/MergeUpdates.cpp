//===- MergeUpdates.cpp - Updates right behind one another ----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two updates in a row, with no other reader of the version between them:
// - The second writes all that the first wrote, windows of one size at the same
//   place: the first is dropped.
// - Both write constant places in range, and the windows adjoin: one update
//   writes both. At other places dynamic_update_slice may have moved each of
//   them, so they stay.
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "SlicePiece.h"
#include "UpdateRewrite.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// The update that made the version which this one updates, if only this one
/// sees that version.
Operation previousOf(Operation update) {
  Operation previous = update.operand(0).definingOp();
  bool isOne = previous && previous.is("stablehlo.dynamic_update_slice") &&
               previous.block() == update.block() &&
               previous.result().uses().size() == 1;
  return isOne ? previous : Operation();
}

/// Two windows that make one along `dim`.
struct Joint {
  int64_t dim;
  bool isBehind;
};

std::optional<Joint> jointOf(const std::vector<PieceStart> &first,
                             const std::vector<PieceStart> &second,
                             const Dims &one, const Dims &other) {
  std::optional<Joint> joint;
  for (size_t i = 0; i < one.size(); ++i) {
    if (!first[i].number || !second[i].number)
      return std::nullopt;
    if (first[i].number == second[i].number && one[i] == other[i])
      continue;
    bool isBehind = *first[i].number + one[i] == *second[i].number;
    bool isAhead = *second[i].number + other[i] == *first[i].number;
    if (joint || (!isBehind && !isAhead))
      return std::nullopt;
    joint = Joint{static_cast<int64_t>(i), isBehind};
  }
  return joint;
}

} // namespace

Rewritten kvlift::mergeUpdates(const SlotUpdate &slotUpdate) {
  Operation update = slotUpdate.op;
  if (!update.is("stablehlo.dynamic_update_slice"))
    return Rewritten::no();
  Operation previous = previousOf(update);
  if (!previous)
    return Rewritten::no();
  Value first = previous.operand(1), second = update.operand(1);
  Type slot = update.operand(0).type();
  for (Type type : {slot, first.type(), second.type()})
    if (!type.isStaticTensor() || type.elementCount() == 0)
      return Rewritten::no();
  Dims one = first.type().shape(), other = second.type().shape();
  auto from = pieceStartsOf(previous, slot.shape(), one);
  auto to = pieceStartsOf(update, slot.shape(), other);
  Builder build(update);
  if (one == other && isSamePlace(from, to)) {
    replaceUpdate(update, build.dynamicUpdateSlice(previous.operand(0), second,
                                                   startsOf(update)));
    return Rewritten::yes();
  }
  auto joint = jointOf(from, to, one, other);
  if (!joint)
    return Rewritten::no();
  Value data = joint->isBehind ? build.concatenate({first, second}, joint->dim)
                               : build.concatenate({second, first}, joint->dim);
  Type index = startsOf(update).front().type();
  std::vector<Value> starts;
  for (const PieceStart &start : joint->isBehind ? from : to)
    starts.push_back(build.splat(index, *start.number));
  replaceUpdate(update,
                build.dynamicUpdateSlice(previous.operand(0), data, starts));
  return Rewritten::yes();
}
