//===- FindingsLate.cpp - Reads that come after the update ----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An op may run later than it stands, together with one that takes its result
// in. Where this lets it read what an update has overwritten, the runtime keeps
// a copy of the old version.
//
//===----------------------------------------------------------------------===//

#include "Finder.h"
#include "LateSums.h"

#include <algorithm>

using namespace kvlift;

void Finder::inspectLateReads(const BlockChains &chains) {
  if (!model.find(Habit::fusesLate))
    return;
  OrderGraph graph(chains, /*withDeferred=*/true);
  if (graph.isAcyclic())
    return;
  std::set<std::string> named;
  for (const OrderEdge &edge : graph.readsInCycles()) {
    const Read &read = chains.reads[edge.read];
    const std::string &slot = chains.slotOf(chains.versions[read.version]);
    if (!read.deferral || !isLate(chains.ops[read.op], roles) ||
        (read.deferral.bySum && sumsComputedWith(read, roles).empty()))
      continue;
    if (named.insert(slot).second)
      add(Habit::fusesLate, slot, chains.ops[read.op]);
  }
}

/// Whether the update needs a result of the reader, by a short way.
static bool feeds(Operation reader, Operation update) {
  constexpr size_t wayLimit = 256;
  std::vector<Operation> reached{reader};
  std::set<const void *> known;
  for (size_t at = 0; at < reached.size() && at < wayLimit; ++at)
    for (Value result : reached[at].results())
      for (const Use &use : result.uses()) {
        Operation user(use.user);
        if (user == update)
          return true;
        if (known.insert(user.raw.ptr).second)
          reached.push_back(user);
      }
  return false;
}

void Finder::inspectReadsBetween(const BlockChains &chains) {
  std::vector<int64_t> next = chains.nextOnChain();
  std::set<std::string> named;
  for (const Read &read : chains.reads) {
    const Version &version = chains.versions[read.version];
    const std::string &slot = chains.slotOf(version);
    int64_t over = next[read.version];
    // What takes in a sum of the version does not read it; the sum does.
    if (read.makes >= 0 || read.deferral.bySum || version.maker < 0 ||
        over < 0 || named.count(slot))
      continue;
    Operation reader = chains.ops[read.op];
    Operation update = chains.ops[chains.versions[over].maker];
    // The update takes in the slice that it is made of, unless a barrier keeps
    // them apart.
    bool isTakenIn = read.deferral ? !read.deferral.isPinned
                                   : roles.of(reader) == OpRole::slice &&
                                         feeds(reader, update);
    if (isTakenIn)
      continue;
    named.insert(slot);
    add(Habit::copiesBetween, slot, reader);
  }
}

bool Finder::hasControlFlow() {
  auto isControlFlow = [&](Operation op) {
    OpRole role = roles.of(op);
    return role == OpRole::loop || role == OpRole::branch;
  };
  return std::any_of(
      blocks.begin(), blocks.end(), [&](const BlockChains &chains) {
        return std::any_of(chains.ops.begin(), chains.ops.end(), isControlFlow);
      });
}

/// Whether a runtime may compute the version where it is read.
bool Finder::isComputed(Operation maker) {
  OpRole role = roles.of(maker);
  return role == OpRole::update || role == OpRole::call;
}

/// Two kinds of reads: those of a version that the update after it does not
/// wait for, and those that take in the update before them, so that it runs
/// twice.
void Finder::inspectBesideControlFlow(const BlockChains &chains) {
  std::vector<int64_t> next = chains.nextOnChain();
  std::set<std::string> named;
  for (const Read &read : chains.reads) {
    const Version &version = chains.versions[read.version];
    const std::string &slot = chains.slotOf(version);
    // What takes in a sum is beside the update as the sum is.
    if (read.makes >= 0 || read.deferral.bySum || named.count(slot))
      continue;
    Operation reader = chains.ops[read.op];
    int64_t over = next[read.version];
    Operation after =
        over < 0 ? Operation() : chains.ops[chains.versions[over].maker];
    bool isBeside = after && !(reader == after) && !feeds(reader, after);
    bool isTakenIn = version.maker >= 0 && isFused(reader) &&
                     isComputed(chains.ops[version.maker]);
    if (!isBeside && !isTakenIn)
      continue;
    named.insert(slot);
    add(Habit::copiesReadsBesideControlFlow, slot, reader);
  }
}
