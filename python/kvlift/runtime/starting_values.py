"""What sessions start with: initial values of slots and weights, in memory once.

A program's values are its own: all of its sessions use them where they lie, and what has to be
converted or copied for the device is let go of as soon as that is done. Values that a caller gives
to one session are the caller's: initial values are copied, since they may change before a `reset`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kvlift.runtime import values
from kvlift.runtime.memory import BYTES_WORTH_TRIMMING, trim_heap
from kvlift.slots import Argument, SlicedSlot, Slot, TensorType

if TYPE_CHECKING:
    from kvlift.runtime.backend import Buffer, Executable
    from kvlift.runtime.values import Host


@dataclass(frozen=True)
class InitialValue:
    """A slot's first value in its store type, kept for `reset`.

    Attributes:
        data: never to be written; of one element repeated it is a view that takes no memory.
    """

    data: Host

    @staticmethod
    def of(array: Host, *, is_own: bool) -> InitialValue:
        """Copied, unless it is kvlift's own or one element repeated."""
        import numpy as np

        bits = values.repeated_bits(array)
        if bits is not None:
            element = np.frombuffer(bits, array.dtype).reshape(())
            return InitialValue(np.broadcast_to(element, array.shape))
        return InitialValue(array if is_own else values.own_copy(array))

    def contiguous(self) -> Host:
        """The value as a device takes it; of zeros nothing is written, so they take no memory."""
        import numpy as np

        if self.data.flags.c_contiguous:
            return self.data
        element = self.data[(0,) * self.data.ndim]
        if not any(element.tobytes()):
            return np.zeros(self.data.shape, self.data.dtype)
        return np.ascontiguousarray(self.data)


@dataclass(frozen=True)
class Weight:
    """A weight on the device.

    Attributes:
        buffer: where it lies.
        host: the array whose memory the buffer shares, which IREE does not keep alive; None when
            the buffer has memory of its own.
    """

    buffer: Buffer
    host: Host | None


class StartingValues:
    """Values by name, each converted once, when the first session asks for it."""

    def __init__(
        self, given: Mapping[str, Any], kept: frozenset[str] = frozenset(), *, is_own: bool
    ) -> None:
        """Takes the values; nothing is converted yet.

        Args:
            given: values by the names of slots and arguments.
            kept: names whose value stays when it has been converted once; see `names_kept`.
            is_own: whether the values are the program's own, and not a caller's.
        """
        self._given = dict(given)
        self._names = frozenset(given)
        self._kept = kept
        self._is_own = is_own
        self._initial: dict[str, InitialValue] = {}
        self._weights: dict[tuple[str, TensorType], Weight] = {}
        self._gone = 0
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        """Whether there is a value of that name."""
        return name in self._names

    def initial(self, slot: Slot | SlicedSlot, name: str) -> InitialValue:
        """The slot's first value, which is here under that name.

        Raises:
            SessionError: it is of a wrong type.
        """
        with self._lock:
            if slot.name not in self._initial:
                value = stored(slot, self._given[name])
                self._initial[slot.name] = InitialValue.of(value, is_own=self._is_own)
                self._let_go(name, value.nbytes)
            return self._initial[slot.name]

    def weight(self, executable: Executable, argument: Argument) -> Weight:
        """The argument's value on the device that all executables of a program share.

        Raises:
            SessionError: it is of a wrong type.
        """
        key = (argument.name, argument.type)
        with self._lock:
            if key not in self._weights:
                value = self._host(argument)
                buffer = executable.put(argument.index, value, copy=False)
                is_shared = value.nbytes and executable.address(buffer) == value.ctypes.data
                self._weights[key] = Weight(buffer, value if is_shared else None)
                self._let_go(argument.name, 0 if is_shared else value.nbytes)
            return self._weights[key]

    def host(self, argument: Argument) -> Host:
        """The argument's value on the host.

        Raises:
            SessionError: it is of a wrong type.
        """
        with self._lock:
            return self._host(argument)

    def _host(self, argument: Argument) -> Host:
        value = self._given[argument.name]
        return values.to_host(value, argument.type, f"weight {argument.name!r}")

    def trim(self) -> None:
        """Gives back what was let go of, before slots need as much."""
        with self._lock:
            gone, self._gone = self._gone, 0
        if gone >= BYTES_WORTH_TRIMMING:
            trim_heap()

    def _let_go(self, name: str, size: int) -> None:
        if name not in self._kept and self._given.pop(name, None) is not None:
            self._gone += size


def stored(slot: Slot | SlicedSlot, value: Any) -> Host:
    """A caller's value of a slot in its store type.

    Raises:
        SessionError: it is of another type.
    """
    return values.to_store(values.to_host(value, slot.logical, f"slot {slot.name!r}"), slot)


def names_kept(executables: Sequence[Executable]) -> frozenset[str]:
    """Names whose value is needed more than once.

    Those are arguments that a run overwrites, and names that functions use in several ways.
    """
    uses: dict[str, set[object]] = {}
    for executable in executables:
        slots = {slot.argument: slot.name for slot in executable.function.state}
        for argument in executable.function.arguments:
            found = uses.setdefault(argument.name, set())
            if argument.is_state:
                slot = slots[argument.index]
                found.add(slot)
                uses.setdefault(slot, set()).add(slot)
            else:
                found.add(argument.type)
            if argument.index in executable.overwritten:
                found.add("each run")
    return frozenset(name for name, found in uses.items() if len(found) > 1)
