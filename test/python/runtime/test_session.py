"""A session keeps its slots, checks before it runs, and never touches what the caller owns."""

from __future__ import annotations

import itertools

import ml_dtypes
import numpy as np
import pytest
import small_programs as programs

from kvlift.errors import CompileError, SessionError
from kvlift.runtime.program import compile
from kvlift.runtime.values import numpy_dtype

TARGETS = ("pjrt:cpu", "iree:cpu")
DTYPES = {"f32": np.float32, "bf16": ml_dtypes.bfloat16, "f16": np.float16, "i8": np.int8}


def cache(dtype=np.float32, batch=4):
    return (np.arange(batch * 2 * 16 * 8) % 97).reshape(batch, 2, 16, 8).astype(dtype)


def row(value, dtype=np.float32, batch=4):
    return np.full((batch, 2, 1, 8), value, dtype)


@pytest.fixture(scope="module", params=TARGETS)
def program(request):
    return compile(programs.cache_program(), request.param)


@pytest.fixture
def session(program):
    with program.session(state={"k": cache(), "v": -cache()}) as opened:
        yield opened


@pytest.mark.parametrize(("target", "dtype"), list(itertools.product(TARGETS, DTYPES)))
def test_steps_equal_numpy_in_place(target, dtype):
    kind = DTYPES[dtype]
    keys, values = cache(kind), (-cache()).astype(kind)
    given = {"k": keys.copy(), "v": values.copy()}
    # K and V have one type and come back swapped: only the tie tells them apart.
    with compile(programs.cache_program(dtype), target).session(state=given) as session:
        before = session.addresses()
        for step in range(10):
            x, y = row(step, kind), row(step + 40, kind)
            keys[:, :, step : step + 1], values[:, :, step : step + 1] = x, y
            np.testing.assert_array_equal(session(x, y, step), x + y)
            assert session.addresses() == before
        np.testing.assert_array_equal(session.state["k"], keys)
        np.testing.assert_array_equal(session.state["v"], values)
    np.testing.assert_array_equal(given["k"], cache(kind))


@pytest.mark.parametrize("target", TARGETS)
def test_counter_with_a_read_of_its_old_value(target):
    with compile(programs.counter_program(), target).session(state={"count": 5}) as session:
        before = session.addresses()
        assert session(3) == 15
        assert session(2**40) == 8 * 2**40
        assert session.state["count"] == 8 + 2**40
        assert session.state["count"].dtype == np.int64
        assert session.addresses() == before


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", ["i1", "ui8", "ui16", "i16", "f64", "i64"])
def test_other_element_types_make_the_round_trip(target, dtype):
    if dtype == "i1":
        initial, rows = np.tile([True, False], 512), [True, False]
    else:
        initial, rows = np.arange(1024), [3, 250]
    initial = initial.reshape(4, 2, 16, 8).astype(np.dtype(programs.NUMPY.get(dtype, dtype)))
    source = programs.cache_program(dtype)
    with compile(source, target).session(state={"k": initial, "v": initial}) as session:
        x, y = (np.full((4, 2, 1, 8), r).astype(initial.dtype) for r in rows)
        session(x, y, 7)
        expected = initial.copy()
        expected[:, :, 7:8] = x
        np.testing.assert_array_equal(session.state["k"], expected)
        assert session.state["k"].dtype == initial.dtype


@pytest.mark.parametrize("dtype", ["int4", "uint4"])
def test_elements_of_half_a_byte_are_unpacked(dtype):
    """XLA lays two of them into a byte, and rewrites the slot for each update."""
    kind = np.dtype(getattr(ml_dtypes, dtype))
    program = compile(programs.cache_program({"int4": "i4", "uint4": "ui4"}[dtype]))
    assert [slot.verdict.partition(":")[0] for slot in program.manifest.function().slots] == [
        "copied",
        "copied",
    ]
    assert {copy.slot for copy in program.audit().copies} == {"k", "v"}
    initial = (np.arange(1024) % 8).reshape(4, 2, 16, 8).astype(kind)
    new = (np.arange(64) % 4 + 2).reshape(4, 2, 1, 8).astype(kind)
    with program.session(state={"k": initial, "v": initial}) as session:
        out = session(new, new, 7)
        expected = initial.copy()
        expected[:, :, 7:8] = new
        np.testing.assert_array_equal(session.state["k"], expected)
        np.testing.assert_array_equal(out, new + new)
        kept = session.snapshot()
        session.reset()
        np.testing.assert_array_equal(session.state["v"], initial)
        session.restore(kept)
        np.testing.assert_array_equal(session.fork().state["v"], expected)


