"""No update is changed by its simplification: random programs, interpreted before and after.

Each program goes through the StableHLO interpreter, then pass by pass through the part of the
pipeline that rewrites updates, reads and how slots are stored, for both targets one after the
other, then through the interpreter again; all results have to be the same bit for bit. `make fuzz`
runs many of them, `test/python/test_fuzz.py` some.

    python test/fuzz/equivalence.py --count 100000 --processes 2 --save build/fuzz
"""

from __future__ import annotations

import argparse
import collections
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent))

from batches import in_batches
from stored import as_logical
from updates import KINDS, draw

PASSES = (
    "kvlift-find-state{lost-updates=ignore}",
    "kvlift-inline-calls",
    "kvlift-simplify-updates",
    "kvlift-unroll-loops{target=iree:cpu}",
    "kvlift-choose-storage{target=pjrt:cpu}",
    "kvlift-choose-storage{target=iree:cpu}",
    "kvlift-simplify-reads{target=pjrt:cpu}",
    "kvlift-simplify-reads{target=iree:cpu}",
    # So few bytes that the small slots of these programs are cut.
    "kvlift-split-products{target=pjrt:cpu bytes=64}",
    "kvlift-guard-scatters{target=iree:cpu}",
    "kvlift-order-updates",
    "kvlift-await-sums{target=pjrt:cpu}",
)
BARRIER = "stablehlo.optimization_barrier"
BATCH = 50
PART = 5000  # After so many the command line says how it goes.
INPUTS = 3  # Sets of arguments for each program.
TIMEOUT = 120


@dataclass(frozen=True)
class Outcome:
    """What became of one program.

    Attributes:
        verdict: `same`; `differs` with the pass that did it in `detail`; `refused` if a pass
            failed (the results are the same); `unrunnable` if the interpreter cannot run it;
            `died` if the process aborted or hung; `invalid` if the generator is wrong.
        changed: the passes that changed the module.
        ordered: whether a slot lies in another order of dims.
        weighted: whether a weight came first, and is kept from being turned around again.
    """

    seed: int
    kind: str
    verdict: str
    detail: str = ""
    changed: tuple[str, ...] = ()
    ordered: bool = False
    weighted: bool = False


def check(seeds: list[int]) -> list[Outcome]:
    """The outcomes of some programs. May abort: run it in a child process."""
    context = _context()
    with context:
        return [_check(seed) for seed in seeds]


def _context() -> Any:
    from torch_mlir import ir
    from torch_mlir._mlir_libs import _stablehlo as stablehlo

    from kvlift.host import host

    context = ir.Context()
    context.enable_multithreading(False)
    stablehlo.register_dialect(context)
    stablehlo.register_stablehlo_passes()
    stablehlo.register_interpreter_dialect(context)
    host().prepare_context(context._CAPIPtr)
    return context


def _check(seed: int) -> Outcome:
    from torch_mlir import ir
    from torch_mlir._mlir_libs import _stablehlo as stablehlo

    from kvlift.host import host

    drawn = draw(seed)
    try:
        module = ir.Module.parse(drawn.text)
    except ir.MLIRError as error:
        return Outcome(seed, drawn.kind, "invalid", str(error))
    kinds = next(iter(module.body)).type.inputs
    numbers = np.random.default_rng(seed)
    values = [
        [_attribute(v, t) for v, t in zip(drawn.draft.draw_values(numbers), kinds, strict=True)]
        for _ in range(INPUTS)
    ]
    try:
        before = [stablehlo.eval_module(module, given) for given in values]
    except Exception as error:
        return Outcome(seed, drawn.kind, "unrunnable", str(error))
    changed, refused, text, weighted = [], "", str(module), False
    for name in PASSES:
        done, entries = host().run_pipeline(module._CAPIPtr, f"builtin.module({name})")
        if not done:
            refused = refused or f"{name}: {entries[-1].message}"
            if "a defect of kvlift" in refused:
                return Outcome(seed, drawn.kind, "differs", refused, tuple(changed))
        now = str(module)
        if now == text:
            continue
        if name.startswith("kvlift-simplify-reads"):
            weighted |= now.count(BARRIER) > text.count(BARRIER)
        text = now
        changed.append(name.partition("{")[0])
        runnable = as_logical(module)
        after = [stablehlo.eval_module(runnable, given) for given in values]
        if after != before:
            return Outcome(seed, drawn.kind, "differs", name, tuple(changed))
    verdict = "refused" if refused else "same"
    ordered = "kvlift.order" in text
    return Outcome(seed, drawn.kind, verdict, refused, tuple(changed), ordered, weighted)


def _attribute(array: np.ndarray, kind: Any) -> Any:
    from torch_mlir import ir

    if array.size == 0:
        return ir.Attribute.parse(f"dense<> : {kind}")
    element = ir.RankedTensorType(kind).element_type
    return ir.DenseElementsAttr.get(
        np.ascontiguousarray(array), type=element, shape=list(array.shape)
    )


def outcomes(seeds: Iterable[int], processes: int = 1) -> Iterator[Outcome]:
    """The outcomes of all programs, in the order of the seeds."""

    def died(seed: int, reason: str) -> Outcome:
        return Outcome(seed, draw(seed).kind, "died", reason)

    return in_batches(check, list(seeds), BATCH, processes, TIMEOUT, died)


BAD = ("differs", "died", "invalid")


def table(found: Iterable[Outcome]) -> str:
    """How many programs of each kind were rewritten by kvlift-simplify-updates, and left."""
    counts: dict[str, collections.Counter[str]] = {kind: collections.Counter() for kind in KINDS}
    for each in found:
        row = counts[each.kind]
        row["programs"] += 1
        row["rewritten"] += "kvlift-simplify-updates" in each.changed
        row[each.verdict] += 1
    heads = ("programs", "rewritten", "same", "refused", "unrunnable", "differs", "died", "invalid")
    lines = ["| form | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    total = collections.Counter[str]()
    for kind, row in counts.items():
        lines.append(f"| {kind} | " + " | ".join(str(row[head]) for head in heads) + " |")
        total += row
    lines.append("| all | " + " | ".join(str(total[head]) for head in heads) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--save", type=Path, help="a folder for the programs that failed")
    parser.add_argument("--show", action="store_true", help="print the first program and stop")
    options = parser.parse_args()
    if options.show:
        print(draw(options.first).text)
        return 0
    begin = time.monotonic()
    seeds = range(options.first, options.first + options.count)
    found: list[Outcome] = []
    for start in range(0, len(seeds), PART):
        found.extend(outcomes(seeds[start : start + PART], options.processes))
        bad_so_far = sum(each.verdict in BAD for each in found)
        print(f"{len(found)} programs, {bad_so_far} bad", file=sys.stderr, flush=True)
    print(table(found))
    bad = [each for each in found if each.verdict in BAD]
    for each in bad:
        print(f"seed {each.seed}, {each.kind}: {each.verdict} {each.detail}")
        if options.save:
            options.save.mkdir(parents=True, exist_ok=True)
            path = options.save / f"equivalence-{each.seed}.mlir"
            path.write_text(f"// {each.verdict}: {each.detail}\n{draw(each.seed).text}")
    print(f"{len(found)} programs, {len(bad)} bad, {time.monotonic() - begin:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
