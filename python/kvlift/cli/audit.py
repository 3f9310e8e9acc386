"""`kvlift audit`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from kvlift.cli.options import (
    JsonOption,
    SourceArgument,
    TargetOption,
    print_json,
    read_lifted,
    working,
)


def audit(
    source: SourceArgument, target: TargetOption = "pjrt:cpu", as_json: JsonOption = False
) -> None:
    """Compile a module and list the slot-sized copies that the compiled program makes.

    Exits with 1 when there are any.

    Example: `kvlift audit model.kvl --target=iree:cpu`
    """
    import kvlift

    lifted = read_lifted(source)
    with working(f"compiling for {target}"):
        report = kvlift.compile(lifted, target).audit()
    if as_json:
        print_json(asdict(report))
    else:
        print(report)
    if not report.is_in_place:
        raise typer.Exit(1)
