"""What several commands share: options, how a source is read, how results are printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from kvlift.lifted_module import LiftedModule


def complete_targets(incomplete: str) -> list[str]:
    """The targets that begin so, for a shell's completion."""
    from kvlift.runtime.program import TARGETS

    return [target for target in TARGETS if target.startswith(incomplete)]


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
SourceArgument = Annotated[
    Path, typer.Argument(help="A .kvl package, or StableHLO to lift.", show_default=False)
]
TargetOption = Annotated[
    str, typer.Option(help="pjrt:cpu, pjrt:cuda or iree:cpu.", autocompletion=complete_targets)
]
TargetsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        help="pjrt:cpu, pjrt:cuda or iree:cpu; may be repeated.  [default: pjrt:cpu]",
        autocompletion=complete_targets,
        show_default=False,
    ),
]
FunctionOption = Annotated[
    str | None, typer.Option(help="Which function, if there are several.", show_default=False)
]
InputsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        "-i",
        metavar="NAME=VALUE",
        help="A .npy file or JSON for an input, weight or slot; may be repeated.",
        show_default=False,
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(help="Fill what is missing with random values of this seed, not with zeros."),
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust-compiled", help="Run the native code that came with the package."),
]


def read_lifted(source: Path) -> LiftedModule:
    """A package as it was saved, or anything else lifted."""
    import kvlift

    with working(f"reading {source}"):
        return kvlift.load(source) if is_package(source) else kvlift.lift(source)


def is_package(source: Path) -> bool:
    """Whether it is a package by its first bytes, or was one: a damaged one is told as such."""
    if source.suffix == ".kvl":
        return True
    # A pipe can be read once.
    if not source.is_file():
        return False
    try:
        with source.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def one_function(lifted: LiftedModule, name: str | None) -> str:
    """The name of the function that a command is about.

    Raises:
        typer.BadParameter: there is none of that name, or several and none was named.
    """
    known = [function.name for function in lifted.manifest.functions]
    if name is None and len(known) == 1:
        return known[0]
    if name not in known:
        raise typer.BadParameter(f"must be one of: {', '.join(known)}", param_hint="--function")
    return name


def print_json(value: Any) -> None:
    """The one thing that a command with `--json` writes to standard output."""
    print(json.dumps(value, indent=2))


def console(*, markup: bool = False) -> Console:
    """Standard output; wide when it is no terminal, so that tables are cut nowhere.

    Names and paths may have brackets, which are no markup unless a command writes some.
    """
    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if is_known else 150, markup=markup)


def table_of(*texts: str, numbers: tuple[str, ...], title: str | None = None) -> Table:
    """A table of columns with texts, and behind them columns with numbers."""
    table = Table(*texts, title=title)
    for number in numbers:
        table.add_column(number, justify="right")
    return table


def notes() -> Console:
    """Standard error, for what is not the result."""
    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Shows a spinner on a terminal while the block runs."""
    with Console(stderr=True).status(escape(what)):
        yield


def in_units(size: int) -> str:
    """A number of bytes for a reader."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
