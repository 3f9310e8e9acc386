//===- Spread.h - Elements that are repeated along dims ---------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_SPREAD_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_SPREAD_H

#include "kvlift/Builder.h"

namespace kvlift {

/// What a static tensor is a broadcast, reshape or transpose of.
struct Spread {
  Value value;
  /// Its dim i lies along this dim of the tensor; -1 for a dim of one element
  /// that lies along none. Along all other dims its elements are repeated.
  Dims dims;

  /// Whether elements may differ along a dim of the tensor.
  bool varies(int64_t dim) const;
  bool isOneElement() const { return value.type().elementCount() == 1; }
};

/// The smallest such value that is found, at least the tensor itself; `dims`
/// says where the tensor's own dims lie.
Spread spreadOf(Value tensor, Dims dims);
Spread spreadOf(Value tensor);

/// The spread elements as a tensor of this shape, whose dims show these dims of
/// the old tensor, in its order: all along which the elements vary.
Value layOutSpread(Builder &build, const Spread &spread, const Dims &shape,
                   const Dims &shown);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_SPREAD_H