def test_arguments_by_name_and_position_agree(session):
    by_position = session(row(1), row(2), 3)
    keys = session.state["k"]
    session.reset()
    by_name = session(p=3, y=row(2), x=row(1))
    np.testing.assert_array_equal(by_position, by_name)
    np.testing.assert_array_equal(session.state["k"], keys)


WRONG_CALLS = {
    "shape": (
        (row(1, batch=3), row(1), 0),
        {},
        r"argument 'x' expects 4x2x1x8xf32, got 3x2x1x8xf32",
    ),
    # The same number of bytes: PJRT itself would run it.
    "same bytes": ((row(1).reshape(4, 2, 8, 1), row(1), 0), {}, "got 4x2x8x1xf32"),
    "dtype": ((row(1, np.int32), row(1), 0), {}, "expects 4x2x1x8xf32, got 4x2x1x8xi32"),
    "narrowing": ((row(1, np.float64), row(1), 0), {}, "got 4x2x1x8xf64"),
    "fraction": ((row(1), row(1), 1.5), {}, "argument 'p' expects i32, which cannot hold .* 1.5"),
    "too large": ((row(1), row(1), 2**31), {}, "argument 'p' expects i32, which cannot hold"),
    "no tensor": ((row(1), row(1), "0"), {}, "argument 'p' expects a tensor, got str"),
    "ragged": ((row(1), row(1), [[1], [1, 2]]), {}, "argument 'p' cannot become an array"),
    "missing": ((row(1),), {"p": 0}, "missing 'y'; the function takes: 'x', 'y', 'p'"),
    "extra": ((row(1), row(1), 0, 1), {}, "4 arguments given, the function takes 3"),
    "twice": ((row(1), row(1), 0), {"x": row(1)}, "argument 'x' is given twice"),
    "unknown": ((row(1), row(1)), {"pos": 0}, "no argument 'pos'; the function takes"),
    "slot": ((row(1), row(1), 0), {"k": cache()}, "argument 'k' is a slot"),
}


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_wrong_call_says_why_and_changes_nothing(session, case):
    session(row(1), row(2), 3)
    before = {name: session.state[name] for name in session.state}
    addresses = session.addresses()
    args, by_name, message = WRONG_CALLS[case]
    with pytest.raises(SessionError, match=message):
        session(*args, **by_name)
    for name, value in before.items():
        np.testing.assert_array_equal(session.state[name], value)
    assert session.addresses() == addresses
    np.testing.assert_array_equal(session(row(4), row(4), 0), row(8))


def test_closed_session_refuses_everything(program):
    session = program.session(state={"k": cache(), "v": cache()})
    session.close()
    for use in (
        lambda: session(row(1), row(1), 0),
        lambda: session.state["k"],
        session.addresses,
        session.reset,
    ):
        with pytest.raises(SessionError, match="the session is closed; make a new one"):
            use()
    session.close()


class Failing:
    """An executable that fails when told to, before or after it touched the slots."""

    def __init__(self, executable, *, is_intact):
        self._executable = executable
        self._is_intact = is_intact
        self.is_failing = False

    def __getattr__(self, name):
        return getattr(self._executable, name)

    def run(self, buffers):
        results = self._executable.run(buffers) if not self._is_intact else None
        if self.is_failing:
            raise RuntimeError("device lost")
        return results or self._executable.run(buffers)

    def is_intact(self, buffers):
        return self._is_intact


