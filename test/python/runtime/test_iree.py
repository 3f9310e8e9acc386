"""What is IREE's own: it overwrites memory that it should not, and its compiler prints."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import small_programs as programs

pytest.importorskip("iree.runtime")
pytest.importorskip("iree.compiler")

from kvlift.errors import CompileError
from kvlift.runtime import iree as iree_runtime
from kvlift.runtime import iree_compiler
from kvlift.runtime.program import compile

BODIES = {**programs.WHOLE_VALUES, "update, then read": programs.UPDATE_THEN_READ}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_tie_lets_a_reader_see_the_new_value(body):
    """IREE writes a tied whole value over the old one before other dispatches have read it."""
    rng = np.random.default_rng(0)
    c, x = rng.standard_normal((2, 8, 8)).astype(np.float32)
    with compile(programs.square_program(body), "iree:cpu").session(state={"c": c}) as session:
        before = session.addresses()
        for _ in range(3):
            out = session(x)
            expected, c = programs.reference(body, c, x)
            np.testing.assert_array_equal(out, expected)
            np.testing.assert_array_equal(session.state["c"], c)
        assert session.addresses() == before


def compiled(lifted):
    return compile(lifted, "iree:cpu")._executable(None)._compiled


def test_only_ties_of_whole_values_are_removed():
    assert compiled(programs.cache_program()).untied == frozenset()
    assert compiled(programs.square_program(programs.UPDATE_THEN_READ)).untied == frozenset()
    assert compiled(programs.counter_program()).untied == {0}
    assert compiled(programs.square_program(programs.WHOLE_VALUES["reversed"])).untied == {0}


def test_arguments_that_the_program_writes_are_found():
    assert compiled(programs.overwriting_program("parameter")).overwritten == {0}
    assert compiled(programs.cache_program()).overwritten == frozenset()


def test_f64_stays_f64():
    with compile(programs.counter_program("f64"), "iree:cpu").session(
        state={"count": 1e300}
    ) as session:
        assert session(1e-3) == 1e300 * 1e-3


def test_results_survive_later_calls():
    zeros = np.zeros((4, 2, 16, 8), np.float32)
    state = {"k": zeros, "v": zeros}
    with compile(programs.cache_program(), "iree:cpu").session(state=state) as session:
        kept = [session(*(np.full((4, 2, 1, 8), s, np.float32),) * 2, s) for s in range(10)]
    assert [float(k.mean()) for k in kept] == [2.0 * s for s in range(10)]


def test_small_programs_run_without_threads(monkeypatch):
    executable = compile(programs.cache_program(), "iree:cpu")._executable(None)
    assert executable.driver == "local-sync"
    monkeypatch.setattr(iree_runtime, "_BYTES_WORTH_THREADS", 1)
    program = compile(programs.counter_program(), "iree:cpu")
    assert program._executable(None).driver == "local-task"
    assert program.session(state={"count": 5})(3) == 15


def test_a_function_by_another_name():
    lifted = programs.lift(programs.counter_source(name="decode"))
    with compile(lifted, "iree:cpu").session(state={"count": 5}) as session:
        assert session(3) == 15


def test_a_different_compiler_is_named(monkeypatch):
    from iree.compiler.api import ctypes_dl

    monkeypatch.setattr(ctypes_dl, "_dylib", object())
    with pytest.raises(CompileError, match=r"too different from 3.13 \(no ireeCompilerInvocation"):
        iree_compiler._c_function("SetCompileToPhase")


def test_threads_that_load_at_once_share_a_device():
    """Functions of one program exchange buffers, so they must not get two."""

    class Slow:
        made = 0

        def Config(self, driver):
            time.sleep(0.05)
            self.made += 1
            return object()

    runtime = Slow()
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: iree_runtime._config(runtime, "local-task"), range(4)))
    assert (len(found), runtime.made) == (1, 1)


def test_slots_that_could_grow_are_refused():
    source = """
func.func @main(%c: tensor<?x4xf32> {kvlift.name = "c"}, %n: tensor<1x4xf32>) -> tensor<?x4xf32> {
  %0 = stablehlo.concatenate %c, %n, dim = 0
      : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}"""
    lifted = programs.lift(source, state={"c": (0, 0)})
    with pytest.raises(CompileError, match=r"slot 'c' of function 'main' is \?x4xf32: its memory"):
        compile(lifted, "iree:cpu")
