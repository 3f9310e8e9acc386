"""Sliced slots: the function returns what it writes, and the session inserts it."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
import small_programs as programs
import torch
from torch import nn

import kvlift
from interpreter import evaluate
from kvlift.errors import LiftError, SessionError
from kvlift.runtime.session import Session
from kvlift.runtime.starting_values import StartingValues

TARGETS = ("pjrt:cpu", "iree:cpu")
NOTHING = StartingValues({}, is_own=True)


def cache(dtype=np.float32):
    return (np.arange(4 * 2 * 16 * 8) % 97).reshape(4, 2, 16, 8).astype(dtype)


def row(value, dtype=np.float32):
    return np.full((4, 2, 1, 8), value, dtype)


@pytest.fixture(scope="module", params=TARGETS)
def program(request):
    return kvlift.compile(programs.cache_program().slice_results(), request.param)


@pytest.fixture
def session(program):
    with program.session(state={"k": cache(), "v": -cache()}) as opened:
        yield opened


def test_manifest_says_what_the_host_must_write():
    tied = programs.cache_program()
    lifted = tied.slice_results()
    function = lifted.manifest.function()
    assert lifted.slots == function.slots == ()
    assert [(s.name, s.argument, str(s.logical), s.kind) for s in function.sliced] == [
        ("k", 0, "4x2x16x8xf32", "user_input"),
        ("v", 1, "4x2x16x8xf32", "user_input"),
    ]
    # k was result 1, v result 0; the third result stays where it was.
    assert [s.updates for s in function.sliced] == [
        (kvlift.WrittenSlice(rows=1, start=3),),
        (kvlift.WrittenSlice(rows=0, start=4),),
    ]
    assert [(r.name, str(r.type), r.sliced) for r in function.results] == [
        ("v.rows", "4x2x1x8xf32", "v"),
        ("k.rows", "4x2x1x8xf32", "k"),
        ("result2", "4x2x1x8xf32", None),
        ("k.start", "4xi32", "k"),
        ("v.start", "4xi32", "v"),
    ]
    assert kvlift.Manifest.from_json(lifted.manifest.to_json()) == lifted.manifest
    # The module that was sliced is as it was, and so is one that is sliced again.
    assert [s.name for s in tied.slots] == ["k", "v"]
    assert lifted.slice_results().text() == lifted.text()


def test_the_interpreter_gives_slices_that_make_the_tied_value():
    """Also where the update itself moves the row into range."""
    tied = programs.cache_program()
    sliced = tied.slice_results()
    keys, values = cache(), -cache()
    for position in (-3, 0, 7, 15, 99):
        call = [keys, values, row(1), row(2), np.array(position, np.int32)]
        v, k, total = evaluate(tied.text(), [call])[0]
        v_rows, k_rows, same_total, k_start, v_start = evaluate(sliced.text(), [call])[0]
        np.testing.assert_array_equal(same_total, total)
        for old, rows, start, new in ((keys, k_rows, k_start, k), (values, v_rows, v_start, v)):
            written = old.copy()
            written[tuple(slice(s, s + n) for s, n in zip(start, rows.shape, strict=True))] = rows
            np.testing.assert_array_equal(written, new)


def test_steps_equal_the_tied_form(session):
    lifted = programs.cache_program()
    with kvlift.compile(lifted).session(state={"k": cache(), "v": -cache()}) as tied:
        before = session.addresses()
        for position in (3, 4, -2, 15, 200):
            x, y = row(position), row(position + 40)
            np.testing.assert_array_equal(session(x, y, position), tied(x, y, position))
            for name in ("k", "v"):
                np.testing.assert_array_equal(session.state[name], tied.state[name])
            assert session.addresses() == before


def test_session_shows_and_keeps_sliced_slots_like_others(session, program):
    assert list(session.state) == ["k", "v"]
    assert len(session.state) == 2
    kept = session.state["k"]
    kept[...] = -77
    np.testing.assert_array_equal(session.state["k"], cache())
    session(row(1), row(2), 3)
    assert (session.state["k"][:, :, 3] == 1).all()
    with pytest.raises(SessionError, match="argument 'k' is a slot, so a call cannot pass it"):
        session(row(1), row(1), 0, k=cache())
    session.reset()
    np.testing.assert_array_equal(session.state["k"], cache())
    with pytest.raises(SessionError, match="no initial value for 'v'; pass state="):
        program.session(state={"k": cache()})
    with pytest.raises(SessionError, match="weights names 'k'"):
        program.session(state={"k": cache(), "v": cache()}, weights={"k": cache()})
    session.close()
    with pytest.raises(SessionError, match="the session is closed"):
        session.state["k"]


class Failing:
    """An executable whose run, or whose last fetch, fails when it is told to."""

    def __init__(self, executable):
        self._executable = executable
        self.fails_in = ""

    def __getattr__(self, name):
        return getattr(self._executable, name)

    def run(self, buffers):
        results = self._executable.run(buffers)
        if self.fails_in == "run":
            raise RuntimeError("device lost")
        return results

    def fetch(self, buffer, tensor):
        value = self._executable.fetch(buffer, tensor)
        if self.fails_in == "fetch" and tensor.dtype == "i32":
            raise RuntimeError("device lost")
        if self.fails_in == "insertion":
            return value[..., :-1] if tensor.dtype == "f32" else value + 12
        return value


@pytest.mark.parametrize("where", ["run", "fetch"])
def test_failed_calls_leave_the_state_as_it_was(program, where):
    """On every runtime: nothing is written before everything is there."""
    executable = Failing(program._executable(None))
    session = Session([executable], NOTHING, {}, {"k": cache(), "v": -cache()})
    session(row(1), row(1), 0)
    before = session.state["k"], session.state["v"]
    executable.fails_in = where
    with pytest.raises(SessionError, match="the slots are as before it: device lost"):
        session(row(2), row(2), 1)
    executable.fails_in = ""
    np.testing.assert_array_equal(session.state["k"], before[0])
    np.testing.assert_array_equal(session.state["v"], before[1])
    np.testing.assert_array_equal(session(row(2), row(2), 1), row(4))


def test_an_insertion_that_stops_poisons(program):
    executable = Failing(program._executable(None))
    session = Session([executable], NOTHING, {}, {"k": cache(), "v": cache()})
    executable.fails_in = "insertion"
    with pytest.raises(SessionError, match="the session is poisoned and session"):
        session(row(2), row(2), 1)
    executable.fails_in = ""
    session.reset()
    np.testing.assert_array_equal(session.state["k"], cache())


@pytest.mark.parametrize("target", TARGETS)
def test_a_warm_up_leaves_no_trace_where_no_slot_is_tied(target):
    program = kvlift.compile(programs.cache_program().slice_results(), target)
    with program.session(state={"k": cache(), "v": -cache()}) as session:
        session.main.warm_up(row(1), row(2), 3)
        np.testing.assert_array_equal(session.state["k"], cache())
        np.testing.assert_array_equal(session.state["v"], -cache())


@pytest.mark.parametrize("target", TARGETS)
def test_some_slots_stay_tied(target):
    """The counter is a whole new value; the cache is written where it points."""
    c, n, i = "tensor<4x16x8xf32>", "tensor<4x1x8xf32>", "tensor<i64>"
    arguments = programs.argument
    lifted = programs.lift(f"""
