"""One HTML page of all tables and plots that needs no other file."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

# Title and legend of each table, by its name in the docs.
HEADINGS = {
    "decode-step-batch-1": (
        "A decode step, batch 1",
        "Milliseconds from tokens to logits by capacity of the caches; in brackets multiples of "
        "the memory limit.",
    ),
    "decode-step-batch-8": ("A decode step, batch 8", "The same for eight sequences."),
    "ratios": (
        "kvlift against the best that is written by hand",
        "For the same runtime, taken within each round.",
    ),
    "bandwidth": (
        "Bandwidth",
        "What a step has to read at least, over its time, in GB/s.",
    ),
    "op-times-pjrt": (
        "Where the time goes on PJRT",
        "Milliseconds; in brackets the share of the step, and multiples of the time to read the "
        "same weights or caches at the memory limit.",
    ),
    "op-times-iree": ("Where the time goes on IREE", "The same by IREE's profiler."),
    "peak-memory": ("Peak memory", "What a peer's peak adds, in copies of all caches."),
    "calls": ("A call", "Microseconds of a session's call, and of the runtime's own."),
    "starts": ("A start", "Seconds until the decoder can take its first step."),
    "step-costs": ("A write-only step against the size of the slot", "Microseconds per call."),
    "lift": ("The lift itself", "Medians."),
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>kvlift benchmarks</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body {{ font: 15px/1.55 system-ui, sans-serif; max-width: 1100px; margin: 2em auto;
  padding: 0 1em; color: #222; }}
h1 {{ margin-bottom: 0; }}
h2 {{ margin: 2.2em 0 .2em; font-size: 1.25em; }}
img {{ width: 100%; margin: 1.5em 0 0; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; margin: .8em 0; font-variant-numeric: tabular-nums; }}
td, th {{ padding: .28em .8em; border-bottom: 1px solid #ddd; text-align: right; }}
th {{ border-bottom: 2px solid #999; vertical-align: bottom; }}
td:first-child, th:first-child {{ text-align: left; }}
tr.kvlift td {{ font-weight: 600; background: #f6f2ee; }}
tr:hover td {{ background: #eef3f9; }}
p {{ margin: .15em 0; }}
p, small {{ color: #666; }}
</style></head><body><h1>kvlift benchmarks</h1><small>{machine}</small>
{parts}</body></html>
"""


def page(found: dict[str, str], plots: dict[str, Path], facts: dict[str, object]) -> str:
    """All tables in order.

    Args:
        found: tables in Markdown by name.
        plots: PNG files by the name of the table that they stand above.
        facts: the machine's.
    """
    parts = []
    for name, table in found.items():
        if name in plots:
            parts.append(_picture(plots[name]))
        title, legend = HEADINGS[name]
        parts.append(f"<h2>{title}</h2><p>{legend}</p><div>{as_html(table)}</div>")
    machine = ", ".join(f"{k} {v}" for k, v in facts.items())
    return PAGE.format(machine=html.escape(machine), parts="\n".join(parts))


def _picture(plot: Path) -> str:
    data = base64.b64encode(plot.read_bytes()).decode()
    return f'<img alt="{plot.stem}" src="data:image/png;base64,{data}">'


def as_html(table: str) -> str:
    """A Markdown table, or the lines under one, as HTML."""
    out: list[str] = []
    for line in table.strip().splitlines():
        if set(line) <= set("|-: "):
            continue
        plain = line.replace("**", "").replace("`", "")
        if not line.startswith("|"):
            out.append(f"<p>{html.escape(plain)}</p>")
            continue
        tag = "td" if out and out[-1].startswith("<tr") else "th"
        cells = [html.escape(cell.strip()) for cell in plain.strip("|").split("|")]
        row = "".join(f"<{tag}>{cell}</{tag}>" for cell in cells)
        out.append(f'<tr class="kvlift">{row}</tr>' if _is_ours(cells[0]) else f"<tr>{row}</tr>")
    return re.sub(r"((?:<tr.*?</tr>)+)", r"<table>\1</table>", "".join(out))


def _is_ours(name: str) -> bool:
    return bool(re.fullmatch(r"kvlift, \w+:cpu", name))
