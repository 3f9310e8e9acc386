"""The limit: reading what a step has to read once, with every core and nothing else."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from decoders.model import VOCABULARY, Array, Shape
from decoders.peer import Peer

SOURCE = r"""
#include <pthread.h>
#include <stdint.h>
#include <stddef.h>
typedef struct { const uint64_t *data; size_t count; uint64_t sum; } Part;
static void *read_part(void *argument) {
  Part *part = argument;
  uint64_t sum = 0;
  for (size_t i = 0; i < part->count; ++i) sum += part->data[i];
  part->sum = sum;
  return 0;
}
uint64_t read_all(const uint64_t *data, size_t count, int threads) {
  Part parts[256];
  pthread_t handles[256];
  size_t each = count / threads;
  for (int t = 0; t < threads; ++t) {
    parts[t] = (Part){data + t * each, each, 0};
    if (t) pthread_create(&handles[t], 0, read_part, &parts[t]);
  }
  read_part(&parts[0]);
  uint64_t sum = parts[0].sum;
  for (int t = 1; t < threads; ++t) {
    pthread_join(handles[t], 0);
    sum += parts[t].sum;
  }
  return sum;
}
"""


class MemoryLimit(Peer):
    """Adds up as many bytes as the weights and caches of a step have; its logits are zeros."""

    name = "memory limit"
    computes = False

    @classmethod
    def missing(cls, shape: Shape) -> str | None:
        """It needs a C compiler."""
        return None if shutil.which("gcc") else "gcc not installed"

    def prepare(self) -> None:
        """Compiles the loop for this CPU."""
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder, "read.c"), Path(folder, "read.so")
            source.write_text(SOURCE)
            flags = ["-O3", "-march=native", "-shared", "-fPIC", "-pthread"]
            subprocess.run(["gcc", *flags, str(source), "-o", str(library)], check=True)
            self._read = ctypes.CDLL(str(library)).read_all
        self._read.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self._read.restype = ctypes.c_uint64
        self._threads = min(256, len(os.sched_getaffinity(0)))

    def start(self) -> None:
        """Memory that is really there."""
        self._data = np.ones(self.shape.step_bytes // 8, np.uint64)

    def step(self, tokens: Array, position: int) -> Array:
        """Reads everything once."""
        self._read(self._data.ctypes.data, len(self._data), self._threads)
        return np.zeros((len(tokens), VOCABULARY), np.float32)

    def stop(self) -> None:
        """Frees the memory."""
        del self._data
