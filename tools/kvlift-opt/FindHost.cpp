//===- FindHost.cpp - Where is the MLIR library? --------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FindHost.h"
#include "kvlift/Support.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

using namespace kvlift;
namespace fs = std::filesystem;

static std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

static fs::path libraryIn(const fs::path &python) {
  return python / "site-packages" / "torch_mlir" / "_mlir_libs" /
         "libTorchMLIRAggregateCAPI.so";
}

/// The library in a Python installation, that of the newest Python if several.
static std::string findUnder(const fs::path &prefix) {
  std::error_code ignored;
  std::vector<std::string> found;
  for (const auto &entry : fs::directory_iterator(prefix / "lib", ignored))
    if (entry.path().filename().string().starts_with("python3") &&
        fs::exists(libraryIn(entry.path()), ignored))
      found.push_back(libraryIn(entry.path()).string());
  if (found.empty())
    return "";
  // python3.9 comes before python3.11.
  auto isOlder = [](const std::string &a, const std::string &b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  };
  return *std::max_element(found.begin(), found.end(), isOlder);
}

/// The folders of PATH that hold a python3. Its link is not followed: that of a
/// virtual environment leads to the Python outside.
static std::vector<fs::path> pythonFolders() {
  std::vector<fs::path> folders;
  std::string path = environment("PATH");
  for (std::string_view rest = path; !rest.empty();) {
    std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    std::error_code ignored;
    if (!folder.empty() && fs::exists(fs::path(folder) / "python3", ignored))
      folders.emplace_back(folder);
  }
  return folders;
}

std::string kvlift::findHost(const std::string &named, std::string &problem) {
  if (!named.empty())
    return named;
  if (std::string path = environment("KVLIFT_MLIR_LIBRARY"); !path.empty())
    return path;

  std::error_code ignored;
  fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  std::vector<fs::path> folders = pythonFolders();
  folders.insert(folders.begin(), program.parent_path());
  for (const fs::path &folder : folders)
    if (std::string path = findUnder(folder.parent_path()); !path.empty())
      return path;
  problem = "no MLIR library: looked for the package torch_mlir beside this "
            "program and beside every python3 on PATH; install it with `pip "
            "install torch-mlir==20261001`, or name the library with "
            "--mlir-library=PATH or KVLIFT_MLIR_LIBRARY";
  return "";
}
