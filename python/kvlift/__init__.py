"""kvlift lifts in-place state of torch.export and StableHLO programs into tied buffers.

Nothing heavy is imported until it is used: neither torch nor jax nor iree nor MLIR.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kvlift.errors import (
    CompileError,
    Diagnostic,
    ExportError,
    HostError,
    KvliftError,
    LiftError,
    SessionError,
    SourceError,
    SourceLocation,
)
from kvlift.slots import (
    Argument,
    Function,
    Manifest,
    Obstacle,
    Result,
    SlicedSlot,
    Slot,
    TensorType,
    WrittenSlice,
)

if TYPE_CHECKING:
    from kvlift.frontends.causal_lm import export_causal_lm
    from kvlift.frontends.export import export
    from kvlift.lifted_module import LiftedModule
    from kvlift.lifting import lift, load
    from kvlift.runtime.program import Program, compile
    from kvlift.runtime.session import Session
    from kvlift.runtime.session_function import SessionFunction
    from kvlift.runtime.snapshots import Snapshot, load_snapshot
    from kvlift.sampling import Sampler

__version__ = "0.1.0"

# Where each name that is imported on first use lives.
_LAZY = {
    "LiftedModule": "kvlift.lifted_module",
    "Program": "kvlift.runtime.program",
    "Sampler": "kvlift.sampling",
    "Session": "kvlift.runtime.session",
    "SessionFunction": "kvlift.runtime.session_function",
    "Snapshot": "kvlift.runtime.snapshots",
    "compile": "kvlift.runtime.program",
    "export": "kvlift.frontends.export",
    "export_causal_lm": "kvlift.frontends.causal_lm",
    "lift": "kvlift.lifting",
    "load": "kvlift.lifting",
    "load_snapshot": "kvlift.runtime.snapshots",
}

__all__ = [
    "Argument",
    "CompileError",
    "Diagnostic",
    "ExportError",
    "Function",
    "HostError",
    "KvliftError",
    "LiftError",
    "LiftedModule",
    "Manifest",
    "Obstacle",
    "Program",
    "Result",
    "Sampler",
    "Session",
    "SessionError",
    "SessionFunction",
    "SlicedSlot",
    "Slot",
    "Snapshot",
    "SourceError",
    "SourceLocation",
    "TensorType",
    "WrittenSlice",
    "compile",
    "export",
    "export_causal_lm",
    "lift",
    "load",
    "load_snapshot",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'kvlift' has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
