"""Tables, plots and one page of everything that the benchmarks have measured.

    python bench/report.py                # plots and results/benchmarks.html
    python bench/report.py --docs         # also rewrites the measured tables of docs/benchmarks.md

A table of docs/benchmarks.md stands between `<!-- results: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import base64
import html
import re
from pathlib import Path

from rich.console import Console

import decoder_tables
import lift_tables
import op_tables
import session_tables
import step_tables
from decoder_plots import draw_decoder
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


def page(found: dict[str, str], plots: list[Path], facts: dict[str, object]) -> str:
    """One HTML page that needs no other file."""
    pictures = "".join(
        f'<img alt="{plot.stem}" src="data:image/png;base64,'
        f'{base64.b64encode(plot.read_bytes()).decode()}">'
        for plot in plots
    )
    machine = ", ".join(f"{k} {v}" for k, v in facts.items())
    parts = [f"<h2>{TITLES[name]}</h2>{as_html(table)}" for name, table in found.items()]
    return PAGE.format(machine=html.escape(machine), pictures=pictures, tables="".join(parts))


def as_html(table: str) -> str:
    """A Markdown table, or the lines under one, as HTML."""
    out: list[str] = []
    for line in table.strip().splitlines():
        if set(line) <= set("|-: "):
            continue
        if not line.startswith("|"):
            out.append(f"<p>{html.escape(line)}</p>" if line.strip() else "")
            continue
        tag = "td" if out and out[-1].startswith("<tr>") else "th"
        cells = [
            html.escape(c.strip()).replace("**", "").replace("`", "")
            for c in line.strip("|").split("|")
        ]
        out.append("<tr>" + "".join(f"<{tag}>{c}</{tag}>" for c in cells) + "</tr>")
    return re.sub(r"((?:<tr>.*?</tr>)+)", r"<table>\1</table>", "".join(out))


TITLES = {name: name.replace("-", " ").capitalize() for name in TABLES}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>kvlift benchmarks</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em;
  color: #222; }}
img {{ width: 100%; }}
table {{ border-collapse: collapse; margin: 1em 0; }}
td, th {{ padding: .25em .7em; border-bottom: 1px solid #ddd; text-align: right; }}
td:first-child, th:first-child {{ text-align: left; }}
tr:hover td {{ background: #f4f6fa; }}
small {{ color: #666; }}
</style></head><body><h1>kvlift benchmarks</h1><p><small>{machine}</small></p>
{pictures}{tables}</body></html>
"""


def main() -> None:
    """Writes what there are results for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--docs", action="store_true", help="rewrite docs/benchmarks.md as well")
    options = parser.parse_args()
    found = tables(options.output)
    if not found:
        raise SystemExit(f"no results in {options.output}; run `make bench` first")
    plots = [
        *draw_decoder(load(options.output / "decoder.json"), options.output),
        *draw_ops(load(options.output / "op_times.json"), options.output),
    ]
    target = options.output / "benchmarks.html"
    target.write_text(page(found, plots, machine_of(options.output)))
    console.print("written:", *plots, target)
    if options.docs:
        DOCS.write_text(rewrite(DOCS.read_text(), found))
        console.print(f"written: {DOCS}")


if __name__ == "__main__":
    main()
