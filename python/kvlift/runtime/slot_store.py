"""The slots of one session: their buffers, who may use them, and what is wrong with them.

A call makes the new buffers first and then puts them in place by one assignment. What replaces
slots from the host checks all values first and then writes them into the memory that the slots
have, so that no second copy of them is needed; if that is interrupted, the slots are poisoned.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kvlift.errors import SessionError
from kvlift.runtime import values
from kvlift.runtime.memory import Memory, memory_of
from kvlift.runtime.snapshots import Snapshot
from kvlift.runtime.starting_values import InitialValue, stored
from kvlift.slots import SlicedSlot, Slot

if TYPE_CHECKING:
    from kvlift.runtime.backend import Address, Buffer, Executable
    from kvlift.runtime.values import Host


@dataclass(frozen=True)
class HeldSlot:
    """A slot of a session, and how to bring it to the device and back.

    Attributes:
        slot: as the first function that has it describes it.
        home: that function's executable; the others work on the same device.
        initial: its first value.
    """

    slot: Slot | SlicedSlot
    home: Executable
    initial: InitialValue

    @property
    def is_sliced(self) -> bool:
        """Whether it lies in host memory, and the session inserts what a call wrote."""
        return isinstance(self.slot, SlicedSlot)

    def stored(self, value: Any) -> Host:
        """A caller's value in the store type.

        Raises:
            SessionError: it is of another type.
        """
        return stored(self.slot, value)

    def put(self, value: Host) -> Buffer | Host:
        """New memory of its own with that value, which is contiguous and of the store type."""
        if self.is_sliced:
            # Calls read it without a copy where the runtime can.
            return values.aligned_copy(value)
        return self.home.put(self.slot.argument, value, copy=True)

    def fill(self, held: Buffer | Host, value: Host) -> Buffer | Host:
        """That value of the store type in the memory that is held, if the host can write it."""
        if not self.is_sliced:
            return self.home.fill(self.slot.argument, held, value)
        held[...] = value
        return held

    def view(self, held: Buffer | Host) -> Host:
        """The current value in the logical type, on the slot's own memory."""
        slot = self.slot
        if self.is_sliced:
            stored = Memory(held.ctypes.data, held.nbytes, held).array(held.shape, held.dtype)
        else:
            stored = self.stored_view(held)
        return values.to_logical(stored, slot)

    def stored_view(self, held: Buffer) -> Host:
        """The current value of a slot that is not sliced, in the store type.

        Raises:
            SessionError: the host cannot read it.
        """
        try:
            return self.home.view(held, self.slot.store)
        except SessionError as error:
            raise SessionError(f"slot {self.slot.name!r}: {error}") from error


