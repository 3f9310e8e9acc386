"""A session: one set of slots, the functions that update them in place, and ways back.

A call checks everything first, then runs. What goes wrong before the run leaves the session as it
was; what goes wrong in it leaves it as it was or poisons it, and `reset`, `restore` or
`restore_last` make it usable again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from kvlift.errors import SessionError
from kvlift.runtime import values
from kvlift.runtime.bindings import Bound, bind_weights, hold_slots, listed, refuse_unknown_names
from kvlift.runtime.session_function import SessionFunction
from kvlift.runtime.slot_store import SlotStore
from kvlift.runtime.snapshots import Snapshot

if TYPE_CHECKING:
    from kvlift.runtime.backend import Address, Executable, Returns
    from kvlift.runtime.starting_values import StartingValues
    from kvlift.runtime.values import Host

Concurrency = Literal["error", "wait"]


@dataclass(frozen=True)
class SessionOptions:
    """How a session behaves; see `Program.session`."""

    returns: Returns = "numpy"
    concurrency: Concurrency = "error"
    checkpoint_every: int | None = None
    check_finite: bool = False

    def __post_init__(self) -> None:
        """Refuses values that mean nothing.

        Raises:
            SessionError: such a value; it names the ones that there are.
        """
        if self.returns not in ("numpy", "torch", "jax"):
            raise SessionError(f"returns={self.returns!r}; it is 'numpy', 'torch' or 'jax'")
        if self.concurrency not in ("error", "wait"):
            raise SessionError(f"concurrency={self.concurrency!r}; it is 'error' or 'wait'")
        every = self.checkpoint_every
        if every is not None and (not isinstance(every, int) or every < 1):
            raise SessionError(f"checkpoint_every={every!r}; it is a number of calls, or None")


class Session:
    """Slots held as device buffers between calls; made by `Program.session`.

    The functions are attributes (`session.decode(...)`); a session of one function can be called
    itself.

    Attributes:
        state: the slots' current values by name; each read is a copy, each assignment checked.
    """

    def __init__(
        self,
        executables: Sequence[Executable],
        defaults: StartingValues,
        weights: Mapping[str, Any],
        state: Mapping[str, Any],
        options: SessionOptions | None = None,
    ) -> None:
        """Binds weights and slots; see `Program.session`."""
        options = options or SessionOptions()
        refuse_unknown_names(executables, state, weights)
        slots = hold_slots(executables, defaults, state)
        bound = bind_weights(executables, defaults, weights)
        defaults.trim()
        store = SlotStore(
            slots,
            waits=options.concurrency == "wait",
            checkpoint_every=options.checkpoint_every,
        )
        self._set_up(executables, bound, store, options)

    def _set_up(
        self,
        executables: Sequence[Executable],
        bound: Sequence[Bound],
        store: SlotStore,
        options: SessionOptions,
    ) -> None:
        self._executables = executables
        self._bound = bound
        self._store = store
        self._options = options
        self.state = SlotValues(store)
        self._functions = {
            executable.function.name: SessionFunction(
                executable,
                weights,
                store,
                returns=options.returns,
                check_finite=options.check_finite,
            )
            for executable, weights in zip(executables, bound, strict=True)
        }

    def __call__(self, *args: Any, **by_name: Any) -> Any:
        """Calls the only function; see `SessionFunction.__call__`.

        Raises:
            SessionError: there are several functions, or the call is refused or fails.
        """
        if len(self._functions) != 1:
            raise SessionError(
                f"the session has several functions; call one of them: {listed([*self._functions])}"
            )
        (function,) = self._functions.values()
        return function(*args, **by_name)

    def __getattr__(self, name: str) -> SessionFunction:
        """The function of that name; `function` finds those that are called like a method."""
        functions = self.__dict__.get("_functions", {})
        if name not in functions:
            raise AttributeError(
                f"a session has no attribute and no function {name!r}; its functions are: "
                f"{listed([*functions])}"
            )
        found: SessionFunction = functions[name]
        return found

    def function(self, name: str | None = None) -> SessionFunction:
        """The function of that name, or the only one.

        Raises:
            KeyError: no such function, or no name given and there are several.
        """
        if name is None and len(self._functions) == 1:
            (name,) = self._functions
        if name not in self._functions:
            known = ", ".join(self._functions)
            raise KeyError(f"no function {name!r}; the session has: {known}")
        return self._functions[name]

    @property
    def calls(self) -> int:
        """How many calls made the slots what they are, since their initial values."""
        return self._store.calls

    @property
    def checkpoint(self) -> Snapshot | None:
        """The last restore point that `checkpoint_every` asked for."""
        return self._store.checkpoint

    def addresses(self) -> dict[str, Address]:
        """Where each slot's buffer starts; in-place updates keep it the same.

        It is on the device, and in host memory for a sliced slot. A slot that several devices
        share has an address on each of them.
        """
        with self._store.in_use():
            self._store.check_usable()
            return self._store.addresses()

    @contextmanager
    def borrow(self, name: str) -> Iterator[Host]:
        """A slot's own memory to read, without a copy (a copy where the host cannot read it).

        As long as the array or a view of it is alive nothing may change the slots: a call, a
        `reset` or a `restore` is an error then, so drop them (`del`) when they are not needed.

        Raises:
            KeyError: no such slot.
            SessionError: the session is closed or poisoned.
        """
        with self._store.in_use():
            self._store.check_usable()
            view = self._store.lend(name)
        try:
            yield view
        finally:
            del view

    def reset(self) -> None:
        """Puts every slot back to its initial value; a poisoned session is usable again.

        The slots keep their memory where the host can write it. An interrupt poisons the session.

        Raises:
            SessionError: the session is closed, or a slot is borrowed.
        """
        with self._store.in_use():
            self._store.reset()

    def snapshot(self) -> Snapshot:
        """Copies of all slots, for `restore` in this session or another one of the same slots.

        Raises:
            SessionError: the session is closed or poisoned.
        """
        with self._store.in_use():
            self._store.check_usable()
            return self._store.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Puts all slots back to a snapshot; a poisoned session is usable again.

        The slots keep their memory where the host can write it. An interrupt poisons the session.

        Raises:
            SessionError: the snapshot is none, or of other slots (nothing is changed then), the
                session is closed, or a slot is borrowed.
        """
        if not isinstance(snapshot, Snapshot):
            raise SessionError(
                "restore takes what session.snapshot() returns, a Snapshot, not a "
                f"{type(snapshot).__name__}; session.state[name] = value sets one slot"
            )
        with self._store.in_use():
            names = self._store.names
            if set(snapshot.slots) != set(names):
                raise SessionError(
                    f"the snapshot has the slots {listed([*snapshot.slots])}, the session has: "
                    f"{listed(names)}"
                )
            self._store.replace(snapshot.slots, snapshot.calls)

    def restore_last(self) -> Snapshot:
        """Goes back to the last restore point, and returns it.

        Its `calls` says which call comes next: the one with that index, counted from 0.

        Raises:
            SessionError: there is none, the session is closed, or a slot is borrowed.
        """
        checkpoint = self._store.checkpoint
        if checkpoint is None:
            raise SessionError(
                "there is no restore point; program.session(checkpoint_every=n) takes one every n "
                "calls, session.reset() goes back to the initial values"
            )
        self.restore(checkpoint)
        return checkpoint

    def fork(self) -> Session:
        """A session of its own with the same slots, on the same weights.

        Raises:
            SessionError: the session is closed or poisoned.
        """
        with self._store.in_use():
            self._store.check_usable()
            executables = [executable.for_session() for executable in self._executables]
            homes = {id(o): n for o, n in zip(self._executables, executables, strict=True)}
            store = self._store.fork(homes)
        other = Session.__new__(Session)
        other._set_up(executables, self._bound, store, self._options)
        return other

    def close(self) -> None:
        """Frees the slots and weights; every later use is an error."""
        self._store.refuse_second_user()
        with self._store.lock:
            self._store.close()
            self._bound = []
            for function in self._functions.values():
                function.drop_weights()

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


class SlotValues(Mapping[str, "Host"]):
    """A session's slots by name: a read copies a slot's value out, an assignment one in."""

    def __init__(self, store: SlotStore) -> None:
        """Made by the session."""
        self._store = store
        self._names = store.names

    def __getitem__(self, name: str) -> Host:
        """A copy in the logical type: later calls do not change it.

        Raises:
            KeyError: no such slot.
            SessionError: the session is closed or poisoned.
        """
        with self._store.in_use():
            self._store.check_usable()
            return values.own_copy(self._store.view(name))

    def __setitem__(self, name: str, value: Any) -> None:
        """Puts a value into a slot; the other slots stay.

        Raises:
            KeyError: no such slot.
            SessionError: a wrong type, the session is closed or poisoned, or a slot is borrowed.
        """
        with self._store.in_use():
            self._store.check_usable()
            self._store.replace({name: value}, self._store.calls)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a slot; nothing is copied."""
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """The slots' names in program order."""
        return iter(self._names)

    def __len__(self) -> int:
        """The number of slots."""
        return len(self._names)
