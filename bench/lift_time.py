"""What a lift costs: against the import of the same program, and as the module grows.

python bench/lift_time.py
python bench/lift_time.py --quick
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

import kvlift
from kvlift.demo import build_decoder
from kvlift.frontends.stablehlo import import_stablehlo
from kvlift.frontends.torch_export import import_exported_program
from kvlift.host import LIBRARY_VARIABLE, find_library
from proof_programs import PROGRAMS
from results import RESULTS, save

SLOTS = 160
TENSOR = "tensor<8x64xf32>"


@dataclass(frozen=True)
class Result:
    """Medians in seconds.

    Attributes:
        by_size: seconds of a lift by number of ops, 160 slots each.
        proof: seconds that order and proof together take for programs that are hard on them.
        torch_import: seconds that torch-mlir takes to import and lower the demo's decoder.
        torch_lift: seconds that the lift of the same program takes.
        import_kvlift: seconds of `import kvlift` in a new process, without the interpreter itself.
    """

    by_size: dict[int, float]
    proof: dict[str, float]
    torch_import: float
    torch_lift: float
    import_kvlift: float


def generated_module(ops: int) -> str:
    """A function with that many ops: one update of each slot, and adds in between."""
    lines = ["%zero = stablehlo.constant dense<0> : tensor<i32>"]
    value = "%x"
    adds = (ops - SLOTS - 2) // SLOTS
    for slot in range(SLOTS):
        lines.append(
            f"%u{slot} = stablehlo.dynamic_update_slice %s{slot}, %row, %at, %zero : "
            f"({TENSOR}, tensor<1x64xf32>, tensor<i32>, tensor<i32>) -> {TENSOR}"
        )
        for add in range(adds):
            other = f"%u{slot}" if add == 0 else value
            lines.append(f"%a{slot}_{add} = stablehlo.add {value}, {other} : {TENSOR}")
            value = f"%a{slot}_{add}"
    arguments = ", ".join(f"%s{slot}: {TENSOR}" for slot in range(SLOTS))
    results = ", ".join([TENSOR] * (SLOTS + 1))
    returned = ", ".join([*(f"%u{slot}" for slot in range(SLOTS)), value])
    return (
        f"func.func @main({arguments}, %x: {TENSOR}, %row: tensor<1x64xf32>, %at: tensor<i32>) "
        f"-> ({results}) {{\n" + "\n".join(lines) + f"\nreturn {returned} : {results}\n}}"
    )


def lift_seconds(ops: int, repeats: int) -> float:
    """The median time of a lift of a module in memory."""
    text = generated_module(ops)
    seconds = []
    for _ in range(repeats):
        module = import_stablehlo(text)
        begin = time.perf_counter()
        kvlift.lift(module)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def proof_seconds(name: str, ops: int, repeats: int) -> float:
    """The median time of kvlift-order-updates and kvlift-check-in-place together."""
    write, slots = PROGRAMS[name]
    passes = "kvlift-order-updates,kvlift-check-in-place{on-conflict=copy}"
    tool = str(Path(sys.executable).with_name("kvlift-opt"))
    command = [tool, "--mlir-timing", f"--pass-pipeline=builtin.module({passes})"]
    text = write(ops, slots)
    there = os.environ | {LIBRARY_VARIABLE: str(find_library())}
    seconds = []
    for _ in range(repeats):
        run = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True, env=there
        )
        # `    0.0394 (  7.2%)  kvlift-order-updates`
        rows = [line.split() for line in run.stderr.splitlines() if "%)  kvlift-" in line]
        seconds.append(sum(float(row[0]) for row in rows))
    return statistics.median(seconds)


def torch_seconds(repeats: int) -> tuple[float, float]:
    """Median times of the import and of the lift of the demo's decoder."""
    _, exported = build_decoder(batch=1, capacity=2048)
    imports, lifts = [], []
    for _ in range(repeats):
        begin = time.perf_counter()
        module = import_exported_program(exported).module
        middle = time.perf_counter()
        kvlift.lift(module)
        imports.append(middle - begin)
        lifts.append(time.perf_counter() - middle)
    return statistics.median(imports), statistics.median(lifts)


def import_seconds(repeats: int) -> float:
    """The median time of `import kvlift` in a new process."""
    script = "import time; t = time.perf_counter(); import kvlift; print(time.perf_counter() - t)"
    runs = [
        float(
            subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
        )
        for _ in range(repeats)
    ]
    return statistics.median(runs)


def main() -> None:
    """Measures, prints a table and writes JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and repeats")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    sizes, repeats = ((1_000, 10_000), 2) if options.quick else ((1_000, 10_000, 100_000), 5)

    by_size = {ops: lift_seconds(ops, repeats) for ops in track(sizes, "lifting", transient=True)}
    proof = {
        name: proof_seconds(name, sizes[-1], repeats)
        for name in track(PROGRAMS, "proving", transient=True)
    }
    result = Result(by_size, proof, *torch_seconds(repeats), import_seconds(repeats))

    table = Table("what", "median", "against")
    for ops, seconds in by_size.items():
        table.add_row(
            f"lift of {ops:,} ops", f"{seconds * 1e3:.1f} ms", f"{seconds / ops * 1e6:.2f} us an op"
        )
    for name, seconds in proof.items():
        table.add_row(
            f"order and proof of {sizes[-1]:,} ops: {name}", f"{seconds * 1e3:.0f} ms", ""
        )
    share = result.torch_lift / result.torch_import
    table.add_row("import of the demo's decoder", f"{result.torch_import:.2f} s", "")
    table.add_row("lift of it", f"{result.torch_lift * 1e3:.1f} ms", f"{share:.2%} of the import")
    table.add_row("import kvlift", f"{result.import_kvlift * 1e3:.0f} ms", "")
    Console().print(table)
    save(options.output / "lift_time.json", [asdict(result)])


if __name__ == "__main__":
    main()
