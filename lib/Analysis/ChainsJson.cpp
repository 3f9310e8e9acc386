//===- ChainsJson.cpp - The chains of a module as JSON --------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Chains.h"
#include "kvlift/Json.h"
#include "kvlift/OrderGraph.h"
#include "kvlift/Provenance.h"

#include <algorithm>
#include <map>
#include <set>

using namespace kvlift;

namespace {

std::string number(int64_t value) { return std::to_string(value); }

std::string place(Operation op) {
  return SourceLocation(op.location()).print();
}

/// `function` for its own block, else the op around the block and its place.
std::string blockName(const BlockChains &chains) {
  Operation around = chains.block.parentOp();
  if (around.is("func.func"))
    return "function " + FuncOp(around).name();
  return std::string(around.name()) + " at " + place(around);
}

std::string jsonVersion(const BlockChains &chains, int64_t id) {
  const Version &version = chains.versions[id];
  bool isRoot = version.maker < 0;
  return json::object(
      {{"id", number(id)},
       {"parent", version.parent < 0 ? "null" : number(version.parent)},
       {"op", json::string(isRoot ? "argument"
                                  : shortName(chains.ops[version.maker]))},
       {"where",
        json::string(isRoot ? SourceLocation(version.value.location()).print()
                            : place(chains.ops[version.maker]))},
       {"position", number(version.maker)}});
}

std::string jsonRead(const BlockChains &chains, const Read &read,
                     bool isConflict) {
  Operation op = chains.ops[read.op];
  return json::object({{"version", number(read.version)},
                       {"op", json::string(shortName(op))},
                       {"where", json::string(place(op))},
                       {"position", number(read.op)},
                       {"is_conflict", isConflict ? "true" : "false"}});
}

/// Whether the read is the chain itself going on: the update of that version,
/// or the terminator that carries it out.
bool isChainItself(const BlockChains &chains, const Read &read) {
  if (read.makes >= 0 || chains.ops[read.op] == chains.block.terminator())
    return true;
  return std::any_of(chains.versions.begin(), chains.versions.end(),
                     [&](const Version &version) {
                       return version.parent == read.version &&
                              version.maker == read.op;
                     });
}

std::string jsonChain(const BlockChains &chains, int64_t root,
                      const std::set<int64_t> &conflicts,
                      const std::string &verdict) {
  std::vector<std::string> versions, reads;
  for (size_t id = 0; id < chains.versions.size(); ++id)
    if (chains.versions[id].root == root)
      versions.push_back(jsonVersion(chains, id));
  for (size_t i = 0; i < chains.reads.size(); ++i) {
    const Read &read = chains.reads[i];
    if (chains.versions[read.version].root == root &&
        !isChainItself(chains, read))
      reads.push_back(jsonRead(chains, read, conflicts.count(i)));
  }
  int64_t last = chains.lastVersion(root);
  return json::object({{"slot", json::string(chains.roots[root].slot)},
                       {"block", json::string(blockName(chains))},
                       {"verdict", json::string(verdict)},
                       {"versions", json::array(versions)},
                       {"reads", json::array(reads)},
                       {"last", last < 0 ? "null" : number(last)}});
}

/// Reads that lie in a cycle of the block's order.
std::set<int64_t> conflictsIn(const BlockChains &chains) {
  std::set<int64_t> conflicts;
  for (const OrderEdge &edge :
       OrderGraph(chains, /*withDeferred=*/true).readsInCycles())
    conflicts.insert(edge.read);
  return conflicts;
}

} // namespace

std::optional<std::string> kvlift::chainsJson(Operation module,
                                              DiagnosticLog &log) {
  auto all = readPublicFunctions(module, log);
  if (!all)
    return std::nullopt;
  std::vector<std::string> functions;
  for (const auto &[function, slots] : *all) {
    std::map<std::string, std::string> verdicts;
    for (const Slot &slot : slots)
      verdicts[slot.name] =
          function.argumentAttribute(slot.argument, marks::verdict)
              .asString()
              .value_or("");
    std::vector<std::string> chains;
    for (const BlockChains &block : chainsOf(module, function, slots)) {
      std::set<int64_t> conflicts = conflictsIn(block);
      for (size_t root = 0; root < block.roots.size(); ++root)
        chains.push_back(jsonChain(block, root, conflicts,
                                   verdicts[block.roots[root].slot]));
    }
    functions.push_back(json::object({{"name", json::string(function.name())},
                                      {"chains", json::array(chains)}}));
  }
  return json::array(functions);
}
