"""docs/exporters.md: one line per slot, and what falls short of a row written in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from examine import TARGETS, OnTarget, Report, SlotReport
from example import Example
from reasons import REASONS, RUNTIME_REASONS, Reason, reason_for, runtime_reason_for
from slot_forms import Form, is_canonical, shown

Found = Sequence[tuple[str, Example, Report]]

HEAD = """# What exporters emit, and what kvlift makes of it

Written by `make exporters` (`test/exporters/run_exporters.py`); do not edit.

{programs} programs of {exporters} exporters with {slots} slots. Each program is exported, lifted,
compiled for both targets and called three times, state fed back; every result and every slot is
compared with PyTorch eager, with JAX, or (hand-written StableHLO) with the StableHLO interpreter:
floats within 2e-5 (1e-4 for whole decoders, 2e-2 for those that round to bf16 in between), all else
exactly.

*Came in* is the path from the old value to the new one as the exporter leaves it; the dims of a
scatter are those it indexes. *Went out* is the same in the program that the target is given.
`in place` means that the audit of the compiled program finds no slot-sized copy; else the audit's
ops are named. The proof agrees but where brackets say otherwise: it announces a copy where the
compiler decides by its own schedule or fusion, which the IR does not show, and this one has not
made it. `on 8x4xui16` is the type that the slot is stored as, where a target is given another one
than the program's.

- {canonical} of {slots} slots end as `dynamic_update_slice` or as a scatter on leading dims, on the
  slot's own layout, and in place on both targets.
