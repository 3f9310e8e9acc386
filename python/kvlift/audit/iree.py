"""The audit of an IREE program, read from the stream dialect of its own compilation.

At that level every buffer and every range is explicit. A resource is followed from the argument's
`stream.tensor.import` through `stream.timepoint.await`, the operands of `stream.cmd.execute` and
branches, so into loops; what a loop copies counts once, as IREE does not know how often it runs.
What counts as a copy of a slot of S bytes:

1. `stream.cmd.copy` of S bytes or more out of or into the slot's storage;
2. a dispatch that reads the slot, writes a tensor of S bytes or more to another resource and only
   moves or converts elements; one that computes with them reads the slot.

Dynamic sizes and storage that other functions pass on are not followed.
"""

from __future__ import annotations

import math
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
# The binding of a tensor that a dispatch writes as a whole.
_WRITTEN = re.compile(r"writeonly:tensor<([^>]*)>")


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


@dataclass(frozen=True)
class _Body:
    """What a dispatch does.

    Attributes:
        ops: the names of the arithmetic ops on its elements.
        written: bytes of the largest tensor that it writes as a whole.
    """

    ops: frozenset[str]
    written: int


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
    bodies: Mapping[str, _Body],
) -> Iterator[Copy]:
    is_copy = operation.name == "stream.cmd.copy"
    if not is_copy and operation.name != "stream.cmd.dispatch":
        return
    for access in accesses:
        if access.argument is None or access.argument not in slots:
            continue
        slot, size = slots[access.argument]
        is_whole = (access.size or 0) >= size
        if is_copy and is_whole:
            yield Copy(slot, "copy", access.size or 0, where(operation))
            return
        if is_copy or not (is_whole and access.mode & _READ):
            continue
        others = [a for a in accesses if a.storage != access.storage and a.mode & _WRITE]
        body = bodies[_entry_point(operation)]
        move = _move_of(operation, body)
        if others and move is not None and body.written >= size:
            yield Copy(slot, move, body.written, where(operation))
            return


def _dispatch_bodies(module: Any) -> dict[str, _Body]:
    """What each dispatch does, by its function's name."""
    return {
        str(op.attributes["sym_name"]).strip('"'): _body(op)
        for op in _walk(module.operation)
        if op.name == "func.func"
    }


def _body(function: Any) -> _Body:
    inner = list(_walk(function))
    types = [str(op.results[0].type) for op in inner if op.name == "stream.binding.subspan"]
    sizes = [_tensor_bytes(found[1]) for t in types if (found := _WRITTEN.search(t))]
    return _Body(
        frozenset(op.name for op in inner if _is_element_op(op)),
        max(sizes, default=0),
    )


def _tensor_bytes(text: str) -> int:
    """The size of `8x32xf32`; 0 when an extent is dynamic."""
    *extents, dtype = text.split("x")
    if "?" in extents:
        return 0
    bits = re.search(r"\d+$", dtype)
    return math.prod(int(e) for e in extents) * max(8, int(bits[0]) if bits else 8) // 8


def _is_element_op(op: Any) -> bool:
    """Whether the op works on elements, not on indices, and is more than a constant."""
    is_arithmetic = op.name.startswith(("arith.", "math."))
    types = [str(value.type) for value in op.results]
    return is_arithmetic and op.name != "arith.constant" and "index" not in types


def _move_of(dispatch: Any, body: _Body) -> str | None:
    """How the dispatch moves elements; None when it computes with them."""
    if not body.ops <= _CONVERSIONS:
        return None
    if body.ops:
        return "convert"
    name = _entry_point(dispatch)
    return next((move for move in _MOVES if move in name), "copy")


def _entry_point(dispatch: Any) -> str:
    return str(dispatch.attributes["entry_points"]).strip("[]").rpartition("@")[2]


def where(operation: Any) -> str:
    """The innermost file:line:column or name of the op's location."""
    text = str(operation.location)
    found = re.search(r'"([^"]+)"(?::(\d+):(\d+))?', text)
    if found is None:
        return str(operation.name)
    return ":".join(part for part in found.groups() if part)


def _commands(module: Any, name: str) -> Iterator[tuple[Any, list[_Access]]]:
    """Every copy, fill and dispatch of the function with the resources that it touches."""
    for operation in _entries(module, name):
        roots: dict[Any, Any] = {}
        arguments: dict[Any, int] = {}
        for op in _walk(operation):
            _follow(op, roots, arguments)
            if op.name in ("stream.cmd.copy", "stream.cmd.fill", "stream.cmd.dispatch"):
                yield op, _accesses(op, roots, arguments)


def operations(module: Any, name: str) -> Iterator[Any]:
    """Every operation of the function, in program order."""
    for operation in _entries(module, name):
        yield from _walk(operation)


def _entries(module: Any, name: str) -> Iterator[Any]:
    """The functions that run when the function of that name is called."""
    for entry in module.body.operations:
        operation = entry.operation
        if operation.name == "util.func" and _is_entry(operation, name):
            yield operation


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
    elif op.name in ("cf.br", "cf.cond_br"):
        for value, inner in _passed_to_blocks(op):
            # The first branch enters a loop; what later ones bring is made from that.
            roots.setdefault(inner, roots.get(value, value))


def _passed_to_blocks(branch: Any) -> Iterator[tuple[Any, Any]]:
    """Each resource that a branch passes on, and the block argument that receives it."""
    operands = list(branch.operands)
    groups = [operands]
    if branch.name == "cf.cond_br":
        groups = [operands[s : s + n] for s, n in (_segment(branch, 1), _segment(branch, 2))]
    for block, values in zip(branch.successors, groups, strict=True):
        for value, inner in zip(values, block.arguments, strict=True):
            if _is_resource(value):
                yield value, inner


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
