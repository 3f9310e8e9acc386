"""Takes one example the whole way: form in, lift, form out, verdicts, audit, results.

`inspect_example` runs in a process of its own (see `test/corpus/service.py`); what it returns is
plain data.
"""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from example import Prepared
from slot_forms import NOT_RETURNED, Form, form_of

TARGETS = ("pjrt:cpu", "iree:cpu")


@dataclass(frozen=True)
class OnTarget:
    """What one target makes of one slot.

    Attributes:
        form: how the slot is updated in the program that the target is given.
        store: the type that it is stored as there.
        verdict: the proof's; empty when the target refuses the program.
        copies: the ops of the compiled program that move or rewrite the whole slot.
    """

    form: Form
    store: str
    verdict: str
    copies: tuple[str, ...]

    @property
    def is_in_place(self) -> bool:
        """Whether the audit finds nothing copied."""
        return not self.copies

    @property
    def announced(self) -> str:
        """Why the proof expects a copy; empty when it calls the slot in place."""
        reason = re.sub(r"^copied: (\d+ bytes: )?", "", self.verdict)
        return "" if reason == "in_place" else reason


@dataclass(frozen=True)
class SlotReport:
    """One slot: its type, the form that came in, and what each target makes of it."""

    name: str
    type: str
    came_in: Form
    targets: dict[str, OnTarget]


@dataclass(frozen=True)
class Report:
    """What became of one example.

    Attributes:
        name: the example's.
        slots: the slots that the lift found, in program order.
        untied: argument to result of state that it did not find.
        refusal: the lift's message; empty when it succeeded.
        errors: by target, why it does not compile or run.
        wrong: by target, the first result that is not the expected one.
        unplaced: copies that the audit cannot ascribe to a slot, by target.
    """

    name: str
    slots: tuple[SlotReport, ...] = ()
    untied: tuple[tuple[int, int], ...] = ()
    refusal: str = ""
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    wrong: dict[str, str] = dataclasses.field(default_factory=dict)
    unplaced: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def inspect_example(exporter: str, name: str) -> Report:
    """The whole life of one example."""
    from exporters import EXPORTERS

    example = next(e for e in EXPORTERS[exporter]() if e.name == name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return report_on(name, example.prepare())


def report_on(name: str, prepared: Prepared) -> Report:
    """Lifts, compiles, calls and audits a prepared program."""
    import kvlift

    before = _forms(prepared.module, prepared.ties)
    try:
        lifted = kvlift.lift(
            prepared.module, state=prepared.state, lost_updates=prepared.lost_updates
        )
    except kvlift.KvliftError as error:
        return Report(name, untied=tuple(prepared.ties.items()), refusal=str(error))
    lifted = dataclasses.replace(lifted, values={**prepared.values, **lifted.values})
    tied = {(s.argument, s.result) for s in lifted.slots}
    report = Report(name, untied=tuple(t for t in prepared.ties.items() if t not in tied))
    found: dict[str, dict[str, OnTarget]] = {}
    for target in TARGETS:
        found[target] = _on_target(report, prepared, lifted, target)
    slots = tuple(
        SlotReport(
            s.name,
            str(s.logical),
            before.get(s.argument, NOT_RETURNED),
            {t: found[t][s.name] for t in TARGETS if s.name in found[t]},
        )
        for s in lifted.slots
    )
    return dataclasses.replace(report, slots=slots)


def _forms(module: Any, ties: Any) -> dict[int, Form]:
    results = len(_function(module).attributes["function_type"].value.results)
    return {a: form_of(module, a, r) for a, r in ties.items() if r < results}


def _function(module: Any) -> Any:
    return next(
        op
        for op in module.body
        if op.operation.name == "func.func" and op.attributes["sym_name"].value == "main"
    )


def _on_target(report: Report, prepared: Prepared, lifted: Any, target: str) -> dict[str, OnTarget]:
    """By slot; errors and wrong results go into the report."""
    import kvlift

    copies: tuple[Any, ...] = ()
    try:
        suited = lifted.for_target(target)
    except kvlift.KvliftError as error:
        report.errors[target] = str(error)
        return {}
    try:
        program = kvlift.compile(lifted, target)
        copies = program.audit().copies
        report.unplaced[target] = tuple(c.op for c in copies if c.slot is None)
        report.wrong[target] = _first_difference(prepared, program)
    except kvlift.KvliftError as error:
        report.errors[target] = str(error)
        return {}
    return {
        slot.name: OnTarget(
            form_of(suited.module, slot.argument, slot.result),
            str(slot.store),
            slot.verdict or "",
            tuple(c.op for c in copies if c.slot == slot.name),
        )
        for slot in suited.manifest.function().slots
    }


def _first_difference(prepared: Prepared, program: Any) -> str:
    """Calls the program as often as the example says; the first wrong result, or nothing."""
    function = program.manifest.function()
    slots = {s.argument: s.name for s in function.slots}
    by_hand = {a: r for a, r in prepared.ties.items() if a not in slots}
    first = prepared.calls[0]
    state = {name: first[a] for a, name in slots.items() if first[a] is not None}
    last: dict[int, Any] = {}
    with program.session(state=state) as session:
        for number, (call, wanted) in enumerate(
            zip(prepared.calls, prepared.expected, strict=True)
        ):
            given = [
                last[by_hand[a]] if last and a in by_hand else value
                for a, value in enumerate(call)
                if a not in slots and value is not None
            ]
            last = _results(session, given)
            for index, want in enumerate(wanted):
                if wrong := _difference(last[index], want, prepared.tolerance):
                    return f"{function.results[index].name} in call {number + 1}: {wrong}"
    return ""


def _results(session: Any, given: list[Any]) -> dict[int, Any]:
    outputs = session(*given)
    function = session.function().signature
    plain = [r.index for r in function.results if r.slot is None]
    found = dict(zip(plain, _leaves(outputs), strict=True))
    return found | {s.result: session.state[s.name] for s in function.slots}


def _leaves(outputs: Any) -> Iterator[np.ndarray]:
    """The values in results that are nested as the source returned them."""
    if isinstance(outputs, Mapping):
        outputs = tuple(outputs.values())
    if isinstance(outputs, tuple | list):
        for output in outputs:
            yield from _leaves(output)
    elif outputs is not None:
        yield outputs


def _difference(got: np.ndarray, want: np.ndarray, tolerance: float) -> str:
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype} {got.shape} in place of {want.dtype} {want.shape}"
    if want.dtype.kind in "iub":
        bad = int((got != want).sum())
        return f"{bad} of {want.size} elements" if bad else ""
    one, other = got.astype(np.float64), want.astype(np.float64)
    near = np.isclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)
    if near.all():
        return ""
    most = float(np.nanmax(np.abs(one - other)))
    return f"{int((~near).sum())} of {want.size} elements, by at most {most:.2g}"
