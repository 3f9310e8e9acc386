//===- SimplifyScatter.cpp - Scatters in simplify-updates -----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// torch's `index_copy_` and `index_put_` arrive as element-wise scatters, or as
// window scatters between two transposes of the whole slot; JAX's `.at[].set`
// as scatters on any dims. For a scatter that updates a slot:
// 1. Describe where each dim of the update goes, in the slot's own layout
//    (ScatterMap.h), with affine facts about the index vectors (IndexFacts.h).
// 2. Where every dim of the update counts along one dim of the slot, by ones,
//    the update is a window: one dynamic_update_slice, guarded because scatter
//    drops what is out of range.
// 3. Dims of the update that do not count like this are unrolled if they have
//    few elements: a dynamic_update_slice for each, in order, so that of two
//    elements for one place the last one stays, as in the interpreter.
// 4. What is left, and what a body combines with the old value, becomes a
//    scatter on the slot's leading dims (LeadingScatter.cpp).
//
//===----------------------------------------------------------------------===//

#include "GuardedWrite.h"
#include "RewriteSupport.h"
#include "ScatterMap.h"
#include "UpdateRewrite.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// The most dynamic_update_slices that one scatter becomes. Measured for one
/// position per batch row, slot [B, 2048, 512] of f32, medians in µs on two
/// shared cores, calls included:
///   B                                      2   4   8  16  32  64
///   PJRT  guarded dynamic_update_slices   51  52  52  54  58  69
///         proved ones up to 8, scatter    24  24  25  27  29  28
///   IREE  guarded dynamic_update_slices   27  29  36  46  67 121
///         proved ones up to 8, scatter    24  26  29  28  34  44
/// So a scatter costs less from 16 rows on. Up to 8 no scatter was measured
/// against guarded updates: the limit is a choice.
constexpr int64_t rowLimit = 8;

/// Where one window of the update goes.
struct Piece {
  Window part;
  /// For each dim of the slot.
  std::vector<IndexFact> starts;
};

struct Plan {
  ScatterMap map;
  std::vector<Piece> pieces;
  /// For each dim of the slot the update's dim that counts along it, or -1.
  Dims updateDims;
  /// The type that positions are computed in.
  Type index;
};

struct PlanOrReason {
  std::optional<Plan> plan;
  std::string reason;
};

PlanOrReason refuse(std::string reason) { return {std::nullopt, reason}; }

/// What keeps a scatter from being looked at; empty when nothing does.
std::string unreadable(Operation scatter) {
  for (Value value : scatter.operands())
    if (!value.type().isStaticTensor())
      return "its shapes are dynamic";
  if (!(scatter.result().type() == scatter.operand(0).type()))
    return "its result is " + scatter.result().type().print();
  Operation maker = scatter.operand(0).definingOp();
  if (maker && maker.is("stablehlo.transpose") &&
      !maker.operand(0).type().isStaticTensor())
    return "its shapes are dynamic";
  return "";
}

/// Finds the windows of one scatter.
class Matcher {
public:
  Matcher(IndexFacts &facts, const ScatterMap &map)
      : facts(facts), map(map), whole(Window::whole(map.update().type())),
        unrolled(map.indexDims.size(), false),
        moves(map.indexDims.size(), false) {}

  PlanOrReason run() {
    findRepeated();
    findUnrolled();
    int64_t count = 1;
    for (size_t u = 0; u < unrolled.size(); ++u)
      count *= unrolled[u] ? whole.extent(u) : 1;
    if (count > rowLimit)
      return refuse("its rows are not provably consecutive, and more than " +
                    std::to_string(rowLimit));
    if (!keepsOrder())
      return refuse("its rows may overlap out of order");
    Plan plan{map, {}, updateDimsOf(sample()), {}};
    for (std::optional<Window> part = sample(); part; part = next(*part)) {
      if (std::string reason = add(plan, *part); !reason.empty())
        return refuse(reason);
    }
    return check(plan);
  }

private:
  /// Dims along which nothing moves: only their last element counts.
  void findRepeated() {
    for (int64_t dim = 0; dim < map.rank(); ++dim) {
      IndexFact fact = positionsOf(facts, map, dim, whole);
      for (size_t u = 0; u < moves.size(); ++u)
        moves[u] = moves[u] || fact.varies[u];
    }
  }

  /// The first window that is left when the unrolled dims are.
  Window sample() const {
    Window part = whole;
    for (size_t u = 0; u < unrolled.size(); ++u) {
      if (unrolled[u])
        part.high[u] = 1;
      else if (!moves[u])
        part.low[u] = part.high[u] - 1;
    }
    return part;
  }

  /// The window after `part` in row-major order, if there is one.
  std::optional<Window> next(Window part) const {
    for (size_t u = unrolled.size(); u-- > 0;) {
      if (!unrolled[u])
        continue;
      ++part.low[u];
      if (++part.high[u] <= whole.high[u])
        return part;
      part.low[u] = 0;
      part.high[u] = 1;
    }
    return std::nullopt;
  }

