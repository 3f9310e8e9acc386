"""The `kvlift` command: one module per subcommand, each light to import.

Exit codes: 0 done; 1 refused, failed, or found what the command looks for; 2 wrong usage; 70 an
error in kvlift itself; 130 interrupted.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from kvlift.cli import audit, bench, cache, compile, demo, doctor, inspect, lift, run
from kvlift.cli.options import print_json
from kvlift.errors import KvliftError

app = typer.Typer(
    help="Lift in-place state of StableHLO programs into tied, donated buffers.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    # Tracebacks are shown or hidden by `main`.
    pretty_exceptions_enable=False,
)
app.command()(lift.lift)
app.command()(compile.compile)
app.command()(run.run)
app.command()(audit.audit)
app.command()(inspect.inspect)
app.command()(bench.bench)
app.command()(demo.demo)
app.command()(doctor.doctor)
app.add_typer(cache.app, name="cache")


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; works anywhere.")
    ] = False,
) -> None:
    """`main` takes `--debug` out of the arguments; it stands here for `kvlift --help`."""


def main() -> None:
    """Runs the command; errors are shown without a traceback unless `--debug` is given."""
    given = sys.argv[1:]
    arguments = [argument for argument in given if argument != "--debug"]
    try:
        app(args=arguments)
    except Exception as error:
        if arguments != given:
            raise
        sys.exit(_report(error, as_json="--json" in arguments))
    except KeyboardInterrupt:
        sys.exit(130)


def _report(error: Exception, *, as_json: bool) -> int:
    """Prints an error; kvlift's own and files' say what to do, others are its defects.

    Who asked for JSON finds it on standard output as well.
    """
    if as_json:
        diagnostics = [asdict(each) for each in getattr(error, "diagnostics", ())]
        facts = {"type": type(error).__name__, "message": str(error), "diagnostics": diagnostics}
        print_json({"error": facts})
    is_expected = isinstance(error, KvliftError | OSError)
    # Types and indices in the message have brackets, which are no markup.
    text = escape(str(error) if is_expected else f"{type(error).__name__}: {error}")
    console = Console(stderr=True)
    console.print(f"[bold red]error:[/] {text}", highlight=False, soft_wrap=True)
    if is_expected:
        return 1
    console.print("this is a defect of kvlift; --debug shows where it happened", soft_wrap=True)
    return 70
