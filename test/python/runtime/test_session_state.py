"""What a session holds: copies, loans, snapshots, forks, and who may use it when."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest
import small_programs as programs

import kvlift
from kvlift.errors import SessionError
from kvlift.runtime import values
from kvlift.runtime.values import numpy_dtype

TARGETS = ("pjrt:cpu", "iree:cpu")
SHAPE = (4, 2, 16, 8)


def cache() -> np.ndarray:
    return (np.arange(1024) % 97).reshape(SHAPE).astype(np.float32)


def row(value: float) -> np.ndarray:
    return np.full((4, 2, 1, 8), value, np.float32)


@pytest.fixture(scope="module", params=TARGETS)
def program(request) -> kvlift.Program:
    return kvlift.compile(programs.cache_program(), request.param)


@pytest.fixture
def session(program):
    with program.session(state={"k": cache(), "v": -cache()}) as opened:
        yield opened


def step(session, index: int) -> np.ndarray:
    return session(row(index + 1), row(-index), index)


def test_an_assignment_changes_one_slot(session):
    step(session, 0)
    values = session.state["v"]
    session.state["k"] = cache() * 2
    np.testing.assert_array_equal(session.state["k"], cache() * 2)
    np.testing.assert_array_equal(session.state["v"], values)
    for wrong, message in (
        (cache().astype(np.float64), "slot 'k' expects 4x2x16x8xf32, got 4x2x16x8xf64"),
        (cache()[:2], "slot 'k' expects"),
    ):
        with pytest.raises(SessionError, match=message):
            session.state["k"] = wrong
    with pytest.raises(KeyError, match="no slot 'x'; the session has: k, v"):
        session.state["x"] = cache()
    np.testing.assert_array_equal(session.state["k"], cache() * 2)


def test_a_loan_is_the_memory_of_the_slot(session):
    step(session, 0)
    address = session.addresses()["k"]
    with session.borrow("k") as keys:
        assert keys.ctypes.data == address
        assert not keys.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            keys.flags.writeable = True
        np.testing.assert_array_equal(keys, session.state["k"])
        before = keys.copy()
        for change in (
            lambda: step(session, 1),
            session.reset,
            lambda: session.restore(session.snapshot()),
            lambda: session.state.__setitem__("v", cache()),
        ):
            with pytest.raises(SessionError, match="slot 'k' is still borrowed; leave the block"):
                change()
        np.testing.assert_array_equal(keys, before)
    # A part of it counts as well.
    part = keys[0, 0]
    del keys
    with pytest.raises(SessionError, match="slot 'k' is still borrowed"):
        step(session, 1)
    np.testing.assert_array_equal(part, before[0, 0])
    del part
    np.testing.assert_array_equal(step(session, 1), row(1))
    assert session.addresses()["k"] == address


def test_a_loan_outlives_a_closed_session(program):
    session = program.session(state={"k": cache(), "v": cache()})
    with session.borrow("k") as keys:
        session.close()
    with pytest.raises(SessionError, match="closed"), session.borrow("k"):
        pass
    del session
    np.testing.assert_array_equal(keys, cache())


def test_a_sliced_slot_is_lent_as_well():
    program = kvlift.compile(programs.cache_program().slice_results())
    with program.session(state={"k": cache(), "v": cache()}) as session:
        with session.borrow("k") as keys:
            assert keys.ctypes.data == session.addresses()["k"]
            with pytest.raises(SessionError, match="slot 'k' is still borrowed"):
                step(session, 0)
            assert not keys.flags.writeable
        del keys
        np.testing.assert_array_equal(step(session, 0), row(1))


def test_stored_otherwise_and_borrowed_in_the_logical_type():
    """On pjrt:cpu bf16 is stored as its bits, and without the unit dimension."""
    lifted = programs.cache_program("bf16", 1)
    program = kvlift.compile(lifted)
    given = np.zeros((1, 2, 16, 8), ml_dtypes.bfloat16)
    with program.session(state={"k": given, "v": given}) as session:
        with session.borrow("k") as keys:
            assert keys.shape == (1, 2, 16, 8)
            assert keys.dtype == given.dtype
            assert keys.ctypes.data == session.addresses()["k"]
        del keys
        with pytest.raises(SessionError, match="expects 1x2x16x8xbf16"):
            session.state["k"] = np.zeros((2, 16, 8), np.uint16)


def test_snapshots_go_to_any_session_of_the_same_slots(program, session):
    outputs = [step(session, i) for i in range(3)]
    kept = session.snapshot()
    later = [step(session, i) for i in range(3, 6)]
    assert (kept.calls, session.calls) == (3, 6)
    session.restore(kept)
    assert session.calls == 3
    for index, output in zip(range(3, 6), later, strict=True):
        np.testing.assert_array_equal(step(session, index), output)
    other_target = "iree:cpu" if program.target == "pjrt:cpu" else "pjrt:cpu"
    other = kvlift.compile(programs.cache_program(), other_target)
    for where in (program, other):
        with where.session(state={"k": cache() * 0, "v": cache()}) as elsewhere:
            elsewhere.restore(kept)
            np.testing.assert_array_equal(elsewhere.state["k"], kept.slots["k"])
            np.testing.assert_array_equal(step(elsewhere, 3), later[0])
    assert len(outputs) == 3


def test_a_snapshot_of_other_slots_changes_nothing(session):
    step(session, 0)
    before = session.snapshot()
    wrong_name = kvlift.Snapshot(0, {"k": cache(), "w": cache()})
    wrong_type = kvlift.Snapshot(0, {"k": cache() * 0, "v": cache()[:1]})
    with pytest.raises(SessionError, match="the snapshot has the slots 'k', 'w', the session has"):
        session.restore(wrong_name)
    with pytest.raises(SessionError, match="slot 'v' expects 4x2x16x8xf32, got 1x2x16x8xf32"):
        session.restore(wrong_type)
    for name, value in before.slots.items():
        np.testing.assert_array_equal(session.state[name], value)
    assert session.calls == 1


def test_what_is_no_snapshot_is_refused(session):
    for other in (None, {"k": cache(), "v": cache()}, session.state):
        with pytest.raises(SessionError, match=r"restore takes what session.snapshot\(\) returns"):
            session.restore(other)


def test_a_fork_goes_its_own_way(session):
    step(session, 0)
    with session.fork() as fork:
        assert not set(fork.addresses().values()) & set(session.addresses().values())
        assert fork.calls == 1
        mine = step(session, 1)
        step(fork, 5)
        fork.reset()
        np.testing.assert_array_equal(fork.state["k"], cache())
        step(fork, 0)
        np.testing.assert_array_equal(step(fork, 1), mine)
        np.testing.assert_array_equal(fork.state["k"], session.state["k"])
    step(session, 2)


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("dtype", ["i1", "bf16", "f16", "i64", "f8E4M3FN", "i4"])
def test_ways_back_for_slots_of_every_type(program, dtype, batch):
    """Also those that are stored as other types, without a dim, or packed."""
    if (program.target, dtype) == ("iree:cpu", "i4"):
        pytest.skip("IREE takes no arguments of element type i4")
    kind = numpy_dtype(dtype)
    shape = (batch, *SHAPE[1:])
    bits = np.random.default_rng(3).integers(0, 2, (3, *shape), np.uint8)
    first, second, third = (each.astype(kind) for each in bits)
    other = kvlift.compile(programs.cache_program(dtype, batch), program.target)
    with other.session(state={"k": first, "v": second}) as session:
        kept = session.snapshot()
        new = np.ones((batch, 2, 1, 8), kind)
        session(new, new, 3)
        session.state["v"] = third
        assert session.state["v"].tobytes() == third.tobytes()
        for way in (session.reset, lambda: session.restore(kept)):
            session(new, new, 5)
            way()
            assert session.state["k"].tobytes() == first.tobytes()
            assert session.state["v"].tobytes() == second.tobytes()


def test_restore_points_every_few_calls(program):
    with program.session(state={"k": cache(), "v": cache()}, checkpoint_every=2) as session:
        with pytest.raises(SessionError, match=r"no restore point; program.session\(checkpoint_ev"):
            session.restore_last()
        seen = {}
        for index in range(5):
            seen[index] = session.state["k"]
            step(session, index)
        assert session.checkpoint.calls == 4
        assert session.restore_last().calls == session.calls == 4
        np.testing.assert_array_equal(session.state["k"], seen[4])
        session.reset()
        assert session.checkpoint is None
        start = session.snapshot()
        for index in range(3):
            step(session, index)
        assert session.checkpoint.calls == 2
        # It is not what comes before the calls that follow.
        session.restore(start)
        step(session, 5)
        assert session.restore_last().calls == 0
        np.testing.assert_array_equal(session.state["k"], cache())


def test_options_that_mean_nothing(program):
    for options, message in (
        ({"returns": "list"}, "returns='list'; it is 'numpy', 'torch' or 'jax'"),
        ({"concurrency": "none"}, "concurrency='none'; it is 'error' or 'wait'"),
        ({"checkpoint_every": 0}, "checkpoint_every=0; it is a number of calls"),
    ):
        with pytest.raises(SessionError, match=message):
            program.session(**options)


def test_arguments_that_are_not_finite(program):
    state = {"k": cache(), "v": cache()}
    with program.session(state=state, check_finite=True) as session:
        bad = row(1)
        bad[2, 1, 0, 3] = np.nan
        with pytest.raises(SessionError, match=r"'y' is not finite: nan at \[2, 1, 0, 3\]"):
            session(row(1), bad, 0)
        np.testing.assert_array_equal(session(row(1), row(2), 0), row(3))


@pytest.mark.parametrize("kind", ["torch", "jax"])
def test_results_as_arrays_of_other_libraries(program, kind):
    library = pytest.importorskip(kind)
    array = {"torch": lambda v: library.from_numpy(v), "jax": lambda v: library.numpy.asarray(v)}[
        kind
    ]
    with program.session(state={"k": cache(), "v": cache()}, returns=kind) as session:
        outs = [session(array(row(i)), array(row(i)), i) for i in range(4)]
        for index, out in enumerate(outs):
            assert type(out).__module__.partition(".")[0] in (kind, "jaxlib")
            np.testing.assert_array_equal(np.asarray(out), row(2 * index))
        # What came out goes in again.
        again = session(outs[3], outs[2], 5)
        np.testing.assert_array_equal(np.asarray(again), row(10))
        assert (session.state["k"][:, :, 5] == 6).all()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", ["bf16", "i64"])
def test_results_of_types_that_numpy_or_jax_lack(target, dtype):
    torch = pytest.importorskip("torch")
    kind = {"bf16": torch.bfloat16, "i64": torch.int64}[dtype]
    x = torch.full((4, 2, 1, 8), 3, dtype=kind)
    state = {name: torch.zeros(SHAPE, dtype=kind) for name in "kv"}
    program = kvlift.compile(programs.cache_program(dtype), target)
    with program.session(state=state, returns="torch") as session:
        out = session(x, x, 0)
        assert out.dtype == kind
        assert (out == 6).all()
    with program.session(state=state, returns="jax") as session:
        out = session(x, x, 0)
        assert out.dtype.name == {"bf16": "bfloat16", "i64": "int64"}[dtype]
        assert (np.asarray(out) == 6).all()


def test_results_that_could_not_be_given_are_refused_before_a_run(program, monkeypatch):
    packed = kvlift.compile(programs.cache_program("i4"))
    state = dict.fromkeys("kv", np.zeros(SHAPE, ml_dtypes.int4))
    with pytest.raises(SessionError, match="torch has no element type int4; use returns='numpy'"):
        packed.session(state=state, returns="torch")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "torch", None)
        with pytest.raises(SessionError, match="returns='torch', which is not installed: import"):
            program.session(state={"k": cache(), "v": cache()}, returns="torch")


def test_unaligned_and_strided_arguments(session):
    raw = np.zeros(64 * 4 + 128, np.uint8)
    start = -raw.ctypes.data % 64 + 4
    unaligned = raw[start : start + 256].view(np.float32).reshape(4, 2, 1, 8)
    unaligned[...] = 7
    strided = np.full((8, 1, 2, 4), 5, np.float32).transpose(3, 2, 1, 0)
    np.testing.assert_array_equal(session(unaligned, strided, 0), row(12))
    assert (session.state["k"][:, :, 0] == 7).all()


def test_a_tensor_without_memory_is_refused(session):
    torch = pytest.importorskip("torch")
    with pytest.raises(SessionError, match="argument 'x' is on the device 'meta'"):
        session(torch.zeros(4, 2, 1, 8, device="meta"), row(1), 0)


class Pausing:
    """An executable whose run waits until it is told to go on."""

    def __init__(self, executable):
        self._executable = executable
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def __getattr__(self, name):
        return getattr(self._executable, name)

    def run(self, buffers):
        self.has_begun.set()
        assert self.may_end.wait(30)
        return self._executable.run(buffers)


@pytest.mark.parametrize("concurrency", ["error", "wait"])
def test_a_second_call_is_refused_or_waits(program, concurrency):
    state = {"k": cache(), "v": cache()}
    with program.session(state=state, concurrency=concurrency) as session:
        function = session.function()
        function._executable = pausing = Pausing(function._executable)
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(step, session, 0)
            assert pausing.has_begun.wait(30)
            if concurrency == "error":
                for use in (lambda: step(session, 1), session.reset, lambda: session.state["k"]):
                    with pytest.raises(SessionError, match="in use by another thread; make a ses"):
                        use()
                pausing.may_end.set()
                first.result(30)
            else:
                second = threads.submit(step, session, 1)
                pausing.may_end.set()
                first.result(30)
                second.result(30)
        assert session.calls == (1 if concurrency == "error" else 2)


def test_a_thread_that_used_the_session_waits_for_one_that_just_begins(program):
    """Between taking the lock and saying who has it, the last user must not seem to be that one."""
    with program.session(state={"k": cache(), "v": cache()}, concurrency="wait") as session:
        step(session, 0)
        lock, has_begun, may_go_on = session._store.lock, threading.Event(), threading.Event()

        class Slow:
            """The lock, whose first owner is slow to go on."""

            locked = lock.locked

            def __enter__(self):
                lock.acquire()
                has_begun.set()
                assert may_go_on.wait(30)

            def __exit__(self, *error):
                lock.release()

        session._store.lock = Slow()
        with ThreadPoolExecutor(1) as threads:
            other = threads.submit(step, session, 1)
            assert has_begun.wait(30)
            threading.Timer(0.2, may_go_on.set).start()
            step(session, 2)
            other.result(30)
        assert session.calls == 3


def test_whether_there_is_a_slot_is_asked_without_a_copy(session, monkeypatch):
    monkeypatch.setattr(values, "own_copy", lambda array: 1 / 0)
    assert "k" in session.state
    assert "x" not in session.state


def test_a_call_within_a_call_of_one_thread_is_refused(program):
    state = {"k": cache(), "v": cache()}
    with program.session(state=state, concurrency="wait") as session:
        executable = session.function()._executable

        class Calling(Pausing):
            def run(self, buffers):
                with pytest.raises(SessionError, match="in a call of this very thread"):
                    step(session, 1)
                return executable.run(buffers)

        session.function()._executable = Calling(executable)
        np.testing.assert_array_equal(step(session, 0), row(1))


def test_sessions_of_one_program_run_in_parallel(program):
    """Each thread steps its own session; every result and slot is as in a single thread."""
    steps = 60

    def run(seed: int) -> tuple[list[float], np.ndarray]:
        with program.session(state={"k": cache() * seed, "v": cache()}) as session:
            outs = [float(session(row(seed * i), row(i), i % 16).sum()) / 64 for i in range(steps)]
            return outs, session.state["k"]

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(run, range(8)))
    for seed, (outs, keys) in enumerate(results):
        assert outs == [(seed + 1) * i for i in range(steps)]
        expected = cache() * seed
        for i in range(steps):
            expected[:, :, i % 16] = seed * i
        np.testing.assert_array_equal(keys, expected)
