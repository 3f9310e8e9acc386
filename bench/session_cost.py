"""What a session adds to the runtime's own call, and what a program costs before its first call.

The steps are those of `session_overhead.py`: n small slots, one row of each is written.

    python bench/session_cost.py
    python bench/session_cost.py --quick        # fewer rounds
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

import kvlift
from decoders.kvlift_peers import export_decoder, without_caches
from decoders.model import Shape
from results import RESULTS, save
from session_overhead import TARGETS, least_microseconds, session_and_bare_steps

SLOTS = (1, 16, 64, 160)
STEPS = 400

console = Console()


@dataclass(frozen=True)
class CallCost:
    """Microseconds per call with so many slots: the quickest of many, taken in turn."""

    target: str
    slots: int
    session_us: float
    bare_us: float


@dataclass(frozen=True)
class StartCost:
    """Seconds until the decoder (batch 1, capacity 2048) can take its first step.

    Attributes:
        cached: what `compile` takes when an executable is in the cache.
    """

    target: str
    export: float
    lift: float
    compile: float
    cached: float


def call_cost(target: str, slots: int, rounds: int) -> CallCost:
    """One row."""
    pair = session_and_bare_steps(target, slots)
    times = [[least_microseconds(step, STEPS) for step in pair] for _ in range(rounds)]
    return CallCost(target, slots, *(min(each) for each in zip(*times, strict=True)))


def start_costs() -> list[StartCost]:
    """One row for each target."""
    seconds = []

    def timed(action: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - start)
        return result

    exported = timed(lambda: export_decoder(Shape(1, 2048)))
    lifted = timed(lambda: kvlift.lift(exported))
    source = without_caches(lifted)
    rows = []
    for target in TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(2):
                timed(lambda target=target: kvlift.compile(source, target, cache=folder))
        rows.append(StartCost(target, seconds[0], seconds[1], *seconds[-2:]))
    return rows


def main() -> None:
    """Measures both and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two rounds")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    calls = []
    for target in TARGETS:
        for slots in SLOTS:
            cost = call_cost(target, slots, 2 if options.quick else options.rounds)
            calls.append(cost)
            console.print(
                f"{target}, {slots:3} slots: session {cost.session_us:6.1f} us, bare "
                f"{cost.bare_us:6.1f} us ({cost.session_us / cost.bare_us:.2f})"
            )
            save(options.output / "session_calls.json", [asdict(c) for c in calls])
    starts = start_costs()
    for start in starts:
        console.print(start)
    save(options.output / "session_starts.json", [asdict(s) for s in starts])


if __name__ == "__main__":
    main()
