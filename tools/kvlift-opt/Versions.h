//===- Versions.h - Which StableHLO versions the host speaks ----*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_TOOLS_KVLIFT_OPT_VERSIONS_H
#define KVLIFT_TOOLS_KVLIFT_OPT_VERSIONS_H

#include <string>
#include <string_view>

namespace kvlift {

/// Why the host can neither read nor write an artifact of `version`; empty when
/// it can. `what` begins the sentence.
std::string findVersionProblem(std::string_view what,
                               const std::string &version);

} // namespace kvlift

#endif // KVLIFT_TOOLS_KVLIFT_OPT_VERSIONS_H
