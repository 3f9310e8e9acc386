"""`kvlift compile`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from kvlift.cli.options import (
    JsonOption,
    SourceArgument,
    TargetsOption,
    console,
    notes,
    print_json,
    read_lifted,
    table_of,
    working,
)


def compile(
    source: SourceArgument,
    target: TargetsOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", help="Where to write a package with the executables.", metavar="PATH"),
    ] = None,
    require_in_place: Annotated[
        bool, typer.Option("--require-in-place", help="Refuse to copy a slot.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compile a module, into the cache and, with -o, into a package.

    Those who load the package run its executables only if they say that they trust it, and only
    on the same kind of machine with the same compilers.

    Example: `kvlift compile model.kvl --target=pjrt:cpu --target=iree:cpu -o ready.kvl`
    """
    import kvlift

    lifted = read_lifted(source)
    programs, facts = [], []
    for name in target or ["pjrt:cpu"]:
        begin = time.perf_counter()
        with working(f"compiling for {name}"):
            program = kvlift.compile(lifted, name, require="in_place" if require_in_place else None)
        programs.append(program)
        facts += _facts(program, time.perf_counter() - begin)
    if output is not None:
        lifted.save(output, compiled=programs)
    if as_json:
        print_json(facts)
    else:
        console().print(_table(facts))
    if output is not None:
        notes().print(f"wrote {output}: {len(facts)} executables")


def _facts(program: Any, seconds: float) -> list[dict[str, Any]]:
    copies = program.audit().copies
    return [
        {
            "target": program.target,
            "function": function.name,
            "from_cache": program.from_cache[function.name],
            "seconds_for_target": round(seconds, 3),
            "slots": len(function.state),
            "copies_for_target": len(copies),
        }
        for function in program.manifest.functions
    ]


def _table(facts: list[dict[str, Any]]) -> Table:
    numbers = ("seconds", "slots", "slot-sized copies")
    table = table_of("target", "function", "made", numbers=numbers)
    for fact in facts:
        table.add_row(
            fact["target"],
            fact["function"],
            "from the cache" if fact["from_cache"] else "compiled",
            f"{fact['seconds_for_target']:.2f}",
            str(fact["slots"]),
            str(fact["copies_for_target"]),
        )
    return table
