//===- Support.cpp - Small vocabulary types -------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Support.h"

#include <algorithm>
#include <numeric>

using namespace kvlift;

/// Levenshtein's distance, one row at a time.
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::optional<std::string>
kvlift::nearestName(std::string_view name,
                    const std::vector<std::string> &candidates) {
  std::optional<std::string> nearest;
  // Farther than a third of the name is no misspelling.
  size_t limit = name.size() / 3 + 1;
  for (const std::string &candidate : candidates) {
    size_t distance = editDistance(name, candidate);
    if (distance >= limit)
      continue;
    limit = distance;
    nearest = candidate;
  }
  return nearest;
}
