"""Large caches of narrow floats on XLA:CPU: multiplied in pieces, with the bits of raw XLA."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")

import ml_dtypes
import raw_runtimes

import kvlift

HEADS, ROWS, WIDTH, GROUP = 8, 8192, 64, 2
DTYPES = {"bf16": ml_dtypes.bfloat16, "f16": np.float16}


def program(element: str, *, is_raw: bool) -> str:
    """One row of keys is written, then they are multiplied; and values, the other way round.

    Raw arguments are f32 and converted first, so that numpy can write them to a file; the updated
    caches are no results then. Products leave as bits: XLA would not round them to `element` for
    a conversion to f32.
    """
    cache, row = f"{HEADS}x{ROWS}x{WIDTH}", f"{HEADS}x1x{WIDTH}"
    query, scores = f"{HEADS}x{GROUP}x{WIDTH}", f"{HEADS}x{GROUP}x{ROWS}"
    shapes = {"k": cache, "v": cache, "x": row, "q": query, "s": scores}
    c, x, q, s = (f"tensor<{shape}x{element}>" for shape in (cache, row, query, scores))
    mark, given = ("_", "f32") if is_raw else ("", element)
    arguments = ", ".join(f"%{n}{mark}: tensor<{shape}x{given}>" for n, shape in shapes.items())
    lines = [
        f"%{n} = stablehlo.convert %{n}_ : (tensor<{shape}xf32>) -> tensor<{shape}x{element}>"
        for n, shape in shapes.items()
    ]
    converted = "\n  ".join(lines) if is_raw else ""
    update = f"%z, %p, %z : ({c}, {x}, tensor<i32>, tensor<i32>, tensor<i32>) -> {c}"
    results = f"tensor<{scores}xui16>, tensor<{query}xui16>"
    caches, types = ("", results) if is_raw else (", %k1, %v1", f"{results}, {c}, {c}")
    return f"""
func.func @main({arguments}, %p: tensor<i32>) -> ({types}) {{
  {converted}
  %z = stablehlo.constant dense<0> : tensor<i32>
  %k1 = stablehlo.dynamic_update_slice %k, %x, {update}
  %v1 = stablehlo.dynamic_update_slice %v, %x, {update}
  %r = stablehlo.dot_general %q, %k1, batching_dims = [0] x [0], contracting_dims = [2] x [2]
    : ({q}, {c}) -> {s}
  %t = stablehlo.dot_general %s, %v1, batching_dims = [0] x [0], contracting_dims = [2] x [1]
    : ({s}, {c}) -> {q}
  %rb = stablehlo.bitcast_convert %r : ({s}) -> tensor<{scores}xui16>
  %tb = stablehlo.bitcast_convert %t : ({q}) -> tensor<{query}xui16>
  return %rb, %tb{caches} : {types}
}}
"""


@pytest.mark.parametrize("element", list(DTYPES))
def test_products_of_large_caches_keep_the_bits_of_raw_xla(element):
    random = np.random.default_rng(0)

    def numbers(*shape: int) -> np.ndarray:
        # Sums of integers round in no order; what they are rounded to is as XLA does it.
        return random.integers(-4, 5, shape).astype(DTYPES[element])

    k, v = numbers(HEADS, ROWS, WIDTH), numbers(HEADS, ROWS, WIDTH)
    x, q, s = numbers(HEADS, 1, WIDTH), numbers(HEADS, GROUP, WIDTH), numbers(HEADS, GROUP, ROWS)
    position = np.array(ROWS - 3, np.int32)
    wide = [value.astype(np.float32) for value in (k, v, x, q, s)]
    raw = program(element, is_raw=True)
    expected = raw_runtimes.evaluate("pjrt:cpu", raw, [*wide, position])

    lifted = kvlift.lift(program(element, is_raw=False), target="pjrt:cpu", require="in_place")
    compiled = kvlift.compile(lifted, "pjrt:cpu", require="in_place", cache=False)
    names = [slot.name for slot in lifted.slots]
    with compiled.session(state=dict(zip(names, (k, v), strict=True))) as session:
        found = session(x, q, s, position)
    for result, wanted in zip(found, expected, strict=True):
        assert np.asarray(result).tobytes() == wanted.tobytes()
    assert not compiled.audit().copies
