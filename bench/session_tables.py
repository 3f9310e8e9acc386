"""Peak memory, cost of a call and of a start as Markdown tables."""

from __future__ import annotations

from typing import Any

from decoders.registry import PEERS
from peak_memory import Peak
from session_cost import CallCost, StartCost


def peaks(found: list[dict[str, Any]]) -> str:
    """What a peer's peak adds to its weights, in copies of all caches."""
    rows = {(row.peer, row.capacity): row for row in (Peak(**each) for each in found)}
    capacities = sorted({capacity for _, capacity in rows})
    heads = [f"capacity {c}: copies of the caches (MB in all)" for c in capacities]
    lines = ["|  | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for peer in PEERS:
        cells = [_peak(rows.get((peer.name, c))) for c in capacities]
        if any(cells):
            lines.append(f"| {peer.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _peak(row: Peak | None) -> str:
    if row is None:
        return ""
    return row.note or f"{row.copies:.2f} ({row.peak / 1e6:,.0f})"


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