@pytest.mark.parametrize("is_intact", [True, False])
def test_failed_run_keeps_the_state_or_poisons(program, is_intact):
    from kvlift.runtime.session import Session
    from kvlift.runtime.starting_values import StartingValues

    executable = Failing(program._executable(None), is_intact=is_intact)
    nothing = StartingValues({}, is_own=True)
    session = Session([executable], nothing, {}, {"k": cache(), "v": cache()})
    session(row(1), row(1), 0)
    before = session.state["k"]
    executable.is_failing = True
    verdict = "slots are as before" if is_intact else "session is poisoned and session.reset"
    with pytest.raises(SessionError, match=f"the call failed, the {verdict}.*device lost"):
        session(row(2), row(2), 1)
    executable.is_failing = False
    if is_intact:
        np.testing.assert_array_equal(session.state["k"], before)
    else:
        for use in (lambda: session(row(2), row(2), 1), lambda: session.state["k"]):
            with pytest.raises(SessionError, match=r"poisoned: .*device lost.*session\.reset"):
                use()
        session.reset()
        np.testing.assert_array_equal(session.state["k"], cache())
    np.testing.assert_array_equal(session(row(2), row(2), 1), row(4))


def test_snapshots_and_results_are_independent(session):
    kept = session.state["k"]
    output = session(row(1), row(2), 0)
    np.testing.assert_array_equal(kept, cache())
    kept[...] = -77
    output[...] = -77
    for step in range(1, 8):
        session(row(step), row(step), step)
    assert not (session.state["k"] == -77).any()
    assert (output == -77).all()


def test_reset_restores_values_that_the_caller_changed_since(program):
    keys = cache()
    session = program.session(state={"k": keys, "v": np.zeros_like(keys)})
    keys[...] = 5
    session(row(9), row(9), 2)
    session.reset()
    np.testing.assert_array_equal(session.state["k"], cache())
    assert not session.state["v"].any()


def test_state_is_a_mapping_of_the_slots(session):
    assert list(session.state) == ["k", "v"]
    assert len(session.state) == 2
    with pytest.raises(KeyError, match="no slot 'x'; the session has: k, v"):
        session.state["x"]


def test_slots_are_never_silently_zero(program):
    with pytest.raises(SessionError, match=r"no initial value for 'v'; pass state=\{'v': ...\}"):
        program.session(state={"k": cache()})
    with pytest.raises(SessionError, match="slot 'v' expects 4x2x16x8xf32, got 4x2x16x8xi8"):
        program.session(state={"k": cache(), "v": cache(np.int8)})
    with pytest.raises(SessionError, match="state names 'q'; the slots are: 'k', 'v'"):
        program.session(state={"k": cache(), "v": cache(), "q": cache()})
    with pytest.raises(SessionError, match="weights names 'k'; the arguments that are no slots"):
        program.session(state={"k": cache(), "v": cache()}, weights={"k": cache()})


@pytest.mark.parametrize("target", TARGETS)
def test_weights_are_bound_once_and_stay_as_they_are(target):
    w, c = np.full((4, 1, 8), 3, np.float32), np.zeros((4, 16, 8), np.float32)
    program = compile(programs.weighted_program(values={"c": c, "w": w}), target)
    with program.session() as session:
        for step in range(4):
            assert session(np.full((4, 1, 8), step, np.float32), step) is None
        assert session.state["c"][0, :5, 0].tolist() == [0, 3, 6, 9, 0]
        with pytest.raises(SessionError, match="argument 'w' is bound to the session"):
            session(w, 0, w=w)
    assert (w == 3).all()
    assert not c.any()
    with program.session(weights={"w": 2 * w}) as session:
        session(w, 0)
        assert session.state["c"][0, 0, 0] == 18
    with pytest.raises(SessionError, match="no value for 'w'; pass weights="):
        compile(programs.weighted_program(), target).session(state={"c": c})