- {excused} do not, for a reason that lies in the program (below).
- {short} do not and should: *falls short* below.
- {equal} programs give the expected results on both targets.
"""

TITLES = {
    "torch": "PyTorch models, by kvlift's torch route (test/python/frontends/stateful_models.py)",
    "huggingface": "Hugging Face transformers, by kvlift's torch route",
    "jax": "JAX",
    "torchax": "torchax (its lowerings, repeated in JAX)",
    "torch_xla": "torch_xla and litert-torch (by hand), and the thread of September 2024",
}


@dataclass(frozen=True)
class Count:
    """How many slots end where."""

    canonical: int
    excused: int
    short: int


def is_good(slot: SlotReport) -> bool:
    """Whether the slot is written in rows, in place, on every target."""
    return all(
        t in slot.targets and is_canonical(slot.targets[t].form) and slot.targets[t].is_in_place
        for t in TARGETS
    )


def _is_explained(program: str, slot: str, report: Report) -> bool:
    """Whether a reason names the slot, or a target refuses the whole program."""
    reason = reason_for(program, slot) or runtime_reason_for(program, slot)
    return bool(reason or report.errors)


def shortfalls(found: Found) -> Iterator[tuple[str, str]]:
    """Slots, untied state and refusals that no reason explains, as (program, what)."""
    for _, example, report in found:
        if report.refusal and not reason_for(example.name, "refused"):
            yield example.name, f"refused: {_first_line(report.refusal)}"
        for target, error in report.errors.items():
            if not reason_for(example.name, target):
                yield example.name, f"{target}: {_first_line(error)}"
        for argument, _ in report.untied if not report.refusal else ():
            if not reason_for(example.name, f"argument {argument}"):
                yield example.name, f"argument {argument} is state that is not found"
        for slot in report.slots:
            if not is_good(slot) and not _is_explained(example.name, slot.name, report):
                states = "; ".join(f"{t} {_state(slot, t)}" for t in TARGETS)
                yield example.name, f"{slot.name}: {_shown(slot.came_in)}: {states}"


def wrong_results(found: Found) -> list[str]:
    """Every result that is not the expected one."""
    return [
        f"{example.name} on {target}: {wrong}"
        for _, example, report in found
        for target, wrong in report.wrong.items()
        if wrong
    ]


def idle_reasons(found: Found) -> list[str]:
    """Reasons that no slot of these programs needs; only of use when all programs ran."""
    needed = [
        (example.name, slot.name)
        for _, example, report in found
        for slot in report.slots
        if not is_good(slot)
    ]
    untied = [(e.name, f"argument {a}") for _, e, r in found for a, _ in r.untied]
    untied += [(e.name, "refused") for _, e, r in found if r.refusal]
    untied += [(e.name, target) for _, e, r in found for target in r.errors]
    return [
        reason.text
        for reason in (*REASONS, *RUNTIME_REASONS)
        if not any(reason.holds_for(*pair) for pair in [*needed, *untied])
    ]


def count(found: Found) -> Count:
    """How many slots end where."""
    slots = [(e.name, s) for _, e, r in found for s in r.slots]
    good = [s for _, s in slots if is_good(s)]
    rest = [(name, s) for name, s in slots if not is_good(s)]
    excused = [s for name, s in rest if reason_for(name, s.name)]
    return Count(len(good), len(excused), len(rest) - len(excused))


def write_table(found: Found) -> str:
    """The whole page."""
    counts = count(found)
    exporters = list(dict.fromkeys(exporter for exporter, _, _ in found))
    equal = [r for _, _, r in found if len(r.wrong) == len(TARGETS) and not any(r.wrong.values())]
    lines = [
        HEAD.format(
            programs=len(found),
            exporters=len(exporters),
            slots=sum(len(r.slots) for _, _, r in found),
            canonical=counts.canonical,
            excused=counts.excused,
            short=counts.short,
            equal=len(equal),
        )
    ]
    for exporter in exporters:
        lines += [f"\n## {TITLES[exporter]}\n", *_section(exporter, found)]
    lines += ["\n## Reasons that lie in the program\n", *_reasons(REASONS, found)]
    short = _reasons(RUNTIME_REASONS, found)
    short += [f"- {name}: {what}" for name, what in shortfalls(found)]
    wrong = [f"- wrong: {line}" for line in wrong_results(found)]
    lines += ["\n## Falls short\n", *(wrong + short or ["Nothing."])]
    return "\n".join(lines) + "\n"


def _section(exporter: str, found: Found) -> list[str]:
    lines = [
        "| program | how the source says it | slot | came in | went out | "
        + " | ".join(TARGETS)
        + " |",
        "|---|---|---|---|---|" + "---|" * len(TARGETS),
    ]
    for _, example, report in (f for f in found if f[0] == exporter):
        lines += _rows(example, report)
    return lines


def _rows(example: Example, report: Report) -> list[str]:
    """Slots of one program that fare alike share a line."""
    says = example.says.replace("|", "\\|")
    if report.refusal:
        message = _first_line(report.refusal)
        return [f"| {example.name} | {says} | | | refused: {message} | | |"]
    alike: dict[tuple[str, ...], list[str]] = {}
    for slot in report.slots:
        alike.setdefault(_cells(report, slot), []).append(slot.name)
    if not alike:
        cells = ["", "no slot", *(_no_slot(report, t) for t in TARGETS)]
        alike[tuple(cells)] = []
    rows = []
    for number, (cells, names) in enumerate(alike.items()):
        head = (example.name, says) if number == 0 else ("", "")
        rows.append("| " + " | ".join([*head, ", ".join(names), *cells]) + " |")
    return rows


def _cells(report: Report, slot: SlotReport) -> tuple[str, ...]:
    forms = [_went_out(slot, slot.targets[t]) for t in TARGETS if t in slot.targets]
    went_out = " / ".join(dict.fromkeys(forms))
    return (_shown(slot.came_in), went_out, *(_cell(report, slot, t) for t in TARGETS))


def _went_out(slot: SlotReport, on: OnTarget) -> str:
    stored = "" if on.store == slot.type else f" on {on.store}"
    return _shown(on.form) + stored


def _cell(report: Report, slot: SlotReport, target: str) -> str:
    if target in report.errors:
        return "does not compile"
    if report.wrong.get(target):
        return "**wrong**"
    return _state(slot, target)


def _no_slot(report: Report, target: str) -> str:
    if target in report.errors:
        return "does not compile"
    return "**wrong**" if report.wrong.get(target) else "equal results"


def _state(slot: SlotReport, target: str) -> str:
    if target not in slot.targets:
        return "refused"
    on = slot.targets[target]
    if not on.is_in_place:
        return _copies(on)
    return f"in place (announced as a copy: {on.announced})" if on.announced else "in place"


def _copies(on: OnTarget) -> str:
    listed = ", ".join(
        f"{n} {op}" if n > 1 else op
        for op in dict.fromkeys(on.copies)
        if (n := on.copies.count(op))
    )
    if on.verdict == "in_place":
        return f"{listed} (called in place)"
    return listed


def _shown(form: Form) -> str:
    return shown(form).replace("|", "\\|")


def _reasons(reasons: Sequence[Reason], found: Found) -> list[str]:
    """A line for each reason, with the slots that need it."""
    lines = []
    for reason in reasons:
        named = [
            f"{example.name} {slot.name}"
            for _, example, report in found
            for slot in report.slots
            if reason.holds_for(example.name, slot.name) and not is_good(slot)
        ]
        named += [
            example.name
            for _, example, report in found
            if any(reason.holds_for(example.name, what) for what in _whole_program(report))
        ]
        lines.append(f"- {reason.text}: {_listed(named)}.")
    return lines


def _whole_program(report: Report) -> list[str]:
    """What a reason may name beside slots: the refusal, or state that is not found."""
    refused = ["refused"] if report.refusal else []
    return [*refused, *(f"argument {a}" for a, _ in report.untied)]


def _listed(names: list[str]) -> str:
    by_program: dict[str, list[str]] = {}
    for name in names:
        program, _, slot = name.partition(" ")
        by_program.setdefault(program, []).append(slot)
    return ", ".join(f"{p} ({', '.join(s)})" if s != [""] else p for p, s in by_program.items())


def _first_line(message: str) -> str:
    found = [line for line in message.splitlines() if " error: " in line]
    text = found[0].split(" error: ", 1)[1] if found else message.splitlines()[0]
    # Paths of the machine that ran this have no place in a document.
    text = " ".join(word for word in text.split() if not word.startswith("/"))
    text = text.replace("|", "\\|")
    return text if len(text) <= 160 else text[:157] + "..."
