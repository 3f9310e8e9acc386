"""kvlift-simplify-reads never changes a bit: random reads of a slot, before and after, interpreted.

Each example is one module with many private functions, as in test_simplify_exact. Half of the
floats are integers, whose sums are exact in any order; the sums of the other half round, so they
also show that the interpreter still adds in the same order. KVLIFT_FUZZ_EXAMPLES says how many
modules are tried.
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
from read_programs import PLAIN, as_bits, draw_read, numbers
from tool import run_pass
from update_programs import Case, Text, assemble, tensor

EXAMPLES = int(os.environ.get("KVLIFT_FUZZ_EXAMPLES", "40"))
CASES_PER_MODULE = 32
PASS = "kvlift-simplify-reads"


def bodies_of(program: str) -> list[str]:
    return re.split(r"(?=func\.func private)", program)[1:]


def products_beside_slot(body: str) -> list[str]:
    """The dot_generals without an operand that is the slot's newest version."""
    slot = re.search(r"(%arg\d+): [^,]*kvlift\.slot", body)
    assert slot, body
    version = slot[1]
    if update := re.search(rf"(%\w+) = stablehlo.dynamic_update_slice {version},", body):
        version = update[1]
    products = re.findall(r"stablehlo\.dot_general (%\w+), (%\w+),.*", body)
    return [" ".join(operands) for operands in products if version not in operands]


def check(cases: list[Case], folder: Path) -> int:
    """Compares all cases bit for bit; gives the number of functions that changed."""
    program, values = assemble(cases)
    plain = bodies_of(run_pass("kvlift-legalize-constants", program, folder))
    simplified = run_pass(PASS, program, folder)
    bodies = bodies_of(simplified)
    for c, (case, body) in enumerate(zip(cases, bodies, strict=True)):
        if case.must_go:
            beside = products_beside_slot(body)
            assert not beside, f"case {c} was left alone\n{assemble([case])[0]}\n{body}"
    assert_same_results(
        program, simplified, values, cases, lambda c: f"{assemble([cases[c]])[0]}\n{bodies[c]}"
    )
    return sum(old != new for old, new in zip(plain, bodies, strict=True))


@random_programs(EXAMPLES)
@given(seed=st.integers(0, 2**48))
def test_random_reads_are_exact(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    check([draw_read(rng) for _ in range(CASES_PER_MODULE)], tmp_path)


def test_most_random_reads_are_rewritten(tmp_path: Path) -> None:
    """The test above would show nothing if the pass left all of them alone."""
    rng = random.Random(1)
    cases = [draw_read(rng) for _ in range(100)]
    assert sum(case.must_go for case in cases) >= 40
    assert check(cases, tmp_path) >= 50


def draw_linear(rng: random.Random) -> Case:
    """Rows and the transpose of a weight, as torch's Linear comes, and one that lies as it is."""
    text, element = Text(), rng.choice(list(PLAIN))
    rows, depth, width = rng.choice([1, 2, 5, 32, 33]), rng.randint(1, 5), rng.randint(1, 5)
    given = tensor([rows, depth], element)
    x = text.argument(given, numbers(rng, [rows, depth], element))
    weight = text.argument(tensor([width, depth], element), numbers(rng, [width, depth], element))
    turned = tensor([depth, width], element)
    transposed = text.let(
        f"stablehlo.transpose {weight}, dims = [1, 0] : ({tensor([width, depth], element)}) -> "
        f"{turned}"
    )
    shape = [rows, width]
    made = text.let(
        f"stablehlo.dot_general {x}, {transposed}, contracting_dims = [1] x [0] : "
        f"({given}, {turned}) -> {tensor(shape, element)}"
    )
    return Case(text, [as_bits(text, made, shape, element)], rows <= 32)


@pytest.mark.parametrize(("target", "turns"), [("pjrt:cpu", {2, 5, 32}), ("iree:cpu", {1})])
def test_weights_for_few_rows_are_exact(target: str, turns: set[int], tmp_path: Path) -> None:
    rng = random.Random(2)
    cases = [draw_linear(rng) for _ in range(60)]
    program, values = assemble(cases)
    simplified = run_pass(f"{PASS}{{target={target}}}", program, tmp_path)
    assert_same_results(program, simplified, values, cases, lambda c: assemble([cases[c]])[0])
    for case, body in zip(cases, bodies_of(simplified), strict=True):
        rows = case.text.arguments[0][2].shape[0]
        products = re.findall(r"stablehlo\.dot_general (%\w+), (%\w+),", body)
        # A weight of one element or row is no transpose at all for the pass.
        assert (products[0][0] == "%arg1") == (rows in turns), body
