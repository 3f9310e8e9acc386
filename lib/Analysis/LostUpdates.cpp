//===- LostUpdates.cpp - Updates that vanish after the call ---------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Provenance.h"
#include "kvlift/State.h"

#include <unordered_set>

using namespace kvlift;

namespace {

/// Versions that some later update or a result builds on.
class Continued {
public:
  Continued(const Provenance &provenance, const FuncOp &function) {
    for (Operation update : provenance.updates())
      for (Value result : update.results())
        if (const auto *origin = provenance.origin(result))
          addMaker(provenance, origin->before);
    for (Value returned : function.returnOp().operands())
      addMaker(provenance, returned);
  }
  bool contains(Operation update) const { return makers.count(update.raw.ptr); }

private:
  void addMaker(const Provenance &provenance, Value version) {
    if (const auto *origin = provenance.origin(version);
        origin && origin->update)
      makers.insert(origin->update.raw.ptr);
  }
  std::unordered_set<const void *> makers;
};

} // namespace

std::vector<LostUpdate> kvlift::findLostUpdates(const FuncOp &function) {
  std::vector<LostUpdate> lost;
  if (function.isDeclaration() || !function.hasOneBlock())
    return lost;
  Provenance provenance(function);
  Continued continued(provenance, function);
  for (Operation update : provenance.updates()) {
    if (continued.contains(update))
      continue;
    for (Value version : update.results()) {
      const auto *origin = provenance.origin(version);
      if (!origin || function.argumentAttribute(origin->argument, marks::kind))
        continue;
      lost.push_back({update, version, origin->argument});
    }
  }
  return lost;
}
