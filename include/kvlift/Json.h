//===- Json.h - Writes small JSON texts -------------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_JSON_H
#define KVLIFT_JSON_H

#include "kvlift/Support.h"

#include <cstdio>

namespace kvlift::json {

inline std::string string(std::string_view text) {
  std::string out = "\"";
  for (char c : asUtf8(text)) {
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
      continue;
    }
    if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
      continue;
    }
    char escape[8];
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
