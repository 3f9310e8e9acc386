//===- OrderGraph.cpp - What must run before what -------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/OrderGraph.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <queue>

using namespace kvlift;

OrderGraph::OrderGraph(const BlockChains &chains, bool withDeferred)
    : size(chains.ops.size()) {
  addEdges(chains, withDeferred);
  starts.assign(size + 1, 0);
  for (const OrderEdge &edge : edges)
    ++starts[edge.from + 1];
  for (int64_t i = 0; i < size; ++i)
    starts[i + 1] += starts[i];
  outgoing.resize(edges.size());
  std::vector<int64_t> next(starts.begin(), starts.end() - 1);
  for (size_t i = 0; i < edges.size(); ++i)
    outgoing[next[edges[i].from]++] = i;
  findComponents();
  for (const OrderEdge &edge : edges)
    cyclic += isInCycle(edge) && edge.read >= 0;
}

void OrderGraph::addEdges(const BlockChains &chains, bool withDeferred) {
  for (const Need &need : chains.needs)
    edges.push_back({need.from, need.to, -1});
  std::vector<int64_t> next = chains.nextOnChain();
  for (size_t i = 0; i < chains.reads.size(); ++i) {
    const Read &read = chains.reads[i];
    int64_t over = next[read.version];
    if (over < 0 || over == read.makes)
      continue;
    int64_t update = chains.versions[over].maker;
    // An update may be made of what it overwrites.
    if (read.deferral && (!withDeferred || read.op == update))
      continue;
    edges.push_back({read.op, update, static_cast<int64_t>(i)});
  }
}

/// Tarjan's algorithm with a stack of its own: blocks may be long.
void OrderGraph::findComponents() {
  if (std::all_of(edges.begin(), edges.end(),
                  [](const OrderEdge &edge) { return edge.from < edge.to; })) {
    // Program order keeps every edge: each op is a component of its own.
    component.resize(size);
    std::iota(component.begin(), component.end(), 0);
    componentSize.assign(size, 1);
    return;
  }
  struct Frame {
    int64_t op, next;
  };
  std::vector<int64_t> index(size, -1), low(size, 0), pending;
  std::vector<Frame> frames;
  std::vector<bool> isPending(size, false);
  component.assign(size, -1);
  int64_t count = 0;
  auto enter = [&](int64_t op) {
    index[op] = low[op] = count++;
    pending.push_back(op);
    isPending[op] = true;
    frames.push_back({op, starts[op]});
  };
  for (int64_t root = 0; root < size; ++root) {
    if (index[root] < 0)
      enter(root);
    while (!frames.empty()) {
      auto &[op, next] = frames.back();
      if (next < starts[op + 1]) {
        int64_t to = edges[outgoing[next++]].to;
        if (index[to] < 0)
          enter(to);
        else if (isPending[to])
          low[op] = std::min(low[op], index[to]);
        continue;
      }
      int64_t done = op;
      frames.pop_back();
      if (!frames.empty())
        low[frames.back().op] = std::min(low[frames.back().op], low[done]);
      if (low[done] != index[done])
        continue;
      int64_t members = 0, member;
      do {
        member = pending.back();
        pending.pop_back();
        isPending[member] = false;
        component[member] = componentSize.size();
        ++members;
      } while (member != done);
      componentSize.push_back(members);
    }
  }
}

bool OrderGraph::isInCycle(const OrderEdge &edge) const {
  return component[edge.from] == component[edge.to];
}

std::vector<OrderEdge> OrderGraph::readsInCycles() const {
  std::vector<OrderEdge> found;
  for (const OrderEdge &edge : edges)
    if (edge.read >= 0 && isInCycle(edge))
      found.push_back(edge);
  return found;
}

