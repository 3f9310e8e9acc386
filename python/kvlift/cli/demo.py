"""`kvlift demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from kvlift.cli.options import console


def demo(
    batch: Annotated[list[int] | None, typer.Option(help="Batch size; may be repeated.")] = None,
    capacity: Annotated[int, typer.Option(min=2, help="Rows of each cache.")] = 2048,
    steps: Annotated[int, typer.Option(min=2, help="Tokens to generate.")] = 64,
) -> None:
    """Export a small Llama, lift it, and generate on PJRT and IREE, caches in place.

    Exits with 1 unless tokens equal PyTorch eager and every slot keeps its address.

    Example: `kvlift demo --batch 1 --capacity 256 --steps 16`
    """
    from kvlift.demo import run_demo

    if steps > capacity:
        raise typer.BadParameter("must not exceed --capacity", param_hint="--steps")
    if not run_demo(tuple(batch or (1, 4)), capacity, steps, console()):
        raise typer.Exit(1)
