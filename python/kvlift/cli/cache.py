"""`kvlift cache`: what is in the executable cache."""

from __future__ import annotations

import time
from dataclasses import asdict

import typer
from rich.table import Table

from kvlift.cli.options import JsonOption, console, in_units, print_json, table_of

app = typer.Typer(
    help="Look at or empty the executable cache, `$KVLIFT_CACHE_DIR`.", no_args_is_help=True
)


@app.command("list")
def list_entries(as_json: JsonOption = False) -> None:
    """List the cached executables, the most recently used first.

    Example: `kvlift cache list`
    """
    from kvlift.runtime.executable_cache import existing_cache

    cache = existing_cache()
    entries = cache.entries() if cache is not None else []
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    numbers = ("size", "compiled in", "last used")
    table = table_of("key", "function", "target", "compiler", numbers=numbers)
    for entry in entries:
        header = entry.header
        told = (
            (header.function, header.target, header.compiler)
            if header is not None
            else ("damaged", "", "")
        )
        seconds = f"{header.seconds:.2f} s" if header is not None else ""
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        table.add_row(entry.key[:12], *told, in_units(entry.size), seconds, used)
    console().print(table if entries else "the cache is empty")


@app.command()
def stats(as_json: JsonOption = False) -> None:
    """Say where the cache is, how much it holds and how much it may hold.

    Example: `kvlift cache stats --json`
    """
    from kvlift.runtime.executable_cache import default_folder, existing_cache, size_limit

    cache = existing_cache()
    entries = cache.entries() if cache is not None else []
    facts = {
        "folder": str(cache.folder if cache is not None else default_folder()),
        "entries": len(entries),
        "bytes": sum(entry.size for entry in entries),
        "limit": size_limit(),
        "seconds_to_compile": round(sum(e.header.seconds for e in entries if e.header), 3),
    }
    if as_json:
        print_json(facts)
        return
    table = Table(show_header=False)
    table.add_row("folder", str(facts["folder"]))
    table.add_row("executables", str(len(entries)))
    table.add_row("size", in_units(sum(entry.size for entry in entries)))
    table.add_row("limit", in_units(size_limit()))
    table.add_row("what they took to compile", f"{facts['seconds_to_compile']:.1f} s")
    console().print(table)


@app.command()
def clear(as_json: JsonOption = False) -> None:
    """Remove every cached executable.

    Example: `kvlift cache clear`
    """
    from kvlift.runtime.executable_cache import existing_cache

    cache = existing_cache()
    count = cache.clear() if cache is not None else 0
    if as_json:
        print_json({"removed": count})
    else:
        print(f"removed {count} executables")