@pytest.mark.parametrize("target", TARGETS)
def test_weights_that_nobody_else_holds_live_as_long_as_the_session(target):
    program = compile(programs.weighted_program(), target)
    x, state = np.ones((4, 1, 8), np.float32), {"c": np.zeros((4, 16, 8), np.float32)}
    for _ in range(8):
        # Its elements are one in memory, so that the session has to make an array of its own.
        w = np.broadcast_to(np.float32(3), (4, 1, 8))
        with program.session(weights={"w": w}, state=state) as session:
            others = [np.full((4, 1, 8), 7, np.float32) for _ in range(100)]
            session(x, 0)
            assert (session.state["c"][:, 0] == 3).all()
            del others


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("offset", [0, 4])
def test_unaligned_weights_work(target, offset):
    raw = np.zeros(4 * 8 * 4 + 128, np.uint8)
    start = -raw.ctypes.data % 64 + offset
    w = raw[start : start + 128].view(np.float32).reshape(4, 1, 8)
    w[...] = 2
    program = compile(programs.weighted_program(), target)
    with program.session(weights={"w": w}, state={"c": np.zeros((4, 16, 8), np.float32)}) as s:
        s(w, 1)
        assert s.state["c"][:, 1].tolist() == np.full((4, 8), 4).tolist()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["parameter", "user_input"])
def test_an_argument_that_the_program_overwrites_survives(target, kind):
    w = np.zeros((4, 16, 8), np.float32)
    bound = {"w": w} if kind == "parameter" else {}
    program = compile(programs.overwriting_program(kind, values=bound), target)
    with program.session() as session:
        args = () if kind == "parameter" else (w,)
        for step in range(3):
            out = session(*args, np.ones((4, 1, 8), np.float32), step)
            assert out.sum() == 64
    assert not w.any()


def test_torch_and_jax_values_convert_bit_exactly():
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    bits = torch.arange(1024, dtype=torch.int16).reshape(4, 2, 16, 8)
    keys = bits.view(torch.bfloat16)
    program = compile(programs.cache_program("bf16"), "pjrt:cpu")
    with program.session(state={"k": keys, "v": torch.zeros_like(keys)}) as session:
        np.testing.assert_array_equal(session.state["k"].view(np.int16), bits.numpy())
        session(keys[:, :, 5:6], jnp.ones((4, 2, 1, 8), jnp.bfloat16), torch.tensor(6).int())
        expected = bits.clone()
        expected[:, :, 6] = bits[:, :, 5]
        np.testing.assert_array_equal(session.state["k"].view(np.int16), expected.numpy())
        assert (session.state["v"][:, :, 6] == 1).all()
    assert (keys.view(torch.int16) == bits).all()


@pytest.mark.parametrize("target", TARGETS)
def test_tensors_of_any_class_and_of_narrow_types(target):
    torch = pytest.importorskip("torch")

    class Own(torch.Tensor):
        pass

    ones = torch.ones(4, 2, 1, 8)
    zeros = np.zeros((4, 2, 16, 8), np.float32)
    for dtype in ("bf16", "f8E4M3FN", "f8E5M2", *(["f8E4M3FNUZ"] * (target == "pjrt:cpu"))):
        kind = numpy_dtype(dtype)
        given = ones.to(getattr(torch, kind.name))
        state = dict.fromkeys("kv", zeros.astype(kind))
        with compile(programs.cache_program(dtype), target).session(state=state) as session:
            session(given, given.as_subclass(Own) if dtype == "bf16" else given, 3)
            assert (session.state["v"][:, :, 3].astype(np.float32) == 1).all()
            if dtype == "f8E4M3FN":
                infinite = np.full((4, 2, 1, 8), np.inf).tolist()
                with pytest.raises(SessionError, match=r"x' .* cannot hold the value"):
                    session(infinite, given, 3)


