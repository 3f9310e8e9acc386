"""What a lift costs, as a Markdown table."""

from __future__ import annotations

from typing import Any

from lift_time import SLOTS, Result


def lifts(found: list[dict[str, Any]]) -> str:
    """Medians of the one result."""
    result = Result(**found[0])
    share = result.torch_lift / result.torch_import
    largest = max(map(int, result.by_size))
    rows = [(f"lift of {int(n):,} ops, {SLOTS} slots", s) for n, s in result.by_size.items()]
    rows += [
        ("torch-mlir's import of the demo's decoder", result.torch_import),
        (f"lift of the demo's decoder, {share:.2%} of its import", result.torch_lift),
        ("`import kvlift`", result.import_kvlift),
    ]
    rows += [(f"order and proof of {largest:,} ops: {n}", s) for n, s in result.proof.items()]
    lines = [f"| {what} | {_time(seconds)} |" for what, seconds in rows]
    return "\n".join(["|  | median |", "|---|---|", *lines]) + "\n"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


TABLES = {"lift": ("lift_time.json", lifts)}
