"""Runs every exporter's programs: `python test/exporters/run_exporters.py [--table FILE] [names]`.

Exits with 1 when a program gives wrong results or a reason has outlived its cause. With `--table`
docs/exporters.md is written; what falls short is printed in any case.
"""

from __future__ import annotations

import argparse
import pickle
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

import exporters_table
from examine import Report, inspect_example
from example import Example
from exporters import EXPORTERS
from service import DiedError, Service

SECONDS = 600.0


def run(chosen: list[tuple[str, Example]]) -> Iterator[tuple[str, Example, Report]]:
    """The reports in order; a program that ends its process is reported as refused."""
    service = Service(inspect_example, SECONDS)
    try:
        for exporter, example in chosen:
            try:
                report = service(exporter, example.name)
            except (DiedError, RuntimeError) as error:
                report = Report(example.name, refusal=f"cannot be exported: {error}")
            yield exporter, example, report
    finally:
        service.close()


def examples(names: list[str]) -> list[tuple[str, Example]]:
    """All examples, or those whose `exporter/name` matches one of the patterns."""
    return [
        (exporter, example)
        for exporter, make in EXPORTERS.items()
        for example in make()
        if not names or any(re.search(n, f"{exporter}/{example.name}") for n in names)
    ]


def main() -> int:
    """The command line."""
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only programs that match one of these")
    parser.add_argument("--table", type=Path, help="write the table to this file")
    parser.add_argument("--keep", type=Path, help="pickle the reports here, by exporter and name")
    options = parser.parse_args()
    chosen = examples(options.names)
    found = []
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("programs", total=len(chosen))
        for one in run(chosen):
            found.append(one)
            progress.advance(task)
    if options.keep:
        kept = {(exporter, example.name): report for exporter, example, report in found}
        options.keep.write_bytes(pickle.dumps(kept))
    if options.table:
        options.table.write_text(exporters_table.write_table(found))
    wrong = exporters_table.wrong_results(found)
    short = [f"{name}: {what}" for name, what in exporters_table.shortfalls(found)]
    idle = [] if options.names else exporters_table.idle_reasons(found)
    print(
        "\n".join([*short, *(f"wrong: {w}" for w in wrong), *(f"idle reason: {i}" for i in idle)])
    )
    print(f"{len(found)} programs, {len(short)} fall short, {len(wrong)} wrong")
    return 1 if wrong or idle else 0


if __name__ == "__main__":
    sys.exit(main())
