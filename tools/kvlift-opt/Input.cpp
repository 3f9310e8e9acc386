//===- Input.cpp - What was given to read ---------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

using namespace kvlift;
namespace fs = std::filesystem;

static bool readAll(std::FILE *file, std::string &bytes) {
  std::array<char, 1 << 16> part;
  while (size_t count = std::fread(part.data(), 1, part.size(), file))
    bytes.append(part.data(), count);
  return !std::ferror(file);
}

static bool readBytes(const std::string &path, std::string &bytes) {
  if (path == "-")
    return readAll(stdin, bytes);
  std::FILE *file = std::fopen(path.c_str(), "rb");
  if (!file)
    return false;
  bool read = readAll(file, bytes);
  int problem = errno;
  std::fclose(file);
  errno = problem;
  return read;
}

std::optional<Input> kvlift::readInput(const std::string &path,
                                       std::string &problem) {
  std::error_code ignored;
  Input input{path == "-" ? "<stdin>" : path,
              path != "-" && fs::is_regular_file(path, ignored), ""};
  if (readBytes(path, input.bytes))
    return input;
  problem = "cannot read " + quote(input.name) + ": " + std::strerror(errno);
  return std::nullopt;
}

static bool isBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::vector<Input> kvlift::splitInput(const Input &input) {
  constexpr std::string_view marker = "// -----";
  std::vector<std::string> texts(1);
  size_t line = 0;
  for (size_t at = 0; at < input.bytes.size(); ++line) {
    size_t length =
        std::min(input.bytes.find('\n', at), input.bytes.size()) - at;
    std::string_view current(input.bytes.data() + at, length);
    at += length + 1;
    if (current.starts_with(marker) && isBlank(current.substr(marker.size())))
      texts.emplace_back(line + 1, '\n');
    else
      texts.back().append(current).append("\n");
  }

  std::vector<Input> parts;
  for (std::string &text : texts)
    if (!isBlank(text))
      parts.push_back({input.name, false, std::move(text)});
  return parts;
}

OwnedModule kvlift::parseInput(Context context, const Input &input,
                               DiagnosticLog &log) {
  if (input.isWholeFile)
    return readFile(context, input.name, log);
  return readModule(context, input.bytes, input.name, log);
}
