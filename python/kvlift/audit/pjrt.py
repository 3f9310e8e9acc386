"""The audit of a PJRT program, from XLA's optimized HLO and its buffer assignment.

A slot is followed from its parameter through the entry computation, by values that are as large
as it. An instruction that makes such a value from the slot is

1. a pass-through (bitcast, tuple access): followed, not counted;
2. an update (dynamic-update-slice or scatter straight on the slot, fused or not): in place iff its
   result has the slot's (allocation, offset), else a copy;
3. a `copy`: counted iff source and target differ in (allocation, offset);
4. anything else that moves the whole slot (transpose, convert, concatenate, ...), or that
   rewrites all of it in its own storage though the program updates a part: counted. An op that
   computes another value from the slot reads it, and is not counted.

Bodies of while and conditional are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kvlift.audit import Copy, audited_slots
from kvlift.audit.hlo import Computation, Instruction, parse_locations, parse_text
from kvlift.slots import Function

_PASSING = ("bitcast", "get-tuple-element", "optimization-barrier", "tuple", "parameter")
_UPDATES = ("dynamic-update-slice", "scatter")
# Ops that compute something of their own from a slot, as large as their result may be.
_READING = (
    *("dot", "convolution", "reduce", "reduce-window", "gather", "sort"),
    *("custom-call", "while", "conditional"),
)
# Ops that only move or convert elements, the most telling first.
_MOVES = ("transpose", "concatenate", "convert", "copy", "reverse", "broadcast", "reshape", "pad")
# Ops that a moving fusion may have beside them.
_PLUMBING = frozenset({"parameter", "bitcast", "constant", "slice", "dynamic-slice", *_UPDATES})


@dataclass(frozen=True)
class _Program:
    """The compiled program's facts that every step of the audit needs."""

    entry: Computation
    computations: Mapping[str, Computation]
    locations: Mapping[str, tuple[int, int]]
    users: Mapping[str, list[Instruction]]


def find_copies(
    function: Function, text: str, module: bytes, assignment: bytes
) -> tuple[Copy, ...]:
    """The slot-sized copies of one call, in program order of the first slot, then the next.

    Args:
        function: whose argument numbers are XLA's parameter numbers.
        text: the optimized HLO.
        module: the same as a serialized HloModuleProto.
        assignment: the serialized BufferAssignmentProto.
    """
    entry, computations = parse_text(text)
    users: dict[str, list[Instruction]] = {}
    for instruction in entry.instructions.values():
        for operand in instruction.operands:
            users.setdefault(operand, []).append(instruction)
    program = _Program(entry, computations, parse_locations(module, assignment), users)
    values = {slot.name for slot in function.slots if slot.update == "value"}
    found: dict[str, Copy] = {}
    for argument, (slot, size) in audited_slots(function).items():
        for name, copy in _copies_of(program, argument, slot, size):
            if not (copy.op == "elementwise" and slot in values):
                found.setdefault(name, copy)
    return tuple(found.values())


def _copies_of(
    program: _Program, argument: int, slot: str, size: int
) -> Iterator[tuple[str, Copy]]:
    instructions = program.entry.instructions
    followed = {i.name for i in instructions.values() if i.parameter == argument}
    for instruction in instructions.values():
        source = next((o for o in instruction.operands if o in followed), None)
        if source is None or instruction.op in _READING:
            continue
        if instruction.op in _PASSING:
            if instruction.op in ("bitcast", "optimization-barrier"):
                followed.add(instruction.name)
            continue
        if instruction.bytes < size:
            continue
        kind = _kind(program, instruction)
        if kind == "elementwise" and not _same_storage(program, instruction.name, source):
            continue
        followed.add(instruction.name)
        if kind is not None:
            where = _where(program, instruction)
            yield instruction.name, Copy(slot, kind, instruction.bytes, where)


def _kind(program: _Program, instruction: Instruction) -> str | None:
    """What the instruction does to the whole slot; None when it works in place."""
    body = program.computations.get(instruction.called or "")
    if body is None:
        updated = instruction.operands[0]
        if instruction.op in (*_UPDATES, "copy"):
            return None if _same_storage(program, instruction.name, updated) else "copy"
        return instruction.op if instruction.op in _MOVES else "elementwise"
    root = _behind_bitcasts(body, body.root)
    if root.op == "copy" or root.op in _UPDATES:
        target = _behind_bitcasts(body, body.instructions[root.operands[0]])
        if target.parameter is not None:
            updated = instruction.operands[target.parameter]
            return None if _same_storage(program, instruction.name, updated) else "copy"
    large = {i.op for i in body.instructions.values() if i.bytes >= instruction.bytes}
    if not large <= {*_MOVES, *_PLUMBING}:
        return "elementwise"
    return next((move for move in _MOVES if move in large), "copy")


def _same_storage(program: _Program, one: str, other: str) -> bool:
    """Whether both values are known to lie in the same bytes."""
    entry = program.entry
    places = [
        program.locations.get(_behind_bitcasts(entry, entry.instructions[name]).name)
        for name in (one, other)
    ]
    return places[0] is not None and places[0] == places[1]


def _behind_bitcasts(computation: Computation, instruction: Instruction) -> Instruction:
    while instruction.op == "bitcast":
        instruction = computation.instructions[instruction.operands[0]]
    return instruction


def _where(program: _Program, instruction: Instruction) -> str:
    """The instruction's source location, else that of the nearest user: copies carry none."""
    pending, seen = [instruction], {instruction.name}
    for current in pending:
        if current.where:
            return current.where
        for user in program.users.get(current.name, []):
            if user.name not in seen and user.op != "tuple":
                seen.add(user.name)
                pending.append(user)
    return instruction.name
