"""Calls with the nesting that the source had: arguments taken apart, results put together.

What a session holds itself (slots, weights) is left out of both.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from numbers import Number
from typing import Any

from kvlift.errors import SessionError
from kvlift.structure import Node

# A place where nothing is left to pass or to return.
_NOTHING = object()


class Record(dict[str, Any]):
    """Results by name, as attributes too; stands for the source's own class."""

    def __getattr__(self, name: str) -> Any:
        """The result of that name."""
        if name not in self:
            raise AttributeError(f"no result {name!r}; there are: {', '.join(self)}")
        return self[name]


class NestedInputs:
    """What a call passes, by position and keyword, as far as it is the call's to pass."""

    def __init__(self, described: str, open_arguments: Collection[int]) -> None:
        """Reads the description and leaves out what is not among these arguments."""
        args, kwargs = json.loads(described)["tuple"]
        wanted = set(open_arguments)
        self._count = len(wanted)
        self._args = [n for n in (_pruned(a, wanted) for a in args["tuple"]) if n is not _NOTHING]
        pruned = {key: _pruned(node, wanted) for key, node in kwargs["dict"].items()}
        self._kwargs = {key: node for key, node in pruned.items() if node is not _NOTHING}

    @property
    def is_nested(self) -> bool:
        """Whether there is more than arguments: a container, or a constant of the export."""
        return any(isinstance(node, dict) for node in [*self._args, *self._kwargs.values()])

    def take_apart(
        self, args: tuple[Any, ...], by_name: Mapping[str, Any]
    ) -> tuple[dict[int, Any], dict[str, Any]] | None:
        """Values by argument index, and keywords that are none of the source's.

        None when neither a container was passed where the source had one, nor a constant of the
        export by its keyword, nor more by position than there are arguments: a flat call.

        Raises:
            SessionError: a container has other entries than the source's.
        """
        by_position = enumerate(zip(self._args, args, strict=False))
        places = [
            *((node, value, f"[{i}]") for i, (node, value) in by_position),
            *((self._kwargs[k], v, f"[{k!r}]") for k, v in by_name.items() if k in self._kwargs),
        ]
        is_nested = any(_holds_others(node) and _is_container(value) for node, value, _ in places)
        has_constant = any(_is_constant(self._kwargs.get(key)) for key in by_name)
        if not (is_nested or has_constant or len(args) > self._count):
            return None
        if len(args) > len(self._args):
            raise SessionError(
                f"{len(args)} positional arguments given, the source takes {len(self._args)}"
            )
        found: dict[int, Any] = {}
        for node, value, where in places:
            _take(node, value, f"argument{where}", found)
        return found, {k: v for k, v in by_name.items() if k not in self._kwargs}


class NestedOutputs:
    """What a call returns."""

    def __init__(self, described: str, outputs: Collection[int]) -> None:
        """Reads the description and leaves out what is not among these results."""
        node = json.loads(described)
        pruned = _pruned(node, set(outputs))
        self._node = _alone(node, pruned)

    def put_together(self, results: Mapping[int, Any]) -> Any:
        """The results by index in the source's containers; None when there are none."""
        return None if self._node is _NOTHING else _build(self._node, results)

    def take_apart(self, nested: Any) -> dict[int, Any]:
        """The inverse of `put_together`."""
        found: dict[int, Any] = {}
        if self._node is not _NOTHING:
            _take(self._node, nested, "result", found)
        return found


def _holds_others(node: Node) -> bool:
    return isinstance(node, dict) and "value" not in node


def _is_constant(node: Node) -> bool:
    return isinstance(node, dict) and "value" in node


def _is_container(value: Any) -> bool:
    """A named tuple is a tuple; a record may be of any class that is no array and no number."""
    if isinstance(value, Mapping | list | tuple):
        return True
    return not hasattr(value, "dtype") and not isinstance(value, Number)


