"""A session: the buffers of a function's slots, and calls that update them in place.

A call checks everything first, then runs. What goes wrong before the run leaves the session as it
was; what goes wrong in it leaves it as it was or poisons it, and `reset` restores the start.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kvlift.errors import SessionError
from kvlift.runtime import values
from kvlift.slots import Argument, Function

if TYPE_CHECKING:
    from kvlift.runtime.backend import Buffer, Executable
    from kvlift.runtime.values import Host


class Session:
    """Slots held as device buffers between calls; made by `Program.session`.

    Attributes:
        state: the slots' current values by name; each read is a snapshot.
    """

    def __init__(
        self,
        executable: Executable,
        defaults: Mapping[str, Any],
        weights: Mapping[str, Any],
        state: Mapping[str, Any],
    ) -> None:
        """Binds weights and slots; see `Program.session`."""
        self._executable = executable
        self._function = executable.function
        self._lock = threading.Lock()
        self._closed = False
        self._poison: str | None = None
        self.state: Mapping[str, Host] = SlotValues(self)
        slot_names = [slot.name for slot in self._function.state]
        _refuse_unknown("state", state, slot_names, "slots")
        weight_names = [a.name for a in self._function.arguments if not a.is_state]
        _refuse_unknown("weights", weights, weight_names, "arguments that are no slots")
        self._initial = _initial_values(self._function, {**defaults, **state})
        bound = _bound_values(self._function, {**defaults, **weights})
        # Arguments that a run overwrites need a fresh copy each time: keep the host's.
        self._refreshed = {i: v for i, v in bound.items() if i in executable.overwritten}
        self._bound = {
            i: executable.put(v, copy=False)
            for i, v in bound.items()
            if i not in executable.overwritten
        }
        self._open = tuple(
            a for a in self._function.arguments if not a.is_state and a.index not in bound
        )
        self._slots, self._sliced = self._fresh_slots(), self._fresh_sliced()

    def __call__(self, *args: Any, **by_name: Any) -> Any:
        """One step: runs the function and keeps its slots' new values.

        Args:
            args: the arguments that are neither slots nor bound weights, in order.
            by_name: the same by their names in the manifest.

        Returns:
            The results that are no slots as numpy arrays of their own: one value, a tuple of
            them, or None when there is none.

        Raises:
            SessionError: a wrong argument, or the session is closed or poisoned, or the run
                failed; the message says in which state that leaves the session.
        """
        with self._lock:
            self._check_usable()
            given = self._match(args, by_name)
            outputs = self._run(given)
        if len(outputs) == 1:
            return outputs[0]
        return tuple(outputs) if outputs else None

    def reset(self) -> None:
        """Puts every slot back to its initial value; a poisoned session is usable again."""
        with self._lock:
            self._check_open()
            self._slots, self._sliced = self._fresh_slots(), self._fresh_sliced()
            self._poison = None

    def addresses(self) -> dict[str, int]:
        """Where each slot's buffer starts; in-place updates keep it the same.

        It is on the device, and in host memory for a sliced slot.
        """
        with self._lock:
            self._check_usable()
            tied = {name: self._executable.address(b) for name, b in self._slots.items()}
            return tied | {name: int(a.ctypes.data) for name, a in self._sliced.items()}

    def snapshot(self, name: str) -> Host:
        """A copy of a slot's current value.

        Raises:
            KeyError: no such slot.
            SessionError: the session is closed or poisoned.
        """
        slot = next((s for s in self._function.state if s.name == name), None)
        if slot is None:
            known = ", ".join(s.name for s in self._function.state)
            raise KeyError(f"no slot {name!r}; the session has: {known}")
        with self._lock:
            self._check_usable()
            if name in self._sliced:
                stored = values.own_copy(self._sliced[name])
            else:
                stored = self._executable.fetch(self._slots[name], slot.store)
        return values.reinterpret(stored, slot.store, slot.logical)

    def close(self) -> None:
        """Frees the slots and weights; every later use is an error."""
        with self._lock:
            self._closed = True
            self._slots, self._bound, self._refreshed, self._initial = {}, {}, {}, {}
            self._sliced = {}

    def __enter__(self) -> Session:
        """The session itself; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the session."""
        self.close()

    @property
    def function(self) -> Function:
        """The function that a call runs."""
        return self._function

    def _fresh_slots(self) -> dict[str, Buffer]:
        return {
            slot.name: self._executable.put(self._initial[slot.name].value(), copy=True)
            for slot in self._function.slots
        }

    def _fresh_sliced(self) -> dict[str, Host]:
        """Host memory that calls read without a copy where the runtime can."""
        return {
            slot.name: values.aligned_copy(self._initial[slot.name].value())
            for slot in self._function.sliced
        }

    def _check_open(self) -> None:
        if self._closed:
            raise SessionError("the session is closed; make a new one with program.session()")

    def _check_usable(self) -> None:
        self._check_open()
        if self._poison is not None:
            raise SessionError(
                f"the session is poisoned: {self._poison}; session.reset() restores the initial "
                "values of its slots"
            )

    def _match(self, args: tuple[Any, ...], by_name: dict[str, Any]) -> dict[int, Host]:
        """The call's arguments by index, checked; touches no buffer."""
        names = [a.name for a in self._open]
        if len(args) > len(names):
            raise SessionError(
                f"{len(args)} arguments given, the function takes {len(names)}: {_listed(names)}"
            )
        given = {a.index: value for a, value in zip(self._open, args, strict=False)}
        for name, value in by_name.items():
            index = self._index_of(name, names)
            if index in given:
                raise SessionError(f"argument {name!r} is given twice, by position and by name")
            given[index] = value
        missing = [a.name for a in self._open if a.index not in given]
        if missing:
            raise SessionError(f"missing {_listed(missing)}; the function takes: {_listed(names)}")
        return {
            a.index: values.to_host(given[a.index], a.type, f"argument {a.name!r}")
            for a in self._open
        }

    def _index_of(self, name: str, names: list[str]) -> int:
        # A source's locations may call two arguments the same.
        found = [a.index for a in self._open if a.name == name]
        if not found:
            raise SessionError(self._unknown_argument(name, names))
        if len(found) > 1:
            raise SessionError(f"{len(found)} arguments are named {name!r}; pass them by position")
        return found[0]

    def _unknown_argument(self, name: str, names: list[str]) -> str:
        for argument in self._function.arguments:
            if argument.name == name:
                role = "a slot" if argument.is_state else "bound to the session"
                return f"argument {name!r} is {role}, so a call cannot pass it"
        return f"no argument {name!r}; the function takes: {_listed(names)}"

    def _run(self, given: dict[int, Host]) -> list[Host]:
        """Runs with checked arguments; commits the slots only when everything is there."""
        executable, function = self._executable, self._function
        has_started = is_inserting = False
        try:
            buffers = [self._buffer(a, given) for a in function.arguments]
            has_started = True
            results = executable.run(buffers)
            outputs = [
                executable.fetch(results[r.index], r.type)
                for r in function.results
                if not r.is_state
            ]
            slices = self._fetch_slices(results)
            # They may share memory with what is written now.
            buffers.clear()
            is_inserting = True
            for target, rows in slices:
                target[...] = rows
        except BaseException as error:
            is_intact = not is_inserting and executable.is_intact(list(self._slots.values()))
            if has_started and not is_intact:
                self._poison = f"a call failed while it updated the slots ({error})"
            if isinstance(error, Exception):
                raise SessionError(f"the call failed, {self._verdict()}: {error}") from error
            raise
        self._slots = {slot.name: results[slot.result] for slot in function.slots}
        return outputs

    def _fetch_slices(self, results: list[Buffer]) -> list[tuple[Host, Host]]:
        """The parts of sliced slots that a call replaces, each with its new elements."""
        types = [r.type for r in self._function.results]
        slices = []
        for slot in self._function.sliced:
            for update in slot.updates:
                rows, start = (
                    self._executable.fetch(results[i], types[i])
                    for i in (update.rows, update.start)
                )
                where = tuple(
                    slice(s, s + n) for s, n in zip(start.tolist(), rows.shape, strict=True)
                )
                slices.append((self._sliced[slot.name][where], rows))
        return slices

    def _buffer(self, argument: Argument, given: dict[int, Host]) -> Buffer:
        if argument.slot is not None:
            return self._slots[argument.slot]
        is_overwritten = argument.index in self._executable.overwritten
        if argument.sliced is not None:
            return self._executable.put(self._sliced[argument.sliced], copy=is_overwritten)
        if argument.index in self._bound:
            return self._bound[argument.index]
        if argument.index in self._refreshed:
            return self._executable.put(self._refreshed[argument.index], copy=True)
        return self._executable.put(given[argument.index], copy=is_overwritten)

    def _verdict(self) -> str:
        if self._poison is None:
            return "the slots are as before it"
        return "the session is poisoned and session.reset() restores its initial values"


