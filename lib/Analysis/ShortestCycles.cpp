//===- ShortestCycles.cpp - Why there is no order
//---------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. A reader of the old value needs the new one: needs lead forward through
//    the block, so one sweep over them gives the shortest ways from several
//    updates at once.
// 2. Readers of several slots wait for each other: breadth first from each
//    read, as long as the work stays in proportion to the graph.
//
//===----------------------------------------------------------------------===//

#include "kvlift/OrderGraph.h"

#include <algorithm>
#include <array>
#include <map>

using namespace kvlift;

namespace {

/// More conflicts than a person reads; who resolves them asks again.
constexpr size_t cycleLimit = 1024;

/// The shortest ways from a few ops along needs, all at once.
class Ways {
public:
  static constexpr size_t lanes = 16;

  /// `needs` are sorted by `to`; they lead from and to `size` ops.
  Ways(std::vector<OrderEdge> needs, int64_t size);

  /// Measures from these ops, in program order, as far as `last`.
  void measure(std::span<const int32_t> sources, int32_t last);
  /// The edges between the source of the lane and the op; `unreachable` if no
  /// way leads there.
  int32_t lengthTo(size_t lane, int32_t op) const {
    return op < first ? unreachable : rows[op - first][lane];
  }
  /// The cycle of the edge of a read and the way back to it.
  OrderCycle cycleOf(size_t lane, const OrderEdge &read) const;

  static constexpr int32_t unreachable = 1 << 30;

private:
  std::vector<OrderEdge> needs;
  /// Where the needs into each op begin.
  std::vector<int32_t> into;
  std::vector<std::array<int32_t, lanes>> rows;
  int32_t first = 0;
};

Ways::Ways(std::vector<OrderEdge> given, int64_t size)
    : needs(std::move(given)), into(size + 1, 0) {
  for (const OrderEdge &need : needs)
    ++into[need.to + 1];
  for (int64_t i = 0; i < size; ++i)
    into[i + 1] += into[i];
}

void Ways::measure(std::span<const int32_t> sources, int32_t last) {
  first = sources.front();
  std::array<int32_t, lanes> far;
  far.fill(unreachable);
  rows.assign(last - first + 1, far);
  for (size_t lane = 0; lane < sources.size(); ++lane)
    rows[sources[lane] - first][lane] = 0;
  for (int32_t i = into[first], end = into[last + 1]; i < end; ++i) {
    if (needs[i].from < first)
      continue;
    // A copy, so that the compiler sees that the two rows are apart.
    const auto from = rows[needs[i].from - first];
    auto &to = rows[needs[i].to - first];
    for (size_t lane = 0; lane < lanes; ++lane)
      to[lane] = std::min(to[lane], from[lane] + 1);
  }
}

OrderCycle Ways::cycleOf(size_t lane, const OrderEdge &read) const {
  const size_t length = lengthTo(lane, read.from);
  constexpr size_t kept = OrderCycle::headSize + OrderCycle::tailSize;
  OrderCycle cycle;
  cycle.leftOut = length + 1 > kept ? length + 1 - kept : 0;
  int32_t op = read.from;
  for (size_t left = length; left > 0; --left) {
    int32_t i = into[op];
    while (lengthTo(lane, needs[i].from) != static_cast<int32_t>(left) - 1)
      ++i;
    if (!cycle.leftOut || length - left < OrderCycle::tailSize ||
        left < OrderCycle::headSize)
      cycle.edges.push_back(needs[i]);
    op = needs[i].from;
  }
  cycle.edges.push_back(read);
  std::reverse(cycle.edges.begin(), cycle.edges.end());
  return cycle;
}

/// Leaves out the middle of a long cycle.
OrderCycle shortened(std::vector<OrderEdge> edges) {
  constexpr size_t kept = OrderCycle::headSize + OrderCycle::tailSize;
  size_t leftOut = edges.size() > kept ? edges.size() - kept : 0;
  auto middle = edges.begin() + std::min(edges.size(), OrderCycle::headSize);
  edges.erase(middle, middle + leftOut);
  return {std::move(edges), leftOut};
}

} // namespace

