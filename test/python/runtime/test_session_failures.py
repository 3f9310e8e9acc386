"""Nothing is lost: a failure at any point of a call leaves the slots as before, or says so.

The reference is a second session that makes the same calls without the failure.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import small_programs as programs

import kvlift
from kvlift.errors import SessionError

TARGETS = ("pjrt:cpu", "iree:cpu")


def cache() -> np.ndarray:
    return (np.arange(1024) % 97).reshape(4, 2, 16, 8).astype(np.float32)


def row(value: float) -> np.ndarray:
    return np.full((4, 2, 1, 8), value, np.float32)


def step(session, index: int) -> np.ndarray:
    return session(row(index + 1), row(-index), index)


@pytest.fixture(scope="module", params=TARGETS)
def program(request) -> kvlift.Program:
    return kvlift.compile(programs.cache_program(), request.param)


@pytest.fixture
def session(program):
    state = {"k": cache(), "v": -cache()}
    with program.session(state=state, checkpoint_every=2) as opened:
        for index in range(3):
            step(opened, index)
        yield opened


class Results(list):
    """Results of which the tied ones cannot be read once they are all there."""

    def __init__(self, items, error, tied):
        super().__init__(items)
        self._error, self._tied = error, tied

    def __getitem__(self, index):
        if index in self._tied:
            raise self._error
        return super().__getitem__(index)


class Failing:
    """An executable that fails at one point of a call."""

    def __init__(self, executable, point: str, error: BaseException):
        self._executable, self._point, self._error = executable, point, error
        self.puts = 0

    def __getattr__(self, name):
        return getattr(self._executable, name)

    def put(self, argument, value, *, copy):
        self.puts += 1
        if self._point == f"put {self.puts}":
            raise self._error
        return self._executable.put(argument, value, copy=copy)

    def run(self, buffers):
        if self._point == "before the run":
            raise self._error
        results = self._executable.run(buffers)
        if self._point == "after the run":
            raise self._error
        tied = {slot.result for slot in self._executable.function.slots}
        return Results(results, self._error, tied) if self._point == "commit" else results

    def take(self, buffer, tensor, kind):
        if self._point == "fetch":
            raise self._error
        return self._executable.take(buffer, tensor, kind)


POINTS = ("put 1", "put 3", "before the run", "after the run", "fetch", "commit")


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("way", ["reset", "restore", "restore_last"])
def test_a_failure_at_every_point(program, session, point, error, way):
    before = session.snapshot()
    function = session.function()
    executable = function._executable
    function._executable = Failing(executable, point, error("stop"))
    is_error = issubclass(error, Exception)
    with pytest.raises(SessionError if is_error else error, match="stop") as raised:
        step(session, 3)
    function._executable = executable
    # IREE cannot tell whether a run began; PJRT knows what it took.
    may_go_on = point.startswith("put") or (
        point == "before the run" and program.target == "pjrt:cpu"
    )
    if may_go_on:
        assert not is_error or "the slots are as before it: stop" in str(raised.value)
    else:
        assert not is_error or "the session is poisoned and" in str(raised.value)
        for use in (
            lambda: step(session, 3),
            lambda: session.state["k"],
            session.snapshot,
            session.fork,
            session.addresses,
        ):
            with pytest.raises(
                SessionError,
                match=r"(?s)the session is poisoned: a call failed while it updated the slots "
                r"\(stop\); session\.reset\(\).*session\.restore\(snapshot\).*"
                r"session\.restore_last\(\) the slots after 2 calls",
            ):
                use()
        {
            "reset": session.reset,
            "restore": lambda: session.restore(before),
            "restore_last": session.restore_last,
        }[way]()
    expected = {"reset": 0, "restore": 3, "restore_last": 2}[way]
    assert session.calls == (3 if may_go_on else expected)
    with program.session(state={"k": cache(), "v": -cache()}) as reference:
        for index in range(session.calls):
            step(reference, index)
        for index in range(session.calls, 6):
            np.testing.assert_array_equal(step(session, index), step(reference, index))
        for name in ("k", "v"):
            np.testing.assert_array_equal(session.state[name], reference.state[name])


@pytest.mark.parametrize("change", ["reset", "restore", "assignment"])
def test_slots_are_replaced_where_they_lie(session, change, monkeypatch):
    """They need no second copy: there is room for none."""
    kept = session.snapshot()
    for index in range(3, 5):
        step(session, index)
    addresses = session.addresses()

    def refuse(argument, value, *, copy):
        raise MemoryError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(session._executables[0], "put", refuse)
        {
            "reset": session.reset,
            "restore": lambda: session.restore(kept),
            "assignment": lambda: session.state.__setitem__("v", kept.slots["v"]),
        }[change]()
    assert session.addresses() == addresses
    expected = {
        "reset": {"k": cache(), "v": -cache()},
        "restore": kept.slots,
        "assignment": {"v": kept.slots["v"]},
    }[change]
    for name, value in expected.items():
        np.testing.assert_array_equal(session.state[name], value)
    assert session.calls == {"reset": 0, "restore": 3, "assignment": 5}[change]
    step(session, 5)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
@pytest.mark.parametrize("change", ["reset", "restore"])
def test_half_replaced_slots_are_poisoned(session, change, error, monkeypatch):
    kept = session.snapshot()
    change_all = {"reset": session.reset, "restore": lambda: session.restore(kept)}[change]
    step(session, 3)
    (executable,) = session._executables
    real, fills = executable.fill, []

    def fill(argument, buffer, value):
        fills.append(argument)
        if len(fills) == 2:
            raise error("stop")
        return real(argument, buffer, value)

    with monkeypatch.context() as patched:
        patched.setattr(executable, "fill", fill)
        with pytest.raises(error, match="stop"):
            change_all()
    for use in (lambda: step(session, 4), session.snapshot):
        with pytest.raises(SessionError, match=r"poisoned: its slots were being replaced .*reset"):
            use()
    # The restore point is still one of the ways back.
    assert session.restore_last().calls == 2
    session.restore(kept)
    for name, value in kept.slots.items():
        np.testing.assert_array_equal(session.state[name], value)
    step(session, 3)


def test_no_room_for_a_fork_changes_nothing(session, monkeypatch):
    kept = session.snapshot()
    (executable,) = session._executables
    real, puts = executable.put, []

    def put(argument, value, *, copy):
        puts.append(argument)
        if len(puts) == 2:
            raise MemoryError("no room")
        return real(argument, value, copy=copy)

    with monkeypatch.context() as patched:
        patched.setattr(executable, "put", put)
        patched.setattr(type(executable), "for_session", lambda self: self)
        with pytest.raises(MemoryError, match="no room"):
            session.fork()
    assert session.calls == 3
    for name, value in kept.slots.items():
        np.testing.assert_array_equal(session.state[name], value)
    step(session, 3)


def test_no_room_for_a_restore_point_stops_the_call(session, monkeypatch):
    step(session, 3)
    before = session.state["k"]

    def refuse(array):
        raise MemoryError("no room")

    with monkeypatch.context() as patched:
        patched.setattr("kvlift.runtime.slot_store.values.own_copy", refuse)
        with pytest.raises(SessionError, match="the slots are as before it: no room"):
            step(session, 4)
    np.testing.assert_array_equal(session.state["k"], before)
    assert session.checkpoint.calls == 2
    step(session, 4)
    assert session.checkpoint.calls == 4


INTERRUPTED = """
import os, signal, sys, threading, time
sys.path[:0] = [{folder!r}]
import numpy as np
import small_programs as programs
import kvlift

