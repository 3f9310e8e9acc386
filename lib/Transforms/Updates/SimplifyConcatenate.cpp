//===- SimplifyConcatenate.cpp - Updates spelled as a concatenate ---------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// concatenate(slice(slot, :p), new, slice(slot, p + n:)) builds the slot anew
// to write n rows at p. The pieces tile the dim, and a slice that stands where
// it was taken holds what the slot holds: each run of other pieces becomes one
// dynamic_update_slice at a constant position in range.
//
// A layer that was sliced out of a stack and updated becomes an update right
// behind its own, so that the stack can be updated there.
//
// Pieces of the slot that stand somewhere else move rows: that is work on the
// whole slot, and stays.
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "SlicePiece.h"
#include "UpdateRewrite.h"
#include "kvlift/Builder.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// One operand of a concatenate, of nested ones too.
struct Piece {
  Value value;
  /// Its rows in the result.
  int64_t begin, end;
  enum Kind {
    /// The slot's own rows.
    kept,
    /// The slot's own rows, updated.
    updated,
    fresh,
  } kind = fresh;
};

struct Plan {
  Operation concat;
  int64_t dim;
  Value slot;
  std::vector<Piece> pieces;
};

/// A run of rows to write; one that ends with `after` is ready behind that op.
struct Write {
  std::vector<Value> parts;
  int64_t begin;
  Operation after;
};

/// Takes nested concatenates of one dim apart.
void addPieces(Operation concat, int64_t dim, std::vector<Piece> &pieces,
               int depth) {
  for (Value operand : concat.operands()) {
    Operation inner = operand.definingOp();
    if (depth > 0 && inner && inner.is("stablehlo.concatenate") &&
        inner.attribute("dimension").asInteger() == dim) {
      addPieces(inner, dim, pieces, depth - 1);
      continue;
    }
    int64_t begin = pieces.empty() ? 0 : pieces.back().end;
    pieces.push_back({operand, begin, begin + operand.type().shape()[dim]});
  }
}

/// Whether a slice takes the rows from `begin` on, and all of other dims.
bool standsAt(const SlicePiece &slice, int64_t dim, int64_t begin) {
  Dims whole = slice.source.type().shape();
  for (int64_t i = 0, rank = whole.size(); i < rank; ++i) {
    if (slice.starts[i].number != (i == dim ? begin : 0))
      return false;
    if (i != dim && slice.sizes[i] != whole[i])
      return false;
  }
  return true;
}

/// The slot that a piece was taken from, at the place where it stands.
Value sourceInPlace(const Piece &piece, int64_t dim, Type slot,
                    Piece::Kind &kind) {
  auto slice = slicePieceOf(piece.value);
  kind = Piece::kept;
  if (!slice)
    if (auto updated = updatedPieceOf(piece.value)) {
      slice = updated->slice;
      kind = Piece::updated;
    }
  bool fits = slice && slice->source.type() == slot &&
              slice->sizes == piece.value.type().shape();
  return fits && standsAt(*slice, dim, piece.begin) ? slice->source : Value();
}

/// Whether a piece is rows of the slot that stand somewhere else.
bool isMoved(const Piece &piece, Value slot) {
  auto slice = slicePieceOf(withoutUnitDims(piece.value));
  return piece.kind == Piece::fresh && slice && slice->source == slot;
}

std::optional<Plan> match(Operation concat, std::string &reason) {
  auto dim = concat.attribute("dimension").asInteger();
  Type type = concat.result().type();
  if (!dim || !type.isStaticTensor() || type.elementCount() == 0)
    return std::nullopt;
  Plan plan{concat, *dim, {}, {}};
  for (Value operand : concat.operands())
    if (!operand.type().isStaticTensor())
      return std::nullopt;
  addPieces(concat, *dim, plan.pieces, 8);
  for (Piece &piece : plan.pieces) {
    Piece::Kind kind;
    Value source = sourceInPlace(piece, *dim, type, kind);
    if (!source || (plan.slot && !(source == plan.slot)))
      continue;
    plan.slot = source;
    piece.kind = kind;
  }
  if (!plan.slot) {
    reason = "none of its pieces stands where it was taken from the slot";
    return std::nullopt;
  }
  for (const Piece &piece : plan.pieces)
    if (isMoved(piece, plan.slot)) {
      reason = "it moves rows of the slot to another place";
      return std::nullopt;
    }
  return plan;
}

/// What has to be written, in an order in which it is ready.
std::vector<Write> writesOf(const Plan &plan) {
  std::vector<Write> early, last;
  bool isRun = false;
  for (const Piece &piece : plan.pieces) {
    if (piece.begin == piece.end)
      continue;
    Operation maker = piece.value.definingOp();
    bool isEarly =
        piece.kind == Piece::updated && maker.block() == plan.concat.block();
    if (isEarly)
      early.push_back({{piece.value}, piece.begin, maker});
    else if (piece.kind != Piece::kept && isRun)
      last.back().parts.push_back(piece.value);
    else if (piece.kind != Piece::kept)
      last.push_back({{piece.value}, piece.begin, {}});
    isRun = piece.kind != Piece::kept && !isEarly;
  }
  std::sort(early.begin(), early.end(), [](const Write &a, const Write &b) {
    return a.after.isBefore(b.after);
  });
  early.insert(early.end(), last.begin(), last.end());
  return early;
}

Value writeAll(const Plan &plan, const std::vector<Write> &writes) {
  Value version = plan.slot;
  for (const Write &write : writes) {
    Builder build(write.after ? write.after.next() : plan.concat);
    Type index = Type::tensor({}, Type::integer(build.context(), 32));
    if (write.begin > INT32_MAX)
      index = Type::tensor({}, Type::integer(build.context(), 64));
    Value data = write.parts.size() == 1
                     ? write.parts.front()
                     : build.concatenate(write.parts, plan.dim);
    std::vector<Value> starts(plan.slot.type().rank(), build.splat(index, 0));
    starts[plan.dim] = build.splat(index, write.begin);
    version = build.dynamicUpdateSlice(version, data, starts);
  }
  return version;
}

} // namespace

Rewritten kvlift::simplifyConcatenate(const SlotUpdate &update) {
  if (!update.op.is("stablehlo.concatenate"))
    return Rewritten::no();
  std::string reason = "its shapes are dynamic or empty";
  std::optional<Plan> plan = match(update.op, reason);
  if (!plan)
    return Rewritten::because(reason);
  std::vector<Write> writes = writesOf(*plan);
  Operation first = writes.empty() || !writes.front().after
                        ? update.op
                        : writes.front().after;
  if (!isAvailable(plan->slot, first) ||
      isNeededAfter(plan->slot, first, update.op))
    return Rewritten::because("the old value is still needed after it");
  replaceUpdate(update.op, writeAll(*plan, writes));
  return Rewritten::yes();
}
