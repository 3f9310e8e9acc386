//===- OrderGraph.cpp - What must run before what -------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/OrderGraph.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>

using namespace kvlift;

static std::vector<OrderEdge> readEdges(const BlockChains &chains,
                                        bool withDeferred) {
  std::vector<OrderEdge> edges;
  for (size_t i = 0; i < chains.reads.size(); ++i) {
    const Read &read = chains.reads[i];
    int64_t over = chains.next[read.version];
    if (over < 0 || over == read.makes)
      continue;
    int32_t update = chains.versions[over].maker;
    // An update may be made of what it overwrites.
    if (read.deferral && (!withDeferred || read.op == update))
      continue;
    edges.push_back({read.op, update, static_cast<int32_t>(i)});
  }
  return edges;
}

OrderGraph::OrderGraph(const BlockChains &chains, bool withDeferred)
    : size(chains.ops.size()) {
  std::vector<OrderEdge> reads = readEdges(chains, withDeferred);
  // Needs are forward as they are.
  isForward = std::all_of(reads.begin(), reads.end(),
                          [](const OrderEdge &e) { return e.from < e.to; });
  if (isForward)
    return;
  edges.reserve(chains.needs.size() + reads.size());
  for (const Need &need : chains.needs)
    edges.push_back({need.from, need.to, -1});
  edges.insert(edges.end(), reads.begin(), reads.end());
  index();
}

void OrderGraph::drop(const std::unordered_set<int32_t> &reads) {
  std::erase_if(edges, [&](const OrderEdge &edge) {
    return !isInCycle(edge) || reads.count(edge.read);
  });
  index();
}

/// Finds what the edges say.
void OrderGraph::index() {
  starts.assign(size + 1, 0);
  for (const OrderEdge &edge : edges)
    ++starts[edge.from + 1];
  for (int64_t i = 0; i < size; ++i)
    starts[i + 1] += starts[i];
  outgoing.resize(edges.size());
  std::vector<int32_t> next(starts.begin(), starts.end() - 1);
  for (size_t i = 0; i < edges.size(); ++i)
    outgoing[next[edges[i].from]++] = i;
  findComponents();
  cyclic = std::count_if(edges.begin(), edges.end(), [&](const OrderEdge &e) {
    return e.read >= 0 && isInCycle(e);
  });
}

/// Tarjan's algorithm with a stack of its own: blocks may be long.
void OrderGraph::findComponents() {
  struct Frame {
    int32_t op, next;
  };
  std::vector<int32_t> index(size, -1), low(size, 0), pending;
  std::vector<Frame> frames;
  std::vector<bool> isPending(size, false);
  component.assign(size, -1);
  components = 0;
  int32_t count = 0;
  auto enter = [&](int32_t op) {
    index[op] = low[op] = count++;
    pending.push_back(op);
    isPending[op] = true;
    frames.push_back({op, starts[op]});
  };
  for (int32_t root = 0; root < size; ++root) {
    if (index[root] < 0)
      enter(root);
    while (!frames.empty()) {
      auto &[op, next] = frames.back();
      if (next < starts[op + 1]) {
        int32_t to = edges[outgoing[next++]].to;
        if (index[to] < 0)
          enter(to);
        else if (isPending[to])
          low[op] = std::min(low[op], index[to]);
        continue;
      }
      int32_t done = op;
      frames.pop_back();
      if (!frames.empty())
        low[frames.back().op] = std::min(low[frames.back().op], low[done]);
      if (low[done] != index[done])
        continue;
      int32_t member;
      do {
        member = pending.back();
        pending.pop_back();
        isPending[member] = false;
        component[member] = components;
      } while (member != done);
      ++components;
    }
  }
}

std::vector<OrderEdge> OrderGraph::readsInCycles() const {
  std::vector<OrderEdge> found;
  for (const OrderEdge &edge : edges)
    if (edge.read >= 0 && isInCycle(edge))
      found.push_back(edge);
  return found;
}

std::vector<int64_t> kvlift::orderOf(const BlockChains &chains) {
  OrderGraph graph(chains, /*withDeferred=*/true);
  int64_t size = graph.size;
  if (graph.isForward) {
    std::vector<int64_t> same(size);
    std::iota(same.begin(), same.end(), 0);
    return same;
  }
  // A deferred read that lies in a cycle must not cost the others their edges.
  std::optional<OrderGraph> firm;
  if (!graph.isAcyclic())
    firm.emplace(chains, /*withDeferred=*/false);
  const std::vector<OrderEdge> &edges = graph.edges;
  auto counts = [&](const OrderEdge &edge) {
    if (edge.read < 0 || !firm)
      return true;
    bool isDeferred = bool(chains.reads[edge.read].deferral);
    return !(isDeferred ? graph : *firm).isInCycle(edge);
  };
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
  if (std::is_sorted(order.begin(), order.end()))
    return;
  // The first op of the block that has no place yet.
  Operation next = chains.block.firstOp();
  for (int64_t position : order) {
    Operation op = chains.ops[position];
    if (op == next)
      next = next.next();
    else
      op.moveBefore(next);
  }
}
