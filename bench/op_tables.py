"""Where the time of a step goes, as Markdown: ops by what they are for, against their bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from decoders.model import Shape
from op_roles import ROLES, bytes_read
from op_times import OpTime

# Issue's line: a step that takes longer than so many times the memory limit is explained.
EXPLAINED = 1.5
NAMED_OPS = 3

Rows = dict[Shape, dict[str, OpTime]]


def rows_of(found: list[dict[str, Any]], target: str) -> Rows:
    """The rows of one target, by shape and role."""
    rows: Rows = {}
    for row in (OpTime(**each) for each in found):
        if row.target == target:
            rows.setdefault(Shape(row.batch, row.capacity), {})[row.role] = row
    return rows


def own_limit(row: OpTime) -> float:
    """Milliseconds to read once what the role's ops have to read, with all cores."""
    shape = Shape(row.batch, row.capacity)
    return row.limit * bytes_read(row.role, shape) / shape.step_bytes


def ops(target: str) -> Callable[[list[dict[str, Any]]], str]:
    """Milliseconds, in brackets the share of the step and the multiple of what its bytes take."""

    def table(found: list[dict[str, Any]]) -> str:
        rows = rows_of(found, target)
        if not rows:
            return ""
        lines = [_line(target, "ops", *map(str, rows)), "|---|---|" + "---|" * len(rows)]
        steps = [next(iter(by_role.values())) for by_role in rows.values()]
        whole = [f"**{_ms(s.step)}** ({s.step / s.limit:.1f}x)" for s in steps]
        lines.append(_line("**step**", "", *whole))
        for role in ROLES:
            each = [by_role.get(role) for by_role in rows.values()]
            if any(each):
                lines.append(_line(role, _names(each), *map(_cell, each)))
        return "\n".join(lines) + "\n\n" + "".join(f"{why(r)}  \n" for r in rows.values())

    return table


def why(by_role: dict[str, OpTime]) -> str:
    """A sentence that names the ops that cost what the step takes beyond the memory limit."""
    any_row = next(iter(by_role.values()))
    step, limit = any_row.step, any_row.limit
    shape = str(Shape(any_row.batch, any_row.capacity)).capitalize()
    head = f"{shape}: {step / limit:.1f} times the memory limit"
    if step <= EXPLAINED * limit:
        return f"{head}."
    excess = sorted(by_role.values(), key=lambda row: own_limit(row) - row.milliseconds)
    named = [f"{_role_and_op(r)} {r.milliseconds - own_limit(r):.1f}" for r in excess[:2]]
    return f"{head}. Of the {step - limit:.1f} ms above it: {', then '.join(named)}."


def _role_and_op(row: OpTime) -> str:
    return f"{row.role} (`{row.ops[0]}`)" if row.ops else row.role


def _cell(row: OpTime | None) -> str:
    if row is None:
        return "-"
    share = f"{row.milliseconds / row.step:.0%}".replace("%", " %")
    least = own_limit(row)
    times = f", {row.milliseconds / least:.1f}x" if least else ""
    return f"{_ms(row.milliseconds)} ({share}{times})"


def _names(rows: list[OpTime | None]) -> str:
    """The ops that take longest in each shape."""
    names = dict.fromkeys(op for row in rows if row for op in row.ops[:1])
    return ", ".join(f"`{name}`" for name in list(names)[:NAMED_OPS])


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds >= 10 else f"{milliseconds:.2f}"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


TABLES = {
    "op-times-pjrt": ("op_times.json", ops("pjrt:cpu")),
    "op-times-iree": ("op_times.json", ops("iree:cpu")),
}