  /// Adds a window to the plan, or says why it is none.
  std::string add(Plan &plan, const Window &part) {
    Piece piece{part, {}};
    for (int64_t dim = 0; dim < map.rank(); ++dim) {
      piece.starts.push_back(positionsOf(facts, map, dim, part));
      if (mayCrossEdge(facts, map, dim, part))
        return "its windows may lie across the edge of the slot, where "
               "runtimes differ";
      if (!isRun(piece.starts.back(), part))
        return "its rows are not provably consecutive";
    }
    if (updateDimsOf(part) != plan.updateDims)
      return "its rows lie along different dims";
    plan.pieces.push_back(piece);
    return "";
  }

  /// Whether the positions count by ones along one dim of the update at most.
  static bool isRun(const IndexFact &fact, const Window &part) {
    int64_t counting = 0;
    for (size_t u = 0; u < part.low.size(); ++u)
      if (part.extent(u) > 1 && fact.steps[u] != 0)
        counting += fact.steps[u] == 1 ? 1 : 2;
    return fact.isAffine && counting <= 1;
  }

  /// Unrolls dims until the positions in each dim of the slot are a run, and
  /// each dim of the update counts along one dim of the slot.
  void findUnrolled() {
    while (std::optional<size_t> dim = misfit())
      unrolled[*dim] = true;
  }

  /// A dim of the update that does not count along one dim of the slot.
  std::optional<size_t> misfit() {
    Window part = sample();
    std::vector<bool> isTaken(unrolled.size(), false);
    for (int64_t dim = 0; dim < map.rank(); ++dim) {
      IndexFact fact = positionsOf(facts, map, dim, part);
      for (size_t u = 0; u < unrolled.size(); ++u) {
        if (part.extent(u) <= 1 || !fact.varies[u])
          continue;
        if (!isRun(fact, part) || isTaken[u])
          return u;
        isTaken[u] = true;
      }
    }
    for (size_t u = 0; u < unrolled.size(); ++u)
      if (part.extent(u) > 1 && !isTaken[u])
        return u;
    return std::nullopt;
  }

  /// Whether a window that is written later has no element that the scatter
  /// writes earlier at the same place: dims outside of an unrolled one must
  /// count from the same start each time.
  bool keepsOrder() {
    for (int64_t dim = 0; dim < map.rank(); ++dim) {
      IndexFact fact = positionsOf(facts, map, dim, whole);
      bool isOutside = false;
      for (size_t u = 0; u < unrolled.size(); ++u) {
        if (unrolled[u] && isOutside && fact.varies[u])
          return false;
        isOutside |= !unrolled[u] && fact.varies[u];
      }
    }
    return true;
  }

  Dims updateDimsOf(const Window &part) {
    Dims dims;
    for (int64_t dim = 0; dim < map.rank(); ++dim) {
      IndexFact fact = positionsOf(facts, map, dim, part);
      // A unit dim of the update may well have a dim of its own.
      int64_t own = map.dims[dim].updateDim;
      dims.push_back(own >= 0 && part.extent(own) == 1 ? own : -1);
      for (size_t u = 0; u < unrolled.size(); ++u)
        if (part.extent(u) > 1 && fact.steps[u] != 0)
          dims.back() = u;
    }
    return dims;
  }

  /// What the guarded writes need.
  PlanOrReason check(Plan plan) {
    plan.index = map.indices().type().element();
    if (!plan.index.isInteger())
      return refuse("its index type " + plan.index.print() +
                    " cannot count the rows");
    bool isNarrow = false, isExact = true;
    int64_t wraps = 0;
    for (const Piece &piece : plan.pieces)
      for (int64_t dim = 0; dim < map.rank(); ++dim) {
        const IndexFact &start = piece.starts[dim];
        wraps += start.wrap.has_value();
        if (start.wrap && *start.wrap < map.extent(dim))
          return refuse("its negative positions are not counted from the end");
        isNarrow |= map.extent(dim) > INT64_MAX / 2 ||
                    !canHold(plan.index, 2 * map.extent(dim));
        isExact &= start.isExact;
      }
    if (wraps > static_cast<int64_t>(plan.pieces.size()))
      return refuse("several positions may be negative");
    bool isWide = plan.index.isUnsignedInteger() && plan.index.bitWidth() > 32;
    if (isNarrow && isExact && !isWide)
      plan.index = Type::integer(plan.index.context(), 64);
    for (const Piece &piece : plan.pieces)
      if (auto obstacle = obstacleToPiece(plan, piece))
        return refuse(*obstacle);
    return {plan, ""};
  }

  std::optional<std::string> obstacleToPiece(const Plan &plan,
                                             const Piece &piece) {
    Dims extents;
    std::vector<WindowStart> starts;
    for (int64_t dim = 0; dim < map.rank(); ++dim) {
      int64_t u = plan.updateDims[dim];
      extents.push_back(u < 0 ? 1 : piece.part.extent(u));
      starts.push_back({piece.starts[dim].base.tensor, 0});
    }
    return obstacleTo(map.slot.type().shape(), extents, starts, plan.index);
  }

