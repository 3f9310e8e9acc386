"""XLA's optimized HLO text and buffer assignment as plain facts, without XLA's proto schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Name and type, opcode and operands of one instruction. Tuple types carry no spaces but in
# comments, so the lazy type stops at the opcode.
_INSTRUCTION = re.compile(
    r"^\s*(?P<root>ROOT )?%(?P<name>[\w.\-]+) = (?P<type>\(.*?\)|\S+) "
    r"(?P<op>[\w\-]+)\((?P<operands>[^)]*)\)(?P<rest>.*)$"
)
_COMPUTATION = re.compile(r"^(?P<entry>ENTRY )?%(?P<name>[\w.\-]+) \(.*\{$")
_ARRAY = re.compile(r"^([a-z]\w*)\[([\d,]*)\]")
_BITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Instruction:
    """One HLO instruction.

    Attributes:
        name: unique in the module.
        op: the opcode.
        operands: the names of its operands.
        bytes: the size of its result; 0 for tuples and tokens.
        is_root: whether it is its computation's result.
        parameter: the number of a `parameter`, else None.
        called: the computation that a fusion runs, else None.
        bodies: the computations that a call, a while (its body) or a conditional runs.
        element: the index of a `get-tuple-element`, else None.
        trips: how often a while's body runs; None when the compiler does not know, and of others.
        target: what a custom-call runs, else empty.
        where: source location or op name that the metadata keeps, or empty.
    """

    name: str
    op: str
    operands: tuple[str, ...]
    bytes: int
    is_root: bool
    parameter: int | None
    called: str | None
    bodies: tuple[str, ...]
    element: int | None
    trips: int | None
    target: str
    where: str


@dataclass
class Computation:
    """A computation's instructions by name, in scheduled order."""

    instructions: dict[str, Instruction] = field(default_factory=dict)

    @property
    def root(self) -> Instruction:
        """The instruction whose value the computation returns."""
        return next(i for i in self.instructions.values() if i.is_root)


def parse_text(text: str) -> tuple[Computation, dict[str, Computation]]:
    """The entry computation, and every computation by name.

    Raises:
        ValueError: the text has no entry computation.
    """
    computations: dict[str, Computation] = {}
    entry: Computation | None = None
    current = Computation()
    for line in text.splitlines():
        if head := _COMPUTATION.match(line):
            current = computations[head["name"]] = Computation()
            entry = current if head["entry"] else entry
        elif found := _INSTRUCTION.match(line):
            instruction = _instruction(found)
            current.instructions[instruction.name] = instruction
    if entry is None:
        raise ValueError("this HLO text has no entry computation")
    return entry, computations


def parse_locations(module: bytes, assignment: bytes) -> dict[str, tuple[int, int]]:
    """Instruction name to (allocation, offset), from HloModuleProto and BufferAssignmentProto.

    Field numbers are those of xla/service/hlo.proto; only arrays are kept, not tuple elements.
    """
    names = {}
    for computation in _all(module, 3):
        for instruction in _all(computation, 2):
            names[_number(instruction, 35)] = _bytes(instruction, 1).decode()
    values = {}
    for buffer in _all(assignment, 1):
        defined_at = _bytes(buffer, 3)
        if not _bytes(defined_at, 3):
            name = _bytes(defined_at, 2).decode() or names.get(_number(defined_at, 4), "")
            values[_number(buffer, 1)] = name
    locations = {}
    for allocation in _all(assignment, 3):
        for assigned in _all(allocation, 9):
            name = values.get(_number(assigned, 1), "")
            locations[name] = (_number(allocation, 1), _number(assigned, 2))
    return locations


def _instruction(found: re.Match[str]) -> Instruction:
    rest = found["rest"]
    is_parameter = found["op"] == "parameter"
    called = re.search(r"calls=%([\w.\-]+)", rest)
    element = re.search(r"index=(\d+)", rest)
    target = re.search(r'custom_call_target="([^"]*)"', rest)
    trips = re.search(r'"known_trip_count":\{"n":"(\d+)"', rest)
    return Instruction(
        name=found["name"],
        op=found["op"],
        operands=tuple(re.findall(r"%([\w.\-]+)", found["operands"])),
        bytes=_byte_size(found["type"]),
        is_root=bool(found["root"]),
        parameter=int(found["operands"]) if is_parameter else None,
        called=called[1] if called and found["op"] == "fusion" else None,
        bodies=_bodies(found["op"], rest),
        element=int(element[1]) if element and found["op"] == "get-tuple-element" else None,
        trips=int(trips[1]) if trips and found["op"] == "while" else None,
        target=target[1] if target else "",
        where=_where(rest),
    )


def _bodies(op: str, rest: str) -> tuple[str, ...]:
    """The computations in which an instruction's operands live on, in the order of operands."""
    keys = {"call": "to_apply", "while": "body"}
    if op == "conditional":
        found = re.search(r"branch_computations=\{([^}]*)\}", rest)
        listed = (
            found[1] if found else " ".join(re.findall(r"(?:true|false)_computation=\S+", rest))
        )
        return tuple(re.findall(r"%([\w.\-]+)", listed))
    named = re.search(rf"{keys[op]}=%([\w.\-]+)", rest) if op in keys else None
    return (named[1],) if named else ()


def _where(rest: str) -> str:
    metadata = re.search(r"metadata=\{(.*?)\}", rest)
    if metadata is None:
        return ""
    fields: dict[str, str] = dict(re.findall(r'(\w+)="?([^"\s]*)"?', metadata[1]))
    if fields.get("op_name"):
        return fields["op_name"]
    if "source_line" not in fields:
        return ""
    return ":".join(
        fields[k] for k in ("source_file", "source_line", "source_column") if k in fields
    )


def _byte_size(text: str) -> int:
    found = _ARRAY.match(text)
    if found is None:
        return 0
    size = 1
    for extent in found[2].split(","):
        size *= int(extent) if extent else 1
    bits = _BITS.search(found[1])
    if found[1] == "pred" or bits is None:
        return size
    return max(1, size * int(bits[0]) // 8)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """A protobuf message's fields: varints as int, length-delimited ones as bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        wire = key & 7
        if wire == 0:
            yield key >> 3, varint()
        elif wire == 2:
            length = varint()
            yield key >> 3, message[at : at + length]
            at += length
        else:
            at += 8 if wire == 1 else 4


def _all(message: bytes, number: int) -> Iterator[bytes]:
    return (v for n, v in _fields(message) if n == number and isinstance(v, bytes))


def _bytes(message: bytes, number: int) -> bytes:
    return next(_all(message, number), b"")


def _number(message: bytes, number: int) -> int:
    return next((v for n, v in _fields(message) if n == number and isinstance(v, int)), 0)
