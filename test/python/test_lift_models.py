"""Each stateful model the whole way: lifted, in the interpreter and on both runtimes, vs PyTorch.

Three chained calls; outputs and state are compared after each.
"""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pytest
import torch
from running import assert_results, expected_results, export, interpreted, passed_leaves, steps_of
from stateful_models import CASES
from torch.utils._pytree import tree_leaves

import kvlift

TARGETS = ("pjrt:cpu", "iree:cpu")
EXACT = {"rtol": 1e-6, "atol": 1e-6}
# XLA and LLVM reorder sums and use their own tanh and exp.
ROUNDED = {"rtol": 2e-5, "atol": 2e-5}

# What `lift` refuses, and why.
NOT_LIFTED = {
    # K's old value is V's new one and the other way round: in place, one of them is gone.
    "swapped": r"slot 'k': result #1 returns an old version beside the updated one in result #0",
}
# What a target refuses, and why.
NOT_COMPILED = {
    # PJRT takes no dynamic shapes.
    ("cat_growing", "pjrt:cpu"): r"'cache' of function 'main' is 2x3x\?x4xf32: PJRT takes only "
    r"static shapes; export it without dynamic_shapes, or use target iree:cpu",
}
LIFTED = [name for name in CASES if name not in NOT_LIFTED]


@functools.lru_cache(maxsize=1)
def lifted_case(name: str) -> tuple[torch.export.ExportedProgram, kvlift.LiftedModule]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = export(CASES[name])
    return exported, kvlift.lift(exported)


@functools.lru_cache(maxsize=1)
def expected_of(name: str) -> list[list[torch.Tensor]]:
    return expected_results(CASES[name], lifted_case(name)[1].manifest)


# `way` varies fastest, so that a model is exported once.
@pytest.mark.parametrize("way", ["interpreter", *TARGETS])
@pytest.mark.parametrize("name", LIFTED)
def test_lifted_model_equals_eager(name: str, way: str) -> None:
    case = CASES[name]
    exported, lifted = lifted_case(name)
    assert sorted(slot.name for slot in lifted.slots) == sorted(case.slots)
    names = [r.name for r in lifted.manifest.function().results]
    if way == "interpreter":
        got = interpreted(case, exported, lifted.text(), lifted.manifest, lifted.values)
        for results, expected in zip(got, expected_of(name), strict=True):
            assert_results(results, expected, names, **EXACT)
        return
    if refusal := NOT_COMPILED.get((name, way)):
        with pytest.raises(kvlift.CompileError, match=refusal):
            kvlift.compile(lifted, way)
        return
    for results, expected in zip(in_session(name, way), expected_of(name), strict=True):
        assert_results(results, expected, names, **ROUNDED)


def in_session(name: str, target: str) -> list[list[np.ndarray]]:
    """All results of each call: a slot's from the session's state, the others as returned."""
    case = CASES[name]
    exported, lifted = lifted_case(name)
    function = lifted.manifest.function()
    users = [a for a in function.arguments if a.name not in lifted.values]
    steps = [[leaves[i] for i in passed_leaves(exported)] for leaves in steps_of(case)]
    # Slots among the user inputs start with what the first call passes.
    state = {a.slot: v for a, v in zip(users, steps[0], strict=True) if a.slot is not None}
    feeds = {passed_leaves(exported).index(argument): out for out, argument in case.feed_back}
    calls: list[list[np.ndarray]] = []
    with kvlift.compile(lifted, target).session(state=state) as session:
        for leaves in steps:
            for position, output in feeds.items() if calls else ():
                leaves[position] = calls[-1][len(case.slots) + output]
            given = [v for a, v in zip(users, leaves, strict=True) if a.slot is None]
            # None is a result of the source, and none of the function.
            returned = tree_leaves(session(*given))
            outputs = iter([value for value in returned if value is not None])
            calls.append(
                [session.state[r.slot] if r.slot else next(outputs) for r in function.results]
            )
            assert list(outputs) == []
    return calls


@pytest.mark.parametrize("name", NOT_LIFTED)
def test_what_lift_refuses(name: str) -> None:
    exported = export(CASES[name])
    before = str(exported)
    with pytest.raises(kvlift.LiftError, match=NOT_LIFTED[name]) as error:
        kvlift.lift(exported)
    first = error.value.diagnostics[0]
    assert first.severity == "error"
    assert first.location.file.endswith("stateful_models.py")
    assert first.notes
    assert str(exported) == before


def test_the_tables_name_models() -> None:
    """A renamed model must not silently lose its row."""
    assert set(NOT_LIFTED) <= set(CASES)
    assert {name for name, _ in NOT_COMPILED} <= set(LIFTED)
    assert {target for _, target in NOT_COMPILED} <= set(TARGETS)


def test_a_user_input_slot_has_no_silent_start() -> None:
    _, lifted = lifted_case("user_input")
    program = kvlift.compile(lifted, "pjrt:cpu")
    with pytest.raises(kvlift.SessionError, match=r"no initial value for 'cache'; pass state="):
        program.session()