func.func @main({arguments("c", c, "buffer", 0)}, {arguments("x", n)},
                {arguments("pos", i, "buffer", 1)}) -> ({c}, {i}) {{
  %z = stablehlo.constant dense<0> : {i}
  %one = stablehlo.constant dense<1> : {i}
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %pos, %z : ({c}, {n}, {i}, {i}, {i}) -> {c}
  %next = stablehlo.add %pos, %one : {i}
  return %u, %next : {c}, {i}
}}""").slice_results()
    assert [s.name for s in lifted.slots] == ["pos"]
    assert [d.message.partition(":")[0] for d in lifted.diagnostics] == ["slot 'pos' stays a slot"]
    state = {"c": np.zeros((4, 16, 8), np.float32), "pos": 14}
    with kvlift.compile(lifted, target).session(state=state) as session:
        assert list(session.state) == ["c", "pos"]
        for step in (1, 2, 3):
            assert session(np.full((4, 1, 8), step, np.float32)) is None
        # Position 16 is moved to the last row.
        assert session.state["c"][0, :, 0].tolist() == [0] * 14 + [1, 3]
        assert session.state["pos"] == 17


def test_slots_that_are_stored_as_other_types():
    """The state has the model's type; the rows have the one in which it is stored."""
    lifted = kvlift.lift(programs.cache_program("bf16", 1).unlift(), target="pjrt:cpu")
    sliced = lifted.slice_results()
    slot = sliced.manifest.function().sliced[0]
    assert (str(slot.logical), str(slot.store)) == ("1x2x16x8xbf16", "2x16x8xui16")
    state = {s.name: np.arange(256).reshape(1, 2, 16, 8) for s in lifted.slots}
    state = {name: value.astype(ml_dtypes.bfloat16) for name, value in state.items()}
    x = np.full((1, 2, 1, 8), -7, ml_dtypes.bfloat16)
    with (
        kvlift.compile(lifted).session(state=state) as tied,
        kvlift.compile(sliced).session(state=state) as session,
    ):
        for position in (3, 99):
            np.testing.assert_array_equal(session(x, x, position), tied(x, x, position))
            for name in state:
                np.testing.assert_array_equal(session.state[name], tied.state[name])
                assert (session.state[name] == -7).any()


