"""How many times the memory limit a step takes, against capacity; one panel for each batch size."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

from decoders.measure import Row
from decoders.registry import GOALS, PEERS

LIMIT = PEERS[0].name
KVLIFT = {ours.name for ours, _ in GOALS}
BY_HAND = {best.name for _, best in GOALS}
# A hue for each runtime, by what a peer's name has in it; kvlift's lines are the dark ones.
DARK = {"pjrt": "#b3001b", "iree": "#0b5fa5"}
HUES = {
    "JAX": "#e58a97",
    "PJRT": "#e58a97",
    "IREE": "#74aede",
    "iree": "#74aede",
    "torch": "#7d9a6f",
    "ONNX": "#c58a1b",
    "OpenVINO": "#8a6bb8",
}
TICKS = (1, 1.5, 2, 3, 5, 10, 20, 50)
# What a label needs of the height of a panel.
LABEL_GAP = 0.043


def draw_decoder(found: list[dict[str, Any]], folder: Path) -> Path | None:
    """Writes decoder.png; nothing if there are no rows beside a memory limit."""
    rows = [row for row in (Row(**each) for each in found) if row.is_timed]
    limits = {(r.batch, r.capacity): r.milliseconds for r in rows if r.peer == LIMIT}
    rows = [row for row in rows if (row.batch, row.capacity) in limits and row.peer != LIMIT]
    if not rows:
        return None
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    batches = sorted({row.batch for row in rows})
    figure, panels = pyplot.subplots(
        len(batches), 1, figsize=(11, 6.2 * len(batches)), squeeze=False, layout="constrained"
    )
    for panel, batch in zip(panels[:, 0], batches, strict=True):
        _draw_batch(panel, [row for row in rows if row.batch == batch], limits)
        panel.set_title(f"Batch {batch}", loc="left", fontsize=14, fontweight="bold")
    figure.suptitle(
        "A decode step, in multiples of the time to read weights and caches once",
        fontsize=15,
        fontweight="bold",
    )
    path = folder / "decoder.png"
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return path


def _draw_batch(panel: Any, rows: list[Row], limits: dict[tuple[int, int], float]) -> None:
    capacities = sorted({row.capacity for row in rows})
    ends = []
    for peer in PEERS:
        points = sorted((r for r in rows if r.peer == peer.name), key=lambda r: r.capacity)
        if not points:
            continue
        style = _style(peer.name)
        times = [p.milliseconds / limits[p.batch, p.capacity] for p in points]
        panel.plot([p.capacity for p in points], times, **style)
        last = points[-1]
        where = "" if last.capacity == capacities[-1] else f" at {last.capacity:,}"
        ends.append((last.capacity, times[-1], f"{peer.name}  {_ms(last)}{where}", style))
    _scales(panel, capacities)
    _label(panel, ends, capacities[-1])


def _scales(panel: Any, capacities: list[int]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.set_xticks(capacities, [f"{c:,}" for c in capacities], fontsize=11)
    low, high = panel.get_ylim()
    panel.set_ylim(min(low, 0.9), max(high, 3))
    panel.yaxis.set_major_locator(FixedLocator(TICKS))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    panel.tick_params(axis="y", labelsize=11)
    panel.axhline(1, color="black", linestyle=":", linewidth=1.6)
    panel.annotate("memory limit", (capacities[0], 1), va="bottom", fontsize=10.5)
    panel.set_xlabel("capacity of each cache (rows)", fontsize=11.5)
    panel.grid(axis="y", alpha=0.25)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def _label(panel: Any, ends: list[tuple[int, float, str, dict[str, Any]]], right: int) -> None:
    """Names at the lines' ends, moved apart, each with a thread to its line."""
    to_axes = panel.transData + panel.transAxes.inverted()
    ends = sorted(ends, key=lambda end: end[1])
    heights = spread([to_axes.transform((right, end[1]))[1] for end in ends], LABEL_GAP)
    for (capacity, value, text, style), height in zip(ends, heights, strict=True):
        panel.annotate(
            text,
            xy=(capacity, value),
            xytext=(1.04, height),
            textcoords="axes fraction",
            va="center",
            fontsize=10.5,
            color=style["color"],
            fontweight="bold" if style["linewidth"] > 2 else "normal",
            arrowprops={
                "arrowstyle": "-",
                "color": style["color"],
                "alpha": 0.6,
                "relpos": (0, 0.5),
                "shrinkA": 1,
            },
            annotation_clip=False,
        )


def spread(heights: list[float], gap: float) -> list[float]:
    """Moves ascending heights apart by `gap` at least, and as little as can be."""
    # Without the gaps it is to make a sequence ascend: neighbours that do not take their mean.
    blocks: list[list[float]] = []
    for index, height in enumerate(heights):
        blocks.append([height - index * gap])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    means = [fmean(block) for block in blocks for _ in block]
    return [mean + index * gap for index, mean in enumerate(means)]


def _ms(row: Row) -> str:
    return f"{row.milliseconds:.0f} ms" if row.milliseconds >= 20 else f"{row.milliseconds:.1f} ms"


def _style(name: str) -> dict[str, Any]:
    if name in KVLIFT:
        color = next(color for part, color in DARK.items() if part in name)
        return {"color": color, "linewidth": 3.2, "marker": "o", "markersize": 6, "zorder": 3}
    color = next((c for part, c in HUES.items() if part in name), "#888888")
    line = "--" if name in BY_HAND else "-"
    return {"color": color, "linewidth": 1.5, "linestyle": line, "marker": ".", "markersize": 6}
