//===- LateSums.cpp - Sums that XLA computes after the update -------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// XLA computes a short sum together with the one op that takes it in. Where
// that op needs what the update makes, the sum reads a copy of the old version.
//
//===----------------------------------------------------------------------===//

#include "LateSums.h"

#include <algorithm>
#include <set>

using namespace kvlift;

bool kvlift::buildsSummand(Operation sum) {
  constexpr int64_t longestDim = 32, librarySize = 4096;
  Type type = sum.operand(0).type();
  auto dims = sum.attribute("dimensions").asI64Array();
  if (!type.isStaticTensor() || !dims)
    return false;
  Dims shape = type.shape();
  return (type.element().print() == "f32" &&
          type.elementCount() >= librarySize) ||
         std::any_of(dims->begin(), dims->end(),
                     [&](int64_t dim) { return shape[dim] > longestDim; });
}

bool kvlift::isLate(Operation reader, OpRoles &roles) {
  OpRole role = roles.of(reader);
  return role == OpRole::elements || role == OpRole::update ||
         role == OpRole::sum;
}

/// Whether one op takes the value in, through views or as it is.
static bool isTakenOnce(Value value, OpRoles &roles) {
  std::vector<Use> uses = value.uses();
  while (uses.size() == 1) {
    Operation user(uses.front().user);
    OpRole role = roles.of(user);
    if (role != OpRole::view && role != OpRole::barrier)
      return true;
    uses = user.result(uses.front().operand).uses();
  }
  return false;
}

std::vector<Operation> kvlift::sumsComputedWith(const Read &read,
                                                OpRoles &roles) {
  constexpr size_t wayLimit = 256;
  std::vector<Operation> sums;
  std::vector<Value> reached{read.through};
  for (size_t at = 0; at < reached.size() && at < wayLimit; ++at) {
    Operation maker = reached[at].definingOp();
    if (!maker)
      continue;
    OpRole role = roles.of(maker);
    if (role == OpRole::sum && !buildsSummand(maker) &&
        isTakenOnce(reached[at], roles))
      sums.push_back(maker);
    if (role == OpRole::view || role == OpRole::barrier ||
        role == OpRole::slice || role == OpRole::elements)
      for (Value operand : maker.operands())
        reached.push_back(operand);
  }
  return sums;
}

std::vector<LateSum> kvlift::lateSumsOf(const BlockChains &chains) {
  OrderGraph graph(chains, /*withDeferred=*/true);
  if (graph.isAcyclic())
    return {};
  OpRoles roles;
  std::vector<LateSum> late;
  std::set<std::pair<const void *, const void *>> known;
  for (const OrderEdge &edge : graph.readsInCycles()) {
    const Read &read = chains.reads[edge.read];
    Operation update = chains.ops[edge.to];
    if (!read.deferral.bySum || !isLate(chains.ops[read.op], roles))
      continue;
    for (Operation sum : sumsComputedWith(read, roles))
      if (known.insert({sum.raw.ptr, update.raw.ptr}).second)
        late.push_back({sum, update});
  }
  return late;
}
