//===- OrderGraph.h - What must run before what -----------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_ORDERGRAPH_H
#define KVLIFT_ORDERGRAPH_H

#include "kvlift/Chains.h"

namespace kvlift {

/// `from` must run before `to`; positions in the block.
struct OrderEdge {
  int32_t from, to;
  /// The read for whose sake it must; -1 when `to` needs a result of `from`.
  int32_t read;
};

/// Ops that wait for each other in a ring, by the edges between them.
struct OrderCycle {
  /// The first is that of a read. Of a long cycle both ends are kept.
  std::vector<OrderEdge> edges;
  /// How many edges are left out; those of the tail come after them.
  size_t leftOut = 0;

  static constexpr size_t headSize = 17, tailSize = 16;
};

/// The order of a block's ops: who needs whose results, and readers of a
/// version before the update that overwrites it. All chains can run in place
/// together iff it has no cycle. Linear in ops, operands and versions; where
/// program order keeps every edge, just in the reads.
class OrderGraph {
public:
  /// Reads that are deferred count if `withDeferred`.
  OrderGraph(const BlockChains &chains, bool withDeferred);

  bool isAcyclic() const { return cyclic == 0; }

  /// For each update whose result a reader of the old value needs, the cycle of
  /// fewest edges of this kind. For each strongly connected component without
  /// one, in which readers of several slots wait for each other, a short cycle:
  /// of fewest edges unless the component is large. In program order, a bounded
  /// number; none only if there is no cycle.
  std::vector<OrderCycle> shortestCycles() const;

  /// Edges of reads that lie in a cycle.
  std::vector<OrderEdge> readsInCycles() const;

  /// Takes the edges of these reads out, and all that lie in no cycle.
  void drop(const std::unordered_set<int32_t> &reads);

private:
  friend std::vector<int64_t> orderOf(const BlockChains &chains);
  /// What searches share, so that none has to clear its memory.
  struct Search {
    /// An op that was reached, by the edge that reached it and how far it is.
    struct Step {
      int32_t op, by, previous;
      size_t distance;
    };
    std::vector<Step> steps;
    /// The last search that saw each op, and the number of this one.
    std::vector<int32_t> seenBy;
    int32_t number = 0;
    /// The edges that all searches saw.
    size_t work = 0;
  };
  void index();
  void findComponents();
  bool isInCycle(const OrderEdge &edge) const {
    return !isForward && component[edge.from] == component[edge.to];
  }
  std::vector<OrderCycle>
  cyclesThroughNeeds(const std::vector<OrderEdge> &reads) const;
  std::vector<OrderCycle>
  cyclesThroughReads(const std::vector<OrderEdge> &reads) const;
  std::optional<OrderCycle> shortestCycleThrough(const OrderEdge &edge,
                                                 size_t limit,
                                                 Search &search) const;

  int64_t size;
  /// Whether program order keeps every edge; the rest is empty then.
  bool isForward = true;
  /// Needs, sorted by `to`; then reads.
  std::vector<OrderEdge> edges;
  /// The edges that leave op i are outgoing[starts[i]] .. [starts[i + 1]].
  std::vector<int32_t> starts, outgoing;
  /// Each op's strongly connected component.
  std::vector<int32_t> component;
  int32_t components = 0;
  int64_t cyclic = 0;
};

/// Positions in an order that keeps every edge but those of reads that lie in
/// cycles. Ops stay in program order where that allows it.
std::vector<int64_t> orderOf(const BlockChains &chains);

/// Puts the block's ops in this order.
void applyOrder(const BlockChains &chains, const std::vector<int64_t> &order);

} // namespace kvlift

#endif // KVLIFT_ORDERGRAPH_H
