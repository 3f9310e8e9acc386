"""How a function's arguments and results were nested in its source, as JSON on the function.

`kvlift.inputs` describes `(args, kwargs)`, `kvlift.outputs` what is returned:

    3                                          argument or result #3
    {"value": null}                            a constant that the export fixed
    {"list": [...]}, {"tuple": [...]}
    {"dict": {"key": ...}}
    {"record": "Name", "fields": {"key": ...}} a named tuple, a dataclass, a ModelOutput
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INPUTS, OUTPUTS = "kvlift.inputs", "kvlift.outputs"

# A node as JSON reads it.
Node = Any


@dataclass(frozen=True)
class Leaf:
    """Stands for an argument or result while a source's own containers are walked."""

    index: int


@dataclass(frozen=True)
class Fixed:
    """Stands for a constant there."""

    value: Any


def describe(nested: Any) -> str | None:
    """Containers of `Leaf` and `Fixed` as JSON; None when one of them has no neutral form."""
    try:
        return json.dumps(_node(nested), separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        return None


def _node(nested: Any) -> Node:
    if isinstance(nested, Leaf):
        return nested.index
    if isinstance(nested, Fixed) or nested is None:
        value = None if nested is None else nested.value
        if not isinstance(value, bool | int | float | str | None):
            raise TypeError(f"{type(value).__name__} is no constant")
        return {"value": value}
    if type(nested) in (list, tuple):
        return {type(nested).__name__: [_node(item) for item in nested]}
    fields = _fields(nested)
    if not all(isinstance(key, str) for key in fields):
        raise TypeError("only text can be a key")
    described = {key: _node(item) for key, item in fields.items()}
    if type(nested).__name__ in ("dict", "OrderedDict", "defaultdict"):
        return {"dict": described}
    return {"record": type(nested).__name__, "fields": described}


def _fields(nested: Any) -> dict[Any, Any]:
    if isinstance(nested, Mapping):
        return dict(nested)
    if isinstance(nested, tuple) and hasattr(nested, "_asdict"):
        return dict(nested._asdict())
    if dataclasses.is_dataclass(nested):
        return {field.name: getattr(nested, field.name) for field in dataclasses.fields(nested)}
    raise TypeError(f"{type(nested).__name__} is no container")


def is_description(text: str, count: int) -> bool:
    """Whether it is what `describe` gives, of no more than that many arguments or results."""
    try:
        return _is_node(json.loads(text), count)
    except (ValueError, RecursionError):
        return False


def is_call_description(text: str, count: int) -> bool:
    """Whether it describes what a call passes: a tuple of positions and a dict of keywords."""
    if not is_description(text, count):
        return False
    match json.loads(text):
        case {"tuple": [{"tuple": _}, {"dict": _}]}:
            return True
    return False


def _is_node(node: Node, count: int) -> bool:
    if isinstance(node, int):
        return not isinstance(node, bool) and 0 <= node < count
    if not isinstance(node, dict):
        return False
    match node:
        case {"value": value, **rest}:
            return not rest and isinstance(value, bool | int | float | str | None)
        case {"list": list(children), **rest} | {"tuple": list(children), **rest}:
            return not rest and all(_is_node(child, count) for child in children)
        case {"dict": dict(fields), **rest}:
            return not rest and all(_is_node(child, count) for child in fields.values())
        case {"record": str(), "fields": dict(fields), **rest}:
            return not rest and all(_is_node(child, count) for child in fields.values())
    return False
