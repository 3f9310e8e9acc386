"""What a write-only step costs as its slot grows: one row of a [B, H, S, D] cache, nothing read.

A step that works in place costs the same at 1 GB as at 1 MB. Beside each lifted form stands the
same module without its ties, its state fed back by the host as device buffers. The two are timed
in turn, so that a busy machine hurts both; the numbers are medians of several repeats. IREE may
overwrite the caller's buffer without a tie too, so its unlifted steps can be as cheap.

    python bench/step_cost.py                       # 1 MB, 16 MB, 256 MB, 1 GB: needs 6 GB
    python bench/step_cost.py --quick               # 1 and 16 MB, few repeats
    python bench/step_cost.py --sizes 1 64 --targets pjrt:cpu
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import kvlift

BATCH, HEADS, DEPTH = 4, 8, 64
BYTES_PER_ROW = BATCH * HEADS * DEPTH * 4
MEGABYTE = 1 << 20
TARGETS = ("pjrt:cpu", "iree:cpu")
# A repeat runs as many steps as fit in here, at least three.
REPEAT_SECONDS = 0.1

console = Console()


@dataclass(frozen=True)
class Row:
    """One form at one size on one target.

    Attributes:
        lifted_us: median microseconds of a session's call.
        unlifted_us: the same without ties, state fed back as device buffers.
        copies: slot-sized copies that the audit finds in the lifted program.
    """

    target: str
    form: str
    megabytes: int
    lifted_us: float
    unlifted_us: float
    copies: int


def torch_index_copy(rows: int) -> kvlift.LiftedModule:
    """A module that writes its cache by `index_copy_`."""
    import torch

    class Cache(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("cache", torch.zeros(BATCH, HEADS, rows, DEPTH))

        def forward(self, x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
            self.cache.index_copy_(2, position, x)
            return position + 1

    example = torch.zeros(BATCH, HEADS, 1, DEPTH), torch.zeros(1, dtype=torch.int64)
    return kvlift.lift(kvlift.export(Cache(), example))


def jax_update_slice(rows: int) -> kvlift.LiftedModule:
    """`lax.dynamic_update_slice` on [B, H, S, D]."""
    import jax

    def step(cache: Any, x: Any, position: Any) -> Any:
        return jax.lax.dynamic_update_slice(cache, x, (0, 0, position, 0))

    return _lift_jax(step, (BATCH, HEADS, rows, DEPTH), (BATCH, HEADS, 1, DEPTH))


def jax_at_set(rows: int) -> kvlift.LiftedModule:
    """`.at[batch, position].set` on [B, S, H, D]: a scatter into the leading dims."""
    import jax.numpy as jnp

    def step(cache: Any, x: Any, position: Any) -> Any:
        return cache.at[jnp.arange(BATCH), position].set(x)

    return _lift_jax(step, (BATCH, rows, HEADS, DEPTH), (BATCH, HEADS, DEPTH))


FORMS: dict[str, Callable[[int], kvlift.LiftedModule]] = {
    "torch index_copy_": torch_index_copy,
    "jax dynamic_update_slice": jax_update_slice,
    "jax .at[].set": jax_at_set,
}


def _lift_jax(step: Any, cache: tuple[int, ...], x: tuple[int, ...]) -> kvlift.LiftedModule:
    import jax

    types = [jax.ShapeDtypeStruct(shape, np.float32) for shape in (cache, x)]
    lowered = jax.jit(step).lower(*types, jax.ShapeDtypeStruct((), np.int32))
    return kvlift.lift(lowered)


class Untied:
    """A lifted module whose slots are ordinary arguments and results again."""

    def __init__(self, lifted: kvlift.LiftedModule) -> None:
        """The same functions without their ties."""
        self.values = lifted.values
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

    def for_target(self, target: str, *, require: object = None) -> Untied:
        """The module itself: without ties there is nothing to suit."""
        return self

    def artifact(self, version: str | None = None) -> bytes:
        """The text: both runtimes take it in place of an artifact."""
        return self._text.encode()


def lifted_step(lifted: kvlift.LiftedModule, target: str) -> tuple[Callable[[int], None], int]:
    """A step by a session, and how many copies its program makes."""
    (slot,) = lifted.slots
    program = kvlift.compile(lifted, target)
    session = program.session(state={slot.name: np.zeros(slot.logical.shape, np.float32)})
    arguments = [a for a in session.function.arguments if a.slot is None]
    x = np.ones(arguments[0].type.shape, np.float32)
    positions = _positions(arguments[1])

    def step(index: int) -> None:
        session(x, positions[index % len(positions)])

    return step, len(program.audit().copies)


def unlifted_step(lifted: kvlift.LiftedModule, target: str) -> Callable[[int], None]:
    """A step of the module without ties; its state goes back in as it came out."""
    (slot,) = lifted.slots
    executable = kvlift.compile(Untied(lifted), target)._executable(None)
    state = executable.put(np.zeros(slot.store.shape, np.float32), copy=True)
    arguments = [a for a in executable.function.arguments if a.index != slot.argument]
    x = np.ones(arguments[0].type.shape, np.float32)
    positions = _positions(arguments[1])

    def step(index: int) -> None:
        nonlocal state
        buffers = {
            slot.argument: state,
            arguments[0].index: executable.put(x, copy=False),
            arguments[1].index: executable.put(positions[index % len(positions)], copy=False),
        }
        state = executable.run([buffers[i] for i in range(len(buffers))])[slot.result]

    return step


def _positions(argument: kvlift.Argument) -> list[np.ndarray]:
    dtype = {"i32": np.int32, "i64": np.int64}[argument.type.dtype]
    return [np.full(argument.type.shape, position, dtype) for position in range(64)]


def timed(steps: tuple[Callable[[int], None], ...], repeats: int) -> list[float]:
    """Median microseconds of each step, measured in turn."""
    counts = []
    for step in steps:
        # The first call of a program pays page faults and lazy setup.
        step(0)
        start = time.perf_counter()
        step(1)
        counts.append(max(3, min(2000, int(REPEAT_SECONDS / (time.perf_counter() - start)))))
    found: list[list[float]] = [[] for _ in steps]
    for _ in range(repeats):
        for step, count, times in zip(steps, counts, found, strict=True):
            start = time.perf_counter()
            for index in range(count):
                step(index)
            times.append((time.perf_counter() - start) / count * 1e6)
    return [statistics.median(times) for times in found]


def measure(sizes: list[int], targets: list[str], repeats: int) -> Iterator[Row]:
    """Every form at every size on every target, one at a time in memory."""
    for form, make in FORMS.items():
        for megabytes in sizes:
            lifted = make(megabytes * MEGABYTE // BYTES_PER_ROW)
            for target in targets:
                tied, copies = lifted_step(lifted, target)
                times = timed((tied, unlifted_step(lifted, target)), repeats)
                yield Row(target, form, megabytes, *times, copies)
                del tied
                gc.collect()


def show(rows: list[Row], sizes: list[int]) -> None:
    """One line per target, form and kind; the last column is largest size over smallest."""
    table = Table(title=f"µs per write-only step, slot f32 [{BATCH}, {HEADS}, S, {DEPTH}]")
    for heading in ("target", "form", ""):
        table.add_column(heading)
    for size in sizes:
        table.add_column(f"{size} MB", justify="right")
    table.add_column("ratio", justify="right")
    table.add_column("copies", justify="right")
    for target, form in dict.fromkeys((row.target, row.form) for row in rows):
        mine = [r for r in rows if (r.target, r.form) == (target, form)]
        for kind in ("lifted", "unlifted"):
            times = [getattr(row, f"{kind}_us") for row in mine]
            copies = str(max(r.copies for r in mine)) if kind == "lifted" else ""
            ratio = f"{times[-1] / times[0]:.2f}"
            table.add_row(target, form, kind, *(f"{t:,.0f}" for t in times), ratio, copies)
    console.print(table)


def save(rows: list[Row], path: Path) -> None:
    """The rows with what they were measured on."""
    from importlib.metadata import version

    packages = ("torch", "torch-mlir", "jax", "jaxlib", "iree-base-compiler")
    facts = {
        "processor": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "rows": [asdict(row) for row in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=2) + "\n")


def main() -> None:
    """Measures, prints the table and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", help="slot sizes in MB")
    parser.add_argument("--targets", nargs="+", default=list(TARGETS), choices=TARGETS)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="1 and 16 MB, three repeats")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    sizes = sorted(options.sizes or ([1, 16] if options.quick else [1, 16, 256, 1024]))
    repeats = 3 if options.quick else options.repeats
    rows = []
    for row in measure(sizes, options.targets, repeats):
        rows.append(row)
        console.print(
            f"{row.target} {row.form}, {row.megabytes} MB: "
            f"{row.lifted_us:,.0f} µs lifted, {row.unlifted_us:,.0f} µs unlifted"
        )
    show(rows, sizes)
    path = options.output / "step_cost.json"
    save(rows, path)
    console.print(f"written: {path}")


if __name__ == "__main__":
    main()
