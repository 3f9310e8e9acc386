"""One function of a session: a call checks everything, runs, and keeps the new slots.

What goes wrong before the run leaves the slots as they were. From the start of the run on the
session counts as poisoned until the new slots are in place, so that no exception or interrupt,
wherever it strikes, can leave half of a step behind unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kvlift.errors import SessionError
from kvlift.runtime import values
from kvlift.runtime.inputs import Given, Inputs
from kvlift.runtime.nesting import NestedOutputs
from kvlift.runtime.token_history import TokenHistory

if TYPE_CHECKING:
    from kvlift.audit.replay import ReplayReport
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
        self._bound = frozenset({*bound.buffers, *bound.refreshed})
        self._inputs = Inputs(executable, self._bound, check_finite=check_finite)
        self._refreshed = tuple(bound.refreshed.items())
        self._hosts = bound.hosts
        self._template = [bound.buffers.get(a.index) for a in function.arguments]
        self._tied = tuple(
            (store.index(slot.name), slot.argument, slot.result) for slot in function.slots
        )
        self._sliced = tuple((store.index(slot.name), slot) for slot in function.sliced)
        self._outputs = tuple(r for r in function.results if not r.is_state)
        for result in self._outputs:
            values.check_kind(returns, result.type.dtype)
            if returns != "jax":
                executable.check_readable(result.index)
        described = function.outputs
        indices = [result.index for result in self._outputs]
        self._nesting = NestedOutputs(described, indices) if described is not None else None
        self._in_flight = f"a call of {function.name!r} was interrupted while it updated the slots"

    @property
    def signature(self) -> Function:
        """Its arguments, results and slots."""
        return self._executable.function

    def __call__(self, *args: Any, **by_name: Any) -> Any:
        """One step: runs the function and keeps its slots' new values.

        Args:
            args: the arguments that are neither slots nor bound weights, in order; one after
                the other, or nested as they were when the program was exported.
            by_name: the same by their names in the manifest, or by the source's keywords.

        Returns:
            The results that are no slots, as arrays of the session's kind that nobody else
            holds, nested as the source returned them; where that is unknown one value, a tuple
            of them, or None when there is none.

        Raises:
            SessionError: a wrong argument, or the session is closed, poisoned, borrowed from or
                in use, or the run failed; the message says in which state that leaves it.
        """
        given = self._inputs.match(args, by_name)
        with self._store.in_use():
            self._store.begin_call()
            outputs = self._step(given)
        return self._nested_again(outputs)

    def _nested_again(self, outputs: list[Any]) -> Any:
        """The results as the source nested them, or flat where that is unknown."""
        if self._nesting is not None:
            indices = (result.index for result in self._outputs)
            return self._nesting.put_together(dict(zip(indices, outputs, strict=True)))
        if len(outputs) == 1:
            return outputs[0]
        return tuple(outputs) if outputs else None

    def run(self, steps: int, **by_name: Any) -> Any:
        """Steps that feed themselves, one after the other, with no host between them.

        Nothing is put on the device or fetched from it but the arguments before the first step
        and the tokens after the last one.

        Args:
            steps: how many; at most as many as the history holds.
            by_name: the arguments that are still open; the same for each step.

        Returns:
            The tokens that the steps chose, [batch, steps], as an array of the session's kind.

        Raises:
            SessionError: the function does not feed itself (`LiftedModule.carry`), or as for a
                call. What fails between two steps poisons the session.
        """
        history = TokenHistory.of(self.signature)
        history.check(steps, self._executable)
        given = self._inputs.match((), by_name)
        with self._store.in_use():
            self._store.begin_call()
            return self._steps(given, steps, history)

    def warm_up(self, *args: Any, **by_name: Any) -> None:
        """A call that leaves no trace: slots and memory are as before it, bit for bit.

        What a runtime allocates, compiles or records at the first call (a CUDA graph) has then
        happened, for the very buffers that later calls use.

        Raises:
            SessionError: as for a call; the slots are then as before it, in other memory.
        """
        given = self._inputs.match(args, by_name)
        with self._store.in_use():
            self._store.begin_call()
            with self._store.undone():
                self._step(given)

    @property
    def replayable(self) -> ReplayReport:
        """Whether calls can run one after the other without the host; true if so.

        Its `obstacles` name what needs the host, in the module and in what the runtime's compiler
        made of it.
        """
        from kvlift.audit.replay import replay_report

        return replay_report(self.signature, self._bound, self._executable.find_obstacles())

    def drop_weights(self) -> None:
        """Frees the weights; the session is closed."""
        self._template, self._refreshed, self._hosts = [], (), []

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

    def _steps(self, given: Given, steps: int, history: TokenHistory) -> Any:
        """Dispatches all steps, then waits, and commits the slots of the last one."""
        store, executable = self._store, self._executable
        try:
            store.checkpoint_if_due()
            buffers = self._buffers(given)
            store.poison = self._in_flight
            results = executable.dispatch(buffers)
            for _ in range(steps - 1):
                self._feed(buffers, results, given)
                results = executable.dispatch(buffers)
            executable.wait(results)
            tokens = history.last(executable, results, steps)
            self._commit(results, steps)
        except BaseException as error:
            self._settle(error, is_inserting=False)
            raise
        return values.as_kind(tokens, self._returns)

    def _feed(self, buffers: list[Buffer], results: Sequence[Buffer], given: Given) -> None:
        """Makes the arguments of the next step of this one's."""
        for _, argument, result in self._tied:
            buffers[argument] = results[result]
        for argument, array in (*self._refreshed, *given.arrays):
            if argument in self._executable.overwritten:
                buffers[argument] = self._executable.put(argument, array, copy=True)

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

    def _commit(self, results: Sequence[Buffer], calls: int = 1) -> None:
        """Puts the new slots in place by one assignment; then they are to be trusted."""
        store = self._store
        held = store.held.copy()
        for index, _, result in self._tied:
            held[index] = results[result]
        store.held = held
        store.calls += calls
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
