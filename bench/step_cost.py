"""What a write-only step costs as its slot grows: a few rows of a cache are written, none is read.

A step that works in place costs the same at 1 GB as at 1 MB. Every form of update in
`update_forms.py`, in four element types, on both CPU targets. All sizes of one row are timed in
turn, so that a busy machine hurts them alike; the numbers are medians of several repeats. With
`--unlifted`, beside them stands the same module without its ties, its state fed back by the host as
device buffers; IREE may overwrite the caller's buffer without a tie too, so these can be as cheap.

    python bench/step_cost.py                       # 1 MB and 1 GB: needs 6 GB, ten minutes
    python bench/step_cost.py --quick               # 1 and 16 MB, few repeats
    python bench/step_cost.py --sizes 1 64 --targets pjrt:cpu --forms select --dtypes f32 bf16
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import kvlift
from kvlift.runtime.values import numpy_dtype
from results import RESULTS, save
from update_forms import DTYPES, forms

MEGABYTE = 1 << 20
TARGETS = ("pjrt:cpu", "iree:cpu")
# A repeat runs as many steps as fit in here, at least three.
REPEAT_SECONDS = 0.03
# The goal: the largest size costs at most so many times what the smallest does.
GOAL = 1.5

console = Console()


@dataclass(frozen=True)
class Row:
    """One form in one element type on one target.

    Attributes:
        lifted_us: median microseconds of a session's call, by size in MB.
        unlifted_us: the same without ties, state fed back as device buffers; empty if not asked.
        copies: the slot-sized copies that the audit finds in the lifted program.
        is_rewrite: whether the form writes its whole slot by its own meaning.
        error: why there are no numbers.
    """

    target: str
    form: str
    dtype: str
    lifted_us: dict[int, float]
    unlifted_us: dict[int, float]
    copies: tuple[str, ...]
    is_rewrite: bool
    error: str = ""

    @property
    def first_us(self) -> float:
        """The smallest size's cost."""
        return self.lifted_us[min(self.lifted_us)]

    @property
    def last_us(self) -> float:
        """The largest size's cost."""
        return self.lifted_us[max(self.lifted_us)]

    @property
    def ratio(self) -> float:
        """The largest size's cost over the smallest's."""
        return self.last_us / self.first_us


class Untied:
    """A lifted module whose slots are ordinary arguments and results again."""

    def __init__(self, lifted: kvlift.LiftedModule) -> None:
        """The same functions without their ties."""
        self.values = lifted.values
        self.diagnostics = lifted.diagnostics
        self.manifest = kvlift.Manifest(
            tuple(
                replace(
                    function,
                    arguments=tuple(replace(a, slot=None) for a in function.arguments),
                    results=tuple(replace(r, slot=None) for r in function.results),
                    slots=(),
                )
                for function in lifted.manifest.functions
            )
        )
        self._text = re.sub(r"(, )?tf\.aliasing_output = \d+ : i32", "", lifted.text())

    def for_target(self, target: str, *, require: Any = None) -> Untied:
        """The module itself: without ties there is nothing to suit."""
        return self

    def artifact(self, version: str | None = None) -> bytes:
        """The text: both runtimes take it in place of an artifact."""
        return self._text.encode()


def lifted_step(
    lifted: kvlift.LiftedModule, target: str
) -> tuple[Callable[[int], None], tuple[str, ...]]:
    """A step by a session, and the copies that its program makes."""
    (slot,) = lifted.slots
    program = kvlift.compile(lifted, target)
    session = program.session(state={slot.name: _zeros(slot.logical)})
    arguments = [a for a in session.function().signature.arguments if a.slot is None]
    x = _ones(arguments[0].type)
    positions = _positions(arguments[1])

    def step(index: int) -> None:
        session(x, positions[index % len(positions)])

    return step, tuple(copy.op for copy in program.audit().copies)


def unlifted_step(lifted: kvlift.LiftedModule, target: str) -> Callable[[int], None]:
    """A step of the module without ties; its state goes back in as it came out."""
    (slot,) = lifted.slots
    executable = kvlift.compile(Untied(lifted), target)._executable(None)
    state = executable.put(slot.argument, _zeros(slot.store), copy=True)
    arguments = [a for a in executable.function.arguments if a.index != slot.argument]
    x = _ones(arguments[0].type)
    positions = _positions(arguments[1])

    def step(index: int) -> None:
        nonlocal state
        given = zip(arguments, (x, positions[index % len(positions)]), strict=True)
        buffers = {a.index: executable.put(a.index, value, copy=False) for a, value in given}
        buffers[slot.argument] = state
        state = executable.run([buffers[i] for i in range(len(buffers))])[slot.result]

    return step


