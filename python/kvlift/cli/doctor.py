"""`kvlift doctor`."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.table import Table

from kvlift.cli.options import JsonOption, console, print_json


def doctor(as_json: JsonOption = False) -> None:
    """Say what is installed, which targets work, and how to mend what does not.

    Exits with 1 when the MLIR library is missing or broken.

    Example: `kvlift doctor`
    """
    from kvlift.doctor import examine

    findings = examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table("part", "found", "fix")
        for finding in findings:
            style = "yellow" if finding.fix else None
            table.add_row(finding.what, finding.found, finding.fix, style=style)
        console().print(table)
    if any(finding.what == "MLIR library" and finding.fix for finding in findings):
        raise typer.Exit(1)
