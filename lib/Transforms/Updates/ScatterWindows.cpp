//===- ScatterWindows.cpp - The windows that a scatter writes -------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScatterWindows.h"
#include "GuardedWrite.h"
#include "kvlift/IndexArithmetic.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// The most dynamic_update_slices that one scatter becomes. What both cost, and
/// why this many, stands in docs/runtimes.md, "Rows at positions of their own".
constexpr int64_t rowLimit = 8;

WindowsOrReason refuse(std::string reason) { return {std::nullopt, reason}; }

/// Finds the windows of one scatter.
class Matcher {
public:
  Matcher(IndexFacts &facts, const ScatterMap &map)
      : facts(facts), map(map), whole(Window::whole(map.update().type())),
        unrolled(map.indexDims.size(), false),
        moves(map.indexDims.size(), false) {}

  WindowsOrReason run() {
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
    ScatterWindows plan{map, {}, updateDimsOf(sample()), {}};
    for (std::optional<Window> part = sample(); part; part = next(*part)) {
      if (std::string reason = add(plan, *part); !reason.empty())
        return refuse(reason);
    }
    return check(plan);
  }

private:
  /// Dims along which nothing moves: only their last element counts, unless
  /// each is combined with what is there.
  void findRepeated() {
    if (!scatterOverwrites(map.scatter))
      moves.assign(moves.size(), true);
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
  std::string add(ScatterWindows &plan, const Window &part) {
    ScatterPiece piece{part, {}};
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
  WindowsOrReason check(ScatterWindows plan) {
    plan.index = map.indices().type().element();
    if (!plan.index.isInteger())
      return refuse("its index type " + plan.index.print() +
                    " cannot count the rows");
    bool isNarrow = false, isExact = true;
    int64_t wraps = 0;
    for (const ScatterPiece &piece : plan.pieces)
      for (int64_t dim = 0; dim < map.rank(); ++dim) {
        const IndexFact &start = piece.starts[dim];
        wraps += start.wrap.has_value();
        if (start.wrap && *start.wrap < map.extent(dim))
          return refuse("its negative positions are not counted from the end");
        if (isWrappingAround(start, windowExtent(plan, piece, dim)))
          return refuse("its positions wrap around in " + plan.index.print());
        isNarrow |= map.extent(dim) > INT64_MAX / 2 ||
                    !canHold(plan.index, 2 * map.extent(dim));
        isExact &= start.isExact;
      }
    if (wraps > static_cast<int64_t>(plan.pieces.size()))
      return refuse("several positions may be negative");
    bool isWide = plan.index.isUnsignedInteger() && plan.index.bitWidth() > 32;
    if (isNarrow && isExact && !isWide)
      plan.index = Type::integer(plan.index.context(), 64);
    for (const ScatterPiece &piece : plan.pieces)
      if (auto obstacle = obstacleToPiece(plan, piece))
        return refuse(*obstacle);
    return {plan, ""};
  }

  static int64_t windowExtent(const ScatterWindows &plan,
                              const ScatterPiece &piece, int64_t dim) {
    int64_t u = plan.updateDims[dim];
    return u < 0 ? 1 : piece.part.extent(u);
  }

  /// Whether a run from a known position on comes to the type's end. From a
  /// base on, what wraps around is out of range; but here the window is cut to
  /// the slot as the numbers stand.
  static bool isWrappingAround(const IndexFact &start, int64_t count) {
    return !start.base &&
           start.offset > typeRange(start.width).high - count + 1;
  }

  std::optional<std::string> obstacleToPiece(const ScatterWindows &plan,
                                             const ScatterPiece &piece) {
    Dims extents;
    std::vector<WindowStart> starts;
    for (int64_t dim = 0; dim < map.rank(); ++dim) {
      extents.push_back(windowExtent(plan, piece, dim));
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

} // namespace

WindowsOrReason kvlift::findWindows(IndexFacts &facts, const ScatterMap &map) {
  return Matcher(facts, map).run();
}
