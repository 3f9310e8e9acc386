"""The `kvlift` command."""

from __future__ import annotations

import json
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kvlift.errors import KvliftError

if TYPE_CHECKING:
    from kvlift.lifting import LiftedModule

app = typer.Typer(
    help="Lift in-place state of StableHLO programs into tied, donated buffers.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is installed, which targets work, and how to mend what does not.

    Exits with 1 when the MLIR library is missing or broken.
    """
    from kvlift.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table("part", "found", "fix")
        for finding in findings:
            style = "yellow" if finding.fix else None
            # `kvlift[pjrt]` is no markup.
            cells = (escape(text) for text in (finding.what, finding.found, finding.fix))
            table.add_row(*cells, style=style)
        Console().print(table)
    if any(finding.what == "MLIR library" and finding.fix for finding in findings):
        raise typer.Exit(1)


@app.command()
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
) -> None:
    """Lift a StableHLO module and print it, or save it as a package.

    Example: `kvlift lift model.mlir --lost-updates=return -o model.kvl`
    """
    import kvlift

    if lost_updates not in ("error", "return", "ignore"):
        raise typer.BadParameter("must be error, return or ignore", param_hint="--lost-updates")
    lifted = kvlift.lift(source, lost_updates=lost_updates)  # type: ignore[arg-type]
    diagnostics = lifted.diagnostics
    if slice_results:
        lifted = lifted.slice_results()
        diagnostics += lifted.diagnostics
    for diagnostic in diagnostics:
        print(diagnostic, file=sys.stderr)
    if output is None:
        print(lifted.text())
        return
    lifted.save(output)
    count = sum(len(function.state) for function in lifted.manifest.functions)
    Console(stderr=True).print(f"wrote {output}: {count} slots")


@app.command()
def audit(
    source: Annotated[Path, typer.Argument(help="A .kvl package, or StableHLO to lift.")],
    target: Annotated[str, typer.Option(help="pjrt:cpu, pjrt:cuda or iree:cpu.")] = "pjrt:cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Compile a module and list the slot-sized copies that the compiled program makes.

    Exits with 1 when there are any.

    Example: `kvlift audit model.kvl --target=iree:cpu`
    """
    import kvlift

    report = kvlift.compile(_lifted(source), target).audit()
    print(json.dumps(asdict(report), indent=2) if as_json else report)
    if not report.is_in_place:
        raise typer.Exit(1)


@app.command()
def inspect(
    source: Annotated[Path, typer.Argument(help="A .kvl package, or StableHLO to lift.")],
    dot: Annotated[Path | None, typer.Option(help="Write the chains as a Graphviz graph.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the chains as a page.")] = None,
) -> None:
    """Show functions, slots, the versions of each slot and who reads them.

    Example: `kvlift inspect model.kvl --html chains.html`
    """
    from kvlift.inspect import as_dot, as_html, as_tree

    lifted = _lifted(source)
    if dot is not None:
        dot.write_text(as_dot(lifted))
    if html is not None:
        html.write_text(as_html(lifted, source.name))
    if dot is None and html is None:
        Console(width=None if sys.stdout.isatty() else 150).print(as_tree(lifted))


def _lifted(source: Path) -> LiftedModule:
    """A package as it was saved, or anything else lifted."""
    import kvlift

    if zipfile.is_zipfile(source):
        return kvlift.load(source)
    return kvlift.lift(source)


@app.command()
def demo(
    batch: Annotated[list[int] | None, typer.Option(help="Batch size; may be repeated.")] = None,
    capacity: Annotated[int, typer.Option(min=2, help="Rows of each cache.")] = 2048,
    steps: Annotated[int, typer.Option(min=2, help="Tokens to generate.")] = 64,
) -> None:
    """Export a small Llama, lift it, and generate on PJRT and IREE, caches in place.

    Exits with 1 unless tokens equal PyTorch eager and every slot keeps its address.
    """
    from kvlift.demo import run_demo

    if steps > capacity:
        raise typer.BadParameter("must not exceed --capacity", param_hint="--steps")
    batches = tuple(batch or (1, 4))
    if not run_demo(batches, capacity, steps, Console(width=None if sys.stdout.isatty() else 150)):
        raise typer.Exit(1)


def main() -> None:
    """Runs the command; kvlift's own errors, and files', are shown without a traceback."""
    try:
        app()
    except (KvliftError, OSError) as error:
        # Types and indices in the message have brackets, which are no markup.
        text = f"[bold red]error:[/] {escape(str(error))}"
        Console(stderr=True).print(text, highlight=False, soft_wrap=True)
        sys.exit(1)
