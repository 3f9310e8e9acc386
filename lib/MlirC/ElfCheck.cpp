//===- ElfCheck.cpp - Is a file a whole library for this machine? ---------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// dlopen maps segments without looking at the file's size: a library cut short
// by a full disk or a broken download dies of SIGBUS instead of an error.
//
//===----------------------------------------------------------------------===//

#include "kvlift/MlirC.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>

using namespace kvlift;

namespace {

#if defined(__x86_64__)
constexpr uint16_t thisMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t thisMachine = EM_AARCH64;
#else
#error "kvlift has run on x86-64 and is meant for AArch64: add yours here"
#endif

/// The end of the last segment or header that the loader will read.
uint64_t lastByte(std::ifstream &file, const Elf64_Ehdr &header) {
  uint64_t end = header.e_phoff + uint64_t(header.e_phnum) * sizeof(Elf64_Phdr);
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (!file.read(reinterpret_cast<char *>(&segment), sizeof segment))
      return UINT64_MAX;
    end = std::max(end, segment.p_offset + segment.p_filesz);
  }
  return end;
}

} // namespace

std::string kvlift::checkElfFile(const std::string &path) {
  std::error_code failure;
  uint64_t size = std::filesystem::file_size(path, failure);
  if (failure)
    return failure.message();

  std::ifstream file(path, std::ios::binary);
  if (!file)
    return "the file cannot be read";
  Elf64_Ehdr header{};
  if (!file.read(reinterpret_cast<char *>(&header), sizeof header))
    return "the file is truncated (" + std::to_string(size) + " bytes)";
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return "the file is not a shared library";
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != thisMachine)
    return "the library is for another architecture";
  if (lastByte(file, header) > size)
    return "the library is truncated (" + std::to_string(size) + " bytes)";
  return "";
}
