"""`kvlift bench`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from kvlift.cli.options import (
    FunctionOption,
    InputsOption,
    JsonOption,
    SeedOption,
    SourceArgument,
    TargetsOption,
    console,
    one_function,
    print_json,
    read_lifted,
    table_of,
    working,
)

if TYPE_CHECKING:
    from kvlift.measuring import Timing


def bench(
    source: SourceArgument,
    target: TargetsOption = None,
    function: FunctionOption = None,
    given: InputsOption = None,
    seed: SeedOption = None,
    steps: Annotated[int, typer.Option(min=2, help="How many steps of each to time.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Time a step, and beside it a step of the same module without ties.

    Both keep their state on the device. Inputs without a value are zeros, or random with --seed.

    Example: `kvlift bench model.kvl --target=pjrt:cpu --target=iree:cpu`
    """
    from kvlift.filling import parse_inputs
    from kvlift.measuring import measure

    lifted = read_lifted(source)
    name = one_function(lifted, function)
    values = parse_inputs(given or [], None)
    found = {}
    for each in target or ["pjrt:cpu"]:
        with working(f"compiling and timing on {each}"):
            found[each] = measure(lifted, each, name, steps, values, seed)
    if as_json:
        print_json({t: {n: asdict(timing) for n, timing in m.items()} for t, m in found.items()})
    else:
        console().print(_table(found, f"{name}, ms per step, median of {steps} (10 % to 90 %)"))


def _table(found: dict[str, dict[str, Timing]], title: str) -> Table:
    numbers = ("lifted", "unlifted", "quicker", "slot-sized copies")
    table = table_of("target", numbers=numbers, title=title)
    for target, timings in found.items():
        lifted, unlifted = timings["lifted"], timings["unlifted"]
        ratio = "" if unlifted.problem else f"{unlifted.median / lifted.median:.1f}x"
        table.add_row(target, _told(lifted), _told(unlifted), ratio, str(lifted.copies))
    return table


def _told(timing: Timing) -> str:
    if timing.problem:
        return "does not compile"
    return f"{timing.median:.3f} ({timing.low:.3f} to {timing.high:.3f})"
