"""StableHLO as text, MLIR bytecode or portable artifact, from any frontend."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kvlift.errors import SourceError
from kvlift.host import diagnostics_from_core, host, new_context

if TYPE_CHECKING:
    from torch_mlir import ir


def import_stablehlo(
    source: str | bytes, *, context: ir.Context | None = None, name: str = "<module>"
) -> ir.Module:
    """Parses a module; its form is recognised from its first bytes.

    Args:
        source: text, MLIR bytecode, or a StableHLO portable artifact.
        context: where to put it; a new one if None.
        name: what diagnostics call it.

    Raises:
        SourceError: empty, damaged, malformed, or newer than the library.
    """
    context = context or new_context()
    try:
        data = source.encode() if isinstance(source, str) else bytes(source)
    except UnicodeEncodeError as error:
        raise SourceError(f"cannot read {name} as StableHLO: {error}") from None
    return _adopt(host().read_module(context._CAPIPtr, data, name), name)


def import_file(path: str | os.PathLike[str], *, context: ir.Context | None = None) -> ir.Module:
    """Parses a file; see `import_stablehlo`.

    Raises:
        SourceError: the file is missing or unreadable, or its contents are.
    """
    context, name = context or new_context(), os.fspath(path)
    # The core reads as much as a file says that it holds; a pipe says nothing.
    if _is_pipe(name):
        return import_stablehlo(Path(path).read_bytes(), context=context, name=name)
    return _adopt(host().read_file(context._CAPIPtr, name), name)


def _is_pipe(path: str) -> bool:
    try:
        return Path(path).is_fifo()
    except OSError:  # The core says what is wrong with it.
        return False


def _adopt(read: tuple[Any, list[Any]], name: str) -> ir.Module:
    """Takes over the module that the core read, or raises what it reported."""
    from torch_mlir import ir

    module, entries = read
    if module is None:
        details = "\n".join(str(d) for d in diagnostics_from_core(entries))
        raise SourceError(f"cannot read {name} as StableHLO:\n{details}")
    return ir.Module._CAPICreate(module)
