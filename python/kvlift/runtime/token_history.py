"""The tokens that carried steps leave on the device, read once after many steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

from kvlift.errors import SessionError
from kvlift.runtime import values
from kvlift.slots import Function, Slot

if TYPE_CHECKING:
    from kvlift.runtime.backend import Buffer, Executable
    from kvlift.runtime.values import Host


@dataclass(frozen=True)
class TokenHistory:
    """The slots in which a step that feeds itself keeps its tokens; see `LiftedModule.carry`.

    Attributes:
        tokens: [batch, capacity], a ring of columns.
        next: the column that the next token goes to.
    """

    tokens: Slot
    next: Slot

    @staticmethod
    def of(function: Function) -> TokenHistory:
        """The function's.

        Raises:
            SessionError: its steps do not feed themselves, or the host updates its slots.
        """
        slots = {slot.role: slot for slot in function.slots}
        if "history" not in slots or "next" not in slots:
            raise SessionError(
                f"function {function.name!r} does not feed itself; lifted.carry(tokens=...) makes "
                "one that does"
            )
        if function.sliced:
            raise SessionError(
                f"the host updates slot {function.sliced[0].name!r} of function {function.name!r} "
                "after each call, so steps cannot run without it"
            )
        return TokenHistory(slots["history"], slots["next"])

    def check(self, steps: int, executable: Executable) -> None:
        """Refuses numbers of steps whose tokens cannot be kept or read."""
        for slot in (self.tokens, self.next):
            executable.check_readable(slot.result)
        capacity = self.tokens.logical.shape[1]
        if not isinstance(steps, Integral) or not 1 <= steps <= (capacity or 0):
            raise SessionError(
                f"{steps!r} steps; it is a number from 1 to {capacity}, which the history holds: "
                "run several times, or lifted.carry(history=...) with more"
            )

    def last(self, executable: Executable, results: Sequence[Buffer], steps: int) -> Host:
        """The tokens of the last steps, [batch, steps], from the results of the last one."""
        import numpy as np

        ring, end = (
            values.to_logical(executable.view(results[slot.result], slot.store), slot)
            for slot in (self.tokens, self.next)
        )
        columns = (int(end) + np.arange(-steps, 0)) % ring.shape[1]
        tokens: Host = ring[:, columns]
        return tokens