def cache(): return (np.arange(1024) % 97).reshape(4, 2, 16, 8).astype(np.float32)
def row(value): return np.full((4, 2, 1, 8), value, np.float32)

program = kvlift.compile(programs.cache_program(), {target!r})
session = program.session(state={{"k": cache(), "v": cache()}})
expected, done, stops, poisoned = cache(), 0, 0, 0
rng = np.random.default_rng(0)
end = time.monotonic() + 4
while stops < 60 and time.monotonic() < end:
    timer = threading.Timer(rng.uniform(0.0002, 0.004), os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        while True:
            session(row(done), row(-done), done % 16)
            done += 1
    except KeyboardInterrupt:
        stops += 1
    timer.join()
    try:
        found = session.state["k"]
    except kvlift.SessionError as error:
        assert "poisoned" in str(error), error
        poisoned += 1
        session.reset()
        expected, done = cache(), 0
        found = session.state["k"]
    # Between the return of a call and the count of it an interrupt may strike too.
    if session.calls == done + 1:
        done += 1
    assert session.calls == done, (session.calls, done)
    expected = cache()
    for index in range(done):
        expected[:, :, index % 16] = index
    np.testing.assert_array_equal(found, expected)
print("stops", stops, "poisoned", poisoned)
"""


@pytest.mark.parametrize("target", TARGETS)
def test_real_interrupts_at_any_moment(target):
    """The slots are those of a whole number of calls, or the session says that it is poisoned."""
    folder = str(programs.__file__).rpartition("/")[0]
    code = INTERRUPTED.format(folder=folder, target=target)
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert child.returncode == 0, child.stderr
    assert "stops" in child.stdout
