"""A decode step against the capacity of its caches: kvlift beside what people use today.

The same decoder with the same weights in every form of `decoders/registry.py`, on batch 1 and 8 and
caches of 256 to 32768 rows. Tokens and logits are compared before anything is timed. Each shape
runs in a process of its own; rows are saved as they come, and a shape that is there already is not
measured again unless `--fresh` is given. Peers that are not installed, or do not fit into memory,
are left out by name.

    python bench/decoder.py                          # everything: half an hour, 20 GB
    python bench/decoder.py --quick                  # batch 1, two capacities, few rounds
    python bench/decoder.py --shapes 1x256 8x2048 --peers kvlift JAX
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from decoders.measure import Measurement, Row
from decoders.model import Shape
from decoders.registry import GOALS, PEERS
from results import RESULTS, Results

CAPACITIES = (256, 2048, 8192, 32768)
SHAPES = [Shape(batch, capacity) for batch in (1, 8) for capacity in CAPACITIES]
QUICK = [Shape(1, 256), Shape(1, 2048)]

console = Console()


def measure(shape: Shape, options: argparse.Namespace, results: Results) -> None:
    """One shape, in this process; saves after each round."""
    chosen = tuple(
        p for p in PEERS if not options.peers or any(part in p.name for part in options.peers)
    )
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(str(shape))

        def say(what: str) -> None:
            progress.update(task, description=f"{shape}: {what}")
            if not console.is_terminal:
                print(f"{progress.tasks[0].elapsed:6.0f} s  {shape}: {what}", flush=True)

        measurement = Measurement(shape, chosen, GOALS, say)
        for _ in measurement.run(options.rounds):
            results.put(list(measurement.rows.values()))
    for row in measurement.rows.values():
        console.print(f"{shape}: {_line(row)}")


def _line(row: Row) -> str:
    time = f"{row.milliseconds:9.2f} ms" if row.is_timed else " " * 12
    return f"{time}  {row.peer}" + (f" ({row.note})" if row.note else "")


def measure_all(options: argparse.Namespace) -> None:
    """Every shape that is asked for and not there yet, each in a process of its own."""
    results = Results(options.output / "decoder.json")
    if options.fresh:
        results.clear(options.shapes)
    for shape in options.shapes:
        if results.has(shape):
            console.print(f"{shape}: measured before; --fresh measures it again")
            continue
        arguments = ["--only", f"{shape.batch}x{shape.capacity}", "--output", str(options.output)]
        arguments += ["--rounds", str(options.rounds)]
        arguments += ["--peers", *options.peers] if options.peers else []
        done = subprocess.run([sys.executable, __file__, *arguments])
        if done.returncode:
            console.print(f"[red]{shape}: ended with {done.returncode}; what it had is saved[/]")


def parse_shape(text: str) -> Shape:
    """`8x2048` is batch 8, capacity 2048."""
    batch, _, capacity = text.partition("x")
    return Shape(int(batch), int(capacity))


def main() -> None:
    """Measures, then writes tables, plots and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", type=parse_shape, help="such as 1x256 8x2048")
    parser.add_argument("--peers", nargs="+", help="only peers whose name has one of these")
    parser.add_argument(
        "--rounds",
        type=int,
        help="turns of each peer; a quarter of them where peers are started anew for each",
    )
    parser.add_argument("--quick", action="store_true", help="two small shapes, three rounds")
    parser.add_argument("--fresh", action="store_true", help="measure what is there already, too")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--only", type=parse_shape, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 12)
    if options.only:
        measure(options.only, options, Results(options.output / "decoder.json"))
        return
    options.shapes = options.shapes or (QUICK if options.quick else SHAPES)
    measure_all(options)


if __name__ == "__main__":
    main()
