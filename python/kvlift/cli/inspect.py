"""`kvlift inspect`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from kvlift.cli.options import JsonOption, SourceArgument, console, print_json, read_lifted


def inspect(
    source: SourceArgument,
    dot: Annotated[Path | None, typer.Option(help="Write the chains as a Graphviz graph.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the chains as a page.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show functions, slots, the versions of each slot and who reads them.

    Example: `kvlift inspect model.kvl --html chains.html`
    """
    from kvlift.inspect import as_dot, as_html, as_tree, chains_of

    lifted = read_lifted(source)
    if dot is not None:
        _write(dot, as_dot(lifted))
    if html is not None:
        _write(html, as_html(lifted, source.name))
    if as_json:
        chains = [asdict(function) for function in chains_of(lifted)]
        print_json({"manifest": asdict(lifted.manifest), "chains": chains})
    elif dot is None and html is None:
        console(markup=True).print(as_tree(lifted))


def _write(path: Path, text: str) -> None:
    from kvlift.whole_file import whole_file

    with whole_file(path) as file:
        file.write(text.encode())
