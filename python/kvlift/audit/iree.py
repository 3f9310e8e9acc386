"""The audit of an IREE program, read from the stream dialect of its own compilation.

At that level every buffer and every range is explicit. A resource is followed from the argument's
`stream.tensor.import` through `stream.timepoint.await` and the operands of `stream.cmd.execute`.
What counts as a copy of a slot of S bytes:

1. `stream.cmd.copy` of S bytes or more out of or into the slot's storage;
2. a dispatch that reads S bytes of the slot, writes S bytes or more to another resource and only
   moves or converts elements; one that computes with them reads the slot.

Dynamic sizes and storage that other functions pass on are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kvlift.audit import Copy, audited_slots
from kvlift.slots import Function

_READ, _WRITE = 1, 2
_CONVERSIONS = frozenset({"arith.extf", "arith.truncf", "arith.extsi", "arith.trunci"})
# What a dispatch's name says that only moves elements; the first that fits.
_MOVES = ("transpose", "broadcast")


@dataclass(frozen=True)
class _Access:
    """One use of a resource by a command.

    Attributes:
        storage: the resource's root value.
        argument: the function's argument that the root was imported from, or None.
        size: bytes in the range, or None when it is dynamic.
        mode: `_READ`, `_WRITE` or both.
    """

    storage: Any
    argument: int | None
    size: int | None
    mode: int


def find_copies(function: Function, module: Any) -> tuple[Copy, ...]:
    """The slot-sized copies of one call, in program order."""
    slots = audited_slots(function)
    bodies = _dispatch_bodies(module)
    copies: list[Copy] = []
    for operation, accesses in _commands(module, function.name):
        copies += _copies_of(operation, accesses, slots, bodies)
    return tuple(copies)


def overwritten_arguments(function: Function, module: Any) -> frozenset[int]:
    """Arguments that are no slots but whose memory the program writes (iree-org/iree#16168)."""
    slots = {slot.argument for slot in function.slots}
    return frozenset(
        access.argument
        for _, accesses in _commands(module, function.name)
        for access in accesses
        if access.mode & _WRITE and access.argument is not None and access.argument not in slots
    )


def _copies_of(
    operation: Any,
    accesses: list[_Access],
    slots: Mapping[int, tuple[str, int]],
    bodies: Mapping[str, frozenset[str]],
) -> Iterator[Copy]:
    is_copy = operation.name == "stream.cmd.copy"
    for access in accesses:
        if access.argument is None or access.argument not in slots:
            continue
        slot, size = slots[access.argument]
        if not is_copy and not (access.mode & _READ and (access.size or 0) >= size):
            continue
        others = [a for a in accesses if a.storage != access.storage and a.mode & _WRITE]
        written = accesses if is_copy else others
        largest = max((a.size or 0 for a in written), default=0)
        kind = "copy" if is_copy else _move_of(operation, bodies)
        if largest >= size and kind is not None:
            yield Copy(slot, kind, largest, _where(operation))
            return


def _dispatch_bodies(module: Any) -> dict[str, frozenset[str]]:
    """The names of the arithmetic ops in the body of each dispatch, by its function's name."""
    bodies = {}
    for op in _walk(module.operation):
        if op.name == "func.func":
            inner = (child for child in _walk(op) if _is_element_op(child))
            bodies[str(op.attributes["sym_name"]).strip('"')] = frozenset(o.name for o in inner)
    return bodies


def _is_element_op(op: Any) -> bool:
    """Whether the op works on elements, not on indices, and is more than a constant."""
    is_arithmetic = op.name.startswith(("arith.", "math."))
    types = [str(value.type) for value in op.results]
    return is_arithmetic and op.name != "arith.constant" and "index" not in types


def _move_of(dispatch: Any, bodies: Mapping[str, frozenset[str]]) -> str | None:
    """How the dispatch moves elements; None when it computes with them."""
    name = str(dispatch.attributes["entry_points"]).strip("[]").rpartition("@")[2]
    ops = bodies.get(name, frozenset())
    if not ops <= _CONVERSIONS:
        return None
    if ops:
        return "convert"
    return next((move for move in _MOVES if move in name), "copy")


def _where(operation: Any) -> str:
    """The innermost file:line:column or name of the op's location."""
    text = str(operation.location)
    found = re.search(r'"([^"]+)"(?::(\d+):(\d+))?', text)
    if found is None:
        return str(operation.name)
    return ":".join(part for part in found.groups() if part)


def _commands(module: Any, name: str) -> Iterator[tuple[Any, list[_Access]]]:
    """Every copy, fill and dispatch of the function with the resources that it touches."""
    for entry in module.body.operations:
        operation = entry.operation
        if operation.name != "util.func" or not _is_entry(operation, name):
            continue
        roots: dict[Any, Any] = {}
        arguments: dict[Any, int] = {}
        for op in _walk(operation):
            _follow(op, roots, arguments)
            if op.name in ("stream.cmd.copy", "stream.cmd.fill", "stream.cmd.dispatch"):
                yield op, _accesses(op, roots, arguments)


def _is_entry(operation: Any, name: str) -> bool:
    symbol = str(operation.attributes["sym_name"]).strip('"')
    return symbol in (name, f"{name}$async")


def _walk(operation: Any) -> Iterator[Any]:
    for region in operation.regions:
        for block in region.blocks:
            for child in block.operations:
                yield child.operation
                yield from _walk(child.operation)


def _follow(op: Any, roots: dict[Any, Any], arguments: dict[Any, int]) -> None:
    """Notes which values name the same storage."""
    if op.name == "stream.tensor.import":
        source = _argument_number(op.operands[0])
        if source is not None:
            arguments[op.results[0]] = source
    elif op.name == "stream.cmd.execute":
        resources = [v for v in op.operands if _is_resource(v)]
        inners = op.regions[0].blocks[0].arguments
        for value, inner in zip(resources, inners, strict=False):
            roots[inner] = roots.get(value, value)
    elif op.name == "stream.timepoint.await":
        for value, result in zip(op.operands, op.results, strict=False):
            roots[result] = roots.get(value, value)
    elif op.name == "stream.resource.subview":
        roots[op.results[0]] = roots.get(op.operands[0], op.operands[0])


def _argument_number(value: Any) -> int | None:
    from iree.compiler import ir

    return int(value.arg_number) if isinstance(value, ir.BlockArgument) else None


def _is_resource(value: Any) -> bool:
    return str(value.type).startswith("!stream.resource")


def _segment(op: Any, index: int) -> tuple[int, int]:
    """Start and length of an operand group of a variadic op."""
    sizes = [int(n) for n in op.attributes["operandSegmentSizes"]]
    return sum(sizes[:index]), sizes[index]


def _accesses(op: Any, roots: dict[Any, Any], arguments: dict[Any, int]) -> list[_Access]:
    def access(resource: Any, length: Any, mode: int) -> _Access:
        root = roots.get(resource, resource)
        return _Access(root, arguments.get(root), _constant(length), mode)

    operands = list(op.operands)
    if op.name == "stream.cmd.copy":
        # source, source size, source offset, target, target size, target offset, length
        source, target = (v for v in operands if _is_resource(v))
        return [access(source, operands[-1], _READ), access(target, operands[-1], _WRITE)]
    if op.name == "stream.cmd.fill":
        target = next(v for v in operands if _is_resource(v))
        return [access(target, None, _WRITE)]
    start, count = _segment(op, 2)
    lengths = _segment(op, 5)[0]
    modes = [int(str(m).split()[0]) for m in op.attributes["resource_accesses"]]
    return [access(operands[start + i], operands[lengths + i], modes[i]) for i in range(count)]


def _constant(value: Any) -> int | None:
    """The value of an `arith.constant`, else None."""
    operation = getattr(getattr(value, "owner", None), "operation", None)
    if operation is None or operation.name != "arith.constant":
        return None
    return int(str(operation.attributes["value"]).split()[0])
