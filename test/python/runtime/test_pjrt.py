"""What is PJRT's own: the entry point, 64-bit types, donation, its compiler's errors."""

from __future__ import annotations

import numpy as np
import pytest
import small_programs as programs

jax = pytest.importorskip("jax")

from kvlift.errors import CompileError  # noqa: E402
from kvlift.runtime.program import compile  # noqa: E402


def test_64_bit_values_pass_without_touching_jax_config():
    assert not jax.config.jax_enable_x64
    with compile(programs.counter_program("i64")).session(state={"count": 2**40}) as session:
        assert session(1) == 2**40
        assert session.state["count"] == 2**40 + 1
    with compile(programs.counter_program("f64")).session(state={"count": 1e300}) as session:
        assert session(1e-3) == 1e300 * 1e-3
    assert not jax.config.jax_enable_x64
    assert jax.numpy.asarray(np.int64(1)).dtype == np.int32


def test_a_function_by_another_name_becomes_the_entry():
    lifted = programs.lift(programs.counter_source(name="decode"))
    with compile(lifted).session(state={"count": 5}, function="decode") as session:
        assert session(3) == 15
        assert session.state["count"] == 8
    with pytest.raises(KeyError, match="no function 'prefill'; the module has: decode"):
        compile(lifted).session(state={"count": 5}, function="prefill")


def test_one_of_several_functions_is_called():
    source = programs.counter_source() + programs.weighted_source("write")
    program = compile(programs.lift(source))
    with program.session(state={"count": 5}, function="main") as session:
        assert session(3) == 15
    state = {"c": np.zeros((4, 16, 8), np.float32)}
    w = np.ones((4, 1, 8), np.float32)
    with program.session({"w": w}, state, function="write") as session:
        session(w, 2)
        assert session.state["c"].sum() == 32


@pytest.mark.parametrize("body", programs.WHOLE_VALUES.values(), ids=programs.WHOLE_VALUES)
def test_whole_values_equal_jax(body):
    lifted = programs.square_program(body)
    rng = np.random.default_rng(0)
    c, x = rng.standard_normal((2, 8, 8)).astype(np.float32)
    with compile(lifted).session(state={"c": c}) as session:
        out = session(x)
        expected = programs.reference(body, c, x)
        np.testing.assert_array_equal(out, expected[0])
        np.testing.assert_array_equal(session.state["c"], expected[1])


def test_a_read_of_the_state_leaves_the_next_step_in_place():
    """A view of the slot that survived the read would move it to another address."""
    zeros = np.zeros((4, 2, 16, 8), np.float32)
    row = np.ones((4, 2, 1, 8), np.float32)
    with compile(programs.cache_program()).session(state={"k": zeros, "v": zeros}) as session:
        before = session.addresses()
        for step in range(4):
            assert session.state["k"].sum() == step * 64
            session(row, row, step)
        assert session.addresses() == before


def test_dynamic_shapes_are_refused_by_name():
    t = "tensor<4x?xf32>"
    lifted = programs.lift(
        f"func.func @main({programs.argument('x', t)}) -> {t} {{\n"
        f"  %y = stablehlo.tanh %x : {t}\n  return %y : {t}\n}}"
    )
    with pytest.raises(CompileError, match=r"'x' of function 'main' is 4x\?xf32: .* static"):
        compile(lifted)


def test_cuda_without_a_device_is_a_compile_error():
    if any(device.platform == "gpu" for device in jax.devices()):
        pytest.skip("there is a GPU here")
    with pytest.raises(CompileError, match="target pjrt:cuda has no device here"):
        compile(programs.cache_program(), "pjrt:cuda")


def test_a_different_jaxlib_is_named(monkeypatch):
    from jaxlib import xla_client

    monkeypatch.delattr(xla_client, "batched_device_put")
    with pytest.raises(CompileError, match=r"jaxlib [\d.]+ is too different .*batched_device_put"):
        compile(programs.cache_program())
