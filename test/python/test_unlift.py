"""`LiftedModule.unlift`: a plain module again, which a new lift ties in the same way."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from stateful_models import CASES

import kvlift

sys.path.append(str(Path(__file__).parents[1] / "corpus"))

import program
import run

MARKS = ("kvlift.", "tf.aliasing_output", "iree.abi.output")


def ties(lifted: kvlift.LiftedModule) -> list[tuple[int, int]]:
    return [(slot.argument, slot.result) for slot in lifted.slots]


def lifted_corpus() -> list[tuple[program.Program, kvlift.LiftedModule]]:
    """Every second program of the corpus that can be lifted."""
    found = []
    for each in run.corpus()[::2]:
        try:
            lifted = kvlift.lift(each.text, state=each.state, lost_updates=each.lost_updates)
        except kvlift.LiftError:
            continue
        found.append((each, lifted))
    return found


def test_a_second_lift_finds_the_same_ties():
    checked = 0
    for each, lifted in lifted_corpus():
        before = lifted.text()
        module = lifted.unlift()
        assert lifted.text() == before
        assert not any(mark in str(module) for mark in MARKS), each.name
        # Updates that were returned are results now; those that were accepted are lost again, and
        # so is one that was a masked select below a whole value that `state` names.
        is_lost = each.lost_updates == "ignore" or each.state
        # Marks in the source tied what provenance cannot see; they are gone.
        state = each.state
        if "kvlift.slot" in each.text:
            state = {s.name: (s.argument, s.result) for s in lifted.slots}
        again = kvlift.lift(module, state=state, lost_updates="ignore" if is_lost else "error")
        assert ties(again) == ties(lifted), each.name
        checked += len(lifted.slots)
    assert checked > 150


def test_a_second_lift_takes_the_ties_as_state():
    for each, lifted in lifted_corpus():
        state = {s.name: (s.argument, s.result) for s in lifted.slots}
        again = kvlift.lift(lifted.unlift(), state=state, lost_updates="ignore")
        assert ties(again) == ties(lifted), each.name
        assert [s.name for s in again.slots] == [s.name for s in lifted.slots], each.name


@pytest.mark.parametrize("name", ["index_put_rows", "static_slice", "index_fill"])
def test_torch_programs_are_lifted_again(name):
    """Names of buffers go with the marks; `state=` gives them back."""
    case = CASES[name]
    torch.manual_seed(0)
    lifted = kvlift.lift(kvlift.export(case.build(), case.steps()[0]))
    state = {s.name: (s.argument, s.result) for s in lifted.slots}
    again = kvlift.lift(lifted.unlift(), state=state)
    assert [(s.name, s.argument, s.result) for s in again.slots] == [
        (s.name, s.argument, s.result) for s in lifted.slots
    ]
    assert tuple(state) == case.slots
