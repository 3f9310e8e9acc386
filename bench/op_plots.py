"""Where the time of a step goes: one bar for each target and shape, in multiples of the limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from op_roles import (
    BETWEEN,
    DOWN,
    GATE,
    HEAD,
    PROJECTIONS,
    REST,
    ROLES,
    SCORES,
    SOFTMAX,
    UPDATE,
    VALUES,
)
from op_tables import EXPLAINED, Rows, rows_of

# Weights are blue, caches red, what reads neither is grey.
COLORS = {
    PROJECTIONS: "#1f4e79",
    GATE: "#3a7ab5",
    DOWN: "#7fb0d8",
    HEAD: "#b9d4ea",
    SCORES: "#9e1b32",
    VALUES: "#d4606f",
    SOFTMAX: "#e9a23b",
    UPDATE: "#4f9d69",
    REST: "#8c8c8c",
    BETWEEN: "#dcdcdc",
}
TARGETS = ("pjrt:cpu", "iree:cpu")


def draw_ops(found: list[dict[str, Any]], folder: Path) -> Path | None:
    """Writes op_times.png; nothing if there are no rows."""
    rows = {target: rows_of(found, target) for target in TARGETS}
    if not any(rows.values()):
        return None
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    count = sum(map(len, rows.values()))
    figure, axis = pyplot.subplots(figsize=(11, 1.9 + 0.55 * count), layout="constrained")
    _draw_bars(axis, rows)
    for at, text in ((1, "memory limit"), (EXPLAINED, f"{EXPLAINED}x")):
        axis.axvline(at, color="black", linestyle=":" if at == 1 else (0, (1, 3)), linewidth=1.3)
        axis.annotate(text, (at, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom")
    axis.set_xlabel("multiples of the time to read weights and caches once")
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.tick_params(left=False)
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=10)
    figure.suptitle("Where kvlift's decode step spends its time", fontsize=15, fontweight="bold")
    path = folder / "op_times.png"
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return path


def _draw_bars(axis: Any, rows: dict[str, Rows]) -> None:
    """Shapes from above, the targets of one shape side by side."""
    shapes = list(dict.fromkeys(shape for found in rows.values() for shape in found))
    bars = [(s, t, rows[t][s]) for s in shapes for t in TARGETS if s in rows[t]]
    for role in ROLES:
        starts, widths = [], []
        for _, _, by_role in bars:
            limit = next(iter(by_role.values())).limit
            before = ROLES[: ROLES.index(role)]
            starts.append(sum(_width(by_role, each, limit) for each in before))
            widths.append(_width(by_role, role, limit))
        axis.barh(
            range(len(bars)),
            widths,
            left=starts,
            height=0.74,
            color=COLORS[role],
            label=role,
            edgecolor="white",
            linewidth=0.6,
        )
    for at, (_, _, by_role) in enumerate(bars):
        row = next(iter(by_role.values()))
        text = f"{row.step:.1f} ms" if row.step < 100 else f"{row.step:.0f} ms"
        end = sum(_width(by_role, role, row.limit) for role in ROLES)
        axis.annotate(
            text,
            (end, at),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
    axis.set_yticks(range(len(bars)), [f"{s}\n{t}" for s, t, _ in bars], fontsize=10)
    axis.set_xlim(0, axis.get_xlim()[1] * 1.08)
    axis.invert_yaxis()


def _width(by_role: dict[str, Any], role: str, limit: float) -> float:
    """Ops that overlap leave less than nothing between them: drawn as nothing."""
    return max(0.0, by_role[role].milliseconds / limit) if role in by_role else 0.0