  IndexFacts &facts;
  const ScatterMap &map;
  Window whole;
  /// For each dim of the update.
  std::vector<bool> unrolled, moves;
};

/// A window of the update in the slot's layout.
Value layOut(Builder &build, const Plan &plan, const Window &part) {
  Value update = build.slice(plan.map.update(), part.low, part.high);
  // Unit dims of the update stand for unit dims of the window while there are
  // both; a reshape drops or adds the others.
  auto isIn = [](const Dims &dims, int64_t dim) {
    return std::find(dims.begin(), dims.end(), dim) != dims.end();
  };
  size_t missing =
      std::count(plan.updateDims.begin(), plan.updateDims.end(), int64_t(-1));
  Dims spare, order, shape, placeOf(part.low.size(), -1);
  for (size_t u = 0; u < part.low.size(); ++u) {
    bool isOwn = isIn(plan.updateDims, u);
    if (!isOwn && spare.size() == missing)
      continue;
    if (!isOwn)
      spare.push_back(u);
    placeOf[u] = shape.size();
    shape.push_back(part.extent(u));
  }
  size_t nextSpare = 0;
  for (int64_t u : plan.updateDims) {
    if (u >= 0) {
      order.push_back(placeOf[u]);
    } else if (nextSpare < spare.size()) {
      order.push_back(placeOf[spare[nextSpare++]]);
    } else {
      order.push_back(shape.size());
      shape.push_back(1);
    }
  }
  // Unit dims move without a transpose.
  Dims turned, moving;
  for (int64_t dim : order) {
    turned.push_back(shape[dim]);
    if (shape[dim] != 1)
      moving.push_back(dim);
  }
  return std::is_sorted(moving.begin(), moving.end())
             ? build.reshape(update, turned)
             : build.transpose(build.reshape(update, shape), order);
}

/// The start of a window; `moved` counts negative positions from the end.
WindowStart startOf(Builder &build, const Plan &plan, const Piece &piece,
                    int64_t dim, bool isMoved) {
  const IndexFact &fact = piece.starts[dim];
  WindowStart start;
  start.offset = fact.offset;
  if (isMoved && fact.wrap)
    start.offset =
        static_cast<int64_t>(uint64_t(start.offset) + uint64_t(*fact.wrap));
  if (!fact.base)
    return start;
  Dims high = fact.base.at;
  for (int64_t &at : high)
    ++at;
  Value one = build.slice(fact.base.tensor, fact.base.at, high);
  start.base = build.convert(build.reshape(one, {}), plan.index);
  start.isInRange = !fact.wrap && fact.range.isWithin(0, plan.map.extent(dim));
  return start;
}

Value writePiece(Builder &build, const Plan &plan, const Piece &piece,
                 Value version, bool isMoved) {
  GuardedWrite write{version, layOut(build, plan, piece.part), {}, plan.index};
  for (int64_t dim = 0; dim < plan.map.rank(); ++dim)
    write.starts.push_back(startOf(build, plan, piece, dim, isMoved));
  return writeGuarded(build, write);
}

/// Rows of which some are counted from the end are two windows: the one in
/// which the negative ones are out of range, and the one in which all have the
/// extent added, and those that were not negative are out of range. The
/// negative ones come first in a run, and a longer one than the slot comes back
/// to them: so they are written first.
void apply(const Plan &plan) {
  Builder build(plan.map.scatter);
  Value version = plan.map.slot;
  for (const Piece &piece : plan.pieces) {
    if (std::any_of(piece.starts.begin(), piece.starts.end(),
                    [](const IndexFact &start) { return bool(start.wrap); }))
      version = writePiece(build, plan, piece, version, true);
    version = writePiece(build, plan, piece, version, false);
  }
  replaceScatter(plan.map, version);
}

} // namespace

Rewritten kvlift::simplifyScatter(const SlotUpdate &update) {
  Operation scatter = update.op;
  if (!scatter.is("stablehlo.scatter"))
    return Rewritten::no();
  if (scatterInputs(scatter) != 1)
    return Rewritten::because("its body combines its several inputs");
  if (std::string obstacle = unreadable(scatter); !obstacle.empty())
    return Rewritten::because(obstacle);
  if (scatter.operand(2).type().elementCount() == 0) {
    replaceUpdate(scatter, scatter.operand(0));
    return Rewritten::yes();
  }
  IndexFacts facts;
  ScatterMap map = scatterMapOf(scatter);
  PlanOrReason found =
      scatterOverwrites(scatter)
          ? Matcher(facts, map).run()
          : refuse("its body combines the update with the old value");
  if (found.plan) {
    apply(*found.plan);
    return Rewritten::yes();
  }
  if (makeLeadingScatter(facts, map, Edges::leave))
    return Rewritten::yes();
  return Rewritten::because(found.reason);
}
