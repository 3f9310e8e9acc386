"""The manifest: functions, their arguments and results, and the slots that tie them.

A manifest is always derived from the attributes on the IR (`kvlift.name`, `kvlift.kind`,
`kvlift.slot`, `tf.aliasing_output`, `kvlift.sliced`); nothing is kept beside the module.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from kvlift.structure import is_call_description, is_description

MANIFEST_VERSION = 2
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class TensorType:
    """A tensor's shape and element type.

    Attributes:
        shape: extents; None where the extent is dynamic.
        dtype: the element type as MLIR spells it (`f32`, `bf16`, `i64`, `ui8`, `i1`, ...).
    """

    shape: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        """MLIR's spelling, without `tensor<>`: `4x?x8xf32`."""
        return "x".join([*("?" if d is None else str(d) for d in self.shape), self.dtype])


@dataclass(frozen=True)
class Argument:
    """One argument of a function.

    Attributes:
        index: its position.
        name: the name that the source gave it; `argN` when it gave none.
        type: its tensor type; a slot's store type.
        kind: `parameter`, `buffer`, `user_input`, `constant`, or a slot's `global`/`inferred`.
        slot: the slot's name when the argument is one, else None.
        sliced: the sliced slot's name when the argument is one, else None.
    """

    index: int
    name: str
    type: TensorType
    kind: str
    slot: str | None = None
    sliced: str | None = None

    @property
    def is_state(self) -> bool:
        """Whether it brings what an earlier call left."""
        return self.slot is not None or self.sliced is not None


@dataclass(frozen=True)
class Result:
    """One result of a function.

    Attributes:
        index: its position.
        name: the name that the source gave it; the slot's, or `resultN`, when it gave none.
        type: its tensor type.
        slot: the slot's name when the result is tied, else None.
        sliced: the sliced slot's name when the result is a part of its update, else None.
    """

    index: int
    name: str
    type: TensorType
    slot: str | None = None
    sliced: str | None = None

    @property
    def is_state(self) -> bool:
        """Whether it is for the next call and not for the caller."""
        return self.slot is not None or self.sliced is not None


@dataclass(frozen=True)
class Slot:
    """Storage that outlives a call: one argument tied to one result.

    Attributes:
        name: unique in its function.
        argument: index of the argument that brings the old value.
        result: index of the result that carries the new one.
        logical: the type that the model means, and that sessions take and show.
        store: the type of the argument and the result, which a target may want to be another
            one: the same bits as integers, without dims of extent 1, or with its dims in
            another `order`.
        kind: `buffer`, `user_input`, `parameter`, `global` or `inferred`.
        update: the op that makes the tied version (`dynamic_update_slice`, `scatter`, ...),
            `value` when the whole value is replaced, `none` when it passes through.
        verdict: `in_place`, or `copied: <bytes> bytes: <why>`, for the target that the lift was
            for; None when nobody has checked.
        role: `tokens`, `position`, `sampler`, `history`, `next` or `logits` of a slot that a step
            leaves for the next one (`LiftedModule.carry`); else None.
        order: the dims of `logical` in the order in which they lie in `store`, the slowest first;
            `store` leaves out some of extent 1. None when they lie as `logical` has them.
    """

    name: str
    argument: int
    result: int
    logical: TensorType
    store: TensorType
    kind: str
    update: str
    verdict: str | None = None
    role: str | None = None
    order: tuple[int, ...] | None = None


@dataclass(frozen=True)
class WrittenSlice:
    """A part of a sliced slot that a call replaces.

    Attributes:
        rows: index of the result with the new elements.
        start: index of the result that says where they go: one position per dim, in range.
    """

    rows: int
    start: int


@dataclass(frozen=True)
class SlicedSlot:
    """Storage that outlives a call and that the host updates, by what the function returns.

    Attributes:
        name: unique in its function.
        argument: index of the argument that brings the value.
        logical: the type that the model means, and that sessions take and show.
        store: the type of the argument and of what is written, as for a `Slot`.
        order: how the dims of `logical` lie in `store`, as for a `Slot`.
        kind: as that of a `Slot`.
        updates: what to write after a call, in this order.
    """

    name: str
    argument: int
    logical: TensorType
    store: TensorType
    kind: str
    updates: tuple[WrittenSlice, ...]
    order: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Obstacle:
    """One thing that needs the host in each call, so that calls cannot be replayed without it.

    Attributes:
        why: what it is and what it needs; a whole clause.
        op: the op, with its dialect; empty when it is an argument or a result.
        where: the source location, or `<unknown>`.
        argument: index of an argument that the caller must bring; no obstacle to a session that
            has bound it. None for anything else.
    """

    why: str
    op: str
    where: str
    argument: int | None = None

    def __str__(self) -> str:
        """One line for a report."""
        return f"{self.where}: {self.why}"


