"""What a session adds to the runtime's own call, and what a program costs before its first call.

A step with n slots of one row each does next to nothing, so its time is the cost of a call. "Bare"
is a loop over the runtime's call with the same buffers: its arguments are put on the device, slots
are fed back, the result is waited for, and nothing is checked or fetched.

    python bench/session_cost.py
    python bench/session_cost.py --quick        # fewer repeats
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import kvlift
from decoders.kvlift_peers import export_decoder, without_caches
from decoders.model import Shape
from results import RESULTS, save

TARGETS = ("pjrt:cpu", "iree:cpu")
SLOTS = (1, 16, 64, 160)
CALLS = 200

console = Console()


@dataclass(frozen=True)
class CallCost:
    """Microseconds per call with so many slots, medians of repeats taken in turn."""

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


def step_with(slots: int) -> str:
    """One row of each slot f32[16, 8] is overwritten; nothing is computed."""
    types = [f"%s{i}: tensor<16x8xf32>" for i in range(slots)]
    results = ["tensor<16x8xf32>"] * slots
    lines = [
        f"  %n{i} = stablehlo.dynamic_update_slice %s{i}, %row, %at, %zero : "
        "(tensor<16x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<16x8xf32>"
        for i in range(slots)
    ]
    returned = ", ".join(f"%n{i}" for i in range(slots))
    return "\n".join(
        [
            f"func.func @main({', '.join(types)}, %row: tensor<1x8xf32>, %at: tensor<i32>)"
            f" -> ({', '.join(results)}) {{",
            "  %zero = stablehlo.constant dense<0> : tensor<i32>",
            *lines,
            f"  return {returned} : {', '.join(results)}",
            "}",
        ]
    )


def call_cost(target: str, slots: int, repeats: int) -> CallCost:
    """One row."""
    program = kvlift.compile(kvlift.lift(step_with(slots)), target)
    row, at = np.ones((1, 8), np.float32), np.array(3, np.int32)
    names = [slot.name for slot in program.manifest.functions[0].slots]
    session = program.session(state={name: np.zeros((16, 8), np.float32) for name in names})
    bare = _bare_step(program, row, at)
    times: dict[str, list[float]] = {"session": [], "bare": []}
    for _ in range(repeats):
        times["session"].append(_microseconds(lambda: session(row, at)))
        times["bare"].append(_microseconds(bare))
    return CallCost(target, slots, *(statistics.median(times[k]) for k in ("session", "bare")))


def _bare_step(program: Any, row: np.ndarray, at: np.ndarray) -> Callable[[], None]:
    executable = program._executable(None).for_session()
    function = executable.function
    zeros = np.zeros((16, 8), np.float32)
    state = [executable.put(slot.argument, zeros, copy=True) for slot in function.slots]

    def step() -> None:
        nonlocal state
        inputs = [
            executable.put(len(state) + i, value, copy=False) for i, value in enumerate((row, at))
        ]
        results = executable.run([*state, *inputs])
        state = [results[slot.result] for slot in function.slots]

    return step


def _microseconds(step: Callable[[], Any]) -> float:
    for _ in range(5):
        step()
    start = time.perf_counter()
    for _ in range(CALLS):
        step()
    return (time.perf_counter() - start) / CALLS * 1e6


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
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="three repeats")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    calls = []
    for target in TARGETS:
        for slots in SLOTS:
            cost = call_cost(target, slots, 3 if options.quick else options.repeats)
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