/// Breadth first from the edge's end back to its start, by fewer than `limit`
/// edges in all; empty when there is no such way. It may lead through the edges
/// of other reads or not.
std::vector<OrderEdge> OrderGraph::shortestCycleThrough(const OrderEdge &edge,
                                                        bool throughReads,
                                                        size_t limit) const {
  if (edge.from == edge.to)
    return {edge};
  // Each op that was reached, by the edge that reached it and how far it is.
  struct Step {
    int64_t op, by, previous;
    size_t distance;
  };
  std::vector<Step> steps{{edge.to, -1, -1, 1}};
  std::vector<bool> seen(size, false);
  seen[edge.to] = true;
  for (size_t at = 0; at < steps.size(); ++at) {
    Step step = steps[at];
    if (step.distance + 1 >= limit)
      break;
    for (int64_t i = starts[step.op]; i < starts[step.op + 1]; ++i) {
      const OrderEdge &way = edges[outgoing[i]];
      if (seen[way.to] || !isInCycle(way) || (way.read >= 0 && !throughReads))
        continue;
      seen[way.to] = true;
      steps.push_back(
          {way.to, outgoing[i], static_cast<int64_t>(at), step.distance + 1});
      if (way.to != edge.from)
        continue;
      std::vector<OrderEdge> cycle;
      for (int64_t back = steps.size() - 1; steps[back].by >= 0;
           back = steps[back].previous)
        cycle.push_back(edges[steps[back].by]);
      cycle.push_back(edge);
      std::reverse(cycle.begin(), cycle.end());
      return cycle;
    }
  }
  return {};
}

std::vector<std::vector<OrderEdge>> OrderGraph::shortestCycles() const {
  std::vector<OrderEdge> reads = readsInCycles();
  // By the update, then by the component.
  std::map<int64_t, std::vector<OrderEdge>> best, bestOfComponent;
  std::vector<bool> isExplained(componentSize.size(), false);
  auto improve = [&](std::vector<OrderEdge> &cycle, const OrderEdge &edge,
                     bool throughReads) {
    size_t limit = cycle.empty() ? size + 1 : cycle.size();
    if (auto other = shortestCycleThrough(edge, throughReads, limit);
        !other.empty())
      cycle = std::move(other);
    return !cycle.empty();
  };
  for (const OrderEdge &edge : reads)
    if (improve(best[edge.to], edge, /*throughReads=*/false))
      isExplained[component[edge.to]] = true;
  for (const OrderEdge &edge : reads)
    if (!isExplained[component[edge.to]])
      improve(bestOfComponent[component[edge.to]], edge, /*throughReads=*/true);

  for (auto &[ignored, cycle] : bestOfComponent)
    best[cycle.front().to] = std::move(cycle);
  std::vector<std::vector<OrderEdge>> cycles;
  for (auto &[update, cycle] : best)
    if (!cycle.empty())
      cycles.push_back(std::move(cycle));
  return cycles;
}

std::vector<int64_t> kvlift::orderOf(const BlockChains &chains) {
  // A deferred read that lies in a cycle must not cost the others their edges.
  OrderGraph firm(chains, /*withDeferred=*/false);
  OrderGraph graph(chains, /*withDeferred=*/true);
  const std::vector<OrderEdge> &edges = graph.edges;
  auto counts = [&](const OrderEdge &edge) {
    if (edge.read < 0)
      return true;
    bool isDeferred = bool(chains.reads[edge.read].deferral);
    return !(isDeferred ? graph : firm).isInCycle(edge);
  };
  int64_t size = graph.size;
  std::vector<int64_t> waitsFor(size, 0);
  for (const OrderEdge &edge : edges)
    waitsFor[edge.to] += counts(edge);
  // The first in program order of those that can run.
  std::priority_queue<int64_t, std::vector<int64_t>, std::greater<>> ready;
  for (int64_t op = 0; op < size; ++op)
    if (waitsFor[op] == 0)
      ready.push(op);
  std::vector<int64_t> order;
  while (!ready.empty()) {
    int64_t op = ready.top();
    ready.pop();
    order.push_back(op);
    for (int64_t i = graph.starts[op]; i < graph.starts[op + 1]; ++i) {
      const OrderEdge &edge = edges[graph.outgoing[i]];
      if (counts(edge) && --waitsFor[edge.to] == 0)
        ready.push(edge.to);
    }
  }
  return order;
}

void kvlift::applyOrder(const BlockChains &chains,
                        const std::vector<int64_t> &order) {
  // `next` is the first op in program order that has no place yet.
  std::vector<bool> isPlaced(order.size(), false);
  size_t next = 0;
  for (int64_t op : order) {
    while (next < order.size() && isPlaced[next])
      ++next;
    if (static_cast<size_t>(op) != next)
      chains.ops[op].moveBefore(chains.ops[next]);
    isPlaced[op] = true;
  }
}