class SlotValues(Mapping[str, "Host"]):
    """A session's slots by name; each read copies the slot's current value out."""

    def __init__(self, session: Session) -> None:
        """Made by the session."""
        self._session = session

    def __getitem__(self, name: str) -> Host:
        """A snapshot: later calls do not change it."""
        return self._session.snapshot(name)

    def __iter__(self) -> Iterator[str]:
        """The slots' names in program order."""
        return iter([slot.name for slot in self._session.function.state])

    def __len__(self) -> int:
        """The number of slots."""
        return len(self._session.function.state)


@dataclass(frozen=True)
class _Initial:
    """A slot's first value, kept for `reset`; all-zero values take no memory."""

    shape: tuple[int, ...]
    dtype: Any
    data: Host | None

    @staticmethod
    def of(array: Host) -> _Initial:
        # Copied: the caller's tensor (a module's buffer) may change before a reset.
        data = None if values.is_all_zero_bits(array) else values.own_copy(array)
        return _Initial(array.shape, array.dtype, data)

    def value(self) -> Host:
        import numpy as np

        return np.zeros(self.shape, self.dtype) if self.data is None else self.data


def _initial_values(function: Function, known: Mapping[str, Any]) -> dict[str, _Initial]:
    source_names = {slot.name: function.arguments[slot.argument].name for slot in function.state}
    missing = [name for name, source in source_names.items() if not {name, source} & known.keys()]
    if missing:
        raise SessionError(
            f"no initial value for {_listed(missing)}; pass state={{{missing[0]!r}: ...}} (a slot "
            "is never silently zero)"
        )
    initial = {}
    for slot in function.state:
        value = known.get(slot.name, known.get(source_names[slot.name]))
        logical = values.to_host(value, slot.logical, f"slot {slot.name!r}")
        stored = values.reinterpret(logical, slot.logical, slot.store)
        initial[slot.name] = _Initial.of(stored)
    return initial


def _bound_values(function: Function, known: Mapping[str, Any]) -> dict[int, Host]:
    bound = [a for a in function.arguments if not a.is_state and a.name in known]
    missing = [
        a.name
        for a in function.arguments
        if not a.is_state and a.name not in known and a.kind in ("parameter", "buffer", "constant")
    ]
    if missing:
        raise SessionError(f"no value for {_listed(missing)}; pass weights={{{missing[0]!r}: ...}}")
    return {a.index: values.to_host(known[a.name], a.type, f"weight {a.name!r}") for a in bound}


def _refuse_unknown(what: str, given: Mapping[str, Any], names: list[str], kind: str) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise SessionError(f"{what} names {_listed(unknown)}; the {kind} are: {_listed(names)}")


def _listed(names: list[str], limit: int = 12) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    rest = len(names) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown or "none"
