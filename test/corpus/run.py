"""Runs the corpus: `python test/corpus/run.py [--table docs/agreement.md] [names]`.

Exits with 1 when a program gives wrong results, pairs wrong state, or is called in place while a
copy is made.
"""

from __future__ import annotations

import argparse
import pickle
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from check import TARGETS, Outcome, Result, lift_and_run
from generate import generated
from program import Program, draw_calls, handwritten
from reference import interpret
from service import DiedError, Service

GENERATED = 140
SECONDS = 120.0


class Runner:
    """The two processes that one program after the other goes through."""

    def __init__(self) -> None:
        """The processes start with the first program."""
        self._interpreter = Service(interpret, SECONDS)
        self._runtimes = Service(lift_and_run, SECONDS)

    def run(self, program: Program, *, sliced: bool = False) -> Result:
        """What became of the program, whatever it did; `sliced` runs `slice_results` of it."""
        try:
            expected = self._interpreter(program.text, draw_calls(program), program.ties)
        except (DiedError, RuntimeError) as error:
            raise SystemExit(f"{program.name} has no reference: {error}") from None
        results = [self._run_on(program, expected, target, sliced) for target in TARGETS]
        return replace(results[0], outcomes=tuple(o for r in results for o in r.outcomes))

    def _run_on(self, program: Program, expected: Any, target: str, sliced: bool) -> Result:
        try:
            return self._runtimes(program, expected, (target,), sliced)
        except (DiedError, RuntimeError) as error:
            return Result(program.name, outcomes=(Outcome(target, died=str(error)),))
        finally:
            # A runtime that wrote out of bounds may die later, in another program's call.
            if program.is_risky:
                self._runtimes.close()

    def close(self) -> None:
        """Ends both processes."""
        self._interpreter.close()
        self._runtimes.close()


def corpus(count: int = GENERATED, first: int = 0) -> list[Program]:
    """All programs, the same ones each time."""
    return [*handwritten(), *generated(count, first)]


def run_all(programs: list[Program], jobs: int) -> Iterator[Result]:
    """The results as they come, in no order."""
    idle: SimpleQueue[Runner] = SimpleQueue()
    runners = [Runner() for _ in range(jobs)]
    for runner in runners:
        idle.put(runner)

    def run(program: Program) -> Result:
        runner = idle.get()
        try:
            return runner.run(program)
        finally:
            idle.put(runner)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            pending = [pool.submit(run, program) for program in programs]
            for future in as_completed(pending):
                yield future.result()
    finally:
        for runner in runners:
            runner.close()


def main() -> int:
    """The command line."""
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    from table import false_proofs, problems, write_table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only programs whose name matches one of these")
    parser.add_argument("--table", type=Path, help="write the agreement table to this file")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--generated", type=int, default=GENERATED)
    parser.add_argument("--first", type=int, default=0, help="number of the first generated one")
    parser.add_argument("--keep", type=Path, help="pickle the results here")
    options = parser.parse_args()
    programs = [
        program
        for program in corpus(options.generated, options.first)
        if not options.names or any(re.search(name, program.name) for name in options.names)
    ]
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    found: dict[str, Result] = {}
    with Progress(*columns) as progress:
        task = progress.add_task("programs", total=len(programs))
        for result in run_all(programs, options.jobs):
            found[result.program] = result
            progress.advance(task)
    results = [(program, found[program.name]) for program in programs]
    if options.keep:
        options.keep.write_bytes(pickle.dumps(results))
    if options.table:
        options.table.write_text(write_table(results))
    wrong = [line for program, result in results for line in problems(program, result)]
    unproved = [line for program, result in results for line in false_proofs(program, result)]
    counts = f"{len(wrong)} problems, {len(unproved)} false proofs"
    print("\n".join([*wrong, *unproved, f"{len(programs)} programs, {counts}"]))
    return 1 if wrong or unproved else 0


if __name__ == "__main__":
    sys.exit(main())
