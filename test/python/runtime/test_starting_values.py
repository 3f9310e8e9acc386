"""Weights and initial values are in memory once, however many sessions there are."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import small_programs as programs
from small_programs import argument

import kvlift
from kvlift.runtime import values

TARGETS = ("pjrt:cpu", "iree:cpu")
TENSOR = "tensor<256x64xf32>"
SHAPE = (256, 64)


def weighted(**initial: np.ndarray) -> kvlift.LiftedModule:
    """A slot c that grows by x; y is c * w."""
    source = f"""
func.func @main({argument("w", TENSOR, "parameter")}, {argument("c", TENSOR, result=0)},
                {argument("x", TENSOR)}) -> ({TENSOR}, {TENSOR}) {{
  %n = stablehlo.add %c, %x : {TENSOR}
  %y = stablehlo.multiply %n, %w : {TENSOR}
  return %n, %y : {TENSOR}, {TENSOR}
}}"""
    return programs.lift(source, initial)


def unaligned(array: np.ndarray) -> np.ndarray:
    """The same values in memory that no runtime takes as it is."""
    raw = np.empty(array.nbytes + 128, np.uint8)
    start = -raw.ctypes.data % 64 + 4
    made = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    made[...] = array
    return made


def weight_address(session: kvlift.Session) -> int:
    (executable,), (bound,) = session._executables, session._bound
    (buffer,) = bound.buffers.values()
    return executable.address(buffer)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("is_aligned", [True, False])
def test_sessions_share_weights(target: str, is_aligned: bool) -> None:
    """Aligned ones where they lie; others are copied once, and the program lets go of them."""
    w = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    given = values.aligned_copy(w) if is_aligned else unaligned(w)
    address, watched = given.ctypes.data, weakref.ref(given)
    program = kvlift.compile(weighted(w=given, c=np.zeros(SHAPE, np.float32)), target, cache=False)
    del given
    x = np.ones(SHAPE, np.float32)
    with program.session() as first, program.session() as second:
        gc.collect()
        assert (watched() is not None) == is_aligned
        assert (weight_address(first) == address) == is_aligned
        assert weight_address(first) == weight_address(second)
        for session in (first, second):
            np.testing.assert_array_equal(session(x), w)
    # It does not go with the sessions that used it.
    with program.session() as third:
        np.testing.assert_array_equal(third(x), w)


@pytest.mark.parametrize("target", TARGETS)
def test_a_session_s_own_weight_is_for_it_alone(target: str) -> None:
    w, x = np.full(SHAPE, 2, np.float32), np.ones(SHAPE, np.float32)
    program = kvlift.compile(weighted(w=w, c=np.zeros(SHAPE, np.float32)), target, cache=False)
    with program.session(weights={"w": w + 1}) as own, program.session() as other:
        np.testing.assert_array_equal(own(x), w + 1)
        np.testing.assert_array_equal(other(x), w)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("element", [0.0, -0.0, np.nan, 3.0])
def test_one_element_repeated_takes_no_memory(target: str, element: float) -> None:
    c = np.full(SHAPE, element, np.float32)
    c.view(np.uint32)[...] |= 1 if np.isnan(element) else 0  # A payload that must stay.
    program = kvlift.compile(weighted(w=c, c=c), target, cache=False)
    with program.session() as session, program.session(state={"c": c}) as given:
        for opened in (session, given):
            (slot,) = opened._store.slots
            assert not any(slot.initial.data.strides)
            assert opened.state["c"].tobytes() == c.tobytes()
            opened(np.ones(SHAPE, np.float32))
            opened.reset()
            assert opened.state["c"].tobytes() == c.tobytes()


@pytest.mark.parametrize("target", TARGETS)
def test_initial_values_are_held_once(target: str) -> None:
    """The program's by all sessions; a caller's are copied, since the caller may change them."""
    c = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
    program = kvlift.compile(weighted(w=c, c=c), target, cache=False)
    own = c * 2
    with program.session() as a, program.session() as b, program.session(state={"c": own}) as d:
        own[...] = 7
        held = [opened._store.slots[0].initial.data for opened in (a, b, d)]
        assert held[0].ctypes.data == held[1].ctypes.data == c.ctypes.data
        assert held[2].ctypes.data not in (own.ctypes.data, c.ctypes.data)
        for opened, expected in ((a, c), (b, c), (d, c * 2)):
            opened(np.ones(SHAPE, np.float32))
            opened.reset()
            np.testing.assert_array_equal(opened.state["c"], expected)


def test_a_value_for_several_uses_is_kept() -> None:
    """A slot of one function and a weight of another one, in a module that came as it is."""
    source = f"""
func.func @add({argument("c", TENSOR, result=0)}) -> {TENSOR} {{
  %n = stablehlo.add %c, %c : {TENSOR}
  return %n : {TENSOR}
}}
func.func @read({argument("c", TENSOR, "parameter")}, {argument("x", TENSOR)}) -> {TENSOR} {{
  %y = stablehlo.multiply %c, %x : {TENSOR}
  return %y : {TENSOR}
}}"""
    c, x = np.full(SHAPE, 3, np.float32), np.ones(SHAPE, np.float32)
    program = kvlift.compile(programs.lift(source, {"c": c}), cache=False)
    with program.session() as session:
        session.add()
        np.testing.assert_array_equal(session.state["c"], 2 * c)
        np.testing.assert_array_equal(session.read(x), c)
