"""kvlift-simplify-updates never changes a bit: random updates, before and after, interpreted.

Each example is one module with many private functions, one random chain of scatters each, so that
one kvlift-opt process and one interpreter process serve them all. KVLIFT_FUZZ_EXAMPLES says how
many modules are tried.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactness import assert_same_results, random_programs
from tool import run_pass
from update_programs import INDEX_BITS, Case, assemble, draw_case, rows_case

EXAMPLES = int(os.environ.get("KVLIFT_FUZZ_EXAMPLES", "60"))
CASES_PER_MODULE = 24


def check(cases: list[Case], folder: Path) -> int:
    """Compares all cases bit for bit; gives the number of functions without a scatter."""
    program, values = assemble(cases)
    simplified = run_pass("kvlift-simplify-updates", program, folder)
    bodies = re.split(r"(?=func\.func private)", simplified)[1:]
    for c, (case, body) in enumerate(zip(cases, bodies, strict=True)):
        if case.must_go:
            assert "stablehlo.scatter" not in body, f"case {c} was left alone\n{body}"
    assert_same_results(
        program, simplified, values, cases, lambda c: f"{assemble([cases[c]])[0]}\n{bodies[c]}"
    )
    return sum("stablehlo.scatter" not in body for body in bodies)


@random_programs(EXAMPLES)
@given(seed=st.integers(0, 2**48))
def test_random_updates_are_exact(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    check([draw_case(rng) for _ in range(CASES_PER_MODULE)], tmp_path)


def test_most_random_updates_are_rewritten(tmp_path: Path) -> None:
    """The test above would show nothing if the pass left all of them alone."""
    rng = random.Random(1)
    cases = [draw_case(rng) for _ in range(60)]
    assert sum(case.must_go for case in cases) >= 20
    assert check(cases, tmp_path) >= 20


@pytest.mark.parametrize("index", ["i8", "i32", "i64"])
def test_every_position_is_exact(index: str, tmp_path: Path) -> None:
    """Rows before, across and behind the edges, and where the index type wraps around."""
    rng = random.Random(2)
    top = (1 << (INDEX_BITS[index] - 1)) - 1
    cases = []
    for extent, counts in {3: (1, 2, 3), 63: (1, 62, 63), 64: (63, 64), 70: (69, 70)}.items():
        for count in counts:
            near = {-count - 1, -count, 1 - count, -1, 0, 1}
            near |= {extent - count, extent - count + 1, extent - 1, extent, extent + 1}
            far = {top, top - 1, top - count, top - count + 1, -top, -top - 1}
            bases = sorted(base for base in near | far if -top - 1 <= base <= top)
            cases.extend(rows_case(rng, extent, count, base, index) for base in bases)
    check(cases, tmp_path)
