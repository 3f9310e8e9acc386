"""`kvlift demo`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from kvlift.cli.options import JsonOption, console, print_json


def demo(
    batch: Annotated[list[int] | None, typer.Option(help="Batch size; may be repeated.")] = None,
    capacity: Annotated[int, typer.Option(min=2, help="Rows of each cache.")] = 2048,
    steps: Annotated[int, typer.Option(min=2, help="Tokens to generate.")] = 64,
    as_json: JsonOption = False,
) -> None:
    """Export a small Llama, lift it, and generate on PJRT and IREE, caches in place.

    A second start finds what the first one compiled in the cache, and says so.

    Exits with 1 unless tokens equal PyTorch eager and every slot keeps its address.

    Example: `kvlift demo --batch 1 --capacity 256 --steps 16`
    """
    from kvlift.demo import run_demo

    if steps > capacity:
        raise typer.BadParameter("must not exceed --capacity", param_hint="--steps")
    shown = Console(stderr=True) if as_json else console(markup=True)
    reports = run_demo(tuple(batch or (1, 4)), capacity, steps, shown)
    if as_json:
        print_json([report.facts() for report in reports])
    if not all(report.holds for report in reports):
        raise typer.Exit(1)
