"""The audit of a PJRT program, from XLA's optimized HLO and its buffer assignment.

A slot is followed from its parameter through the entry computation, by values that are as large
as it, and from there into the bodies of calls, loops and branches that it is passed to. An
instruction that makes such a value from the slot is

1. a pass-through (bitcast, tuple access): followed, not counted;
2. an update (dynamic-update-slice or scatter straight on the slot, fused or not): in place iff its
   result has the slot's (allocation, offset), else a copy;
3. a `copy`: counted iff source and target differ in (allocation, offset);
4. anything else that moves the whole slot (transpose, convert, concatenate, ...), or that
   rewrites all of it in its own storage though the program updates a part: counted. An op that
   computes another value from the slot reads it, and is not counted.

5. a `copy` of another argument into the slot's place: counted.

What a loop's body copies counts once for each iteration that XLA knows of.
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
    "custom-call",
)
# Ops that only move or convert elements, the most telling first.
_MOVES = (
    *("all-gather", "all-to-all", "collective-permute"),
    *("transpose", "concatenate", "convert", "copy", "reverse", "broadcast", "reshape", "pad"),
)
# Ops that a moving fusion may have beside them.
_PLUMBING = frozenset({"parameter", "bitcast", "constant", "slice", "dynamic-slice", *_UPDATES})


# Where a value lies: (allocation, offset), or None when the compiler does not say.
_Place = tuple[int, int] | None
# A value that is the slot: the instruction's name, and the element if the slot is in its tuple.
_Key = tuple[str, int | None]


@dataclass(frozen=True)
class _Program:
    """The compiled program's facts that every step of the audit needs."""

    entry: Computation
    computations: Mapping[str, Computation]
    locations: Mapping[str, tuple[int, int]]
    users: Mapping[str, list[Instruction]]


def find_copies(
    function: Function,
    text: str,
    module: bytes,
    assignment: bytes,
    sizes: Mapping[int, int] | None = None,
) -> tuple[Copy, ...]:
    """The slot-sized copies of one call, in program order of the first slot, then the next.

    Args:
        function: whose argument numbers are XLA's parameter numbers.
        text: the optimized HLO.
        module: the same as a serialized HloModuleProto.
        assignment: the serialized BufferAssignmentProto.
        sizes: bytes of each argument on one device, when several share it.
    """
    entry, computations = parse_text(text)
    users: dict[str, list[Instruction]] = {}
    for computation in computations.values():
        for instruction in computation.instructions.values():
            for operand in instruction.operands:
                users.setdefault(operand, []).append(instruction)
    program = _Program(entry, computations, parse_locations(module, assignment), users)
    values = {slot.name for slot in function.slots if slot.update == "value"}
    results = {slot.argument: slot.result for slot in function.slots}
    found: dict[str, Copy] = {}
    for argument, (slot, size) in audited_slots(function).items():
        follower = _Follower(program, slot, sizes[argument] if sizes else size)
        for name, copy in follower.follow_argument(argument):
            if not (copy.op == "elementwise" and slot in values):
                found.setdefault(name, copy)
        for name, copy in follower.copied_in(results[argument]):
            found.setdefault(name, copy)
    return tuple(found.values())


