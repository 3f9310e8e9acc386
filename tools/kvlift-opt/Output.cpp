//===- Output.cpp - Writing what came out ---------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Output.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace kvlift;
namespace fs = std::filesystem;

static bool fitsIntoArtifact(Operation op) {
  std::string_view dialect = op.name().substr(0, op.name().find('.'));
  return dialect == "stablehlo" || dialect == "chlo" || dialect == "vhlo" ||
         dialect == "func" || dialect == "builtin";
}

/// The host speaks of conversions that failed; names the op that is to blame.
static void explainRefusal(Operation module, DiagnosticLog &log) {
  Operation culprit = module;
  walk(module, [&](Operation op) {
    if (culprit == module && !fitsIntoArtifact(op))
      culprit = op;
  });
  std::string what = culprit == module ? "this module" : quote(culprit.name());
  log.error(culprit.location(),
            "a portable artifact of this version cannot hold " + what +
                ", only what is in StableHLO, CHLO and func");
}

std::optional<std::string> kvlift::serialize(Operation module,
                                             const Options &options,
                                             DiagnosticLog &log) {
  if (options.emitBytecode)
    return module.bytecode();
  if (!options.emitArtifact) {
    std::string text =
        module.print(options.printDebugInfo, options.printGeneric);
    return text.ends_with('\n') ? text : text + "\n";
  }

  HostDiagnosticScope hostDiagnostics(module.context(), log);
  auto artifact = writeArtifact(module, options.targetVersion);
  if (!artifact)
    explainRefusal(module, log);
  return artifact;
}

static bool writeAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

/// The permissions of the file that is replaced, or those of a new file.
static mode_t permissionsFor(const std::string &path) {
  struct stat existing{};
  if (::stat(path.c_str(), &existing) == 0)
    return existing.st_mode & 07777;
  mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

/// Writes a file beside `path` and puts it in its place. False, with errno,
/// leaves nothing behind.
static bool replaceFile(const std::string &path, std::string_view bytes) {
  std::string temporary = path + ".XXXXXX";
  int file = ::mkstemp(temporary.data());
  if (file < 0)
    return false;
  bool written =
      writeAll(file, bytes) && ::fchmod(file, permissionsFor(path)) == 0;
  int problem = errno;
  bool closed = ::close(file) == 0;
  if (written && closed && ::rename(temporary.c_str(), path.c_str()) == 0)
    return true;
  problem = written ? errno : problem;
  ::unlink(temporary.c_str());
  errno = problem;
  return false;
}

/// Writes to a pipe or a device, which cannot be replaced.
static bool writeThrough(const std::string &path, std::string_view bytes) {
  int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  bool written = writeAll(file, bytes);
  int problem = errno;
  ::close(file);
  errno = problem;
  return written;
}

static bool write(const std::string &path, std::string_view bytes) {
  if (path == "-")
    return writeAll(STDOUT_FILENO, bytes);
  std::error_code ignored;
  fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) {
    errno = EISDIR;
    return false;
  }
  if (fs::exists(status) && !fs::is_regular_file(status))
    return writeThrough(path, bytes);
  // What a link points to is replaced, not the link.
  return replaceFile(fs::weakly_canonical(path, ignored).string(), bytes);
}

std::string kvlift::writeOutput(const std::string &path,
                                const std::string &bytes) {
  if (write(path, bytes))
    return "";
  return "cannot write " + quote(path == "-" ? "<stdout>" : path) + ": " +
         std::strerror(errno);
}