/// For each update the shortest cycle through a read and needs, in order.
std::vector<OrderCycle>
OrderGraph::cyclesThroughNeeds(const std::vector<OrderEdge> &reads) const {
  std::map<int32_t, std::vector<OrderEdge>> readsBefore;
  for (const OrderEdge &edge : reads)
    if (edge.to <= edge.from &&
        (readsBefore.size() < cycleLimit || readsBefore.count(edge.to)))
      readsBefore[edge.to].push_back(edge);
  std::vector<int32_t> updates;
  for (const auto &[update, ignored] : readsBefore)
    updates.push_back(update);

  std::vector<OrderEdge> needs;
  for (const OrderEdge &edge : edges)
    if (edge.read < 0 && isInCycle(edge))
      needs.push_back(edge);
  Ways ways(std::move(needs), size);
  std::vector<OrderCycle> cycles;
  for (size_t at = 0; at < updates.size(); at += Ways::lanes) {
    std::span<const int32_t> some(updates.begin() + at,
                                  std::min(Ways::lanes, updates.size() - at));
    int32_t last = 0;
    for (int32_t update : some)
      for (const OrderEdge &edge : readsBefore[update])
        last = std::max(last, edge.from);
    ways.measure(some, last);
    for (size_t lane = 0; lane < some.size(); ++lane) {
      const std::vector<OrderEdge> &all = readsBefore[some[lane]];
      auto best = std::min_element(
          all.begin(), all.end(), [&](const auto &a, const auto &b) {
            return ways.lengthTo(lane, a.from) < ways.lengthTo(lane, b.from);
          });
      if (ways.lengthTo(lane, best->from) >= Ways::unreachable)
        continue;
      cycles.push_back(ways.cycleOf(lane, *best));
    }
  }
  return cycles;
}

/// Breadth first from the edge's end back to its start, by fewer than `limit`
/// edges in all; empty when there is no such way. Adds to `work` what it saw.
std::optional<OrderCycle>
OrderGraph::shortestCycleThrough(const OrderEdge &edge, size_t limit,
                                 Search &search) const {
  auto &[steps, seenBy, number, work] = search;
  ++number;
  seenBy.resize(size, 0);
  seenBy[edge.to] = number;
  steps.assign(1, {edge.to, -1, -1, 1});
  for (size_t at = 0; at < steps.size(); ++at) {
    auto [op, by, previous, distance] = steps[at];
    if (distance + 1 >= limit)
      break;
    for (int32_t i = starts[op]; i < starts[op + 1]; ++i) {
      const OrderEdge &way = edges[outgoing[i]];
      ++work;
      if (seenBy[way.to] == number || !isInCycle(way))
        continue;
      seenBy[way.to] = number;
      steps.push_back(
          {way.to, outgoing[i], static_cast<int32_t>(at), distance + 1});
      if (way.to != edge.from)
        continue;
      std::vector<OrderEdge> cycle;
      for (int32_t back = steps.size() - 1; steps[back].by >= 0;
           back = steps[back].previous)
        cycle.push_back(edges[steps[back].by]);
      cycle.push_back(edge);
      std::reverse(cycle.begin(), cycle.end());
      return shortened(std::move(cycle));
    }
  }
  return std::nullopt;
}

/// For the component of each read a short cycle.
std::vector<OrderCycle>
OrderGraph::cyclesThroughReads(const std::vector<OrderEdge> &reads) const {
  const size_t enough = 2 * edges.size();
  Search search;
  std::map<int32_t, OrderCycle> best;
  for (const OrderEdge &edge : reads) {
    int32_t where = component[edge.to];
    if (best.size() >= cycleLimit && !best.count(where))
      continue;
    auto &[cycle, leftOut] = best[where];
    if (!cycle.empty() && search.work > enough)
      continue;
    size_t limit = cycle.empty() ? size + 1 : cycle.size() + leftOut;
    if (auto other = shortestCycleThrough(edge, limit, search))
      best[where] = std::move(*other);
  }
  std::vector<OrderCycle> cycles;
  for (auto &[ignored, cycle] : best)
    cycles.push_back(std::move(cycle));
  return cycles;
}

std::vector<OrderCycle> OrderGraph::shortestCycles() const {
  std::vector<OrderEdge> reads = readsInCycles();
  std::vector<OrderCycle> cycles = cyclesThroughNeeds(reads);
  std::vector<bool> isExplained(components, false);
  for (const OrderCycle &cycle : cycles)
    isExplained[component[cycle.edges.front().to]] = true;
  std::erase_if(reads, [&](const OrderEdge &edge) {
    return isExplained[component[edge.to]];
  });
  for (OrderCycle &cycle : cyclesThroughReads(reads))
    cycles.push_back(std::move(cycle));
  std::sort(cycles.begin(), cycles.end(),
            [](const OrderCycle &a, const OrderCycle &b) {
              return a.edges.front().to < b.edges.front().to;
            });
  return cycles;
}