class _Follower:
    """One slot's way through the program.

    `_places` has every value that is the slot, with its storage.
    """

    def __init__(self, program: _Program, slot: str, size: int) -> None:
        self._program = program
        self._slot = slot
        self._size = size
        self._places: dict[_Key, _Place] = {}

    def follow_argument(self, argument: int) -> Iterator[tuple[str, Copy]]:
        """The copies of that argument, by the names of the instructions that make them."""
        for instruction in self._program.entry.instructions.values():
            if instruction.parameter == argument:
                place = self._program.locations.get(instruction.name)
                self._places[instruction.name, None] = place
        yield from self._follow(self._program.entry, 1)

    def copied_in(self, result: int) -> Iterator[tuple[str, Copy]]:
        """The copy that brings another argument into the slot, in place of a new value."""
        root = self._program.entry.root
        made = (
            self._program.entry.instructions[root.operands[result]] if root.op == "tuple" else root
        )
        if made.op != "copy":
            return
        source = self._program.entry.instructions[made.operands[0]]
        if source.parameter is not None and (source.name, None) not in self._places:
            yield made.name, Copy(self._slot, "copy", made.bytes, _where(self._program, made))

    def _follow(self, computation: Computation, times: int) -> Iterator[tuple[str, Copy]]:
        for instruction in computation.instructions.values():
            if instruction.bodies:
                yield from self._enter(instruction, times)
            elif not self._pass(instruction):
                yield from self._make(instruction, times)

    def _pass(self, instruction: Instruction) -> bool:
        """Whether the instruction gives no value of its own; then what it passes on is noted."""
        if instruction.op == "tuple":
            for element, operand in enumerate(instruction.operands):
                self._note((operand, None), (instruction.name, element))
        elif instruction.op == "get-tuple-element":
            self._note((instruction.operands[0], instruction.element), (instruction.name, None))
        elif instruction.op in ("bitcast", "optimization-barrier"):
            self._note_all(instruction.operands[0], instruction.name)
        return instruction.op in _PASSING

    def _note(self, source: _Key, target: _Key) -> None:
        if source in self._places:
            self._places[target] = self._places[source]

    def _note_all(self, source: str, target: str) -> None:
        for name, element in list(self._places):
            if name == source:
                self._note((source, element), (target, element))

    def _enter(self, instruction: Instruction, times: int) -> Iterator[tuple[str, Copy]]:
        """Follows the slot through the bodies that the instruction passes it to."""
        operands = list(instruction.operands)
        branches = operands[1:] if instruction.op == "conditional" else []
        for number, name in enumerate(instruction.bodies):
            body = self._program.computations[name]
            given = [branches[number]] if branches else operands
            for parameter in body.instructions.values():
                if parameter.parameter is not None:
                    self._note_all(given[parameter.parameter], parameter.name)
            yield from self._follow(body, times * (instruction.trips or 1))
            self._note_all(body.root.name, instruction.name)
        if instruction.op == "while":
            self._note_all(operands[0], instruction.name)

    def _make(self, instruction: Instruction, times: int) -> Iterator[tuple[str, Copy]]:
        """The copy that an instruction with a value of its own makes of the slot, if it does."""
        source = next((o for o in instruction.operands if (o, None) in self._places), None)
        if source is None or instruction.op in _READING or instruction.bytes < self._size:
            return
        place = self._program.locations.get(instruction.name)
        kind = self._kind(instruction, place)
        if kind == "elementwise" and not _is_same(place, self._places[source, None]):
            return
        self._places[instruction.name, None] = place
        if kind is not None:
            where = _where(self._program, instruction)
            yield instruction.name, Copy(self._slot, kind, instruction.bytes * times, where)

    def _kind(self, instruction: Instruction, place: _Place) -> str | None:
        """What the instruction does to the whole slot; None when it works in place."""
        body = self._program.computations.get(instruction.called or "")
        if body is None:
            if instruction.op in (*_UPDATES, "copy"):
                return self._copied(instruction.operands[0], place)
            return instruction.op if instruction.op in _MOVES else "elementwise"
        root = _behind_bitcasts(body, body.root)
        if root.op == "copy" or root.op in _UPDATES:
            target = _behind_bitcasts(body, body.instructions[root.operands[0]])
            if target.parameter is not None:
                return self._copied(instruction.operands[target.parameter], place)
        large = {i.op for i in body.instructions.values() if i.bytes >= instruction.bytes}
        if not large <= {*_MOVES, *_PLUMBING}:
            return "elementwise"
        return next((move for move in _MOVES if move in large), "copy")

    def _copied(self, updated: str, place: _Place) -> str | None:
        """Whether a version in `place` is a copy of the one that it replaces."""
        old = self._places.get((updated, None), self._program.locations.get(updated))
        return None if _is_same(place, old) else "copy"


def _is_same(one: _Place, other: _Place) -> bool:
    """Whether both are known to be the same bytes."""
    return one is not None and one == other


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