def _zeros(tensor: kvlift.TensorType) -> np.ndarray:
    return np.zeros(tensor.shape, numpy_dtype(tensor.dtype))


def _ones(tensor: kvlift.TensorType) -> np.ndarray:
    return np.ones(tensor.shape, numpy_dtype(tensor.dtype))


def _positions(argument: kvlift.Argument) -> list[np.ndarray]:
    """Rows p, p + 1, ...: those of a batch or of a group of rows differ."""
    dtype = numpy_dtype(argument.type.dtype)
    count = int(np.prod(argument.type.shape, dtype=int))
    rows = [np.arange(p, p + count, dtype=dtype) for p in range(2, 66)]
    return [r.reshape(argument.type.shape) for r in rows]


def timed(steps: dict[Any, Callable[[int], None]], repeats: int) -> dict[Any, float]:
    """Median microseconds of each step, measured in turn."""
    counts = {}
    for key, step in steps.items():
        # The first call of a program pays page faults and lazy setup.
        step(0)
        start = time.perf_counter()
        step(1)
        counts[key] = max(3, min(2000, int(REPEAT_SECONDS / (time.perf_counter() - start))))
    found: dict[Any, list[float]] = {key: [] for key in steps}
    for _ in range(repeats):
        for key, step in steps.items():
            start = time.perf_counter()
            for index in range(counts[key]):
                step(index)
            found[key].append((time.perf_counter() - start) / counts[key] * 1e6)
    return {key: statistics.median(times) for key, times in found.items()}


def measure(
    target: str, name: str, dtype: str, sizes: list[int], repeats: int, with_unlifted: bool
) -> Row:
    """One row."""
    form = forms()[name]
    steps: dict[Any, Callable[[int], None]] = {}
    copies: tuple[str, ...] = ()
    try:
        for size in sizes:
            lifted = form.lift(size * MEGABYTE, dtype)
            steps["lifted", size], copies = lifted_step(lifted, target)
            if with_unlifted:
                steps["unlifted", size] = unlifted_step(lifted, target)
        times = timed(steps, repeats)
    except kvlift.KvliftError as error:
        text = str(error).splitlines()[0]
        return Row(target, name, dtype, {}, {}, copies, form.is_rewrite, text)
    by_kind = {
        kind: {size: t for (k, size), t in times.items() if k == kind}
        for kind in ("lifted", "unlifted")
    }
    return Row(target, name, dtype, by_kind["lifted"], by_kind["unlifted"], copies, form.is_rewrite)


def measure_form(
    name: str, options: argparse.Namespace, sizes: list[int], repeats: int
) -> list[Row]:
    """All rows of one form; nothing of one row stays in memory for the next."""
    rows = []
    for dtype in options.dtypes:
        for target in options.targets:
            rows.append(measure(target, name, dtype, sizes, repeats, options.unlifted))
            gc.collect()
    return rows


def measure_all(options: argparse.Namespace, sizes: list[int], repeats: int) -> Iterator[Row]:
    """Every row, one process for each form, one after another."""
    context = multiprocessing.get_context("spawn")
    for name in forms():
        if not options.forms or any(part in name for part in options.forms):
            with context.Pool(1) as pool:
                yield from pool.apply(measure_form, (name, options, sizes, repeats))


def describe(row: Row) -> str:
    """One line of progress."""
    name = f"{row.target} {row.form}, {row.dtype}: "
    if row.error:
        return name + row.error
    note = " (writes the whole slot by its meaning)" if row.is_rewrite else ""
    return f"{name}{row.first_us:,.0f} -> {row.last_us:,.0f} us ({row.ratio:.2f}){note}"


def main() -> None:
    """Measures, prints and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", help="slot sizes in MB")
    parser.add_argument("--targets", nargs="+", default=list(TARGETS), choices=TARGETS)
    parser.add_argument("--forms", nargs="+", help="only forms whose name has one of these")
    parser.add_argument("--dtypes", nargs="+", default=list(DTYPES), choices=list(DTYPES))
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--unlifted", action="store_true", help="time the modules without ties too")
    parser.add_argument("--quick", action="store_true", help="1 and 16 MB, three repeats")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    sizes = sorted(options.sizes or ([1, 16] if options.quick else [1, 1024]))
    repeats = 3 if options.quick else options.repeats
    path = options.output / "step_cost.json"
    rows = []
    for row in measure_all(options, sizes, repeats):
        rows.append(row)
        console.print(describe(row))
        # What it has is kept, whatever ends the run.
        save(path, [asdict(r) for r in rows])
    over = [r for r in rows if not r.error and not r.is_rewrite and r.ratio > GOAL]
    console.print(f"{len(rows)} rows, {len(over)} above {GOAL}; written: {path}")


if __name__ == "__main__":
    main()
