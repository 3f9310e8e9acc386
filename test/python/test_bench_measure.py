"""Which peers of the benchmark run side by side, how often, and what happens to those that fail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from decoders import measure
from decoders.measure import Measurement
from decoders.model import VOCABULARY, Array, Shape
from decoders.peer import Peer

SHAPE = Shape(1, 32768)
events: list[str] = []


class Fake(Peer):
    """Says what is asked of it; every step gives the same logits."""

    name = "fake"
    token: ClassVar[int] = 3

    def prepare(self) -> None:
        pass

    def start(self) -> None:
        events.append(f"start {self.name}")

    def step(self, tokens: Array, position: int) -> Array:
        if events[-1] != self.name:
            events.append(self.name)
        return np.eye(1, VOCABULARY, self.token, dtype=np.float32)

    def stop(self) -> None:
        events.append(f"stop {self.name}")


class First(Fake):
    name = "a"


class Second(Fake):
    name = "b"


class Third(Fake):
    name = "c"


class Large(Fake):
    name = "large"
    cache_copies = 100


class Wrong(Fake):
    name = "wrong"
    token = 4


class Broken(Fake):
    name = "broken"

    def step(self, tokens: Array, position: int) -> Array:
        raise ValueError("no such op\nat line 3")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps cost nothing here, so a turn would have all that it may."""
    monkeypatch.setattr(measure, "MOST_STEPS", 2)
    events.clear()


def run(
    copies: float,
    *peers: type[Peer],
    pairs: tuple[tuple[type[Peer], type[Peer]], ...] = (),
    rounds: int = 2,
) -> Measurement:
    """Measures in a machine whose memory takes so many copies of all caches."""
    with pytest.MonkeyPatch.context() as patched:
        free = int(copies * SHAPE.cache_bytes / measure.ROOM) + 1
        patched.setattr(measure, "_available_bytes", lambda: free)
        measurement = Measurement(SHAPE, peers, pairs, lambda _: None)
        for _ in measurement.run(rounds):
            pass
    return measurement


def test_peers_that_fit_take_turns() -> None:
    run(2, First, Second)
    assert events == ["start a", "a", "start b", "b", "a", "b", "stop a", "stop b"]


def test_others_come_after_them() -> None:
    found = run(2, First, Second, Third)
    assert events[6:] == ["stop a", "stop b", "start c", "c", "stop c"]
    assert [len(row.rounds) for row in found.rows.values()] == [2, 2, 2]


def test_a_pair_stays_together() -> None:
    run(2, First, Second, Third, pairs=((Second, Third),))
    assert events.index("stop a") < events.index("start b") < events.index("start c")
    assert events.index("start c") < events.index("stop b")


def test_a_pair_that_does_not_fit_is_started_anew_in_each_round() -> None:
    run(1.7, First, Second, pairs=((First, Second),))
    assert events == ["start a", "a", "stop a", "start b", "b", "stop b"] * 2


def test_slow_peers_have_fewer_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SLOW", 0.0)
    found = run(2, First, rounds=9)
    assert len(found.rows[First].rounds) == measure.ROUNDS_OF_SLOW


def test_what_does_not_fit_or_fails_is_left_out_by_name() -> None:
    found = run(9, First, Broken, Large, Wrong)
    assert found.rows[Broken].note == "fails: no such op"
    assert found.rows[Large].note.startswith("needs 100")
    assert found.rows[Wrong].note == "other tokens than the reference"
    assert [row.is_timed for row in found.rows.values()] == [True, False, False, True]
