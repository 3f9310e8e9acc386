"""Any sequence of what a session can be asked for leaves what a model in numpy says."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import small_programs as programs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

import kvlift
from kvlift.errors import SessionError

SHAPE = (4, 2, 16, 8)
FIRST = (np.arange(1024) % 50).reshape(SHAPE).astype(np.float32)
VALUES, ROWS, NAMES = st.integers(0, 40), st.integers(0, 15), st.sampled_from("kv")


@functools.cache
def compiled(target: str, is_sliced: bool) -> kvlift.Program:
    lifted = programs.cache_program()
    return kvlift.compile(lifted.slice_results() if is_sliced else lifted, target)


def row(value: int) -> np.ndarray:
    return np.full((4, 2, 1, 8), value, np.float32)


def copied(slots: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: value.copy() for name, value in slots.items()}


@dataclass
class Modelled:
    """A session, what its slots should hold, how often it was called, and who looks at it."""

    session: kvlift.Session
    slots: dict[str, np.ndarray]
    calls: int = 0
    loans: list[np.ndarray] = field(default_factory=list)

    @contextlib.contextmanager
    def changing(self) -> Any:
        """What changes slots is refused while one is borrowed."""
        refused = pytest.raises(SessionError, match="is still borrowed")
        with refused if self.loans else contextlib.nullcontext():
            yield

    def put(self, slots: dict[str, np.ndarray], calls: int) -> None:
        if not self.loans:
            self.slots, self.calls = copied(slots), calls


class Failing:
    """An executable that breaks at one of its methods."""

    def __init__(self, executable: Any, point: str) -> None:
        self._executable, self._point = executable, point

    def __getattr__(self, name: str) -> Any:
        if name == self._point:
            raise RuntimeError("device lost")
        return getattr(self._executable, name)


class SessionMachine(RuleBasedStateMachine):
    program: kvlift.Program
    sessions, snapshots = Bundle("sessions"), Bundle("snapshots")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[Modelled] = []

    def opened(self, session: kvlift.Session, slots: dict[str, np.ndarray], calls: int) -> Modelled:
        self.open.append(Modelled(session, copied(slots), calls))
        return self.open[-1]

    @rule(target=sessions)
    def make(self) -> Modelled:
        first = {"k": FIRST, "v": -FIRST}
        return self.opened(self.program.session(state=first), first, 0)

    @rule(target=sessions, one=sessions)
    def fork(self, one: Modelled) -> Modelled:
        return self.opened(one.session.fork(), one.slots, one.calls)

    @rule(one=sessions, x=VALUES, y=VALUES, at=ROWS)
    def call(self, one: Modelled, x: int, y: int, at: int) -> None:
        with one.changing():
            np.testing.assert_array_equal(one.session(row(x), y=row(y), p=at), row(x + y))
            one.slots["k"][:, :, at], one.slots["v"][:, :, at] = x, y
            one.calls += 1

    @rule(one=sessions, name=NAMES, value=VALUES)
    def assign(self, one: Modelled, name: str, value: int) -> None:
        with one.changing():
            one.session.state[name] = new = np.full(SHAPE, value, np.float32)
            one.slots[name] = new.copy()
            new[...] = -1

    @rule(one=sessions, name=NAMES)
    def borrow(self, one: Modelled, name: str) -> None:
        with one.session.borrow(name) as whole:
            np.testing.assert_array_equal(whole, one.slots[name])
            one.loans.append(whole[1:])

    @rule(one=sessions)
    def drop(self, one: Modelled) -> None:
        one.loans.clear()

    @rule(target=snapshots, one=sessions)
    def snapshot(self, one: Modelled) -> tuple[kvlift.Snapshot, dict[str, np.ndarray]]:
        return one.session.snapshot(), copied(one.slots)

    @rule(one=sessions, kept=snapshots)
    def restore(self, one: Modelled, kept: tuple[kvlift.Snapshot, dict[str, np.ndarray]]) -> None:
        with one.changing():
            one.session.restore(kept[0])
        one.put(kept[1], kept[0].calls)

    @rule(one=sessions)
    def reset(self, one: Modelled) -> None:
        with one.changing():
            one.session.reset()
        one.put({"k": FIRST, "v": -FIRST}, 0)

    @rule(one=sessions, at=ROWS)
    def warm_up(self, one: Modelled, at: int) -> None:
        with one.changing():
            one.session.main.warm_up(row(1), row(2), at)

    @rule(one=sessions, point=st.sampled_from(["put", "run", "take"]))
    def fail(self, one: Modelled, point: str) -> None:
        """As before it, or poisoned and then healed."""
        if one.loans:
            return
        function = one.session.function()
        executable = function._executable
        function._executable = Failing(executable, point)
        with pytest.raises(SessionError, match="device lost"):
            one.session(row(1), row(2), 3)
        function._executable = executable
        with contextlib.suppress(SessionError):
            one.session.snapshot()
            return
        self.reset(one)

    @rule(one=consumes(sessions))
    def close(self, one: Modelled) -> None:
        kept = [loan.copy() for loan in one.loans]
        one.session.close()
        self.open.remove(one)
        for loan, value in zip(one.loans, kept, strict=True):
            np.testing.assert_array_equal(loan, value)

    @invariant()
    def slots_are_those_of_the_model(self) -> None:
        for one in self.open:
            for name, value in one.slots.items():
                np.testing.assert_array_equal(one.session.state[name], value)
            assert one.session.calls == one.calls


@pytest.mark.parametrize("is_sliced", [False, True], ids=["tied", "sliced"])
@pytest.mark.parametrize("target", ["pjrt:cpu", "iree:cpu"])
def test_any_sequence_of_requests(target: str, is_sliced: bool) -> None:
    class Machine(SessionMachine):
        program = compiled(target, is_sliced)

    steps = settings(max_examples=15, stateful_step_count=40, deadline=None, derandomize=True)
    run_state_machine_as_test(Machine, settings=steps)
