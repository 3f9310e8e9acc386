"""`kvlift lift`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from kvlift.cli.options import JsonOption, is_package, notes, print_json, working


def lift(
    source: Annotated[Path, typer.Argument(help="StableHLO text, bytecode or portable artifact.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", help="Where to write a .kvl package; the text goes to stdout if unset."),
    ] = None,
    lost_updates: Annotated[
        str, typer.Option(help="error, return or ignore updates that no result carries.")
    ] = "error",
    slice_results: Annotated[
        bool,
        typer.Option(
            "--slice-results", help="Return what is written into slots, for hosts that insert it."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Lift a StableHLO module and print it, or save it as a package.

    Example: `kvlift lift model.mlir --lost-updates=return -o model.kvl`
    """
    import kvlift

    if lost_updates not in ("error", "return", "ignore"):
        raise typer.BadParameter("must be error, return or ignore", param_hint="--lost-updates")
    if is_package(source):
        raise typer.BadParameter(
            f"'{source}' is a package, which is lifted already; kvlift inspect shows it",
            param_hint="source",
        )
    with working(f"lifting {source}"):
        lifted = kvlift.lift(source, lost_updates=lost_updates)  # type: ignore[arg-type]
    diagnostics = lifted.diagnostics
    if slice_results:
        lifted = lifted.slice_results()
        diagnostics += lifted.diagnostics
    for diagnostic in diagnostics:
        print(diagnostic, file=sys.stderr)
    if output is not None:
        lifted.save(output)
    if as_json:
        found = [asdict(diagnostic) for diagnostic in diagnostics]
        facts = {"manifest": asdict(lifted.manifest), "diagnostics": found}
        print_json(facts if output is not None else {**facts, "module": lifted.text()})
    elif output is None:
        print(lifted.text())
    if output is not None:
        count = sum(len(function.state) for function in lifted.manifest.functions)
        notes().print(f"wrote {output}: {count} slots")
