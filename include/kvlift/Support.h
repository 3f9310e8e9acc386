//===- Support.h - Small vocabulary types -----------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_SUPPORT_H
#define KVLIFT_SUPPORT_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvlift {

/// Whether something worked. Whoever fails has said why in a DiagnosticLog.
class [[nodiscard]] Status {
public:
  static Status success() { return Status(true); }
  static Status failure() { return Status(false); }
  bool succeeded() const { return worked; }
  bool failed() const { return !worked; }

private:
  explicit Status(bool worked) : worked(worked) {}
  bool worked;
};

using Dims = std::vector<int64_t>;

/// Where the dim stands in the list; the list's size if it does not.
int64_t indexOf(const Dims &dims, int64_t dim);
bool contains(const Dims &dims, int64_t dim);

/// "slot 'k'": how messages name things.
inline std::string quote(std::string_view text) {
  return "'" + std::string(text) + "'";
}

bool isUtf8(std::string_view text);

/// The text with `\xNN` for every byte that is no UTF-8.
std::string asUtf8(std::string_view text);

inline std::string join(const std::vector<std::string> &parts,
                        std::string_view separator) {
  std::string text;
  for (const std::string &part : parts)
    text.append(text.empty() ? "" : separator).append(part);
  return text;
}

/// The candidate closest to `name` by edit distance, if one is close.
std::optional<std::string>
nearestName(std::string_view name, const std::vector<std::string> &candidates);

} // namespace kvlift

#endif // KVLIFT_SUPPORT_H
