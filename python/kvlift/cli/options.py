"""What several commands share: options, how a source is read, how results are printed."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from kvlift.lifting import LiftedModule

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
SourceArgument = Annotated[Path, typer.Argument(help="A .kvl package, or StableHLO to lift.")]
TargetOption = Annotated[str, typer.Option(help="pjrt:cpu, pjrt:cuda or iree:cpu.")]


def read_lifted(source: Path) -> LiftedModule:
    """A package as it was saved, or anything else lifted."""
    import kvlift

    if zipfile.is_zipfile(source):
        return kvlift.load(source)
    return kvlift.lift(source)


def print_json(value: Any) -> None:
    """The one thing that a command with `--json` writes to standard output."""
    print(json.dumps(value, indent=2))


def console() -> Console:
    """Standard output; wide when it is no terminal, so that tables are cut nowhere."""
    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if is_known else 150)