class Attention(nn.Module):
    """One head over two caches of which a step writes one row each."""

    def __init__(self):
        super().__init__()
        self.q = nn.Linear(8, 8)
        self.register_buffer("k", torch.zeros(2, 16, 8))
        self.register_buffer("v", torch.zeros(2, 16, 8))

    def forward(self, x, pos):
        self.k.index_copy_(1, pos, x)
        self.v[:, pos] = x * 2
        mask = torch.arange(16) <= pos
        scores = (self.q(x) @ self.k.transpose(1, 2)).masked_fill(~mask, float("-inf"))
        return scores.softmax(-1) @ self.v


@pytest.mark.parametrize("target", TARGETS)
def test_torch_attention_equals_eager(target, tmp_path):
    torch.manual_seed(0)
    model = Attention().eval()
    example = torch.randn(2, 1, 8), torch.tensor([0])
    lifted = kvlift.lift(kvlift.export(model, example)).slice_results()
    assert [s.name for s in lifted.manifest.function().sliced] == ["k", "v"]
    # What the file holds is as good as what was saved.
    lifted.save(tmp_path / "sliced.kvl")
    lifted = kvlift.load(tmp_path / "sliced.kvl")
    with kvlift.compile(lifted, target).session() as session, torch.no_grad():
        for step in range(6):
            x, pos = torch.randn(2, 1, 8), torch.tensor([step])
            want = model(x, pos)
            np.testing.assert_allclose(session(x, pos), want, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(session.state["k"], model.k)
            np.testing.assert_array_equal(session.state["v"], model.v)


@pytest.mark.parametrize("target", TARGETS)
def test_jax_function_with_two_updates_of_one_slot(target):
    import jax
    import jax.numpy as jnp

    def step(k, x, y, i, j):
        k = jax.lax.dynamic_update_slice(k, x, (0, i))
        first = k.sum()
        # This one may lie over the first: the order counts.
        return jax.lax.dynamic_update_slice(k, y, (1, j)), first

    kinds = [((4, 32), jnp.float32), ((4, 3), jnp.float32), ((2, 2), jnp.float32)]
    shapes = [jax.ShapeDtypeStruct(*kind) for kind in kinds]
    position = jax.ShapeDtypeStruct((), jnp.int32)
    jitted = jax.jit(step)
    lifted = kvlift.lift(jitted.lower(*shapes, position, position)).slice_results()
    (sliced,) = lifted.manifest.function().sliced
    names = [lifted.manifest.function().results[u.rows].name for u in sliced.updates]
    assert names == ["k.rows.0", "k.rows.1"]
    rng = np.random.default_rng(0)
    k = rng.integers(0, 9, (4, 32)).astype(np.float32)
    with kvlift.compile(lifted, target).session(state={"k": k}) as session:
        for i, j in ((0, 1), (31, 30), (-1, -40), (5, 20)):
            x = rng.integers(0, 9, (4, 3)).astype(np.float32)
            y = rng.integers(0, 9, (2, 2)).astype(np.float32)
            k, first = jitted(k, x, y, i, j)
            assert session(x, y, i, j) == first
            np.testing.assert_array_equal(session.state["k"], k)


def test_contradicting_marks_are_an_error():
    lifted = programs.cache_program()
    function = next(iter(lifted.module.body))
    del function.attributes["res_attrs"]
    for wrong in (lifted.slice_results, lifted.unlift):
        with pytest.raises(LiftError, match="slot 'k' is on argument #0 but on no result"):
            wrong()
