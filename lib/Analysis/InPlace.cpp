//===- InPlace.cpp - Can every chain run without a copy? ------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/InPlace.h"

using namespace kvlift;

static std::vector<Conflict> conflictsIn(const OrderGraph &graph,
                                         const BlockChains &chains) {
  std::vector<Conflict> conflicts;
  for (OrderCycle &cycle : graph.shortestCycles())
    conflicts.push_back({&chains, std::move(cycle), {}});
  std::unordered_map<int32_t, Conflict *> byUpdate;
  for (Conflict &conflict : conflicts)
    byUpdate.emplace(conflict.cycle.edges.front().to, &conflict);
  for (const OrderEdge &edge : graph.readsInCycles())
    if (auto found = byUpdate.find(edge.to); found != byUpdate.end())
      if (Conflict &conflict = *found->second;
          edge.read != conflict.readNumber() &&
          chains.reads[edge.read].through == conflict.read().through)
        conflict.otherReads.push_back(edge.read);
  return conflicts;
}

std::vector<Conflict> kvlift::conflictsOf(const BlockChains &chains) {
  OrderGraph graph(chains, /*withDeferred=*/false);
  if (graph.isAcyclic())
    return {};
  return conflictsIn(graph, chains);
}

std::vector<Conflict> kvlift::conflictsToCopyFor(const BlockChains &chains) {
  std::vector<Conflict> all;
  for (OrderGraph graph(chains, /*withDeferred=*/false); !graph.isAcyclic();) {
    std::unordered_set<int32_t> copied;
    for (Conflict &conflict : conflictsIn(graph, chains)) {
      copied.insert(conflict.readNumber());
      copied.insert(conflict.otherReads.begin(), conflict.otherReads.end());
      all.push_back(std::move(conflict));
    }
    graph.drop(copied);
  }
  return all;
}

/// Notes for the edges from last to first: from the reader back to what it
/// needs.
static void addNotes(const Conflict &conflict, Diagnostic &error) {
  const BlockChains &chains = *conflict.chains;
  const auto &[cycle, leftOut] = conflict.cycle;
  error.note(chains.ops[cycle.front().from].location(),
             "reads the old value here");
  for (size_t i = cycle.size(); i-- > 1;) {
    const OrderEdge &edge = cycle[i];
    if (leftOut > 0 && i == OrderCycle::headSize) {
      error.note(chains.ops[edge.from].location(),
                 "which needs values computed by " +
                     std::to_string(leftOut + 1) + " ops from here on");
      continue;
    }
    if (edge.read >= 0) {
      const Version &version = chains.versions[chains.reads[edge.read].version];
      error.note(chains.ops[edge.from].location(),
                 "which must wait until the old value of slot " +
                     quote(chains.slotOf(version)) + " is read here");
    } else if (cycle[i - 1].read >= 0)
      error.note(chains.ops[edge.to].location(),
                 "which needs the updated value here");
    else
      error.note(chains.ops[edge.from].location(),
                 "which needs the value computed here");
  }
}

Diagnostic &kvlift::report(const Conflict &conflict, DiagnosticLog &log) {
  Operation update = conflict.update();
  Diagnostic &error =
      log.error(update.location(),
                "slot " + quote(conflict.slot()) + " cannot be updated in " +
                    "place: the old value is still needed after this " +
                    quote(update.name()));
  if (conflict.cycle.edges.size() == 1)
    error.note(update.location(),
               "reads the old value here as well, beside overwriting it");
  else
    addNotes(conflict, error);
  return error;
}

int64_t kvlift::byteSize(Type type) {
  if (!type.isStaticTensor())
    return 0;
  int64_t bytes = (type.element().bitWidth() + 7) / 8;
  for (int64_t extent : type.shape())
    bytes *= extent;
  return bytes;
}
