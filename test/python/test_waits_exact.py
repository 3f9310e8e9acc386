"""Products in pieces and updates that wait never change a bit: random programs, interpreted.

Both passes let one value wait for another by arithmetic that gives the value back, whatever the
bits of the other one are, so NaNs and the ends of the ranges are among the numbers.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exactness import random_programs
from interpreter import evaluate
from tool import run_pass

STORES = {"bf16": "ui16", "f16": "f16", "f32": "f32", "i8": "i8", "f64": "f64", "i32": "i32"}
NUMPY = {
    "ui16": np.uint16,
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    "i8": np.int8,
    "i32": np.int32,
}


def tensor(shape: list[int], element: str) -> str:
    return f"tensor<{''.join(f'{extent}x' for extent in shape)}{element}>"


def any_bits(draw: random.Random, shape: list[int], element: str) -> np.ndarray:
    dtype = np.dtype(NUMPY[element])
    return np.frombuffer(draw.randbytes(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape)


def product(draw: random.Random) -> tuple[str, list[np.ndarray]]:
    """A product of a slot, as it is or converted, with up to two batched dims."""
    element = draw.choice(["bf16", "f16", "i8"])
    batches = [draw.randint(1, 5) for _ in range(draw.randint(0, 2))]
    rows, inner, columns = draw.randint(2, 12), draw.randint(1, 4), draw.randint(1, 3)
    slot, store = [*batches, rows, inner], STORES[element]
    order = draw.sample(range(len(batches)), len(batches))
    sums_rows, comes_first = draw.random() < 0.5, draw.random() < 0.5
    other = [columns, rows if sums_rows else inner, *(batches[b] for b in order)]
    factor = "f32" if element == "i8" or draw.random() < 0.3 else element
    result = [*batches, *([rows] if not sums_rows else [inner])]
    result.insert(len(result) if comes_first else len(batches), columns)
    mine = ([*range(len(batches))], len(batches) + (0 if sums_rows else 1))
    theirs = ([2 + order.index(b) for b in range(len(batches))], 1)
    (lhs, rhs) = (mine, theirs) if comes_first else (theirs, mine)
    values, factors = ("%v", tensor(slot, factor)), ("%q", tensor(other, factor))
    (one, one_type), (two, two_type) = (values, factors) if comes_first else (factors, values)
    viewed = f"%e = stablehlo.bitcast_convert %c : ({tensor(slot, store)}) -> "
    lines = [viewed + tensor(slot, element)]
    if factor != element:
        lines.append(
            f"%v = stablehlo.convert %e : ({tensor(slot, element)}) -> {tensor(slot, factor)}"
        )
    else:
        lines[0] = lines[0].replace("%e", "%v", 1)
    lines.append(
        f"%r = stablehlo.dot_general {one}, {two}, batching_dims = {lhs[0]} x {rhs[0]}, "
        f"contracting_dims = [{lhs[1]}] x [{rhs[1]}] : ({one_type}, {two_type}) "
        f"-> {tensor(result, factor)}"
    )
    given = STORES[factor]
    text = (
        f'func.func @main(%c: {tensor(slot, store)} {{kvlift.slot = "c"}}, '
        f"%g: {tensor(other, given)}) "
        f'-> ({tensor(slot, store)} {{kvlift.slot = "c"}}, {tensor(result, factor)}) {{\n'
        f"  %q = stablehlo.bitcast_convert %g : ({tensor(other, given)}) -> "
        f"{tensor(other, factor)}\n  "
        + "\n  ".join(lines)
        + f"\n  return %c, %r : {tensor(slot, store)}, {tensor(result, factor)}\n}}\n"
    )
    return text, [any_bits(draw, slot, store), any_bits(draw, other, given)]


def sums(draw: random.Random) -> tuple[str, list[np.ndarray]]:
    """A sum of the old version is added to one of the new version."""
    element = draw.choice(list(STORES))
    slot = [draw.randint(1, 4) for _ in range(draw.randint(1, 3))]
    slot.append(draw.randint(1, 8))
    data = [draw.randint(1, extent) for extent in slot]
    dims = sorted(draw.sample(range(len(slot)), draw.randint(1, len(slot))))
    kept = [extent for dim, extent in enumerate(slot) if dim not in dims]
    op = draw.choice(["add", "maximum"])
    types = {
        "slot": tensor(slot, element),
        "data": tensor(data, element),
        "sum": tensor(kept, element),
        "one": f"tensor<{element}>",
    }
    store = STORES[element]
    starts = ["%p"] * len(slot)
    zero = "0" if element.startswith("i") else "0.0"

    def reduce(name: str, of: str) -> str:
        return (
            f"%{name} = stablehlo.reduce({of} init: %z) applies stablehlo.{op} across "
            f"dimensions = {dims} : ({types['slot']}, {types['one']}) -> {types['sum']}"
        )

    text = f"""
func.func @main(%c: {types["slot"]} {{kvlift.slot = "c"}}, %x: {types["data"]}, %p: tensor<i32>)
    -> ({types["slot"]} {{kvlift.slot = "c"}}, {types["sum"]}) {{
  %z = stablehlo.constant dense<{zero}> : {types["one"]}
  {reduce("s", "%c")}
  %n = stablehlo.dynamic_update_slice %c, %x, {", ".join(starts)} : ({types["slot"]},
    {types["data"]}{", tensor<i32>" * len(slot)}) -> {types["slot"]}
  {reduce("t", "%n")}
  %o = stablehlo.add %s, %t : {types["sum"]}
  return %n, %o : {types["slot"]}, {types["sum"]}
}}
"""
    values = [any_bits(draw, slot, store), any_bits(draw, data, store)]
    return text, [*values, np.array(draw.randint(-2, 9), np.int32)]


def assert_exact(name: str, program: str, values: list[np.ndarray], folder: Path) -> bool:
    """All results of both programs bit for bit; gives whether the pass changed anything."""
    changed = run_pass(name, program, folder)
    before, after = (evaluate(text, [values])[0] for text in (program, changed))
    assert [b.tobytes() for b in before] == [a.tobytes() for a in after], program + changed
    return "stablehlo.minimum" in changed


@given(seed=st.integers(0, 2**32))
@random_programs(12)
def test_products_in_pieces_keep_their_bits(seed, tmp_path):
    draw = random.Random(seed)
    size = draw.choice([1, 16, 48, 128])
    assert_exact(f"kvlift-split-products{{target=pjrt:cpu bytes={size}}}", *product(draw), tmp_path)


@given(seed=st.integers(0, 2**32))
@random_programs(12)
def test_updates_that_wait_keep_their_bits(seed, tmp_path):
    draw = random.Random(seed)
    assert_exact("kvlift-await-sums{target=pjrt:cpu}", *sums(draw), tmp_path)


def test_the_random_programs_are_changed(tmp_path):
    changed = [
        assert_exact(name, *make(random.Random(seed)), tmp_path)
        for name, make in (
            ("kvlift-split-products{target=pjrt:cpu bytes=1}", product),
            ("kvlift-await-sums{target=pjrt:cpu}", sums),
        )
        for seed in range(5)
    ]
    assert sum(changed[:5]) >= 2
    assert sum(changed[5:]) >= 3