class SlotStore:
    """The buffers of a session's slots.

    Attributes:
        slots: what is held, in program order.
        held: one buffer per slot, or host memory for a sliced one.
        lock: whoever reads or changes slots holds it.
        poison: why the slots are not to be trusted; None when they are.
        calls: how many calls made the slots what they are, since the initial values.
        checkpoint: the last restore point.
    """

    def __init__(self, slots: Sequence[HeldSlot], *, waits: bool, checkpoint_every: int | None):
        """Starts with the initial values.

        Args:
            slots: what to hold.
            waits: whether a second user waits for the first; else it is refused.
            checkpoint_every: how many calls there are from one restore point to the next.
        """
        self.slots = tuple(slots)
        self.lock = threading.Lock()
        self.poison: str | None = None
        self.calls = 0
        self.checkpoint: Snapshot | None = None
        self._waits = waits
        self._every = checkpoint_every
        self._user: int | None = None
        self._is_closed = False
        self._index = {slot.slot.name: i for i, slot in enumerate(self.slots)}
        self._loans: list[tuple[str, weakref.ref[Any]]] = []
        self.held: list[Buffer | Host] = self._fresh()

    @property
    def names(self) -> list[str]:
        """The slots' names in program order."""
        return list(self._index)

    def index(self, name: str) -> int:
        """Where a slot is.

        Raises:
            KeyError: no such slot.
        """
        if name not in self._index:
            raise KeyError(f"no slot {name!r}; the session has: {', '.join(self._index)}")
        return self._index[name]

    def refuse_second_user(self) -> None:
        """To be asked before the lock is taken.

        Raises:
            SessionError: another thread uses the session and this one is not to wait, or this
                one uses it already.
        """
        if not self.lock.locked():
            return
        if self._user == threading.get_ident():
            raise SessionError("the session is in a call of this very thread; wait until it ends")
        if not self._waits:
            raise SessionError(
                "the session is in use by another thread; make a session for each thread, or "
                "program.session(concurrency='wait')"
            )

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The only user of an open session for the time of the block."""
        self.refuse_second_user()
        with self.lock:
            # Forgotten before the next one has the lock: it must not be taken for that one.
            self._user = threading.get_ident()
            try:
                self.check_open()
                yield
            finally:
                self._user = None

    def begin_call(self) -> None:
        """Checks that a call may change the slots, within `in_use`.

        Raises:
            SessionError: the session is poisoned, or a slot is borrowed.
        """
        self.check_usable()
        if self._loans:
            self.check_not_borrowed()

    def check_open(self) -> None:
        """Refuses a closed session."""
        if self._is_closed:
            raise SessionError("the session is closed; make a new one with program.session()")

    def check_usable(self) -> None:
        """Refuses a closed or poisoned session."""
        self.check_open()
        if self.poison is not None:
            raise SessionError(f"the session is poisoned: {self.poison}; {self.ways_back()}")

    def check_not_borrowed(self) -> None:
        """Refuses to change memory that somebody looks at."""
        self._loans = [loan for loan in self._loans if loan[1]() is not None]
        if self._loans:
            name = self._loans[0][0]
            raise SessionError(
                f"slot {name!r} is still borrowed; leave the block of session.borrow({name!r}) "
                "and drop every view of it (`del`) first"
            )

    def ways_back(self) -> str:
        """How to use a poisoned session again."""
        ways = "session.reset() restores its initial values, session.restore(snapshot) a snapshot"
        if self.checkpoint is None:
            return ways
        return f"{ways}, session.restore_last() the slots after {self.checkpoint.calls} calls"

    def checkpoint_if_due(self) -> None:
        """Takes a restore point before a call, `checkpoint_every` calls after the last one.

        Also when the slots have been put back to before it: it is of another course of calls then.
        """
        last = self.checkpoint.calls if self.checkpoint is not None else 0
        if self._every is not None and not 0 <= self.calls - last < self._every:
            self.checkpoint = self.snapshot()

    def view(self, name: str) -> Host:
        """A slot's current value without a copy; it must not outlive the caller's use."""
        index = self.index(name)
        return self.slots[index].view(self.held[index])

    def lend(self, name: str) -> Host:
        """The same, noted until the last view of it is gone."""
        view = self.view(name)
        memory = memory_of(view)
        if memory is not None:
            self._loans.append((name, weakref.ref(memory)))
        return view

    def snapshot(self) -> Snapshot:
        """Copies of all slots."""
        copies = {name: values.own_copy(self.view(name)) for name in self._index}
        return Snapshot(self.calls, copies)

    def replace(self, new: Mapping[str, Any], calls: int) -> None:
        """Puts new values into some slots; with all of them it heals a poisoned session.

        Raises:
            SessionError: a slot is borrowed, or a value is of a wrong type; nothing is changed.
        """
        self.check_not_borrowed()
        found = {self.index(name): value for name, value in new.items()}
        self._fill({index: self.slots[index].stored(value) for index, value in found.items()})
        self.calls = calls
        self.poison = None

    def _fill(self, new: Mapping[int, Host]) -> None:
        """Writes values of the store types; one slot changes as a whole, several may not."""
        if len(new) > 1:
            self.poison = "its slots were being replaced when that was interrupted"
        for index, value in new.items():
            self.held[index] = self.slots[index].fill(self.held[index], value)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Puts every slot back when the block ends, into the memory that it then has.

        When the block fails, the copies that were taken before it become the slots.
        """
        copies, calls, checkpoint = self._copies(self.slots), self.calls, self.checkpoint
        try:
            yield
            copies = self._written_over(copies)
        finally:
            self.held = copies
            self.calls, self.checkpoint, self.poison = calls, checkpoint, None

    def _written_over(self, copies: Sequence[Buffer | Host]) -> list[Buffer | Host]:
        """The slots' own memory with the values of the copies."""
        held = list(self.held)
        on_devices = [slot for slot in self.slots if not slot.is_sliced]
        for home in {id(slot.home): slot.home for slot in on_devices}.values():
            mine = [i for i, s in enumerate(self.slots) if s.home is home and not s.is_sliced]
            arguments = [self.slots[i].slot.argument for i in mine]
            old, new = [held[i] for i in mine], [copies[i] for i in mine]
            for index, buffer in zip(mine, home.overwrite(arguments, old, new), strict=True):
                held[index] = buffer
        for index, slot in enumerate(self.slots):
            if slot.is_sliced:
                held[index][...] = copies[index]
        return held

    def reset(self) -> None:
        """Puts every slot back to its initial value."""
        self.check_not_borrowed()
        self._fill({index: slot.initial.data for index, slot in enumerate(self.slots)})
        self.calls = 0
        self.checkpoint = None
        self.poison = None

    def fork(self, homes: Mapping[int, Executable]) -> SlotStore:
        """Another store with the same values in memory of its own.

        Args:
            homes: the executables of the new session by the identity of those of this one.
        """
        slots = [HeldSlot(s.slot, homes[id(s.home)], s.initial) for s in self.slots]
        copies = self._copies(slots)
        other = SlotStore.__new__(SlotStore)
        other.__dict__.update(self.__dict__)
        other.slots = tuple(slots)
        other.lock = threading.Lock()
        other._loans = []
        other.held = copies
        return other

    def addresses(self) -> dict[str, Address]:
        """Where each slot's memory starts: on the device, or on the host for a sliced one."""
        return {
            slot.slot.name: int(held.ctypes.data) if slot.is_sliced else slot.home.address(held)
            for slot, held in zip(self.slots, self.held, strict=True)
        }

    def close(self) -> None:
        """Frees the slots; views that are still borrowed keep their memory."""
        self._is_closed = True
        self.held = []
        self.slots = ()
        self.checkpoint = None

    def _fresh(self) -> list[Buffer | Host]:
        return [slot.put(slot.initial.contiguous()) for slot in self.slots]

    def _copies(self, slots: Sequence[HeldSlot]) -> list[Buffer | Host]:
        return [
            slot.put(held if slot.is_sliced else slot.stored_view(held))
            for slot, held in zip(slots, self.held, strict=True)
        ]
