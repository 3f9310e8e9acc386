//===- Supervise.cpp - When the host ends the process ---------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Supervise.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace kvlift;

/// Whether somebody asked for this end: Ctrl-C, kill, a reader that left.
static bool isWanted(int signal) {
  return signal == SIGINT || signal == SIGTERM || signal == SIGHUP ||
         signal == SIGPIPE;
}

int kvlift::runSupervised(const std::function<int()> &work,
                          std::string &problem) {
  pid_t child = ::fork();
  if (child < 0)
    return work();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int code = work();
    std::fflush(nullptr);
    // The host's global destructors take time and free what is freed anyway.
    ::_exit(code);
  }

  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFSIGNALED(status))
    return WEXITSTATUS(status);
  if (isWanted(WTERMSIG(status)))
    ::raise(WTERMSIG(status));
  problem = "the MLIR library or a pass ended the process (" +
            std::string(::strsignal(WTERMSIG(status))) +
            "); nothing was written; is the input damaged, or a pass nested "
            "where it does not belong?";
  return 1;
}
