"""Lifted programs small enough to read, with their marks as a frontend would set them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

import kvlift

# Where numpy's name of an element type is not MLIR's with a longer word.
NUMPY = {
    "i1": "bool",
    "ui8": "uint8",
    "ui16": "uint16",
    "i16": "int16",
    "i64": "int64",
    "f64": "f8",
}


def argument(name: str, tensor: str, kind: str = "user_input", result: int | None = None) -> str:
    """An argument of a function as text; `result` is the result that a slot is tied to."""
    tie = "" if result is None else f", tf.aliasing_output = {result} : i32"
    return f'%{name}: {tensor} {{kvlift.name = "{name}", kvlift.kind = "{kind}"{tie}}}'


def lift(
    source: str, values: Mapping[str, Any] | None = None, **options: Any
) -> kvlift.LiftedModule:
    """The module lifted, with initial values for its arguments."""
    return dataclasses.replace(kvlift.lift(source, **options), values=values or {})


class AsIs(kvlift.LiftedModule):
    """A lifted module that `compile` does not make to suit its target."""

    def for_target(self, target: str, *, require: Any = None) -> AsIs:
        """The module itself."""
        return self


def as_is(lifted: kvlift.LiftedModule) -> AsIs:
    """The module for a compiler that is to show what it does with it."""
    return AsIs(lifted.module, lifted.manifest, lifted.diagnostics, lifted.values)


def cache_program(dtype: str = "f32", batch: int = 4) -> kvlift.LiftedModule:
    """Two caches, each written at row p; the results come out swapped: (v, k, sum of k's row)."""
    c, n = f"tensor<{batch}x2x16x8x{dtype}>", f"tensor<{batch}x2x1x8x{dtype}>"
    source = f"""
func.func @main({argument("k", c, result=1)}, {argument("v", c, result=0)},
                {argument("x", n)}, {argument("y", n)}, {argument("p", "tensor<i32>")})
    -> ({c}, {c}, {n}) {{
  %z = stablehlo.constant dense<0> : tensor<i32>
  %k1 = stablehlo.dynamic_update_slice %k, %x, %z, %z, %p, %z
      : ({c}, {n}, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> {c}
  %v1 = stablehlo.dynamic_update_slice %v, %y, %z, %z, %p, %z
      : ({c}, {n}, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> {c}
  %s = stablehlo.add %x, %y : {n}
  return %v1, %k1, %s : {c}, {c}, {n}
}}"""
    return lift(source)


def counter_source(dtype: str = "i64", name: str = "main") -> str:
    """A counter that is raised by `step`; its old value is read after the new one is made."""
    t = f"tensor<{dtype}>"
    return f"""
func.func @{name}({argument("count", t, result=1)}, {argument("step", t)}) -> ({t}, {t}) {{
  %new = stablehlo.add %count, %step : {t}
  %product = stablehlo.multiply %count, %step : {t}
  return %product, %new : {t}, {t}
}}"""


def counter_program(dtype: str = "i64") -> kvlift.LiftedModule:
    """`counter_source`, lifted."""
    return lift(counter_source(dtype))


def square_program(body: str) -> kvlift.LiftedModule:
    """A slot `c` and an argument `x` of 8x8xf32; `body` makes %o and the slot's %n; T is the type.

    The result `out` is %o, so that a body can return something that it reads from the old slot.
    """
    t = "tensor<8x8xf32>"
    source = f"""
func.func @main({argument("c", t, result=1)}, {argument("x", t)}) -> ({t}, {t}) {{
{body.replace("T", t)}
  return %o, %n : {t}, {t}
}}"""
    return lift(source)


def weighted_source(name: str = "main") -> str:
    """Adds `x` times the parameter `w` to row p of the slot `c`; returns nothing else."""
    c, n = "tensor<4x16x8xf32>", "tensor<4x1x8xf32>"
    return f"""
func.func @{name}({argument("c", c, "buffer", 0)}, {argument("w", n, "parameter")},
                {argument("x", n)}, {argument("p", "tensor<i32>")}) -> {c} {{
  %z = stablehlo.constant dense<0> : tensor<i32>
  %y = stablehlo.multiply %x, %w : {n}
  %u = stablehlo.dynamic_update_slice %c, %y, %z, %p, %z
      : ({c}, {n}, tensor<i32>, tensor<i32>, tensor<i32>) -> {c}
  return %u : {c}
}}"""


def weighted_program(values: Mapping[str, Any] | None = None) -> kvlift.LiftedModule:
    """`weighted_source`, lifted, with initial values."""
    return lift(weighted_source(), values)


def overwriting_program(kind: str, values: Mapping[str, Any] | None = None) -> kvlift.LiftedModule:
    """No slot: twice `w` with row p replaced, which IREE replaces in the caller's memory."""
    c, n = "tensor<4x16x8xf32>", "tensor<4x1x8xf32>"
    source = f"""
func.func @main({argument("w", c, kind)}, {argument("x", n)},
                {argument("p", "tensor<i32>")}) -> {c} {{
  %z = stablehlo.constant dense<0> : tensor<i32>
  %u = stablehlo.dynamic_update_slice %w, %x, %z, %p, %z
      : ({c}, {n}, tensor<i32>, tensor<i32>, tensor<i32>) -> {c}
  %o = stablehlo.add %u, %u : {c}
  return %o : {c}
}}"""
    return lift(source, values, lost_updates="ignore")


def attention_program(batch: int) -> kvlift.LiftedModule:
    """Writes a row of the cache, then reads all of it: scores of `q` against every row."""
    c, n = f"tensor<{batch}x2x64x32xf32>", f"tensor<{batch}x2x1x32xf32>"
    q, o = f"tensor<{batch}x2x32xf32>", f"tensor<{batch}x2x64xf32>"
    source = f"""
func.func @main({argument("c", c, result=1)}, {argument("x", n)}, {argument("q", q)},
                {argument("p", "tensor<i32>")})
    -> ({q}, {c}) {{
  %z = stablehlo.constant dense<0> : tensor<i32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z
      : ({c}, {n}, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> {c}
  %s = stablehlo.dot_general %u, %q, batching_dims = [0, 1] x [0, 1],
      contracting_dims = [3] x [2] : ({c}, {q}) -> {o}
  %e = stablehlo.tanh %s : {o}
  %r = stablehlo.dot_general %e, %u, batching_dims = [0, 1] x [0, 1],
      contracting_dims = [2] x [2] : ({o}, {c}) -> {q}
  return %r, %u : {q}, {c}
}}"""
    return lift(source)


# Bodies for `square_program` that make a whole new slot while others may still read the old one.
WHOLE_VALUES = {
    "add, then read the old": """
  %n = stablehlo.add %c, %x : T
  %o = stablehlo.multiply %c, %x : T""",
    "read the old, then add": """
  %o = stablehlo.multiply %c, %x : T
  %n = stablehlo.add %c, %x : T""",
    "not from the old": """
  %n = stablehlo.add %x, %x : T
  %o = stablehlo.add %c, %x : T""",
    "transposed": """
  %t = stablehlo.transpose %c, dims = [1, 0] : (T) -> T
  %n = stablehlo.add %t, %x : T
  %o = stablehlo.add %x, %x : T""",
    "reversed": """
  %n = stablehlo.reverse %c, dims = [0] : T
  %o = stablehlo.add %x, %x : T""",
    "rolled": """
  %s = stablehlo.slice %c [0:7, 0:8] : (T) -> tensor<7x8xf32>
  %y = stablehlo.slice %x [0:1, 0:8] : (T) -> tensor<1x8xf32>
  %n = stablehlo.concatenate %y, %s, dim = 0 : (tensor<1x8xf32>, tensor<7x8xf32>) -> T
  %o = stablehlo.add %x, %x : T""",
}
# And one that updates a row before another op reads the old value.
UPDATE_THEN_READ = """
  %z = stablehlo.constant dense<0> : tensor<i32>
  %y = stablehlo.slice %x [1:2, 0:8] : (T) -> tensor<1x8xf32>
  %n = stablehlo.dynamic_update_slice %c, %y, %z, %z
      : (T, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> T
  %o = stablehlo.multiply %c, %x : T"""


def reference(body: str, c: Any, x: Any) -> tuple[Any, Any]:
    """(out, new c) of a `square_program` by numpy, for the bodies above."""
    row = [*WHOLE_VALUES.values(), UPDATE_THEN_READ].index(body)
    updated = c.copy()
    updated[0] = x[1]
    return (
        (c * x, c + x),
        (c * x, c + x),
        (c + x, x + x),
        (x + x, c.T + x),
        (x + x, c[::-1]),
        (x + x, np.concatenate([x[:1], c[:7]])),
        (c * x, updated),
    )[row]
