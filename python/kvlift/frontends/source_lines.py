"""The line of the user's module that a graph node or an MLIR location comes from."""

from __future__ import annotations

import re
import traceback
from typing import Any

_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_MLIR_FRAME = re.compile(r'"([^"]+)":(\d+):\d+')
_TORCH_ITSELF = re.compile(r"[/\\]torch[/\\](nn|_\w+|utils|functional\.py)")
_LIBRARY = re.compile(r"[/\\](torch|kvlift)[/\\]|contextlib\.py")


def node_source_line(node: Any) -> str:
    """`file:line` of the node's innermost frame outside torch, or its name without frames."""
    frames = _FRAME.findall(getattr(node, "stack_trace", None) or "")
    return _innermost(frames[::-1]) or f"node {node.name}"


def mlir_source_line(location: Any) -> str:
    """`file:line` of the innermost frame outside torch of a location by torch-mlir."""
    return _innermost(_MLIR_FRAME.findall(str(location))) or "<unknown>"


def _innermost(frames: list[tuple[str, str]]) -> str:
    frames = [frame for frame in frames if not frame[0].startswith("<")]
    if not frames:
        return ""
    own = [frame for frame in frames if not _TORCH_ITSELF.search(frame[0])]
    return ":".join((own or frames)[0])


def traceback_source_line(error: BaseException | None) -> str:
    """`file:line` of the innermost frame outside torch and kvlift, or an empty text."""
    if error is None:
        return ""
    frames = [(f.filename, str(f.lineno)) for f in traceback.extract_tb(error.__traceback__)]
    frames += _FRAME.findall(str(error))
    own = [f for f in frames if not _LIBRARY.search(f[0]) and not f[0].startswith("<")]
    return ":".join(own[-1]) if own else ""
