//===- CheckReplay.cpp - kvlift-check-replay ------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Says of every public function what needs the host in each call; see Replay.h.
// Nothing is changed.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Passes.h"
#include "kvlift/Replay.h"

using namespace kvlift;

Status kvlift::checkReplay(Operation module, const PassOptions &,
                           DiagnosticLog &log) {
  auto functions = readPublicFunctions(module, log);
  if (!functions)
    return Status::failure();
  for (const auto &[function, slots] : *functions) {
    std::vector<Obstacle> obstacles = replayObstacles(function, module);
    for (const Obstacle &obstacle : obstacles)
      log.remark(obstacle.where, "function " + quote(function.name()) +
                                     " cannot be replayed: " + obstacle.why);
    if (obstacles.empty())
      log.remark(function.operation().location(),
                 "function " + quote(function.name()) + " can be replayed");
  }
  return Status::success();
}
