//===- PrintInPlace.cpp - kvlift-print-in-place ---------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Says as remarks what the proof sees: every version of every slot, every read
// that must come before an update, and whether an order exists.
//
//===----------------------------------------------------------------------===//

#include "kvlift/InPlace.h"
#include "kvlift/Passes.h"

using namespace kvlift;

namespace {

/// `version 2 of slot 'k'`, counted along the chain.
std::string describe(const BlockChains &chains, int64_t version) {
  int64_t number = 0;
  for (int64_t at = version; (at = chains.versions[at].parent) >= 0;)
    ++number;
  return "version " + std::to_string(number) + " of slot " +
         quote(chains.slotOf(chains.versions[version]));
}

void print(const BlockChains &chains, DiagnosticLog &log) {
  for (size_t i = chains.roots.size(); i < chains.versions.size(); ++i)
    log.remark(chains.ops[chains.versions[i].maker].location(),
               "makes " + describe(chains, i) +
                   (chains.versions[i].isTransposed ? ", transposed" : ""));
  std::vector<int64_t> next = chains.nextOnChain();
  for (const Read &read : chains.reads) {
    int64_t over = next[read.version];
    if (over < 0 || over == read.makes)
      continue;
    log.remark(chains.ops[read.op].location(),
               std::string(read.deferral ? "may read " : "reads ") +
                   describe(chains, read.version));
  }
  Operation last = chains.ops.back();
  for (size_t root = 0; root < chains.roots.size(); ++root)
    if (int64_t version = chains.lastVersion(root); version >= 0)
      log.remark(last.location(), "returns " + describe(chains, version));
  bool isAcyclic = OrderGraph(chains, /*withDeferred=*/false).isAcyclic();
  bool isEasy = OrderGraph(chains, /*withDeferred=*/true).isAcyclic();
  log.remark(last.location(),
             isEasy      ? "every chain of this block can run in place"
             : isAcyclic ? "every chain of this block can run in place if the "
                           "runtime computes in this order"
                         : "no order lets every chain of this block run in "
                           "place");
}

} // namespace

Status kvlift::printInPlace(Operation module, const PassOptions &,
                            DiagnosticLog &log) {
  auto functions = readPublicFunctions(module, log);
  if (!functions)
    return Status::failure();
  for (const auto &[function, slots] : *functions)
    if (!slots.empty())
      for (const BlockChains &chains : chainsOf(module, function, slots))
        print(chains, log);
  return Status::success();
}
