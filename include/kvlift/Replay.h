//===- Replay.h - What keeps steps from running without a host --*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function can be replayed (as a CUDA graph is) when one call after the other
// needs nothing from the host, reads nothing back to it, and finds all its
// buffers where they were.
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_REPLAY_H
#define KVLIFT_REPLAY_H

#include "kvlift/State.h"

namespace kvlift {

/// One thing that needs the host in each call.
struct Obstacle {
  SourceLocation where;
  /// The op, with the dialect; empty when it is an argument or a result.
  std::string op;
  /// `'stablehlo.while' runs as often as its data say`: a whole clause.
  std::string why;
  /// The argument that the caller must bring; -1 when it is something else. It
  /// is no obstacle to who binds the argument once for all calls.
  int64_t argument = -1;
};

/// What needs the host in each call of a public function, or of what it calls,
/// in program order: arguments, ops, results.
std::vector<Obstacle> replayObstacles(const FuncOp &function, Operation module);

} // namespace kvlift

#endif // KVLIFT_REPLAY_H
