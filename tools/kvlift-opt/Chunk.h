//===- Chunk.h - Takes one module through the tool --------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_CHUNK_H
#define KVLIFT_TOOLS_KVLIFT_OPT_CHUNK_H

#include "Input.h"
#include "Options.h"
#include "Timing.h"
#include "kvlift/Pipeline.h"

namespace kvlift {

/// Parses the chunk, runs the steps on it and appends what came out to
/// `output`. Prints diagnostics as they come, or compares them with what the
/// chunk's comments expect. Says whether the tool may exit with 0.
Status processChunk(Context context, const Input &chunk, const Options &options,
                    const std::vector<Step> &steps, Timing &timing,
                    std::vector<std::string> &output);

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_CHUNK_H
