"""What a write-only step costs, as a Markdown table."""

from __future__ import annotations

from typing import Any

from step_cost import GOAL, Row


def step_costs(found: list[dict[str, Any]]) -> str:
    """Microseconds at the smallest and at the largest size, and their ratio, by element type."""
    rows = [_row(each) for each in found]
    dtypes = list(dict.fromkeys(row.dtype for row in rows))
    lines = [
        "| form | target | " + " | ".join(dtypes) + " |",
        "|---|---|" + "---|" * len(dtypes),
    ]
    cells = {(row.form, row.target, row.dtype): _cell(row) for row in rows}
    for form, target in dict.fromkeys((row.form, row.target) for row in rows):
        shown = (cells.get((form, target, dtype), "") for dtype in dtypes)
        lines.append(f"| {form} | {target} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n\n" + _summary(rows)


def _row(found: dict[str, Any]) -> Row:
    """JSON has the sizes as text."""
    times = {
        name: {int(size): time for size, time in found[name].items()}
        for name in ("lifted_us", "unlifted_us")
    }
    return Row(**(found | times))


def _cell(row: Row) -> str:
    if row.error:
        return "does not run"
    return f"{row.first_us:,.0f} → {row.last_us:,.0f} ({row.ratio:.2f})"


def _summary(rows: list[Row]) -> str:
    asked = [row for row in rows if not row.error and not row.is_rewrite]
    over = [row for row in asked if row.ratio > GOAL]
    named = "".join(f"; {r.form}, {r.dtype}, {r.target}: {r.ratio:.1f}" for r in over)
    return (
        f"{len(asked) - len(over)} of {len(asked)} rows within {GOAL}{named}. Not counted: "
        f"{len(rows) - len(asked)} that write the whole slot by their own meaning.\n"
    )


TABLES = {"step-costs": ("step_cost.json", step_costs)}
