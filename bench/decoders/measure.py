"""All peers on one shape, timed in turn in one process.

Each round runs every peer for a short while, so that a machine that is busy for some seconds hurts
them alike, and ratios are taken within a round. Peers that fit into memory side by side are started
once and have all their rounds together; where not even two that are to be compared fit, they are
started anew in every round, and freed again. Before its first round each peer generates a few
tokens, which have to be those of the first peer that computes.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from decoders import model
from decoders.model import Array, Shape
from decoders.peer import Peer

# Tokens that are compared before anything is timed.
COMPARED = 4
# A peer's turn in a round takes about so many seconds of steps, after two that are not timed.
TURN_SECONDS, LEAST_STEPS, MOST_STEPS = 0.15, 2, 40
# Where it was started for this turn alone.
LEAST_STEPS_ANEW = 5
# A step of so many seconds is timed once in a turn, after another, and has so many rounds.
SLOW, ROUNDS_OF_SLOW = 0.5, 3
# Two runtimes add up in different orders.
TOLERANCE = 1e-3
# The part of the memory that caches of peers side by side may take.
ROOM = 0.7
# What a peer holds beside caches: weights, twice for those that pack them, and its runtime.
BESIDE_CACHES = 3 * model.weight_bytes()


@dataclass
class Row:
    """One peer on one shape.

    Attributes:
        rounds: milliseconds per step, the median of each round.
        difference: the largest difference of a logit from the reference; None if not compared.
        note: why there are no numbers, or what is wrong with them.
    """

    peer: str
    batch: int
    capacity: int
    rounds: list[float] = field(default_factory=list)
    difference: float | None = None
    note: str = ""

    @property
    def milliseconds(self) -> float:
        """The median over all rounds."""
        return statistics.median(self.rounds)

    @property
    def is_timed(self) -> bool:
        """Whether there are numbers."""
        return bool(self.rounds)


class Measurement:
    """The peers of one shape and what they have shown so far."""

    def __init__(
        self,
        shape: Shape,
        peers: tuple[type[Peer], ...],
        pairs: tuple[tuple[type[Peer], type[Peer]], ...],
        say: Callable[[str], None],
    ) -> None:
        """Nothing runs yet; `pairs` are run in turn, and `say` is told what is going on."""
        self._shape, self._pairs, self._say = shape, pairs, say
        self.rows = {peer: Row(peer.name, shape.batch, shape.capacity) for peer in peers}
        self._prepared: dict[type[Peer], Peer] = {}
        self._expected: list[Array] | None = None

    def run(self, rounds: int) -> Iterator[None]:
        """Prepares, then runs all rounds; yields after each, with `rows` as they stand.

        Args:
            rounds: of peers that are started once; a quarter for those that are started anew.
        """
        self._prepare()
        room = ROOM * _available_bytes()
        for group in self._groups(room):
            is_held = self._cache_bytes(group) < room
            for number in range(rounds if is_held else max(2, rounds // 4)):
                for kind in [k for k in group if self._goes_on(k, number)]:
                    self._say(f"round {number + 1}: {kind.name}")
                    self._run_turn(kind, is_first=number == 0, is_held=is_held)
                yield
            if is_held:
                for kind in [k for k in group if k in self._prepared]:
                    self._prepared.pop(kind).stop()
                gc.collect()

    def _goes_on(self, kind: type[Peer], number: int) -> bool:
        if kind not in self._prepared:
            return False
        return number < ROUNDS_OF_SLOW or self.rows[kind].milliseconds < SLOW * 1e3

    def _groups(self, room: float) -> list[list[type[Peer]]]:
        """Peers that fit into memory side by side, in order; pairs stay together."""
        groups: list[list[type[Peer]]] = []
        for unit in self._units():
            if groups and self._cache_bytes(groups[-1] + unit) < room:
                groups[-1] += unit
            else:
                groups.append(unit)
        return groups

    def _units(self) -> Iterator[list[type[Peer]]]:
        """Each peer with those that are to be compared with it."""
        left = list(self._prepared)
        while left:
            first = left.pop(0)
            others = [b for a, b in self._pairs if a is first and b in left]
            left = [kind for kind in left if kind not in others]
            yield [first, *others]

    def _cache_bytes(self, kinds: list[type[Peer]]) -> float:
        return sum(kind.cache_copies for kind in kinds) * self._shape.cache_bytes

    def _prepare(self) -> None:
        for kind, row in self.rows.items():
            reason = kind.missing(self._shape)
            row.note = reason or self._does_not_fit(kind.cache_copies, BESIDE_CACHES) or ""
            if row.note:
                continue
            self._say(f"compiling: {kind.name}")
            self._prepared[kind] = kind(self._shape)
            self._guarded(kind, lambda peer: peer.prepare())

    def _does_not_fit(self, cache_copies: float, others: int = 0) -> str | None:
        needed = cache_copies * self._shape.cache_bytes + others
        there = _available_bytes()
        if needed <= 0.95 * there:
            return None
        return f"needs {needed / 2**30:.1f} GiB, {there / 2**30:.1f} are free"

    def _run_turn(self, kind: type[Peer], *, is_first: bool, is_held: bool) -> None:
        if not is_held and (reason := self._does_not_fit(kind.cache_copies)):
            self._leave_out(kind, reason)
            return
        self._guarded(kind, partial(self._turn, is_first=is_first, is_held=is_held))

    def _guarded(self, kind: type[Peer], action: Callable[[Peer], None]) -> None:
        """A peer that fails is out; the others go on."""
        try:
            action(self._prepared[kind])
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            self._leave_out(kind, f"fails: {reason[:200]}")

    def _leave_out(self, kind: type[Peer], reason: str) -> None:
        self.rows[kind].note = reason
        self.rows[kind].rounds.clear()
        del self._prepared[kind]
        gc.collect()

    def _turn(self, peer: Peer, *, is_first: bool, is_held: bool) -> None:
        row = self.rows[type(peer)]
        if is_first or not is_held:
            peer.start()
        if is_first and peer.computes:
            row.difference, row.note = self._compare(peer)
        row.rounds.append(self._time(peer, is_held=is_held))
        if not is_held:
            peer.stop()
            gc.collect()

    def _compare(self, peer: Peer) -> tuple[float, str]:
        """Greedy tokens and their logits against those of the first peer."""
        tokens, found = model.first_tokens(self._shape.batch), []
        peer.rewind(self._shape.capacity - COMPARED - 1)
        for position in range(self._shape.capacity - COMPARED - 1, self._shape.capacity - 1):
            found.append(peer.step(tokens, position).copy())
            tokens = found[-1].argmax(-1)[:, None]
        if self._expected is None:
            self._expected = found
        difference = float(np.abs(np.stack(found) - np.stack(self._expected)).max())
        pairs = zip(found, self._expected, strict=True)
        if not all(np.array_equal(a.argmax(-1), b.argmax(-1)) for a, b in pairs):
            return difference, "other tokens than the reference"
        return difference, "" if difference <= TOLERANCE else "other logits than the reference"

    def _time(self, peer: Peer, *, is_held: bool) -> float:
        """Milliseconds per step at the last position."""
        tokens, position = model.first_tokens(self._shape.batch), self._shape.capacity - 1
        peer.rewind(position)

        def seconds() -> float:
            start = time.perf_counter()
            peer.step(tokens, position)
            return time.perf_counter() - start

        warm = seconds()
        if warm < SLOW:
            warm = seconds()
        least = LEAST_STEPS if warm < SLOW else 1
        least = least if is_held else LEAST_STEPS_ANEW
        wanted = min(MOST_STEPS, int(TURN_SECONDS / warm))
        times = [seconds() for _ in range(max(least, wanted))]
        return statistics.median(times) * 1e3


def _available_bytes() -> int:
    with open("/proc/meminfo") as lines:
        found = next(line for line in lines if line.startswith("MemAvailable"))
    return int(found.split()[1]) * 1024