@pytest.mark.parametrize("target", TARGETS)
def test_arrays_that_know_only_dlpack_and_deleted_ones(target):
    jnp = pytest.importorskip("jax.numpy")

    class Foreign:
        """As of a library without numpy's interfaces."""

        def __init__(self, array):
            self._array = array

        def __dlpack__(self, **options):
            return self._array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self._array.__dlpack_device__()

    x = np.full((4, 2, 1, 8), 3, np.float32)
    zeros = np.zeros((4, 2, 16, 8), np.float32)
    program = compile(programs.cache_program(), target)
    with program.session(state={"k": zeros, "v": zeros}) as session:
        np.testing.assert_array_equal(session(Foreign(x), x, 0), x + x)
        gone = jnp.ones((4, 2, 1, 8))
        gone.delete()
        with pytest.raises(SessionError, match="argument 'x' cannot become an array: Array has be"):
            session(gone, x, 0)


def test_tensors_on_the_device_come_by_dlpack():
    """Of another device than a CPU, for which this CPU stands here; without a copy."""
    torch = pytest.importorskip("torch")
    program = compile(programs.cache_program(), "pjrt:cpu")
    executable = program._executable(None)
    raw = torch.zeros(4 * 2 * 8 + 64)
    start = -raw.data_ptr() % 64 // 4
    x = raw[start : start + 64].view(4, 2, 1, 8)
    assert executable.adopt(2, x) is None
    executable._is_host_memory, executable._place = False, (1, 0)
    adopted = executable.adopt(2, x.requires_grad_())
    assert adopted.unsafe_buffer_pointer() == x.data_ptr()
    assert executable.adopt(2, x.double()) is None
    counter = compile(programs.counter_program(), "pjrt:cpu")._executable(None)
    counter._is_host_memory, counter._place = False, (1, 0)
    assert counter.adopt(1, torch.tensor(2**40)).dtype == np.int64
    assert executable.adopt(2, x.detach().transpose(0, 1)) is None
    assert executable.adopt(2, torch.zeros(4, 2, 1, 8, device="meta")) is None
    zeros = np.zeros((4, 2, 16, 8), np.float32)
    with program.session(state={"k": zeros, "v": zeros}) as session:
        strided = torch.full((8, 1, 2, 4), 2.0).permute(3, 2, 1, 0)
        assert (session(x, strided, 3) == 2).all()
        assert (session.state["v"][:, :, 3] == 2).all()
        executable._place = (2, 0)
        with pytest.raises(SessionError, match="argument 'x' is on the device 'meta'"):
            session(torch.zeros(4, 2, 1, 8, device="meta"), x, 3)


def test_unknown_targets_name_the_known_ones():
    with pytest.raises(CompileError, match="unknown target 'cpu'; the targets are pjrt:cpu"):
        compile(programs.cache_program(), "cpu")


@pytest.mark.parametrize("target", TARGETS)
def test_a_runtime_that_is_not_installed_names_the_extra(target, monkeypatch):
    import sys

    runtime = target.partition(":")[0]
    for name in ("jax", "jax.extend.backend", "iree.runtime", "iree.compiler"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CompileError, match=rf"pip install 'kvlift\[{runtime}\]'"):
        compile(programs.cache_program(), target)


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_compiler_refuses_is_in_the_error(target, capfd):

    class Broken(type(programs.cache_program())):
        def for_target(self, target, *, require=None):
            return self

        def artifact(self, version=None):
            return b"module { func.func @main() { return %x : f32 } }"

    good = programs.cache_program()
    lifted = Broken(good.module, good.manifest)
    with pytest.raises(CompileError, match=r"refuses function 'main'(.|\n)*error|undeclared"):
        compile(lifted, target)
    assert "undeclared" not in capfd.readouterr().err


def test_a_failure_before_the_run_never_poisons(program, monkeypatch):
    session = program.session(state={"k": cache(), "v": cache()})

    def refuse(argument, value, *, copy):
        raise MemoryError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(session.function()._executable, "put", refuse)
        with pytest.raises(SessionError, match="the call failed, the slots are as before it: no"):
            session(row(1), row(1), 0)
    np.testing.assert_array_equal(session.state["k"], cache())
    np.testing.assert_array_equal(session(row(1), row(1), 0), row(2))
