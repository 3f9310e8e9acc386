"""Scatters of every form, before and after the passes on them, interpreted bit for bit.

KVLIFT_FUZZ_EXAMPLES says how many modules are tried.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactness import assert_same_results, random_programs
from interpreter import evaluate
from scatter_programs import draw_form
from tool import run_pass
from update_programs import Case, assemble, tensor

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


# A signalling NaN, the one that marks rows (Guards/PlanGuard.cpp) and its quiet one, -0.0, 1.0.
SPECIAL = {
    "f64": (0x7FF0123456789ABC, 0x7FF7FFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 1 << 63, 0x3FF << 52),
    "f32": (0x7F812345, 0x7FBFFFFF, 0x7FFFFFFF, 1 << 31, 0x7F << 23),
    "f16": (0x7D12, 0x7DFF, 0x7FFF, 1 << 15, 0x3C00),
    "bf16": (0x7F93, 0x7FBF, 0x7FFF, 1 << 15, 0x3F80),
}


@pytest.mark.parametrize("element", SPECIAL)
@pytest.mark.parametrize("body", ["add", "multiply", "minimum", "maximum"])
def test_guards_keep_the_bits_of_nans(body: str, element: str, tmp_path: Path) -> None:
    """Each special number in the slot meets each in the update, and rows that are dropped."""
    specials = SPECIAL[element]
    count = len(specials)
    rows = [*range(count), -1, count, -1]
    index = tensor([len(rows), 1], "i32")
    slot, new = tensor([count, count], element), tensor([len(rows), count], element)
    program = f"""func.func @main(%s: {slot}, %i: {index}, %n: {new}) -> {slot} {{
      %0 = "stablehlo.scatter"(%s, %i, %n) <{{scatter_dimension_numbers = #stablehlo.scatter<
          update_window_dims = [1], inserted_window_dims = [0],
          scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}}> ({{
      ^bb0(%x: tensor<{element}>, %y: tensor<{element}>):
        %z = stablehlo.{body} %x, %y : tensor<{element}>
        stablehlo.return %z : tensor<{element}>
      }}) : ({slot}, {index}, {new}) -> {slot}
      return %0 : {slot}
    }}"""
    unsigned = {"f64": "u8", "f32": "u4"}.get(element, "u2")
    plain = {"f64": "f8", "f32": "f4", "f16": "f2"}.get(element, unsigned)
    old = np.array([[a] * count for a in specials], unsigned).view(plain)
    update = np.array([specials] * len(rows), unsigned).view(plain)
    # All rows, and none in range.
    calls = [
        [old, np.array(at, np.int32).reshape(-1, 1), update]
        for at in (rows, [-1] * len(rows), [count + 1] * len(rows))
    ]
    guarded = run_pass(GUARD, program, tmp_path)
    assert "stablehlo.clamp" in guarded
    before, after = evaluate(program, calls), evaluate(guarded, calls)
    assert [r.tobytes() for (r,) in before] == [r.tobytes() for (r,) in after]
    assert before[1][0].tobytes() == old.tobytes()
