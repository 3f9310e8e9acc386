"""Tables, plots and one page of everything that the benchmarks have measured.

    python bench/report.py                # plots and results/benchmarks.html
    python bench/report.py --docs         # also rewrites the measured tables of docs/benchmarks.md

A table of docs/benchmarks.md stands between `<!-- results: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rich.console import Console

import decoder_tables
import lift_tables
import op_tables
import session_tables
import step_tables
from decoder_plots import draw_decoder
from html_page import page
from op_plots import draw_ops
from results import RESULTS, load, machine_of

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"
TABLES = (
    decoder_tables.TABLES
    | op_tables.TABLES
    | session_tables.TABLES
    | step_tables.TABLES
    | lift_tables.TABLES
)

console = Console()


def tables(folder: Path) -> dict[str, str]:
    """Every table in Markdown, by name; those without results are left out."""
    found = {}
    for name, (file, make) in TABLES.items():
        if (rows := load(folder / file)) and (table := make(rows)):
            found[name] = table
    return found


def rewrite(text: str, found: dict[str, str]) -> str:
    """The document with new contents between the marks."""
    for name, table in found.items():
        mark = f"<!-- results: {name} -->"
        pattern = re.compile(re.escape(mark) + r".*?<!-- end -->", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"docs/benchmarks.md has no place for {name}: add {mark} <!-- end -->")
        filled = f"{mark}\n{table}<!-- end -->"
        text = pattern.sub(lambda _, filled=filled: filled, text)
    return text


def main() -> None:
    """Writes what there are results for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--docs", action="store_true", help="rewrite docs/benchmarks.md as well")
    options = parser.parse_args()
    found = tables(options.output)
    if not found:
        raise SystemExit(f"no results in {options.output}; run `make bench` first")
    plots = {
        "decode-step-batch-1": draw_decoder(load(options.output / "decoder.json"), options.output),
        "op-times-pjrt": draw_ops(load(options.output / "op_times.json"), options.output),
    }
    drawn = {name: plot for name, plot in plots.items() if plot is not None}
    target = options.output / "benchmarks.html"
    target.write_text(page(found, drawn, machine_of(options.output)))
    console.print("written:", *drawn.values(), target)
    if options.docs:
        DOCS.write_text(rewrite(DOCS.read_text(), found))
        console.print(f"written: {DOCS}")


if __name__ == "__main__":
    main()
