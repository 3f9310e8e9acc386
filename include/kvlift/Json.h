//===- Json.h - Writes small JSON texts -------------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_JSON_H
#define KVLIFT_JSON_H

#include "kvlift/Support.h"

#include <algorithm>
#include <cstdio>

namespace kvlift::json {

/// The length of the UTF-8 character that starts the text; 0 if none does.
/// Surrogates and numbers spelled too long are none.
inline size_t characterLength(std::string_view text) {
  auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  unsigned char first = byte(0);
  if (first < 0x80)
    return 1;
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4)
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  bool isWrong =
      (first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) ||
      (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f);
  return isWrong ? 0 : length;
}

/// A string; of a byte that is no UTF-8 it shows the number: `\xff`.
inline std::string string(std::string_view text) {
  std::string out = "\"";
  char escape[8];
  while (!text.empty()) {
    char c = text.front();
    size_t length = characterLength(text);
    std::string_view character = text.substr(0, length);
    text.remove_prefix(std::max(length, size_t(1)));
    if (length == 0) {
      std::snprintf(escape, sizeof escape, "\\\\x%02x", c & 0xff);
      out += escape;
      continue;
    }
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
      continue;
    }
    if (static_cast<unsigned char>(c) >= 0x20) {
      out += character;
      continue;
    }
    std::snprintf(escape, sizeof escape, "\\u%04x", c);
    out += escape;
  }
  return out + "\"";
}

/// Fields are (name, JSON text).
inline std::string
object(const std::vector<std::pair<std::string, std::string>> &fields) {
  std::vector<std::string> parts;
  for (const auto &[name, value] : fields)
    parts.push_back(string(name) + ": " + value);
  return "{" + join(parts, ", ") + "}";
}

inline std::string array(const std::vector<std::string> &elements) {
  return "[" + join(elements, ", ") + "]";
}

} // namespace kvlift::json

#endif // KVLIFT_JSON_H
