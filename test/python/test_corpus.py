"""A fixed part of the corpus: lifted, compiled for both runtimes, called, compared, audited.

`make corpus` runs all of it. Every program here goes through processes of its own (see
`test/corpus/service.py`), and its expected values come from the StableHLO interpreter.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "corpus"))

import check
import generate
import kvlift
import program
import run
import table

IN_PLACE = [
    *("dus-f32", "dus-f16", "dus-i8", "dus-clamped", "dus-window", "dus-leading"),
    *("dus-read-modify-write", "dus-moved-row", "middle-i8", "sum-of-new", "swapped-k-and-v"),
    *("attention-write-then-read-f32", "reshape-around", "call"),
]
OTHERS = [
    *("dus-bf16", "leading-out-of-range", "middle-out-of-range", "negative-index-wraps"),
    *("element-wise", "several-rows-given", "sum-before-and-another-sum", "sum-of-old-after"),
    *("two-rows-before-three-written", "attention-read-then-write-f32", "transpose-pair"),
    *("barrier-then-old-read", "shifted-self-slice", "shifted-self-slice-reshaped"),
    *("old-times-one-beside-new", "old-from-call", "new-and-its-reshape", "while-nested"),
    *("while-reads-and-writes", "if-update-or-pass", "twelve-shuffled", "exchanged"),
    *(
        "rolled",
        "exchanged-rows",
        "added-and-old-read",
        "passed-through",
        "counter-and-cache",
        "batch-1",
    ),
]
# Numbers of generated programs that IREE 3.13 computes wrongly without kvlift's order of reads.
GENERATED = (3, 21, 33, 42, 52, 105, 110)

PROGRAMS = {p.name: p for p in [*program.handwritten(), *generate.generated(max(GENERATED) + 1)]}


@pytest.fixture(scope="module")
def runner():
    made = run.Runner()
    yield made
    made.close()


@pytest.mark.parametrize("name", [*OTHERS, *(f"generated-{n:03}" for n in GENERATED)])
def test_results_are_the_interpreters_and_the_audit_is_honest(name, runner):
    result = runner.run(PROGRAMS[name])
    assert list(table.problems(PROGRAMS[name], result)) == []


@pytest.mark.parametrize("name", IN_PLACE)
def test_plain_updates_are_tied_and_stay_in_place(name, runner):
    chosen = PROGRAMS[name]
    result = runner.run(chosen)
    assert list(table.problems(chosen, result)) == []
    assert result.pairs == set(chosen.ties)
    for outcome in result.outcomes:
        assert (outcome.error, outcome.copies, outcome.moved) == ("", (), ())
        assert set(outcome.proofs.values()) <= {"in_place", "unknown"}


# One slice and two, out of range, with reads of old and new versions, beside other slots.
SLICED = [
    *("dus-bf16", "dus-window-clamped", "dus-two-in-a-chain", "dus-swapped-rows"),
    *("dus-moved-row", "dus-position-from-counter", "swapped-k-and-v", "k-row-into-v"),
    *("attention-write-then-read-f32", "leading-out-of-range", "sum-of-old-after"),
    *("shifted-self-slice-only", "generated-033"),
]


@pytest.mark.parametrize("name", SLICED)
def test_sliced_results_are_the_interpreters(name, runner):
    """What a session inserts by itself is what the tied slots hold, call after call."""
    chosen = PROGRAMS[name]
    assert kvlift.lift(chosen.text, state=chosen.state).slice_results().manifest.function().sliced
    result = runner.run(chosen, sliced=True)
    assert result.pairs == set(chosen.ties)
    for outcome in result.outcomes:
        assert (outcome.error, outcome.died, outcome.wrong, outcome.moved) == ("", "", "", ())


@pytest.mark.parametrize("name", ["old-beside-new", "old-reshaped-beside-new"])
def test_an_old_version_beside_the_new_is_refused(name, runner):
    assert re.search(PROGRAMS[name].refused, runner.run(PROGRAMS[name]).refusal)


def test_the_corpus_is_large_and_always_the_same():
    programs = run.corpus()
    assert len(programs) >= 200
    assert len({p.name for p in programs}) == len(programs)
    assert [p.text for p in programs] == [p.text for p in run.corpus()]


def test_copies_in_a_loop_are_found_once_for_each_iteration(runner):
    """XLA keeps the old version beside the new in each of four iterations."""
    chosen = PROGRAMS["while-update-then-read-old"]
    outcome = runner.run(chosen).outcomes[0]
    assert outcome.target == "pjrt:cpu"
    assert ("arg0", "copy", 4 * 4096) in {copy[:3] for copy in outcome.copies}


def test_a_wrong_result_would_be_found(runner):
    """The comparison itself: a reference that is off by one in one element."""
    chosen = PROGRAMS["dus-f32"]
    expected = runner._interpreter(chosen.text, program.draw_calls(chosen), chosen.ties)
    expected[1][0][0, 0, 0] += 1
    result = runner._runtimes(chosen, expected, check.TARGETS)
    assert [o.wrong for o in result.outcomes] == ["slot #0 in call 2: 1 of 1024 elements"] * 2