def _pruned(node: Node, wanted: set[int]) -> Node:
    """The node without other leaves, and without containers in which none is left."""
    if isinstance(node, int):
        return node if node in wanted else _NOTHING
    if "value" in node:
        return node
    pruned = dict(node)
    for kind in ("list", "tuple"):
        if kind in node:
            items = [_pruned(child, wanted) for child in node[kind]]
            pruned[kind] = [child for child in items if child is not _NOTHING]
    for kind in ("dict", "fields"):
        if kind in node:
            children = {key: _pruned(n, wanted) for key, n in node[kind].items()}
            pruned[kind] = {key: c for key, c in children.items() if c is not _NOTHING}
    is_empty = not any(_has_leaf(child) for child in _children(pruned))
    return _NOTHING if is_empty and any(_has_leaf(child) for child in _children(node)) else pruned


def _children(node: Node) -> Sequence[Node]:
    for kind in ("list", "tuple"):
        if kind in node:
            return list(node[kind])
    return list(node.get("dict", node.get("fields", {})).values())


def _has_leaf(node: Node) -> bool:
    return isinstance(node, int) or any(_has_leaf(child) for child in _children(node))


def _alone(node: Node, pruned: Node) -> Node:
    """`(logits, cache)` without the cache is the logits."""
    if isinstance(pruned, dict) and pruned != node:
        for kind in ("list", "tuple"):
            if len(pruned.get(kind, ())) == 1 and len(node[kind]) > 1:
                return pruned[kind][0]
    return pruned


def _take(node: Node, value: Any, where: str, found: dict[int, Any]) -> None:
    """Notes the leaves of a value that is nested as the node says."""
    if isinstance(node, int):
        found[node] = value
    elif "value" in node:
        _check_fixed(node["value"], value, where)
    elif "list" in node or "tuple" in node:
        _take_sequence(_children(node), value, where, found)
    else:
        _take_fields(node.get("dict", node.get("fields")), value, where, found)


def _check_fixed(expected: Any, value: Any, where: str) -> None:
    if value is not None and (type(value) is not type(expected) or value != expected):
        raise SessionError(f"{where} was fixed to {expected!r} by the export")


def _take_sequence(children: Sequence[Node], value: Any, where: str, found: dict[int, Any]) -> None:
    if not isinstance(value, list | tuple) or len(value) != len(children):
        got = f"{len(value)}" if isinstance(value, list | tuple) else f"a {type(value).__name__}"
        raise SessionError(f"{where} expects a sequence of {len(children)}, got {got}")
    for index, (child, item) in enumerate(zip(children, value, strict=True)):
        _take(child, item, f"{where}[{index}]", found)


def _take_fields(
    children: Mapping[str, Node], value: Any, where: str, found: dict[int, Any]
) -> None:
    fields = value._asdict() if hasattr(value, "_asdict") else value
    if not isinstance(fields, Mapping):
        given = {key: getattr(value, key, _NOTHING) for key in children}
        fields = {key: item for key, item in given.items() if item is not _NOTHING}
    optional = {key for key, child in children.items() if not _has_leaf(child)}
    if not children.keys() - optional <= fields.keys() <= children.keys():
        raise SessionError(
            f"{where} expects the keys {', '.join(map(repr, children))}, got "
            f"{', '.join(map(repr, fields)) or 'none'}"
        )
    for key, item in fields.items():
        _take(children[key], item, f"{where}[{key!r}]", found)


def _build(node: Node, results: Mapping[int, Any]) -> Any:
    if isinstance(node, int):
        return results[node]
    if "value" in node:
        return node["value"]
    if "list" in node:
        return [_build(child, results) for child in node["list"]]
    if "tuple" in node:
        return tuple(_build(child, results) for child in node["tuple"])
    if "dict" in node:
        return {key: _build(child, results) for key, child in node["dict"].items()}
    fields = {key: _build(child, results) for key, child in node["fields"].items()}
    # A ModelOutput leaves out what is None.
    return Record({key: value for key, value in fields.items() if value is not None})
