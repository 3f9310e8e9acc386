"""The agreement table: the proof's word, what the compilers did, and whether results are right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from check import TARGETS, Outcome, Result
from program import STEPS, Program

Pairs = list[tuple[Program, Result]]
_HEAD = "| program | slots | " + " | ".join(f"{target}" for target in TARGETS) + " |"
_RULE = "|---|---|" + "---|" * len(TARGETS)


def problems(program: Program, result: Result) -> Iterator[str]:
    """A line for everything that must not happen."""
    if result.refusal:
        if not program.refused or not re.search(program.refused, result.refusal):
            yield f"{program.name}: refused: {_first_error(result.refusal)}"
        return
    wrong = result.pairs - set(program.ties)
    if wrong:
        yield f"{program.name}: tied {sorted(wrong)}, which is no state"
    for outcome in result.outcomes:
        for line in _outcome_problems(program, outcome):
            yield f"{program.name} on {outcome.target}: {line}"


def _outcome_problems(program: Program, outcome: Outcome) -> Iterator[str]:
    if outcome.died:
        yield f"died: {outcome.died}"
    if outcome.error and not _is_refusal(outcome) and outcome.target != program.unsupported:
        yield f"error: {_shortened(outcome.error)}"
    if outcome.wrong:
        yield f"wrong: {outcome.wrong}"
    copied = {slot for slot, _, _, _ in outcome.copies}
    moved = [slot for slot in outcome.moved if slot not in copied]
    if moved:
        yield f"the audit calls {', '.join(moved)} in place, but the address changed"


def false_proofs(program: Program, result: Result) -> Iterator[str]:
    """A line for each slot that the proof calls in place though the program copies it."""
    for outcome in result.outcomes:
        copies = {slot: (op, size, where) for slot, op, size, where in outcome.copies}
        for slot, verdict in (outcome.proofs or {}).items():
            if verdict == "in_place" and slot in copies:
                op, size, where = copies[slot]
                yield (
                    f"{program.name} on {outcome.target}: the proof calls {slot} in place, but "
                    f"there is a {op} of {size} bytes at {where}"
                )


def missed(program: Program, result: Result) -> list[tuple[int, int]]:
    """The ties that the lift did not find, though it did not refuse."""
    return [] if result.refusal else sorted(set(program.ties) - result.pairs)


def write_table(results: Pairs) -> str:
    """The page `docs/agreement.md`."""
    hand = [(p, r) for p, r in results if p.group != "generated"]
    random = [(p, r) for p, r in results if p.group == "generated"]
    parts = [
        "# Agreement of proof, audit and results",
        "",
        "Written by `python test/corpus/run.py --table docs/agreement.md`; do not edit.",
        "",
        f"{len(results)} programs ({len(hand)} written by hand, {len(random)} generated), each",
        f"lifted, compiled for {' and '.join(TARGETS)}, and called {STEPS} times with its slots",
        "fed back. Every result and every slot is compared, bit for bit, with the StableHLO",
        "interpreter on the original module. *In place* and *copies* are what the audit found in",
        "the compiled program; brackets say where the proof differs.",
        "",
        *_summary(results),
        "",
        *_CAREFUL,
        "",
    ]
    for group, members in groupby(hand, key=lambda pair: pair[0].group):
        parts += [f"## {group}", "", _HEAD, _RULE, *(_line(p, r) for p, r in members), ""]
    parts += ["## generated", "", *_generated(random), ""]
    return "\n".join(parts)


# Read off the verdicts of the slots in question.
_CAREFUL = [
    "A copy is announced that is not made where the compiler decides by its own schedule or",
    "fusion, which the IR does not show; the proof then says that it may copy:",
    "- pjrt:cpu: an old version is read in a program that keeps a loop or branch (whether XLA runs",
    "  the read first depends on its schedule), or is converted to be summed (whether it fuses);",
    "  the new value is another result as well, as another type (whether XLA builds it along with",
    "  what reads it); a value named as state is computed from an update (where that is built);",
    "- iree:cpu: something reads a version between two updates (whether both updates end in one",
    "  dispatch), or sums a transposed version (whether the transpose is folded into the sum).",
]


def _summary(results: Pairs) -> list[str]:
    lifted = [(p, r) for p, r in results if not r.refusal]
    lines = ["| | " + " | ".join(TARGETS) + " |", "|---|" + "---|" * len(TARGETS)]
    columns = [Counter(_facts(results, target)) for target in TARGETS]
    for fact in dict.fromkeys(fact for column in columns for fact in column):
        lines.append(f"| {fact} | " + " | ".join(str(column[fact]) for column in columns) + " |")
    untied = sum(len(missed(p, r)) for p, r in lifted)
    known = sum(len(p.ties) for p, r in lifted)
    return [
        f"- {len(lifted)} programs are lifted, {len(results) - len(lifted)} are refused.",
        f"- Of {known} pieces of state, {known - untied} are tied, each to the right result.",
        "",
        *lines,
    ]


def _facts(results: Pairs, target: str) -> Iterator[str]:
    for _, result in results:
        for outcome in result.outcomes:
            if outcome.target != target:
                continue
            if outcome.died or outcome.error:
                yield "programs that kvlift or the compiler refuses"
                continue
            yield "programs with wrong results" if outcome.wrong else "programs with equal results"
            copied = {slot for slot, _, _, _ in outcome.copies}
            for slot, verdict in (outcome.proofs or {}).items():
                yield "slots copied" if slot in copied else "slots in place"
                yield f"proof: {_agreement(verdict, slot in copied)}"


def _agreement(verdict: str, is_copied: bool) -> str:
    if verdict == "in_place":
        return "called in place but copied" if is_copied else "agrees"
    if verdict.startswith("copied"):
        return "agrees" if is_copied else "announced a copy that is not made"
    return "refuses the program" if verdict == "refused" else "no verdict"


def _line(program: Program, result: Result) -> str:
    if result.refusal:
        return f"| {program.name} | | refused: {_first_error(result.refusal)} | |"
    slots = f"{len(result.slots)}" + (f" of {len(program.ties)}" if missed(program, result) else "")
    cells = [_cell(outcome) for outcome in result.outcomes]
    return f"| {program.name} | {slots} | " + " | ".join(cells) + " |"


def _cell(outcome: Outcome) -> str:
    if outcome.died:
        return "**died**"
    if outcome.error:
        return "refused: " + _shortened(outcome.error)
    if outcome.wrong:
        return f"**wrong**: {outcome.wrong}"
    if not outcome.proofs:
        return "no slot"
    kinds = Counter(op for _, op, _, _ in outcome.copies)
    listed = ", ".join(f"{n} {op}" if n > 1 else op for op, n in kinds.items())
    copied = {slot for slot, _, _, _ in outcome.copies}
    verdicts = {_agreement(v, slot in copied) for slot, v in outcome.proofs.items()}
    note = "".join(f" [{v}]" for v in sorted(verdicts - {"agrees", "no verdict"}))
    return (f"copies: {listed}" if listed else "in place") + note


def _generated(results: Pairs) -> list[str]:
    """One line for each way in which several programs ended, the largest groups first."""
    ends: dict[tuple[str, ...], list[str]] = {}
    for program, result in results:
        if result.refusal:
            key: tuple[str, ...] = (f"refused: {_first_error(result.refusal)}", "")
        else:
            key = tuple(_cell(outcome) for outcome in result.outcomes)
        ends.setdefault(key, []).append(program.name.removeprefix("generated-"))
    ordered = sorted(ends.items(), key=lambda item: (-len(item[1]), item[0]))
    lines = ["| programs | " + " | ".join(TARGETS) + " | numbers |", "|---|---|---|---|"]
    for key, names in ordered:
        shown = ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")
        lines.append(f"| {len(names)} | " + " | ".join(key) + f" | {shown} |")
    return lines


def _is_refusal(outcome: Outcome) -> bool:
    """Whether kvlift itself refuses, because the target would give wrong results."""
    reasons = ("an old version of", "an update reads other rows", "would get wrong contents")
    return any(reason in outcome.error for reason in reasons)


def _first_error(message: str) -> str:
    """The first error of a lift's message, names of values left out."""
    found = [line for line in message.splitlines() if " error: " in line]
    text = found[0].split(" error: ", 1)[1] if found else message.splitlines()[0]
    return _shortened(text)


def _shortened(text: str) -> str:
    first = text.splitlines()[0].removeprefix("iree:cpu refuses function 'main': ")
    first = first.split("; ")[0].replace("|", "\\|")
    return first if len(first) <= 110 else first[:107] + "..."
