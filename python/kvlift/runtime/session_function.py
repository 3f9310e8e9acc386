"""One function of a session: a call checks everything, runs, and keeps the new slots.

What goes wrong before the run leaves the slots as they were. From the start of the run on the
session counts as poisoned until the new slots are in place, so that no exception or interrupt,
wherever it strikes, can leave half of a step behind unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kvlift.errors import SessionError
from kvlift.runtime.inputs import Given, Inputs

if TYPE_CHECKING:
    from kvlift.runtime.backend import Buffer, Executable, Returns
    from kvlift.runtime.bindings import Bound
    from kvlift.runtime.slot_store import SlotStore
    from kvlift.runtime.values import Host
    from kvlift.slots import Function


class SessionFunction:
    """A function on the slots and weights of one session; made by the session."""

    def __init__(
        self,
        executable: Executable,
        bound: Bound,
        store: SlotStore,
        *,
        returns: Returns,
        check_finite: bool,
    ) -> None:
        """Lays out what every call does, so that a call only does it."""
        function = executable.function
        self._executable = executable
        self._store = store
        self._returns = returns
        is_bound = {*bound.buffers, *bound.refreshed}
        self._inputs = Inputs(executable, is_bound, check_finite=check_finite)
        self._refreshed = tuple(bound.refreshed.items())
        self._template = [bound.buffers.get(a.index) for a in function.arguments]
        self._tied = tuple(
            (store.index(slot.name), slot.argument, slot.result) for slot in function.slots
        )
        self._sliced = tuple((store.index(slot.name), slot) for slot in function.sliced)
        self._outputs = tuple(r for r in function.results if not r.is_state)
        self._in_flight = f"a call of {function.name!r} was interrupted while it updated the slots"

    @property
    def signature(self) -> Function:
        """Its arguments, results and slots."""
        return self._executable.function

    def __call__(self, *args: Any, **by_name: Any) -> Any:
        """One step: runs the function and keeps its slots' new values.

        Args:
            args: the arguments that are neither slots nor bound weights, in order.
            by_name: the same by their names in the manifest.

        Returns:
            The results that are no slots, as arrays of the session's kind that nobody else
            holds: one value, a tuple of them, or None when there is none.

        Raises:
            SessionError: a wrong argument, or the session is closed, poisoned, borrowed from or
                in use, or the run failed; the message says in which state that leaves it.
        """
        store = self._store
        given = self._inputs.match(args, by_name)
        store.refuse_second_user()
        with store.lock:
            store.begin_call()
            outputs = self._step(given)
        if len(outputs) == 1:
            return outputs[0]
        return tuple(outputs) if outputs else None

    def drop_weights(self) -> None:
        """Frees the weights; the session is closed."""
        self._template, self._refreshed = [], ()

    def _step(self, given: Given) -> list[Any]:
        """Runs with checked arguments and commits the slots when everything is there."""
        store, executable = self._store, self._executable
        is_inserting = False
        try:
            store.checkpoint_if_due()
            buffers = self._buffers(given)
            store.poison = self._in_flight
            results = executable.run(buffers)
            outputs = [
                executable.take(results[r.index], r.type, self._returns) for r in self._outputs
            ]
            slices = self._fetch_slices(results) if self._sliced else []
            # They may share memory with what is written now.
            buffers.clear()
            is_inserting = True
            for target, rows in slices:
                target[...] = rows
            self._commit(results)
        except BaseException as error:
            self._settle(error, is_inserting=is_inserting)
            raise
        return outputs

    def _buffers(self, given: Given) -> list[Buffer]:
        """One buffer per argument."""
        executable, held = self._executable, self._store.held
        overwritten = executable.overwritten
        buffers = self._template.copy()
        for index, argument, _ in self._tied:
            buffers[argument] = held[index]
        for argument, array in given.arrays:
            buffers[argument] = executable.put(argument, array, copy=argument in overwritten)
        for argument, buffer in given.buffers:
            buffers[argument] = buffer
        for argument, array in self._refreshed:
            buffers[argument] = executable.put(argument, array, copy=True)
        for index, slot in self._sliced:
            copy = slot.argument in overwritten
            buffers[slot.argument] = executable.put(slot.argument, held[index], copy=copy)
        return buffers

    def _fetch_slices(self, results: Sequence[Buffer]) -> list[tuple[Host, Host]]:
        """The parts of sliced slots that a call replaces, each with its new elements."""
        executable = self._executable
        types = [r.type for r in executable.function.results]
        slices = []
        for index, slot in self._sliced:
            for update in slot.updates:
                rows, start = (
                    executable.fetch(results[i], types[i]) for i in (update.rows, update.start)
                )
                where = tuple(
                    slice(s, s + n) for s, n in zip(start.tolist(), rows.shape, strict=True)
                )
                slices.append((self._store.held[index][where], rows))
        return slices

    def _commit(self, results: Sequence[Buffer]) -> None:
        """Puts the new slots in place by one assignment; then they are to be trusted."""
        store = self._store
        held = store.held.copy()
        for index, _, result in self._tied:
            held[index] = results[result]
        store.held = held
        store.calls += 1
        store.poison = None

    def _settle(self, error: BaseException, *, is_inserting: bool) -> None:
        """Finds out in which state a failed call leaves the slots, and says so."""
        store = self._store
        if store.poison is not None:
            tied = [store.held[index] for index, _, _ in self._tied]
            is_intact = not is_inserting and self._executable.is_intact(tied)
            store.poison = (
                None if is_intact else f"a call failed while it updated the slots ({error})"
            )
        if not isinstance(error, Exception):
            return
        verdict = "the slots are as before it"
        if store.poison is not None:
            verdict = f"the session is poisoned and {store.ways_back()}"
        raise SessionError(f"the call failed, {verdict}: {error}") from error
