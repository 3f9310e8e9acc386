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

/// What updates made and some later update or a result builds on.
class Continued {
public:
  Continued(const Provenance &provenance, const FuncOp &function) {
    for (Operation update : provenance.updates())
      for (Value result : update.results())
        if (const auto *origin = provenance.origin(result))
          add(provenance, origin->before);
    for (Value returned : function.returnOp().operands())
      add(provenance, returned);
  }
  bool contains(Value made) const { return versions.count(made.raw.ptr); }

private:
  void add(const Provenance &provenance, Value version) {
    if (const auto *origin = provenance.origin(version);
        origin && origin->update)
      versions.insert(origin->made.raw.ptr);
  }
  std::unordered_set<const void *> versions;
};

} // namespace

std::vector<LostUpdate> kvlift::findLostUpdates(const FuncOp &function) {
  std::vector<LostUpdate> lost;
  if (function.isDeclaration() || !function.hasOneBlock())
    return lost;
  Provenance provenance(function);
  Continued continued(provenance, function);
  for (Operation update : provenance.updates())
    for (Value version : update.results()) {
      const auto *origin = provenance.origin(version);
      if (!origin || continued.contains(version) ||
          function.argumentAttribute(origin->argument, marks::kind))
        continue;
      lost.push_back({update, version, origin->argument, origin->view});
    }
  return lost;
}
