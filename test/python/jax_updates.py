"""JAX programs that update state in every way that JAX has: what test_update_forms lifts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

CACHE, STACK, ROW = (4, 16, 8), (3, 4, 16, 8), (4, 8)


@dataclass(frozen=True)
class JaxProgram:
    """A function of slots, a row, a position and a flag, that returns the slots first.

    Attributes:
        function: takes the slots, then `row`, `pos` and `flag`.
        slots: their shapes.
        must_go: ops that must not be left on a slot.
    """

    function: Callable[..., Any]
    slots: tuple[tuple[int, ...], ...] = (CACHE,)
    must_go: tuple[str, ...] = ()

    def text(self, element: str) -> str:
        """The program as StableHLO."""
        dtype = jnp.dtype(element)
        arguments = [jax.ShapeDtypeStruct(shape, dtype) for shape in (*self.slots, ROW)]
        arguments.append(jax.ShapeDtypeStruct((), jnp.int32))
        arguments.append(jax.ShapeDtypeStruct((), jnp.bool_))
        return str(jax.jit(self.function, keep_unused=True).lower(*arguments).as_text())


def _write(cache: Any, row: Any, pos: Any) -> Any:
    return lax.dynamic_update_slice(cache, row[:, None], (0, pos, 0))


def _one_hot(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.where((jnp.arange(16) == pos)[None, :, None], row[:, None], cache)


def _one_hot_swapped(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.where((pos != jnp.arange(16))[None, :, None], cache, row[:, None])


def _one_hot_nn(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.where(jax.nn.one_hot(pos, 16, dtype=bool)[None, :, None], row[:, None], cache)


def _one_hot_shifted(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.where((jnp.arange(16) + 3 == pos)[None, :, None], row[:, None], cache)


def _rows_differ(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.where((jnp.arange(16) == pos)[None, :, None], cache[:, ::-1], cache)


def _range(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    rows = jnp.arange(16)
    return jnp.where(((rows >= pos) & (rows < pos + 4))[None, :, None], row[:, None], cache)


def _range_outside(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    rows = jnp.arange(16)
    return jnp.where(((rows < pos) | (rows >= pos + 4))[None, :, None], cache, row[:, None])


def _positions(pos: Any) -> Any:
    """One for each head; the first two around the position that was given."""
    return jnp.stack([pos, pos + 1, jnp.int32(7), -pos])


def _each_head(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    here = jnp.arange(16)[None] == _positions(pos)[:, None]
    return jnp.where(here[:, :, None], row[:, None], cache)


def _each_head_swapped(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    elsewhere = jnp.arange(16)[None] != _positions(pos)[:, None]
    return jnp.where(elsewhere[:, :, None], cache, row[:, None])


def _each_head_range(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    rows, first = jnp.arange(16)[None], _positions(pos)[:, None]
    return jnp.where(((rows >= first) & (rows < first + 3))[:, :, None], row[:, None], cache)


def _each_head_nn(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.where(jax.nn.one_hot(_positions(pos), 16)[:, :, None], row[:, None], cache)


def _each_head_active(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    here = jnp.arange(16)[None] == _positions(pos)[:, None]
    active = jnp.stack([flag, jnp.bool_(True), ~flag, flag])
    return jnp.where((here & active[:, None])[:, :, None], row[:, None], cache)


def _active_update(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    active = jnp.stack([flag, jnp.bool_(True), ~flag, flag])
    return jnp.where(active[:, None, None], _write(cache, row, pos), cache)


def _constant_range(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    rows = jnp.arange(16)
    return jnp.where(((rows >= 3) & (rows <= 5))[None, :, None], cache * 2, cache)


def _fill(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.where((jnp.arange(16) == pos)[None, :, None], jnp.zeros((), cache.dtype), cache)


def _where_flag(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.where(flag, _write(cache, row, pos), cache)


def _where_not_flag(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.where(flag, cache, cache.at[:, pos].set(row))


def _concatenate(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.concatenate([cache[:, :5], row[:, None], cache[:, 6:]], axis=1)


def _concatenate_nested(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    head = jnp.concatenate([cache[:, :5], row[:, None]], axis=1)
    rest = [cache[:, 7:12], cache[:, 0:1] * 2, cache[:, 13:]]
    return jnp.concatenate([head, -row[:, None], *rest], axis=1)


def _concatenate_last(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.concatenate([cache[:, :15], row[:, None]], axis=1)


def _transposed(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    turned = cache.transpose(1, 0, 2)
    return lax.dynamic_update_slice(turned, row[None], (pos, 0, 0)).transpose(1, 0, 2)


def _flattened(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    turned = cache.transpose(1, 0, 2).reshape(16, 32)
    written = lax.dynamic_update_slice(turned, row.reshape(1, 32), (pos, 0))
    return written.reshape(16, 4, 8).transpose(1, 0, 2)


def _bits(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    width = jnp.uint32 if cache.dtype.itemsize == 4 else jnp.uint16
    bits = lax.bitcast_convert_type(cache, width)
    new = lax.bitcast_convert_type(row, width)
    return lax.bitcast_convert_type(_write(bits, new, pos), cache.dtype)


def _cond(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return lax.cond(flag, lambda c: _write(c, row, pos), lambda c: c, cache)


def _cond_two(cache: Any, other: Any, row: Any, pos: Any, flag: Any) -> Any:
    def taken(c: Any, d: Any) -> Any:
        return _write(c, row, pos), d.at[:, pos].set(row * 2), row[0, 0] * 3

    def skipped(c: Any, d: Any) -> Any:
        return c, d, jnp.zeros((), c.dtype)

    return lax.cond(flag, taken, skipped, cache, other)


def _cond_reads_first(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    return lax.cond(flag, lambda c: _write(c, row + c[:, 3], pos), lambda c: c, cache)


def _cond_twice(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    def taken(c: Any) -> Any:
        return c.at[:, pos].set(row).at[:, pos + 1].set(-row)

    return lax.cond(flag, taken, lambda c: c.at[:, 2].set(row), cache)


def _switch(cache: Any, row: Any, pos: Any, flag: Any) -> Any:
    branches = [
        lambda c: c.at[:, pos].set(row),
        lambda c: c,
        lambda c: lax.dynamic_update_slice(c, jnp.stack([row, -row], 1), (0, pos, 0)),
    ]
    return lax.switch(pos % 3, branches, cache)


def _layer(layer: Any, row: Any, pos: Any, style: str) -> Any:
    if style == "at":
        return layer.at[:, pos].set(row)
    if style == "where":
        return jnp.where((jnp.arange(16) == pos)[None, :, None], row[:, None], layer)
    return _write(layer, row, pos)


def _scan(style: str, slots: int = 1) -> Callable[..., Any]:
    def program(*arguments: Any) -> Any:
        *stacks, row, pos, _ = arguments

        def body(x: Any, layers: Sequence[Any]) -> Any:
            new = [_layer(layer, x, pos, style) for layer in layers]
            return x + sum(layer.sum(1, dtype=layer.dtype) for layer in new), new

        x, new = lax.scan(body, row, stacks)
        return *new, x

    return program


def _fori(style: str) -> Callable[..., Any]:
    def program(stack: Any, row: Any, pos: Any, flag: Any) -> Any:
        def body(i: Any, carry: Any) -> Any:
            stack, x = carry
            layer = lax.dynamic_index_in_dim(stack, i, 0, keepdims=False)
            layer = _layer(layer, x, pos, style)
            stack = lax.dynamic_update_index_in_dim(stack, layer, i, 0)
            return stack, x + layer.sum(1, dtype=layer.dtype)

        return lax.fori_loop(0, 3, body, (stack, row))

    return program


def _unrolled(stack: Any, row: Any, pos: Any, flag: Any) -> Any:
    layers = []
    for i in range(3):
        layers.append(_write(stack[i], row, pos))
        row = row + layers[-1].sum(1, dtype=row.dtype)
    return jnp.stack(layers), row


def _unrolled_at(stack: Any, row: Any, pos: Any, flag: Any) -> Any:
    for i in range(3):
        layer = _write(stack[i], row, pos)
        row = row + layer.sum(1, dtype=layer.dtype)
        stack = stack.at[i].set(layer)
    return stack, row


def _one_layer(stack: Any, row: Any, pos: Any, flag: Any) -> Any:
    return jnp.concatenate([stack[:1], _write(stack[1], row, pos)[None], stack[2:]])


def _scan_reads_all(stack: Any, row: Any, pos: Any, flag: Any) -> Any:
    """Each layer sees the one above it: the old stack is needed to the end."""

    def body(x: Any, i: Any) -> Any:
        layer = _write(stack[i], x, pos)
        return x + stack[(i + 2) % 3, :, 0], layer

    x, new = lax.scan(body, row, jnp.arange(3))
    return new, x


MASK, JOIN, LOOP = ("select",), ("concatenate",), ("concatenate", "zeros")
PROGRAMS = {
    "one-hot": JaxProgram(_one_hot, must_go=MASK),
    "one-hot-swapped": JaxProgram(_one_hot_swapped, must_go=MASK),
    "one-hot-nn": JaxProgram(_one_hot_nn, must_go=MASK),
    "one-hot-shifted": JaxProgram(_one_hot_shifted, must_go=MASK),
    "rows-differ": JaxProgram(_rows_differ, must_go=MASK),
    "range": JaxProgram(_range, must_go=MASK),
    "range-outside": JaxProgram(_range_outside, must_go=MASK),
    "each-head": JaxProgram(_each_head, must_go=MASK),
    "each-head-swapped": JaxProgram(_each_head_swapped, must_go=MASK),
    "each-head-range": JaxProgram(_each_head_range, must_go=MASK),
    "each-head-nn": JaxProgram(_each_head_nn, must_go=MASK),
    "each-head-active": JaxProgram(_each_head_active, must_go=MASK),
    "active-update": JaxProgram(_active_update, must_go=MASK),
    "constant-range": JaxProgram(_constant_range, must_go=MASK),
    "fill": JaxProgram(_fill, must_go=MASK),
    "where-flag": JaxProgram(_where_flag, must_go=MASK),
    "where-not-flag": JaxProgram(_where_not_flag, must_go=MASK),
    "concatenate": JaxProgram(_concatenate, must_go=JOIN),
    "concatenate-nested": JaxProgram(_concatenate_nested, must_go=JOIN),
    "concatenate-last": JaxProgram(_concatenate_last, must_go=JOIN),
    "transposed": JaxProgram(_transposed, must_go=("transpose",)),
    "flattened": JaxProgram(_flattened, must_go=("transpose",)),
    "bits": JaxProgram(_bits, must_go=("bitcast_convert",)),
    "cond": JaxProgram(_cond, must_go=("case",)),
    "cond-two": JaxProgram(_cond_two, (CACHE, CACHE), ("case",)),
    "cond-reads-first": JaxProgram(_cond_reads_first, must_go=("case",)),
    "cond-twice": JaxProgram(_cond_twice, must_go=("case",)),
    "switch": JaxProgram(_switch, must_go=("case",)),
    "scan": JaxProgram(_scan("slice"), (STACK,), LOOP),
    "scan-at": JaxProgram(_scan("at"), (STACK,), LOOP),
    "scan-where": JaxProgram(_scan("where"), (STACK,), LOOP),
    "scan-two": JaxProgram(_scan("slice", 2), (STACK, STACK), LOOP),
    "scan-reads-all": JaxProgram(_scan_reads_all, (STACK,)),
    "fori": JaxProgram(_fori("slice"), (STACK,), LOOP),
    "fori-where": JaxProgram(_fori("where"), (STACK,), LOOP),
    "unrolled": JaxProgram(_unrolled, (STACK,), JOIN),
    "unrolled-at": JaxProgram(_unrolled_at, (STACK,), JOIN),
    "one-layer": JaxProgram(_one_layer, (STACK,), JOIN),
}
