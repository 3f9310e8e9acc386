"""Programs that IREE 3.13 compiles to wrong results, recognized in its own dialects.

1. An old version that leaves the function. Simplifications turn `c * 1`, a slice of everything or a
   loop that carries `c` along into `c` itself; the function then returns the buffer that it has
   overwritten (iree-org/iree#16168), and even an explicit clone of it is taken out again.
2. A dispatch that reads rows of the storage that it writes, at another place (`c[1:] = c[:-1]`):
   it may read rows that it has just written.
3. A copy of rows onto rows of the same storage that overlap: its runtime refuses it in every call,
   after others have written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kvlift.errors import CompileError
from kvlift.runtime.iree_order import base, overwritten, uses
from kvlift.runtime.iree_ties import integers, operations, segment_start

_DYNAMIC = -(1 << 63)
_ACCESS = "iree_tensor_ext.dispatch.tensor."
_MOVES_ROWS = (
    "iree:cpu refuses function {name!r}: an update reads other rows of the slot that it writes, "
    "which overlap (at {place}); write them through a value that is no slice of the slot"
)


def refuse_overlapping_copies(module: Any, name: str) -> None:
    """Looks at every copy of the stream module whose place is constant.

    Raises:
        CompileError: one of them would fail at run time.
    """
    for op in operations(module):
        if op.name != "stream.cmd.copy":
            continue
        source, _, start, target, _, end, size = list(op.operands)
        at, to, length = _constant(start), _constant(end), _constant(size)
        if source != target or at is None or to is None or length is None:
            continue
        if abs(at - to) < length:
            raise CompileError(_MOVES_ROWS.format(name=name, place=op.location))


def _constant(value: Any) -> int | None:
    maker = getattr(value.owner, "operation", None)
    if maker is None or maker.name != "arith.constant":
        return None
    return int(str(maker.attributes["value"]).split()[0])


def refuse_wrong_results(module: Any, name: str) -> None:
    """Looks at every function of the flow module.

    Raises:
        CompileError: a function of it would give wrong results.
    """
    for op in operations(module):
        if op.name == "hal.tensor.export" and _is_overwritten(op.operands[0]):
            raise CompileError(
                f"iree:cpu refuses function {name!r}: result {_label(op)} is an old version of an "
                "argument that the function updates in place; return a value computed from it"
            )
    for function in _dispatch_functions(module):
        if _reads_what_it_moves(function):
            raise CompileError(_MOVES_ROWS.format(name=name, place=_place(function)))


def _is_overwritten(value: Any) -> bool:
    """Whether the value lies in an argument's storage and another op writes over it."""
    value = base(value)
    is_written = any(
        base(target) == value for use in uses(value) for target in overwritten(use.owner.operation)
    )
    return is_written and _is_from_argument(value)


def _is_from_argument(value: Any) -> bool:
    while (op := getattr(base(value).owner, "operation", None)) is not None:
        value = base(value)
        if op.name == "hal.tensor.import":
            return True
        if op.name != "flow.dispatch":
            return False
        tied = integers(op, "tied_operands")[value.result_number]
        if tied < 0:
            return False
        value = op.operands[segment_start(op, 1) + tied]
    return False


def _label(export: Any) -> str:
    name = str(export.attributes["name"]) if "name" in export.attributes else "?"
    return name.strip('"').replace("output", "#")


def _dispatch_functions(module: Any) -> list[Any]:
    """The functions inside of the executables."""
    executables = [o.operation for o in module.body.operations]
    inner = [
        op
        for executable in executables
        if executable.name == "flow.executable"
        for op in operations(executable)
    ]
    return [op for op in inner if op.name == "func.func"]


@dataclass(frozen=True)
class _Window:
    """A part of a tensor that an access touches.

    Attributes:
        starts: numbers, or the SSA values of dynamic starts.
        sizes: numbers; None where dynamic.
    """

    starts: tuple[Any, ...]
    sizes: tuple[int | None, ...]


def _reads_what_it_moves(function: Any) -> bool:
    """Whether the dispatch loads a window that may overlap one that it stores, but is not it."""
    accesses = operations(function)
    stores = [op for op in accesses if op.name == f"{_ACCESS}store"]
    loads = [op for op in accesses if op.name == f"{_ACCESS}load"]
    return any(
        load.operands[0] == store.operands[1]
        and _may_overlap(_window(load, first=2), _window(store, first=3))
        for load in loads
        for store in stores
    )


def _may_overlap(one: _Window, other: _Window) -> bool:
    """Not if they are the same window, or disjoint, or differ only in where one row is."""
    if one == other:
        return False
    is_whole_row = True
    for a, b, m, n in zip(one.starts, other.starts, one.sizes, other.sizes, strict=True):
        if a == b and m == n:
            continue
        if _is_disjoint(a, m, b, n):
            return False
        is_whole_row = is_whole_row and m == n == 1
    return not is_whole_row


def _is_disjoint(start: Any, size: int | None, other: Any, other_size: int | None) -> bool:
    """Whether two ranges of a dim are known to have nothing in common."""
    is_known = isinstance(start, int) and isinstance(other, int)
    if not is_known or size is None or other_size is None:
        return False
    return bool(start + size <= other or other + other_size <= start)


def _window(access: Any, first: int) -> _Window:
    """Starts and sizes of a load or store; `first` is the group of its dynamic starts."""
    begin = segment_start(access, first)
    count = integers(access, "operandSegmentSizes")[first]
    dynamic = iter([access.operands[begin + i] for i in range(count)])
    starts: Sequence[Any] = [
        next(dynamic) if n == _DYNAMIC else n for n in integers(access, "static_offsets")
    ]
    sizes = [None if n == _DYNAMIC else n for n in integers(access, "static_sizes")]
    return _Window(tuple(starts), tuple(sizes))


def _place(function: Any) -> str:
    return str(function.attributes["sym_name"]).strip('"')