@dataclass(frozen=True)
class Function:
    """A public function: its arguments, results and slots, all in program order.

    Attributes:
        name: its symbol.
        arguments: all arguments.
        results: all results.
        slots: what is tied.
        sliced: what the host updates; see `LiftedModule.slice_results`.
        obstacles: what needs the host in each call; empty when calls can be replayed.
        inputs: how the source nested the arguments, as JSON (see `structure`); None if unknown.
        outputs: the same of the results.
    """

    name: str
    arguments: tuple[Argument, ...]
    results: tuple[Result, ...]
    slots: tuple[Slot, ...]
    sliced: tuple[SlicedSlot, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    inputs: str | None = None
    outputs: str | None = None

    @property
    def state(self) -> tuple[Slot | SlicedSlot, ...]:
        """All storage that outlives a call, in program order."""
        return tuple(sorted([*self.slots, *self.sliced], key=lambda slot: slot.argument))


@dataclass(frozen=True)
class Manifest:
    """What a lifted module offers to a runtime."""

    functions: tuple[Function, ...]

    def function(self, name: str | None = None) -> Function:
        """The function of that name, or the only one.

        Raises:
            KeyError: no such function, or no name given and there are several.
        """
        if name is None and len(self.functions) == 1:
            return self.functions[0]
        for function in self.functions:
            if function.name == name:
                return function
        known = ", ".join(function.name for function in self.functions)
        raise KeyError(f"no function {name!r}; the module has: {known}")

    def to_json(self) -> str:
        """The manifest as JSON: the same manifest gives the same bytes."""
        return json.dumps({"version": MANIFEST_VERSION, **asdict(self)}, indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> Manifest:
        """The inverse of `to_json`.

        Raises:
            ValueError: not JSON, another version, or a field is missing or of a wrong type.
        """
        try:
            data = json.loads(text)
            version = data["version"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not a kvlift manifest: {error}") from error
        if version != MANIFEST_VERSION:
            raise ValueError(
                f"manifest version {version}, this kvlift reads {MANIFEST_VERSION}; lift again"
            )
        try:
            return Manifest(tuple(_function(f) for f in data["functions"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"damaged manifest: {error!r}") from error


def _made(kind: type[_Made], fields: dict[str, Any]) -> _Made:
    """A dataclass of these fields.

    Raises:
        TypeError: a field is missing, unknown, or of a wrong type.
    """
    made = kind(**fields)
    for name, value in fields.items():
        if type(value) not in _kinds()[kind][name]:
            raise TypeError(f"{name} of {kind.__name__} is {value!r}")
    return made


@functools.cache
def _kinds() -> dict[type, dict[str, tuple[Any, ...]]]:
    """The types that each field of each dataclass may have."""
    classes = (TensorType, Argument, Result, Slot, WrittenSlice, SlicedSlot, Obstacle, Function)
    return {each: {name: _alternatives(hint) for name, hint in get_type_hints(each).items()}
            for each in classes}  # fmt: skip


def _alternatives(hint: Any) -> tuple[Any, ...]:
    hints = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return tuple(get_origin(each) or each for each in hints)


def _type(data: dict[str, Any]) -> TensorType:
    shape = tuple(data["shape"])
    for extent in shape:
        if extent is not None and (type(extent) is not int or extent < 0):
            raise TypeError(f"shape {shape!r}")
    return _made(TensorType, {"shape": shape, "dtype": data["dtype"]})


def _function(data: dict[str, Any]) -> Function:
    fields = {
        "name": data["name"],
        "arguments": tuple(_typed(Argument, a) for a in data["arguments"]),
        "results": tuple(_typed(Result, r) for r in data["results"]),
        "slots": tuple(_made(Slot, {**s, **_types(s)}) for s in data["slots"]),
        "sliced": tuple(_sliced(s) for s in data["sliced"]),
        "obstacles": tuple(_made(Obstacle, dict(**o)) for o in data["obstacles"]),
        "inputs": _nesting(data["inputs"], is_call_description, len(data["arguments"])),
        "outputs": _nesting(data["outputs"], is_description, len(data["results"])),
    }
    return _made(Function, fields)


def _typed(kind: type[_Made], data: dict[str, Any]) -> _Made:
    return _made(kind, {**data, "type": _type(data["type"])})


def _nesting(text: Any, is_right: Callable[[str, int], bool], count: int) -> Any:
    if isinstance(text, str) and not is_right(text, count):
        raise ValueError(f"damaged manifest: {text[:80]!r} describes no nesting")
    return text


def _types(slot: dict[str, Any]) -> dict[str, Any]:
    order = slot["order"]
    types = {key: _type(slot[key]) for key in ("logical", "store")}
    if order is not None and any(type(dim) is not int for dim in order):
        raise TypeError(f"order {order!r}")
    return {**types, "order": None if order is None else tuple(order)}


def _sliced(data: dict[str, Any]) -> SlicedSlot:
    updates = tuple(_made(WrittenSlice, dict(**u)) for u in data["updates"])
    return _made(SlicedSlot, {**data, **_types(data), "updates": updates})
