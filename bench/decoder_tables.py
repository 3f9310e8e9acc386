"""The decoder's rows as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from decoders.measure import Row
from decoders.model import Shape
from decoders.registry import GOAL, GOALS, PEERS

LIMIT = PEERS[0].name


def _rows(found: list[dict[str, Any]]) -> dict[tuple[str, Shape], Row]:
    rows = (Row(**row) for row in found)
    return {(row.peer, Shape(row.batch, row.capacity)): row for row in rows}


def _shapes(rows: dict[tuple[str, Shape], Row]) -> list[Shape]:
    return sorted({shape for _, shape in rows}, key=lambda s: (s.batch, s.capacity))


def times(batch: int) -> Callable[[list[dict[str, Any]]], str]:
    """Milliseconds per step, in brackets how many times the memory limit."""

    def table(found: list[dict[str, Any]]) -> str:
        rows = _rows(found)
        shapes = [shape for shape in _shapes(rows) if shape.batch == batch]
        if not shapes:
            return ""
        lines = [_line("", *(str(s.capacity) for s in shapes)), _rule(len(shapes))]
        for peer in PEERS:
            cells = [_time(rows.get((peer.name, s)), rows.get((LIMIT, s))) for s in shapes]
            if any(cells):
                lines.append(_line(peer.name, *cells))
        return "\n".join(lines) + "\n" + _rounds(rows, shapes) + _notes(rows, shapes)

    return table


def _time(row: Row | None, limit: Row | None) -> str:
    if row is None or not row.is_timed:
        return "-" if row else ""
    times = _short(row.milliseconds)
    if limit is None or not limit.is_timed or row.peer == LIMIT:
        return times
    return f"{times} ({row.milliseconds / limit.milliseconds:.1f})"


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.1f}"


def _rounds(rows: dict[tuple[str, Shape], Row], shapes: list[Shape]) -> str:
    """What the numbers are medians of."""
    counts = (max(len(r.rounds) for (_, s), r in rows.items() if s == each) for each in shapes)
    each = ", ".join(f"{n} at {s.capacity}" for n, s in zip(counts, shapes, strict=True))
    return f"\nRounds: {each}.  \n"


def _notes(rows: dict[tuple[str, Shape], Row], shapes: list[Shape]) -> str:
    """Why cells are empty, and what is wrong with numbers."""
    notes = [
        f"{row.peer}, {shape}: {row.note}"
        for (_, shape), row in sorted(rows.items(), key=lambda item: str(item[0]))
        if shape in shapes and row.note
    ]
    return "".join(f"{note}  \n" for note in notes)


def ratios(found: list[dict[str, Any]]) -> str:
    """Time of kvlift over the best that is written by hand for the runtime, in each round."""
    rows = _rows(found)
    heads = ("ratio, medians of rounds (smallest to largest)", "median", f"goal {GOAL}")
    lines = [_line(*heads), _rule(2)]
    for shape in _shapes(rows):
        for ours, best in GOALS:
            each = ratio_rounds(rows.get((ours.name, shape)), rows.get((best.name, shape)))
            if each:
                middle = statistics.median(each)
                spread = f"{ours.name} / {best.name}, {shape} ({min(each):.2f} to {max(each):.2f})"
                verdict = "held" if middle <= GOAL else "missed"
                lines.append(_line(spread, f"{middle:.2f}", verdict))
    return "\n".join(lines) + "\n"


def ratio_rounds(ours: Row | None, best: Row | None) -> list[float]:
    """One ratio for each round that has both."""
    if ours is None or best is None:
        return []
    return [a / b for a, b in zip(ours.rounds, best.rounds, strict=False)]


def bandwidth(found: list[dict[str, Any]]) -> str:
    """Bytes that a step has to read, over its time, in GB/s."""
    rows = _rows(found)
    shapes = _shapes(rows)
    names = [peer.name for peer in PEERS if peer in (PEERS[0], *(p for g in GOALS for p in g))]
    lines = [_line("GB/s", "MB per step", *names), _rule(len(names) + 1)]
    for shape in shapes:
        cells = []
        for name in names:
            row = rows.get((name, shape))
            is_timed = row is not None and row.is_timed
            cells.append(f"{shape.step_bytes / row.milliseconds / 1e6:.1f}" if is_timed else "-")
        lines.append(_line(str(shape), f"{shape.step_bytes / 1e6:,.0f}", *cells))
    return "\n".join(lines) + "\n"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(columns: int) -> str:
    return "|---|" + "---|" * columns


TABLES = {
    "decode-step-batch-1": ("decoder.json", times(1)),
    "decode-step-batch-8": ("decoder.json", times(8)),
    "ratios": ("decoder.json", ratios),
    "bandwidth": ("decoder.json", bandwidth),
}
