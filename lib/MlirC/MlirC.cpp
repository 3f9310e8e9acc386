//===- MlirC.cpp - Loading the host library -------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/MlirC.h"

#include <cassert>
#include <dlfcn.h>

using namespace kvlift;

namespace {

enum class Presence { required, optional };

thread_local const MlirC *boundTable = nullptr;

const char fixAdvice[] =
    "; install the tested one with `pip install torch-mlir==20261001`, or name "
    "another library in KVLIFT_MLIR_LIBRARY";

/// Fills the table; returns the names of required entries that are missing.
std::vector<std::string> fillTable(void *library, Host &host) {
  std::vector<std::string> missing;
  auto find = [&](const char *name, Presence presence) {
    void *symbol = dlsym(library, name);
    if (symbol)
      return symbol;
    (presence == Presence::required ? missing : host.missingOptional)
        .push_back(name);
    return symbol;
  };
#define KVLIFT_MLIR_C(presence, result, name, params)                          \
  host.table.name =                                                            \
      reinterpret_cast<result(*) params>(find(#name, Presence::presence));
#include "kvlift/MlirC.inc"
  return missing;
}

std::string join(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

} // namespace

HostOrError kvlift::loadHost(const std::string &path) {
  if (std::string problem = checkElfFile(path); !problem.empty())
    return {nullptr, "cannot load the MLIR library '" + path + "': " + problem +
                         fixAdvice};

  // Python may have loaded it already; a second copy would be a second MLIR.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (!library)
    library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return {nullptr, "cannot load the MLIR library '" + path +
                         "': " + dlerror() + fixAdvice};

  auto host = std::make_unique<Host>();
  host->path = path;
  std::vector<std::string> missing = fillTable(library, *host);
  if (!missing.empty())
    return {nullptr, "the MLIR library '" + path + "' lacks " +
                         std::to_string(missing.size()) +
                         " entry points that kvlift needs: " + join(missing) +
                         fixAdvice};
  return {std::move(host), ""};
}

ApiScope::ApiScope(const Host &host) : outer(boundTable) {
  boundTable = &host.table;
}

ApiScope::~ApiScope() { boundTable = outer; }

const MlirC &kvlift::api() {
  assert(boundTable && "no ApiScope on this thread");
  return *boundTable;
}
