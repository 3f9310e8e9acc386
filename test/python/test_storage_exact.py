"""kvlift-choose-storage never changes a bit: random chains on slots, stored both ways, interpreted.

Each example is a function with several slots, called twice in a row. KVLIFT_FUZZ_EXAMPLES says
how many are tried.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exactness import random_programs
from interpreter import evaluate
from storage_programs import ELEMENTS, Module, draw_module
from tool import run_pass

EXAMPLES = int(os.environ.get("KVLIFT_FUZZ_EXAMPLES", "10"))
SLOTS = 6
PASS = "kvlift-choose-storage{target=pjrt:cpu}"


def stored_types(program: str) -> list[tuple[list[int], str, list[int] | None]]:
    """The types of the slots' arguments, and the order of their dims."""
    found = re.findall(r"%\w+: tensor<([^>]*)> {([^}]*)kvlift\.slot = \"c\d+\"", program)
    types = []
    for kind, marks in found[:SLOTS]:
        *shape, element = kind.split("x")
        order = re.search(r"kvlift\.order = \[([\d, ]+)\]", marks)
        dims = None if order is None else [int(d) for d in order[1].split(",")]
        types.append(([int(e) for e in shape], element, dims))
    return types


def as_stored(
    value: np.ndarray, shape: list[int], element: str, order: list[int] | None
) -> np.ndarray:
    dtype = np.dtype(f"u{int(element[2:]) // 8}") if element.startswith("ui") else value.dtype
    lying = value if order is None else np.ascontiguousarray(value.transpose(order))
    return lying.view(dtype).reshape(shape)


def as_logical(stored: np.ndarray, logical: np.ndarray, order: list[int] | None) -> np.ndarray:
    """The inverse, in the type of `logical`."""
    bits = stored.view(logical.dtype)
    if order is None:
        return bits.reshape(logical.shape)
    lying = bits.reshape([logical.shape[d] for d in order])
    return np.ascontiguousarray(lying.transpose(np.argsort(order)))


def check(module: Module, folder: Path) -> int:
    """Compares both programs; gives the number of slots that are stored as another type."""
    program = module.text()
    stored = run_pass(PASS, program, folder)
    types = stored_types(stored)
    assert len(types) == SLOTS, stored
    carry = {i: i for i in range(SLOTS)}
    rest = [None] * SLOTS + module.values[SLOTS:]
    before = evaluate(program, [module.values, rest], carry=carry)
    first = [as_stored(v, *t) for v, t in zip(module.values, types, strict=False)]
    after = evaluate(stored, [first + module.values[SLOTS:], rest], carry=carry)
    for call, (expected, got) in enumerate(zip(before, after, strict=True)):
        for i, (a, b) in enumerate(zip(expected, got, strict=True)):
            b = as_logical(b, a, types[i][2]) if i < SLOTS else b
            assert a.tobytes() == b.tobytes(), f"call {call}, result {i}\n{program}\n{stored}"
    return len(re.findall(r"kvlift\.logical", stored))


@random_programs(EXAMPLES)
@given(seed=st.integers(0, 2**48))
def test_random_chains_are_exact(seed: int, tmp_path: Path) -> None:
    check(draw_module(random.Random(seed), SLOTS), tmp_path)


@random_programs(max(EXAMPLES // 2, 1))
@given(seed=st.integers(0, 2**48))
def test_random_orders_of_dims_are_exact(seed: int, tmp_path: Path) -> None:
    check(draw_module(random.Random(seed), SLOTS, for_products=True), tmp_path)


def test_many_random_products_want_another_order(tmp_path: Path) -> None:
    moved = 0
    for seed in range(4):
        module = draw_module(random.Random(seed), SLOTS, for_products=True)
        types = stored_types(run_pass(PASS, module.text(), tmp_path))
        moved += sum(order is not None for _, _, order in types)
    assert moved >= SLOTS


def test_most_random_slots_are_stored_otherwise(tmp_path: Path) -> None:
    """The test above would show nothing if the pass left all of them alone."""
    changed = wanted = 0
    for seed in range(6):
        module = draw_module(random.Random(seed), SLOTS)
        changed += check(module, tmp_path)
        narrow = {element for element in ELEMENTS if element.startswith(("b", "f8"))}
        for shape, element, _ in stored_types(module.text()):
            wanted += 1 in shape or element in narrow
    assert changed >= 0.8 * wanted
