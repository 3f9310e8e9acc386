"""Milliseconds per step against capacity, one panel for each batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from decoders.measure import Row
from decoders.registry import GOALS, PEERS

OURS = {ours.name for ours, _ in GOALS}
LIMIT = PEERS[0].name
COLORS = dict(zip(sorted(OURS), ("#b3001b", "#0b5fa5"), strict=True))


def draw_decoder(found: list[dict[str, Any]], folder: Path) -> list[Path]:
    """Writes decoder.png; nothing if there are no rows."""
    rows = [row for row in (Row(**each) for each in found) if row.is_timed]
    if not rows:
        return []
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    batches = sorted({row.batch for row in rows})
    figure, panels = pyplot.subplots(
        1, len(batches), figsize=(8 * len(batches), 7), squeeze=False, layout="constrained"
    )
    for panel, batch in zip(panels[0], batches, strict=True):
        _draw_batch(panel, [row for row in rows if row.batch == batch])
        panel.set_title(f"batch {batch}")
    figure.suptitle("A decode step against the capacity of its caches (8 layers, f32)")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3 * len(batches), fontsize=9)
    path = folder / "decoder.png"
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return [path]


def _draw_batch(panel: Any, rows: list[Row]) -> None:
    from matplotlib.ticker import ScalarFormatter

    for peer in PEERS:
        points = sorted((r for r in rows if r.peer == peer.name), key=lambda r: r.capacity)
        if points:
            capacities = [p.capacity for p in points]
            panel.plot(capacities, [p.milliseconds for p in points], **_style(peer.name))
            lows, highs = zip(*((min(p.rounds), max(p.rounds)) for p in points), strict=True)
            if peer.name in OURS:
                panel.fill_between(capacities, lows, highs, color=COLORS[peer.name], alpha=0.12)
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.set_xticks(sorted({row.capacity for row in rows}))
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(ScalarFormatter())
    panel.set_xlabel("capacity of each cache (rows)")
    panel.set_ylabel("milliseconds per step")
    panel.grid(which="both", alpha=0.2)


def _style(name: str) -> dict[str, Any]:
    if name in OURS:
        return {"label": name, "color": COLORS[name], "linewidth": 2.6, "marker": "o", "zorder": 3}
    if name == LIMIT:
        return {"label": name, "color": "black", "linestyle": ":", "linewidth": 1.6}
    return {"label": name, "linewidth": 1.1, "marker": ".", "alpha": 0.85}
