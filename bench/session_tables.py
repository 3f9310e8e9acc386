"""Peak memory, cost of a call and of a start as Markdown tables."""

from __future__ import annotations

from typing import Any

from decoders.model import Shape
from peak_memory import GOAL, MEASURED, Peak
from session_cost import CallCost, StartCost


def peaks(found: list[dict[str, Any]]) -> str:
    """Each peer's peak at each capacity, as copies of the caches and against what a step needs."""
    rows = {(row.peer, row.capacity): row for row in (Peak(**each) for each in found)}
    heads = ("capacity", "peer", "copies", "session / needed", "process / needed", "MB in all")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for capacity in sorted({capacity for _, capacity in rows}):
        needed = Shape(1, capacity).held_bytes
        lines.append(f"| {capacity} | needed: weights, caches, activations | | | | {_mb(needed)} |")
        for peer in MEASURED:
            row = rows.get((peer.name, capacity))
            if row is not None:
                lines.append(f"| {capacity} | {peer.name} | {_peak(row)} |")
    return "\n".join(lines) + "\n"


def _peak(row: Peak) -> str:
    if row.note:
        return f"{row.note} | | | "
    verdict = "" if row.session <= GOAL else " (over the goal)"
    return f"{row.copies:.2f} | {row.session:.2f}{verdict} | {row.process:.2f} | {_mb(row.peak)}"


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"


def calls(found: list[dict[str, Any]]) -> str:
    """Microseconds of a session's call, of the runtime's own, and their ratio."""
    lines = ["| us per call | slots | session | bare | ratio |", "|---|---|---|---|---|"]
    for row in (CallCost(**each) for each in found):
        lines.append(
            f"| {row.target} | {row.slots} | {row.session_us:.0f} | {row.bare_us:.0f} "
            f"| {row.session_us / row.bare_us:.2f} |"
        )
    return "\n".join(lines) + "\n"


def starts(found: list[dict[str, Any]]) -> str:
    """Seconds before the first step."""
    lines = ["| seconds | export | import and lift | compile | from the cache |"]
    lines.append("|---|---|---|---|---|")
    for row in (StartCost(**each) for each in found):
        seconds = (row.export, row.lift, row.compile, row.cached)
        lines.append(f"| {row.target} | " + " | ".join(f"{s:.2f}" for s in seconds) + " |")
    return "\n".join(lines) + "\n"


TABLES = {
    "peak-memory": ("peak_memory.json", peaks),
    "calls": ("session_calls.json", calls),
    "starts": ("session_starts.json", starts),
}
