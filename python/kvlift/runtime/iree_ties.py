"""Which ties IREE may keep: it writes a tied result over the old value without asking who reads it.

IREE 3.13 lets any dispatch write its result straight into the buffer that the result is tied to.
That is right when the dispatch updates a part of the old value; when it makes a whole new one,
other dispatches, and the dispatch itself, may still read the old value from there (`n = c + x`
before `o = c * x`, or `n = reverse(c)`, give wrong results without any message). So a tie is kept
only if every link from the result back to the argument is an update in place, or if nothing reads
the old value (the logits of a carried step). The others are removed from the flow dialect, and the
runtime copies their results back into their slots.
"""

from __future__ import annotations

from typing import Any

# Ops whose result lies in the storage of their first operand (an update's target).
_SAME_STORAGE = ("flow.tensor.reshape", "flow.tensor.bitcast", "flow.tensor.update")


def remove_unsafe_ties(module: Any) -> frozenset[int]:
    """Changes the flow module; returns the arguments whose tie is gone.

    Before: `%a = hal.tensor.alias %n to %arg0; hal.tensor.export %a`, %n a new whole value.
    After:  `hal.tensor.export %n`
    """
    untied = set()
    for alias in [op for op in operations(module) if op.name == "hal.tensor.alias"]:
        value, storage = alias.operands[0], alias.operands[segment_start(alias, 2)]
        if _is_updated_in_place(value, storage) or _is_unread(storage):
            continue
        untied.add(int(storage.arg_number))
        alias.results[0].replace_all_uses_with(value)
        alias.erase()
    for imported in [op for op in operations(module) if op.name == "hal.tensor.import"]:
        # The slot's memory must outlive the call now: the result is copied back into it.
        if getattr(imported.operands[0], "arg_number", None) in untied:
            _remove(imported, "consume")
    return frozenset(untied)


def _is_unread(storage: Any) -> bool:
    """Whether nothing reads the storage's old value, which may then be written at any time."""
    users = [use.owner.operation for use in storage.uses]
    imports = [user for user in users if user.name == "hal.tensor.import"]
    return all(not list(user.results[0].uses) for user in imports)


def _is_updated_in_place(value: Any, storage: Any) -> bool:
    """Whether the value is reached from the storage's import by in-place updates alone."""
    while True:
        op = getattr(value.owner, "operation", None)
        if op is None:
            return False
        if op.name == "hal.tensor.import":
            return bool(op.operands[0] == storage)
        if op.name == "flow.dispatch":
            tied = integers(op, "tied_operands")[value.result_number]
            if tied < 0:
                return False
            value = op.operands[segment_start(op, 1) + tied]
        elif op.name in _SAME_STORAGE:
            value = op.operands[0]
        else:
            return False


def operations(parent: Any) -> list[Any]:
    """The operations of a module's or operation's bodies, those of executables left out."""
    found: list[Any] = []
    _collect(parent.operation, found)
    return found


def _collect(operation: Any, found: list[Any]) -> None:
    for region in operation.regions:
        for block in region.blocks:
            for child in block.operations:
                if child.operation.name != "flow.executable":
                    found.append(child.operation)
                    _collect(child.operation, found)


def segment_start(op: Any, index: int) -> int:
    """Where the operands of a variadic op's group begin."""
    return sum(integers(op, "operandSegmentSizes")[:index])


def integers(op: Any, name: str) -> list[int]:
    """An array attribute of integers."""
    return [int(str(item).split()[0]) for item in op.attributes[name]]


def _remove(op: Any, name: str) -> None:
    if name in op.attributes:
        del op.attributes[name]
