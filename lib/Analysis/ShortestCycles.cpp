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

using Cycle = std::vector<OrderEdge>;

/// More conflicts than a person reads; who resolves them asks again.
constexpr size_t cycleLimit = 1024;

/// The shortest ways from a few ops along needs, all at once.
class Ways {
public:
  static constexpr size_t lanes = 16;

  /// `needs` are sorted by `to`.
  explicit Ways(std::vector<OrderEdge> needs) : needs(std::move(needs)) {}

  /// Measures from these ops, in program order, as far as `last`.
  void measure(std::span<const int32_t> sources, int32_t last);
  /// The edges between the source of the lane and the op; `unreachable` if no
  /// way leads there.
  int32_t length(size_t lane, int32_t op) const {
    return op < first ? unreachable : rows[op - first][lane];
  }
  /// The edges of the way, from the source on.
  Cycle edges(size_t lane, int32_t op) const;

  static constexpr int32_t unreachable = 1 << 30;

private:
  auto into(int32_t op) const {
    return std::lower_bound(
        needs.begin(), needs.end(), op,
        [](const OrderEdge &edge, int32_t op) { return edge.to < op; });
  }

  std::vector<OrderEdge> needs;
  std::vector<std::array<int32_t, lanes>> rows;
  int32_t first = 0;
};

void Ways::measure(std::span<const int32_t> sources, int32_t last) {
  first = sources.front();
  std::array<int32_t, lanes> far;
  far.fill(unreachable);
  rows.assign(last - first + 1, far);
  for (size_t lane = 0; lane < sources.size(); ++lane)
    rows[sources[lane] - first][lane] = 0;
  for (auto need = into(first); need != needs.end() && need->to <= last;
       ++need) {
    if (need->from < first)
      continue;
    const auto &from = rows[need->from - first];
    auto &to = rows[need->to - first];
    for (size_t lane = 0; lane < lanes; ++lane)
      to[lane] = std::min(to[lane], from[lane] + 1);
  }
}

Cycle Ways::edges(size_t lane, int32_t op) const {
  Cycle way;
  while (int32_t left = length(lane, op)) {
    auto need = into(op);
    while (length(lane, need->from) != left - 1)
      ++need;
    way.push_back(*need);
    op = need->from;
  }
  std::reverse(way.begin(), way.end());
  return way;
}

} // namespace

/// For each update the shortest cycle through a read and needs, in order.
std::vector<Cycle>
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
  Ways ways(std::move(needs));
  std::vector<Cycle> cycles;
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
            return ways.length(lane, a.from) < ways.length(lane, b.from);
          });
      if (ways.length(lane, best->from) >= Ways::unreachable)
        continue;
      Cycle &cycle = cycles.emplace_back(Cycle{*best});
      Cycle way = ways.edges(lane, best->from);
      cycle.insert(cycle.end(), way.begin(), way.end());
    }
  }
  return cycles;
}

/// Breadth first from the edge's end back to its start, by fewer than `limit`
/// edges in all; empty when there is no such way. Adds to `work` what it saw.
Cycle OrderGraph::shortestCycleThrough(const OrderEdge &edge, size_t limit,
                                       size_t &work) const {
  // Each op that was reached, by the edge that reached it and how far it is.
  struct Step {
    int32_t op, by, previous;
    size_t distance;
  };
  std::vector<Step> steps{{edge.to, -1, -1, 1}};
  std::vector<bool> seen(size, false);
  seen[edge.to] = true;
  for (size_t at = 0; at < steps.size(); ++at) {
    Step step = steps[at];
    if (step.distance + 1 >= limit)
      break;
    for (int32_t i = starts[step.op]; i < starts[step.op + 1]; ++i) {
      const OrderEdge &way = edges[outgoing[i]];
      ++work;
      if (seen[way.to] || !isInCycle(way))
        continue;
      seen[way.to] = true;
      steps.push_back(
          {way.to, outgoing[i], static_cast<int32_t>(at), step.distance + 1});
      if (way.to != edge.from)
        continue;
      Cycle cycle;
      for (int32_t back = steps.size() - 1; steps[back].by >= 0;
           back = steps[back].previous)
        cycle.push_back(edges[steps[back].by]);
      cycle.push_back(edge);
      std::reverse(cycle.begin(), cycle.end());
      return cycle;
    }
  }
  return {};
}

/// For the component of each read a short cycle.
std::vector<Cycle>
OrderGraph::cyclesThroughReads(const std::vector<OrderEdge> &reads) const {
  const size_t enough = 8 * (edges.size() + size);
  size_t work = 0;
  std::map<int32_t, Cycle> best;
  for (const OrderEdge &edge : reads) {
    int32_t where = component[edge.to];
    if (best.size() >= cycleLimit && !best.count(where))
      continue;
    Cycle &cycle = best[where];
    if (!cycle.empty() && work > enough)
      continue;
    size_t limit = cycle.empty() ? size + 1 : cycle.size();
    if (Cycle other = shortestCycleThrough(edge, limit, work); !other.empty())
      cycle = std::move(other);
  }
  std::vector<Cycle> cycles;
  for (auto &[ignored, cycle] : best)
    cycles.push_back(std::move(cycle));
  return cycles;
}

std::vector<Cycle> OrderGraph::shortestCycles() const {
  std::vector<OrderEdge> reads = readsInCycles();
  std::vector<Cycle> cycles = cyclesThroughNeeds(reads);
  std::vector<bool> isExplained(components, false);
  for (const Cycle &cycle : cycles)
    isExplained[component[cycle.front().to]] = true;
  std::erase_if(reads, [&](const OrderEdge &edge) {
    return isExplained[component[edge.to]];
  });
  for (Cycle &cycle : cyclesThroughReads(reads))
    cycles.push_back(std::move(cycle));
  std::sort(cycles.begin(), cycles.end(), [](const Cycle &a, const Cycle &b) {
    return a.front().to < b.front().to;
  });
  return cycles;
}
