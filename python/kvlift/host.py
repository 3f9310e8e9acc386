"""The MLIR host: finds the torch-mlir wheel's library and loads kvlift's core on it."""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kvlift.errors import Diagnostic, HostError, SourceLocation

if TYPE_CHECKING:
    from torch_mlir import ir

    from kvlift import _core

TESTED_TORCH_MLIR = "20261001"
LIBRARY_VARIABLE = "KVLIFT_MLIR_LIBRARY"
_LIBRARY = Path("_mlir_libs") / "libTorchMLIRAggregateCAPI.so"


def find_library() -> Path:
    """Where the host library is: `$KVLIFT_MLIR_LIBRARY`, or the torch-mlir wheel.

    Raises:
        HostError: torch-mlir is not installed, or the file is not there.
    """
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        return Path(named)
    spec = importlib.util.find_spec("torch_mlir")
    if spec is None or not spec.submodule_search_locations:
        raise HostError(
            "torch-mlir is not installed; "
            f"install the tested version with `pip install torch-mlir=={TESTED_TORCH_MLIR}`"
        )
    return Path(next(iter(spec.submodule_search_locations))) / _LIBRARY


@functools.cache
def host() -> _core.Host:
    """The loaded host library, after a tiny module went through it once.

    Raises:
        HostError: the library is missing, damaged, lacks entry points, or misbehaves.
    """
    from kvlift import _core

    path = find_library()
    try:
        loaded = _core.load_host(str(path))
    except RuntimeError as error:
        raise HostError(str(error)) from None
    problem = loaded.canary()
    if problem:
        raise HostError(
            f"the MLIR library '{path}' ({loaded.producer}) does not work as expected: {problem}; "
            f"install the tested version with `pip install torch-mlir=={TESTED_TORCH_MLIR}`"
        )
    return loaded


def new_context() -> ir.Context:
    """A context that knows torch, StableHLO and CHLO."""
    from torch_mlir import ir
    from torch_mlir.dialects import torch as torch_dialect

    context = ir.Context()
    torch_dialect.register_dialect(context)
    host().prepare_context(context._CAPIPtr)
    return context


def diagnostics_from_core(entries: list[Any]) -> tuple[Diagnostic, ...]:
    """The core's diagnostics as plain dataclasses."""
    return tuple(
        Diagnostic(
            severity=entry.severity,
            message=entry.message,
            location=SourceLocation(
                entry.location.file,
                entry.location.line,
                entry.location.column,
                entry.location.name,
            ),
            notes=diagnostics_from_core(entry.notes),
        )
        for entry in entries
    )
