"""Lifts, compiles and runs one program of the corpus, and compares it with its reference.

`lift_and_run` runs in a process of its own (see `service`); what it returns is plain data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from program import Program, draw_calls
from reference import as_bits

TARGETS = ("pjrt:cpu", "iree:cpu")


@dataclass(frozen=True)
class Outcome:
    """What one target did with one program.

    Attributes:
        target: the target.
        error: why it does not compile or run; empty when it does.
        died: how the process ended, if it did.
        wrong: the first value that differs from the reference; empty when all are equal.
        copies: slot, op, bytes and place of each copy that the audit found.
        moved: slots whose address was another after the calls.
        proofs: the verdict of the proof for each slot.
    """

    target: str
    error: str = ""
    died: str = ""
    wrong: str = ""
    copies: tuple[tuple[str | None, str, int, str], ...] = ()
    moved: tuple[str, ...] = ()
    proofs: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Result:
    """What became of one program.

    Attributes:
        program: its name.
        refusal: the lift's message; empty when it succeeded.
        slots: argument, result and name of each slot that was found.
        outcomes: one per target; none after a refusal.
    """

    program: str
    refusal: str = ""
    slots: tuple[tuple[int, int, str], ...] = ()
    outcomes: tuple[Outcome, ...] = ()

    @property
    def pairs(self) -> set[tuple[int, int]]:
        """The ties that were found."""
        return {(argument, result) for argument, result, _ in self.slots}


def lift_and_run(
    program: Program,
    expected: list[list[np.ndarray]],
    targets: tuple[str, ...],
    sliced: bool = False,
) -> Result:
    """The whole life of one program on these targets; `sliced` runs `slice_results` of it."""
    import kvlift

    try:
        lifted = kvlift.lift(program.text, state=program.state, lost_updates=program.lost_updates)
    except kvlift.KvliftError as error:
        return Result(program.name, refusal=str(error))
    slots = tuple((s.argument, s.result, s.name) for s in lifted.slots)
    if sliced:
        lifted = lifted.slice_results()
    outcomes = tuple(_run(program, lifted, target, expected) for target in targets)
    return Result(program.name, slots=slots, outcomes=outcomes)


def proof(lifted, target: str) -> dict[str, str]:
    """The verdict on each slot of the form that the target is given; `refused` without one."""
    import kvlift

    try:
        slots = lifted.for_target(target).slots
    except kvlift.KvliftError:
        return {slot.name: "refused" for slot in lifted.slots}
    return {slot.name: slot.verdict or "unknown" for slot in slots}


def _run(program: Program, lifted, target: str, expected: list[list[np.ndarray]]) -> Outcome:
    import kvlift

    proofs = proof(lifted, target)
    try:
        compiled = kvlift.compile(lifted, target)
        copies = tuple((c.slot, c.op, c.bytes, c.where) for c in compiled.audit().copies)
        function = compiled.manifest.function("main")
        calls = draw_calls(program)
        state = {slot.name: calls[0][slot.argument] for slot in function.state}
        with compiled.session(state=state, function="main") as session:
            before = session.addresses()
            wrong = _compare_calls(program, session, calls, expected)
            after = session.addresses()
    except kvlift.KvliftError as error:
        return Outcome(target, error=str(error), proofs=proofs)
    moved = tuple(name for name in before if before[name] != after[name])
    return Outcome(target, "", "", wrong, copies, moved, proofs)


def _compare_calls(program: Program, session, calls, expected) -> str:
    """The first difference, or nothing. A tie that the lift did not find is fed back by hand."""
    function = session.function().signature
    by_hand = {a: r for a, r in program.ties if not function.arguments[a].is_state}
    last: dict[int, np.ndarray] = {}
    wrong = ""
    kept = []
    for step, (call, wanted) in enumerate(zip(calls, expected, strict=True)):
        given = [
            last.get(by_hand.get(a.index, -1), call[a.index])
            for a in function.arguments
            if not a.is_state
        ]
        last = _results(session, given)
        kept.append((step, last, wanted))
        wrong = wrong or _compare(program, function, step, last, wanted, "")
    # What a call returned must not change with later calls.
    for step, got, wanted in kept:
        wrong = wrong or _compare(program, function, step, got, wanted, " after the last call")
    return wrong


def _results(session, given: list[np.ndarray]) -> dict[int, np.ndarray]:
    """All results of one call by index, a slot's from the session's state."""
    outputs = session(*given)
    function = session.function().signature
    plain = [r.index for r in function.results if not r.is_state]
    listed = (outputs,) if len(plain) == 1 else outputs or ()
    found = dict(zip(plain, listed, strict=True))
    # Rows take the place of the whole slot.
    held = {s.updates[0].rows: s for s in function.sliced} | {s.result: s for s in function.slots}
    return found | {result: session.state[s.name] for result, s in held.items()}


def _compare(program: Program, function, step: int, got, wanted, when: str) -> str:
    for index, value in enumerate(wanted):
        bits = as_bits(got[index])
        if bits.tobytes() == np.ascontiguousarray(value).tobytes():
            continue
        is_slot = function.results[index].is_state
        if program.tolerance and not is_slot and _is_close(got[index], value, program.tolerance):
            continue
        count = int((bits != value.reshape(bits.shape)).sum())
        what = "slot" if is_slot else "result"
        return f"{what} #{index} in call {step + 1}{when}: {count} of {bits.size} elements"
    return ""


def _is_close(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    return bool(np.allclose(one, other, rtol=tolerance, atol=tolerance))
