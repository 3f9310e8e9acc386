//===- View.h - How a value shows another one's elements --------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_VIEW_H
#define KVLIFT_VIEW_H

#include "kvlift/IR.h"

namespace kvlift {

/// One factor of a dim: a whole dim of the source, or a repetition.
struct Atom {
  static constexpr int64_t repeated = -1;
  /// The source's dim, or `repeated`.
  int64_t source;
  int64_t extent;
};

/// A value as transposes, reshapes and broadcasts of `source`: dim i runs over
/// the atoms `dims[i]`, the last one fastest. Every dim of the source is in
/// exactly one place; repetitions of extent 1 are left out.
struct View {
  Value source;
  /// The ops between, from the value back to the source.
  std::vector<Operation> through;
  std::vector<std::vector<Atom>> dims;
};

/// Follows a value back as far as it is such a view; nothing when the way
/// splits a dim of the source, or has shapes that are not static.
std::optional<View> viewOf(Value value);

/// The value, or what it is the same elements of in another type.
Value behindConversions(Value value);

} // namespace kvlift

#endif // KVLIFT_VIEW_H
