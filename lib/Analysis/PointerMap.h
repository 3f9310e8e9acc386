//===- PointerMap.h - A flat hash map from pointers -------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_ANALYSIS_POINTERMAP_H
#define KVLIFT_LIB_ANALYSIS_POINTERMAP_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvlift {

/// Small values by pointers. One table, no node for each entry: a walk asks it
/// for every operand of every op. Nothing is erased.
template <typename T> class PointerMap {
public:
  /// Null when there is none. Good until the next entry is added.
  const T *find(const void *key) const {
    if (entries.empty())
      return nullptr;
    const Entry &entry = entries[slotOf(key)];
    return entry.key ? &entry.value : nullptr;
  }

  T &operator[](const void *key) {
    if ((count + 1) * 2 > entries.size())
      grow();
    Entry &entry = entries[slotOf(key)];
    if (!entry.key) {
      entry.key = key;
      ++count;
    }
    return entry.value;
  }

private:
  struct Entry {
    const void *key = nullptr;
    T value = {};
  };

  /// Where the key is, or would be.
  size_t slotOf(const void *key) const {
    constexpr uint64_t golden = 0x9E3779B97F4A7C15;
    uint64_t hash = reinterpret_cast<uintptr_t>(key) * golden;
    size_t mask = entries.size() - 1;
    for (size_t at = hash >> shift;; ++at)
      if (const void *there = entries[at & mask].key; !there || there == key)
        return at & mask;
  }

  void grow() {
    std::vector<Entry> old(entries.empty() ? 16 : entries.size() * 2);
    old.swap(entries);
    shift = old.empty() ? 64 - 4 : shift - 1;
    for (Entry &entry : old)
      if (entry.key)
        entries[slotOf(entry.key)] = std::move(entry);
  }

  std::vector<Entry> entries;
  size_t count = 0;
  unsigned shift = 64;
};

} // namespace kvlift

#endif // KVLIFT_LIB_ANALYSIS_POINTERMAP_H
