//===- IndexFacts.h - Which positions does an index tensor name? -*- C++ -*-==//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_INDEXFACTS_H
#define KVLIFT_INDEXFACTS_H

#include "kvlift/IR.h"

#include <unordered_map>

namespace kvlift {

/// All integers from `low` to `high`, both included.
struct Interval {
  int64_t low, high;
  /// Whether all of them are >= from and < to.
  bool isWithin(int64_t from, int64_t to) const {
    return low >= from && high < to;
  }
};

/// A part of a static tensor: from `low` on, before `high`, in each dim.
struct Window {
  Dims low, high;
  static Window whole(Type tensor);
  int64_t extent(int64_t dim) const { return high[dim] - low[dim]; }
  int64_t elementCount() const;
};

/// One element of a tensor; false when there is none.
struct Element {
  Value tensor;
  Dims at;
  explicit operator bool() const { return bool(tensor); }
  friend bool operator==(const Element &a, const Element &b) {
    return a.tensor == b.tensor && a.at == b.at;
  }
};

/// What is known of the integers in a window of a tensor.
struct IndexFact {
  /// Bits of the integers.
  unsigned width = 0;
  /// They are all in here.
  Interval range{};
  /// Whether the element at i, counted from the window's corner, is
  ///   base + offset + sum of steps[d] * i[d]
  /// modulo 2^width, as signed integers wrap around.
  bool isAffine = false;
  /// Whether that holds without wrapping around, too.
  bool isExact = false;
  /// Of this or another integer type; none for 0.
  Element base;
  int64_t offset = 0;
  Dims steps;
  /// Elements for which the above is negative have this added to them.
  std::optional<int64_t> wrap;
  /// The dims along which elements may differ.
  std::vector<bool> varies;

  /// `arg1[0] + 2 + d0 in [0, 7]`.
  std::string print() const;
};

/// Facts about index tensors. Reads only; what it has read must not change.
class IndexFacts {
public:
  /// The fact about a window of a static tensor of integers.
  IndexFact of(Value value, const Window &window);
  IndexFact of(Value value) { return of(value, Window::whole(value.type())); }

private:
  IndexFact visit(Value value, const Window &window);
  std::optional<IndexFact> visitOp(Operation op, const Window &window);
  std::optional<IndexFact> ofConstant(Operation op, const Window &window);
  std::optional<IndexFact> ofBroadcast(Operation op, const Window &window);
  std::optional<IndexFact> ofReshape(Operation op, const Window &window);
  std::optional<IndexFact> ofTranspose(Operation op, const Window &window);
  std::optional<IndexFact> ofConcatenate(Operation op, const Window &window);
  std::optional<IndexFact> ofSlice(Operation op, const Window &window);
  std::optional<IndexFact> ofDynamicSlice(Operation op, const Window &window);
  std::optional<IndexFact> ofGather(Operation op);
  std::optional<IndexFact> ofConvert(Operation op, const Window &window);
  std::optional<IndexFact> ofSelect(Operation op, const Window &window);
  std::optional<IndexFact> ofClamp(Operation op, const Window &window);
  std::optional<bool> truthOf(Value condition, const Window &window);

  // Index arithmetic is a few dozen ops; the limit bounds adversarial input.
  int budget = 0;
  // Dense constants, decoded once.
  std::unordered_map<const void *, Dims> constants;
};

} // namespace kvlift

#endif // KVLIFT_INDEXFACTS_H
