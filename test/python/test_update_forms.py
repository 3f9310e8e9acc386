"""Updates as JAX really emits them: exact after the lift, and without work on the whole slot."""

from __future__ import annotations

import random
import re
from typing import Any

import numpy as np
import pytest

import kvlift
from interpreter import evaluate
from update_programs import bits

jax_updates = pytest.importorskip("jax_updates")

POSITIONS = (3, -1, 15, 16, 0, -16, -17, 13, 2**31 - 1, -(2**31), 7, 40)
CALLS = 6


def draw_calls(program: Any, element: str, seed: int) -> list[list[np.ndarray | None]]:
    """The arguments of chained calls, positions in and out of range among them."""
    rng = random.Random(seed)
    draw = {"float32": "f32", "bfloat16": "bf16", "int8": "i8"}[element]
    calls = []
    for call in range(CALLS):
        values: list[np.ndarray | None] = [
            None if call else np.ascontiguousarray(bits(rng, list(shape), draw))
            for shape in program.slots
        ]
        values.append(np.ascontiguousarray(bits(rng, list(jax_updates.ROW), draw)))
        values.append(np.array(rng.choice(POSITIONS), np.int32))
        values.append(np.array(rng.random() < 0.6))
        calls.append(values)
    return calls


def find_results(text: str, program: Any) -> list[int]:
    """The result of each slot: those of its type, in order."""
    head = re.search(r"@main\(.*?\) -> (.*?) \{\n", text, re.DOTALL)
    assert head
    types = re.findall(r"tensor<[^>]*>", head[1])
    inputs = re.findall(r"%arg\d+: (tensor<[^>]*>)", text)
    found: list[int] = []
    for kind in inputs[: len(program.slots)]:
        found.append(next(r for r, t in enumerate(types) if t == kind and r not in found))
    return found


def lift(program: Any, element: str, target: str | None = None) -> tuple[str, Any, dict[int, int]]:
    """The program as it was, lifted, and which result each slot comes back in."""
    text = program.text(element)
    ties = dict(enumerate(find_results(text, program)))
    state = {f"slot{a}": (a, r) for a, r in ties.items()}
    return text, kvlift.lift(text, state=state, target=target, lost_updates="ignore"), ties


def slot_sized(text: str, op: str, program: Any) -> list[str]:
    """Lines with an op whose result is as large as a slot."""
    shapes = {"x".join(map(str, shape)) for shape in program.slots}
    if op == "zeros":
        lines = re.findall(r".*broadcast_in_dim.*dims = \[\] .*", text)
    else:
        lines = re.findall(rf".*stablehlo\.{op}\b.*", text)
    ending = rf"tensor<({'|'.join(shapes)})x\w+>$"
    return [line for line in lines if re.search(ending, line.rstrip())]


ALL = [(name, "float32") for name in jax_updates.PROGRAMS]
NARROW = [
    *[(name, "bfloat16") for name in ("one-hot", "bits")],
    *[(name, "int8") for name in ("cond-twice", "scan-at")],
]


@pytest.mark.parametrize(("name", "element"), [*ALL, *NARROW])
def test_form_is_exact(name: str, element: str) -> None:
    program = jax_updates.PROGRAMS[name]
    try:
        text, lifted, ties = lift(program, element)
    except kvlift.LiftError:
        assert not program.must_go
        return
    calls = draw_calls(program, element, 1)
    before = evaluate(text, calls, carry=ties)
    after = evaluate(lifted.text(), calls, carry=ties)
    for step, (one, other) in enumerate(zip(before, after, strict=True)):
        for r, (a, b) in enumerate(zip(one, other, strict=True)):
            assert a.tobytes() == b.tobytes(), f"result {r} of call {step + 1}"


@pytest.mark.parametrize("name", [n for n, p in jax_updates.PROGRAMS.items() if p.must_go])
def test_form_becomes_an_update(name: str) -> None:
    program = jax_updates.PROGRAMS[name]
    _, lifted, _ = lift(program, "float32")
    after = lifted.text()
    assert "stablehlo.dynamic_update_slice" in after
    for op in (*program.must_go, "scatter"):
        assert not slot_sized(after, op, program), after


# A row of the old value is read and written to another place; the old value is turned around.
COPIED_ON_XLA = {"concatenate-nested", "rows-differ"}
# Announced, and not copied: sums between updates, which XLA fuses or not; masks between updates,
# which IREE puts into one dispatch or not.
CAREFUL_ON_XLA = {"unrolled", "unrolled-at"}
CAREFUL_ON_IREE = {"scan-at", "scan-where", "fori-where"}


@pytest.mark.parametrize("name", [n for n, p in jax_updates.PROGRAMS.items() if p.must_go])
def test_form_is_in_place_on_xla(name: str) -> None:
    """The proof may be more careful than XLA in loops and among sums, never less."""
    _, lifted, _ = lift(jax_updates.PROGRAMS[name], "float32", "pjrt:cpu")
    is_copied = not kvlift.compile(lifted, "pjrt:cpu").audit().is_in_place
    assert is_copied == (name in COPIED_ON_XLA)
    if is_copied or "stablehlo.while" not in lifted.text():
        verdict = "copied: " if is_copied or name in CAREFUL_ON_XLA else "in_place"
        assert all(slot.verdict.startswith(verdict) for slot in lifted.slots)


@pytest.mark.parametrize("name", [n for n, p in jax_updates.PROGRAMS.items() if p.must_go])
def test_form_is_in_place_on_iree(name: str) -> None:
    _, lifted, _ = lift(jax_updates.PROGRAMS[name], "float32", "iree:cpu")
    is_loop = "stablehlo.while" in lifted.text()
    verdict = (
        r"copied: \d+ bytes: IREE copies the slot in each iteration" if is_loop else "in_place"
    )
    if name in CAREFUL_ON_IREE:
        verdict = r"copied: \d+ bytes: IREE may copy what one update has made before the next"
    if name == "rows-differ":  # It reads the slot turned around.
        verdict = r"copied: \d+ bytes: IREE builds the whole slot anew"
    assert all(re.match(verdict, slot.verdict) for slot in lifted.slots)
