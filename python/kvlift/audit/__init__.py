"""The slot-sized copies that a compiled program still makes, as its own compiler shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvlift.slots import Function

# Smaller slots (a position, a counter) cost less to rewrite than to address.
SMALLEST_SLOT = 64


@dataclass(frozen=True)
class Copy:
    """One op of the compiled program that moves or rewrites a whole slot in each call.

    Attributes:
        slot: the slot that it reads or writes; None when that cannot be told.
        op: `copy`, `transpose`, `concatenate`, `convert`, `broadcast`, `elementwise`, ...
        bytes: how many bytes it writes.
        where: the source location or name that the compiler kept, else the op's own name.
    """

    slot: str | None
    op: str
    bytes: int
    where: str

    def __str__(self) -> str:
        """One line for a report."""
        return f"{self.op} of {self.bytes} bytes of slot {self.slot or '?'} at {self.where}"


@dataclass(frozen=True)
class AuditReport:
    """What the audit of one program found.

    Attributes:
        target: the target that the program was compiled for.
        copies: the slot-sized copies, in program order.
    """

    target: str
    copies: tuple[Copy, ...]

    @property
    def is_in_place(self) -> bool:
        """Whether no slot is copied."""
        return not self.copies

    def __str__(self) -> str:
        """The verdict and a line per copy."""
        if self.is_in_place:
            return f"{self.target}: every slot is updated in place"
        lines = [f"{self.target}: {len(self.copies)} slot-sized copies per call"]
        return "\n".join([*lines, *(f"  {copy}" for copy in self.copies)])


def audited_slots(function: Function) -> Mapping[int, tuple[str, int]]:
    """Argument index to (slot, bytes), of the slots that an audit looks at.

    Left out are slots of dynamic shape and those smaller than a cache line.
    """
    from kvlift.runtime.values import byte_size

    sizes = {slot.argument: (slot, byte_size(slot.store)) for slot in function.slots}
    return {
        index: (slot.name, size)
        for index, (slot, size) in sizes.items()
        if size is not None and size >= SMALLEST_SLOT
    }
