"""A bounded part of the fuzz runs of test/fuzz; `make fuzz` runs the long ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "fuzz"))

import adversarial
import equivalence
import packages
from batches import in_batches
from tool import tool

# The least share of a form's programs that kvlift-simplify-updates rewrites. A generator that
# stopped to draw what the pass knows would show nothing.
LEAST = {
    "scatter of rows": 0.5,
    "scatter of a wrapped row": 0.8,
    "element-wise scatter": 0.5,
    "scatter of a window": 0.3,
    "scatter per batch row": 0.5,
    "scatter with batching dims": 0.5,
    "scatter of a grid of rows": 0.5,
    "scatter of several inputs": 0.5,
    "scatter of mixed rows": 0.8,
    "scatter, combining": 0.4,
    "one-hot select": 0.3,
    "range select": 0.4,
    "select per batch row": 0.5,
    "select of a box": 0.3,
    "constant mask": 0.5,
    "concatenate": 0.3,
    "pad": 0.3,
    "if or case": 0.5,
    "select of versions": 0.4,
    "scan": 0.2,
    "stacked layers": 0.4,
    "transposed": 0.4,
    "viewed": 0.4,
    "call": 0.4,
    "chain of updates": 0.5,
}


@pytest.fixture(scope="module")
def programs() -> list[equivalence.Outcome]:
    return list(equivalence.outcomes(range(3000)))


def test_simplified_updates_are_exact(programs: list[equivalence.Outcome]) -> None:
    bad = [each for each in programs if each.verdict in equivalence.BAD]
    assert bad == [], "python test/fuzz/equivalence.py --show --first SEED prints one"


def test_the_interpreter_runs_what_is_drawn(programs: list[equivalence.Outcome]) -> None:
    assert sum(each.verdict == "same" for each in programs) > 0.98 * len(programs)


@pytest.mark.parametrize("form", LEAST)
def test_the_form_is_rewritten(form: str, programs: list[equivalence.Outcome]) -> None:
    drawn = [each for each in programs if each.kind == form]
    rewritten = sum("kvlift-simplify-updates" in each.changed for each in drawn)
    assert rewritten >= LEAST[form] * len(drawn) > 0


def test_every_pass_has_something_to_do(programs: list[equivalence.Outcome]) -> None:
    # The first one finds all slots marked; the last one meets what it waits for too rarely.
    for name in equivalence.PASSES[1:-1]:
        passed = name.partition("{")[0]
        assert sum(passed in each.changed for each in programs) >= 20, passed


def test_slots_lie_in_another_order_and_weights_come_first(
    programs: list[equivalence.Outcome],
) -> None:
    assert sum(each.ordered for each in programs) >= 10
    assert sum(each.weighted for each in programs) >= 10


def test_no_module_harms() -> None:
    found = list(adversarial.outcomes(range(800)))
    assert [each for each in found if each.verdict in adversarial.DEFECTS] == []
    counts = {verdict: sum(each.verdict == verdict for each in found) for verdict in
              ("rejected", "refused", "done")}  # fmt: skip
    assert min(counts.values()) > 60, counts  # Modules of each fate, or the test shows little.


def test_no_module_harms_the_tool() -> None:
    assert list(adversarial.tool_defects(tool(), range(5000, 5300))) == []


def _dies_at_seven(seeds: list[int]) -> list[str]:
    import os

    if 7 in seeds:
        os.abort()
    return [f"{seed} lives" for seed in seeds]


def test_who_dies_is_named() -> None:
    found = in_batches(_dies_at_seven, list(range(12)), 5, 2, 60, lambda seed, why: f"{seed} dies")
    assert list(found) == [f"{n} {'dies' if n == 7 else 'lives'}" for n in range(12)]


def test_damaged_packages_snapshots_manifests_and_entries_end_in_clean_errors() -> None:
    found = list(packages.outcomes(range(2000)))
    assert [each for each in found if each.verdict == "bad"] == []
    kinds = {each.kind for each in found if each.verdict == "refused"}
    edited = [*packages.EDITED_MEMBERS, *packages.SNAPSHOT_MEMBERS]
    assert len(kinds) == 4 + 2 * len(edited)
