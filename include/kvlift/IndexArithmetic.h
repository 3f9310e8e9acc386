//===- IndexArithmetic.h - Facts of computed integers -----------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Facts in, facts out: no IR. All facts of one call are about windows of the
// same extents.
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_INDEXARITHMETIC_H
#define KVLIFT_INDEXARITHMETIC_H

#include "kvlift/IndexFacts.h"

namespace kvlift {

/// All integers of so many bits.
Interval typeRange(unsigned width);

/// The integer of so many bits that is equal to `value` modulo 2^width.
int64_t wrapTo(unsigned width, uint64_t value);

/// a + factor * b as so many bits hold it; `isExact` becomes false if that is
/// another number.
int64_t addScaled(unsigned width, int64_t a, int64_t factor, int64_t b,
                  bool &isExact);

/// Nothing is known but the range.
IndexFact unknownFact(unsigned width, Interval range,
                      const std::vector<bool> &varies);

/// All elements are `value`.
IndexFact constantFact(unsigned width, int64_t value, int64_t rank);

/// The one integer that all elements are.
std::optional<int64_t> constantOf(const IndexFact &fact);

IndexFact addFacts(const IndexFact &a, const IndexFact &b);
IndexFact subtractFacts(const IndexFact &a, const IndexFact &b);
IndexFact multiplyFacts(const IndexFact &a, const IndexFact &b);
IndexFact remainderFacts(const IndexFact &a, const IndexFact &b);
IndexFact minimumFacts(const IndexFact &a, const IndexFact &b);
IndexFact maximumFacts(const IndexFact &a, const IndexFact &b);
/// One or the other, element by element.
IndexFact eitherFact(const IndexFact &a, const IndexFact &b);
/// The same integers in a type of so many bits.
IndexFact convertFact(const IndexFact &a, unsigned width);

} // namespace kvlift

#endif // KVLIFT_INDEXARITHMETIC_H
