"""Whether calls can run one after the other without the host, and what the compiled program adds.

`Function.obstacles` says what stands in the module; here is what a compiler has made of it: numbers
that IREE's host code loads from the device, loops and branches that XLA decides on the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kvlift.audit import iree
from kvlift.audit.hlo import Instruction, parse_text
from kvlift.slots import Function, Obstacle

_TRANSFERS = ("infeed", "outfeed", "send", "recv")


@dataclass(frozen=True)
class ReplayReport:
    """Whether a function of a session can be replayed; true if nothing prevents it.

    Attributes:
        function: its name.
        obstacles: what needs the host in each call.
    """

    function: str
    obstacles: tuple[Obstacle, ...]

    def __bool__(self) -> bool:
        """Whether there is no obstacle."""
        return not self.obstacles

    def __str__(self) -> str:
        """The verdict and a line per obstacle."""
        if self:
            return f"{self.function}: calls can be replayed without the host"
        count = len(self.obstacles)
        lines = [f"{self.function}: {count} things need the host in each call"]
        return "\n".join([*lines, *(f"  {each}" for each in self.obstacles)])


def replay_report(
    function: Function, bound: Iterable[int], compiled: Iterable[Obstacle]
) -> ReplayReport:
    """The report for a session that has bound these arguments once for all calls."""
    known = set(bound)
    stated = (o for o in function.obstacles if o.argument is None or o.argument not in known)
    return ReplayReport(function.name, (*stated, *compiled))


def hlo_obstacles(text: str) -> tuple[Obstacle, ...]:
    """What needs the host in XLA's optimized HLO."""
    _, computations = parse_text(text)
    instructions = (i for c in computations.values() for i in c.instructions.values())
    return tuple(
        Obstacle(f"{i.op} {i.name} {reason}", i.op, i.where or "<unknown>")
        for i in instructions
        for reason in _reasons(i)
    )


def _reasons(instruction: Instruction) -> Iterator[str]:
    if instruction.op in _TRANSFERS:
        yield "moves data between host and device"
    if instruction.op == "custom-call" and "callback" in instruction.target:
        yield f"calls back to the host: {instruction.target}"
    if instruction.op == "while" and instruction.trips is None:
        yield "runs as often as its data say, which the host has to read"
    if instruction.op == "conditional":
        yield "runs the branch that its data say, which the host has to read"


def stream_obstacles(function: Function, module: Any) -> tuple[Obstacle, ...]:
    """What IREE's host code reads from the device in each call, by the stream dialect."""
    return tuple(
        Obstacle(
            "stream.resource.load brings a number from the device, for which the host waits",
            operation.name,
            iree.where(operation),
        )
        for operation in iree.operations(module, function.name)
        if operation.name == "stream.resource.load"
    )
