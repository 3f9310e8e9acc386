"""Scatters of every form, before and after the passes on them, interpreted bit for bit.

KVLIFT_FUZZ_EXAMPLES says how many modules are tried.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from exactness import assert_same_results, random_programs
from scatter_programs import draw_form
from tool import run_pass
from update_programs import Case, assemble

EXAMPLES = int(os.environ.get("KVLIFT_FUZZ_EXAMPLES", "20"))
CASES_PER_MODULE = 30
GUARD = "kvlift-guard-scatters{target=iree:cpu}"


def check(cases: list[Case], folder: Path, name: str) -> int:
    """Compares all cases bit for bit; gives the number of functions without a scatter."""
    program, values = assemble(cases)
    rewritten = run_pass(name, program, folder)
    bodies = re.split(r"(?=func\.func private)", rewritten)[1:]
    assert_same_results(
        program, rewritten, values, cases, lambda c: f"{assemble([cases[c]])[0]}\n{bodies[c]}"
    )
    return sum("stablehlo.scatter" not in body for body in bodies)


@random_programs(EXAMPLES)
@given(seed=st.integers(0, 2**48))
def test_random_scatters_are_exact(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    cases = [draw_form(rng) for _ in range(CASES_PER_MODULE)]
    check(cases, tmp_path, "kvlift-simplify-updates")


def test_half_of_them_are_rewritten(tmp_path: Path) -> None:
    """The test above would show nothing if the pass left all of them alone."""
    rng = random.Random(3)
    cases = [draw_form(rng) for _ in range(60)]
    assert check(cases, tmp_path, "kvlift-simplify-updates") >= 20


@random_programs(EXAMPLES)
@given(seed=st.integers(0, 2**48))
def test_guards_are_exact(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    cases = [draw_form(rng, guardable=True) for _ in range(CASES_PER_MODULE)]
    check(cases, tmp_path, GUARD)


def test_guarded_scatters_are_provably_in_range(tmp_path: Path) -> None:
    """What the pass makes, it proves itself to be in range: it has nothing left to do."""
    rng = random.Random(5)
    cases = [draw_form(rng, guardable=True) for _ in range(60)]
    program = assemble(cases)[0]
    once = run_pass(GUARD, program, tmp_path)
    assert "stablehlo.clamp" in once
    assert run_pass(GUARD, once, tmp_path) == once
