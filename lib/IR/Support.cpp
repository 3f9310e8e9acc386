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

int64_t kvlift::indexOf(const Dims &dims, int64_t dim) {
  return std::find(dims.begin(), dims.end(), dim) - dims.begin();
}

bool kvlift::contains(const Dims &dims, int64_t dim) {
  return indexOf(dims, dim) != static_cast<int64_t>(dims.size());
}

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

/// How many bytes the character at the start takes; 0 when it is no UTF-8.
static size_t characterSize(std::string_view text) {
  auto byte = [&](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  unsigned first = byte(0), second = byte(1);
  if (first < 0x80)
    return 1;
  size_t size = first < 0xC2   ? 0
                : first < 0xE0 ? 2
                : first < 0xF0 ? 3
                : first < 0xF5 ? 4
                               : 0;
  for (size_t i = 1; i < size; ++i)
    if (byte(i) >> 6 != 2)
      return 0;
  // Longer than need be, half of a pair, or past the last character.
  bool isBad =
      (first == 0xE0 && second < 0xA0) || (first == 0xED && second >= 0xA0) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90);
  return isBad ? 0 : size;
}

bool kvlift::isUtf8(std::string_view text) {
  while (!text.empty()) {
    size_t size = characterSize(text);
    if (size == 0)
      return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string kvlift::asUtf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t size = characterSize(text);
    if (size > 0) {
      out += text.substr(0, size);
    } else {
      constexpr std::string_view digits = "0123456789abcdef";
      unsigned byte = static_cast<unsigned char>(text.front());
      ((out += "\\x") += digits[byte / 16]) += digits[byte % 16];
    }
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return out;
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
