"""Memory that exporters and compilers leave behind goes back to the system, where that can be."""

from __future__ import annotations

import ctypes
import weakref

import numpy as np
import pytest
import small_programs as programs
from small_programs import argument

import kvlift
from kvlift.runtime import memory, program

TENSOR = "tensor<64x64xf32>"
SOURCE = f"""
func.func @main({argument("c", TENSOR, result=0)}) -> {TENSOR} {{
  %n = stablehlo.add %c, %c : {TENSOR}
  return %n : {TENSOR}
}}"""


class Node:
    """Part of a cycle, as an exported program is."""

    def __init__(self) -> None:
        self.me = self


def test_cycles_are_found() -> None:
    watched = weakref.ref(Node())
    memory.release_unused()
    assert watched() is None


@pytest.mark.parametrize("error", [OSError("no such library"), AttributeError("malloc_trim")])
def test_other_c_libraries_have_nothing_to_trim(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: object) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    memory.trim_heap()
    memory.release_unused()


@pytest.mark.parametrize("is_large", [True, False])
def test_compile_tidies_up_for_large_programs(
    is_large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 64 * 64 * 4
    calls = []
    monkeypatch.setattr(program, "BYTES_WORTH_TRIMMING", size if is_large else size + 1)
    monkeypatch.setattr(program, "release_unused", lambda: calls.append("released"))
    kvlift.compile(programs.lift(SOURCE, {"c": np.zeros((64, 64), np.float32)}))
    assert calls == ["released"] * is_large
