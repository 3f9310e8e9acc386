"""Keeps IREE from reading an old value after it was overwritten in place.

IREE 3.13 decides in program order which dispatch may write over its operand, and afterwards lets
independent dispatches run side by side without knowing of those writes. So in

    %s = flow.dispatch @sum(%c)
    %u = flow.dispatch @update(%c) -> %c
    %t = flow.dispatch @other(%d)

it runs `@update` beside `@other` and `@sum` after both: %s has the new rows, and nobody is told.
Where a value is overwritten that somebody else reads, the function is compiled without such
concurrency; a dispatch's own threads are not affected.

`util.optimization_barrier` hides from the same decision that two values are one storage. It only
holds back optimizations that are over in the flow dialect, so it is removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kvlift.runtime.iree_ties import integers, operations, segment_start

_BARRIER = "util.optimization_barrier"
_VIEWS = ("flow.tensor.reshape", "flow.tensor.bitcast")
_ATTRIBUTE = "stream.partitioning"
# What IREE reads, and what it writes, which it cannot read again.
_READABLE, _WRITTEN = '#stream.partitioning_config<"debug">', b"<favor-debug>"


def remove_barriers(module: Any) -> bool:
    """Replaces every barrier's results by its operands; whether there was one."""
    found = [op for op in operations(module) if op.name == _BARRIER]
    for op in found:
        for result, operand in zip(op.results, op.operands, strict=True):
            result.replace_all_uses_with(operand)
        op.erase()
    return bool(found)


def keep_order(module: Any) -> bool:
    """Marks the functions in which an old value is read beside its update; whether there is one."""
    from iree.compiler import ir

    marked = False
    for function in module.body.operations:
        if function.operation.name == "util.func" and _has_other_readers(function.operation):
            attribute = ir.Attribute.parse(_READABLE, module.context)
            function.operation.attributes[_ATTRIBUTE] = attribute
            marked = True
    return marked


def readable(bytecode: bytes) -> bytes:
    """The bytecode with the mark as IREE reads it, at the same length."""
    return bytecode.replace(_WRITTEN, b'<    "debug">')


def _has_other_readers(function: Any) -> bool:
    """Whether a value that is written in place, or a view of it, has another use."""
    return any(
        len(list(uses(base(target)))) > 1
        for op in operations(function)
        for target in overwritten(op)
    )


def overwritten(op: Any) -> list[Any]:
    """The operands that the op may write over."""
    if op.name == "flow.tensor.update":
        return [op.operands[0]]
    if op.name != "flow.dispatch":
        return []
    start = segment_start(op, 1)
    return [op.operands[start + i] for i in integers(op, "tied_operands") if i >= 0]


def base(value: Any) -> Any:
    """The value that it is a view of."""
    while (op := getattr(value.owner, "operation", None)) is not None and op.name in _VIEWS:
        value = op.operands[0]
    return value


def uses(value: Any) -> Iterator[Any]:
    """The uses of the value and of its views."""
    for use in value.uses:
        if use.owner.operation.name in _VIEWS:
            yield from uses(use.owner.operation.results[0])
        else:
            yield use
