"""What JAX programs write: `.at[]`, `dynamic_update_slice`, vmap, scan, cond, and a decoder.

Each is lowered by `jax.jit` on small arrays and called by jax itself for the expected values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from example import CALLS, Example, Prepared
from jax_decoder import decoder_examples

B, H, S, D, L = 2, 3, 8, 4, 3
Step = Callable[..., tuple[Any, ...]]
Arrays = Sequence[np.ndarray]


def programs() -> list[Example]:
    """All of them."""
    return [*_sets(), *_slices(), *_loops(), *_whole(), *decoder_examples()]


def example(
    name: str,
    says: str,
    step: Step,
    state: Arrays,
    inputs: Sequence[Arrays],
    *,
    donate: bool = False,
    tolerance: float = 2e-5,
    told: bool = False,
) -> Example:
    """A step `(*state, *inputs) -> (*state, *outputs)`; `inputs` has those of each call.

    `told` is for state whose new value shows no update: the lift is told by `state=` what it is.
    """

    def made() -> Prepared:
        prepared = prepare(step, state, inputs, donate=donate, tolerance=tolerance)
        pairs = {f"c{i}" if i else "c": (i, i) for i in range(len(state))} if told else {}
        return replace(prepared, state=pairs)

    return Example(name, says + (" (told by `state=`)" if told else ""), made)


def prepare(
    step: Step, state: Arrays, inputs: Sequence[Arrays], *, donate: bool, tolerance: float
) -> Prepared:
    """Lowers the step and runs it in jax."""
    from kvlift.frontends.jax import import_jax_program

    assert len(inputs) == CALLS
    count = len(state)
    donated = tuple(range(count)) if donate else ()
    jitted = jax.jit(step, keep_unused=True, donate_argnums=donated)
    module = import_jax_program(jitted.lower(*state, *inputs[0]))
    plain = jax.jit(step)
    expected: list[list[np.ndarray]] = []
    carried: Sequence[Any] = state
    for given in inputs:
        results = plain(*carried, *given)
        carried = results[:count]
        expected.append([np.asarray(r) for r in results])
    calls = [[*state, *given] for given in inputs]
    return Prepared(module, calls, expected, {i: i for i in range(count)}, tolerance=tolerance)


def draw(*shape: int, seed: int = 0, dtype: Any = np.float32) -> np.ndarray:
    """Seeded normal numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def at(positions: Sequence[Any], *shape: int) -> list[Arrays]:
    """New rows of that shape, and where they go, for each call."""
    return [(draw(*shape, seed=i + 1), np.array(p, np.int32)) for i, p in enumerate(positions)]


BHSD, BSHD = (B, H, S, D), (B, S, H, D)
POSITIONS = (1, 2, 5)
OUTSIDE = (7, 9, -3)


def _sets() -> list[Example]:
    def put(name: str, says: str, step: Step, shape: tuple[int, ...], calls: Any) -> Example:
        return example(f"at_{name}", says, step, [draw(*shape)], calls)

    modes = [
        put(
            f"mode_{mode}",
            f'`c.at[:, :, p].set(x, mode="{mode}")`, p out of range too',
            lambda c, x, p, mode=mode: (c.at[:, :, p].set(x, mode=mode),),
            BHSD,
            at(OUTSIDE, B, H, D),
        )
        for mode in ("drop", "clip", "fill")
    ]
    promised = put(
        "promise",
        '`c.at[:, :, p].set(x, mode="promise_in_bounds")`',
        lambda c, x, p: (c.at[:, :, p].set(x, mode="promise_in_bounds"),),
        BHSD,
        at(POSITIONS, B, H, D),
    )
    both = jnp.arange(B)
    return [
        *modes,
        promised,
        put("row", "`c.at[:, :, p].set(x)`", lambda c, x, p: (c.at[:, :, p].set(x),), BHSD,
            at(POSITIONS, B, H, D)),
        put("negative", "`c.at[:, :, p].set(x)`, p negative",
            lambda c, x, p: (c.at[:, :, p].set(x),), BHSD, at((-1, -3, 2), B, H, D)),
        put("constant", "`c.at[:, -2].set(x)`", lambda c, x, p: (c.at[:, -2].set(x),), BSHD,
            at(POSITIONS, B, H, D)),
        put("slice", "`c.at[:, 3:5].set(x)`", lambda c, x, p: (c.at[:, 3:5].set(x),), BSHD,
            at(POSITIONS, B, 2, H, D)),
        put("strided", "`c.at[:, ::2].set(x)`", lambda c, x, p: (c.at[:, ::2].set(x),), BSHD,
            at(POSITIONS, B, S // 2, H, D)),
        put("leading", "`c.at[p].set(x)`", lambda c, x, p: (c.at[p].set(x),), (S, H, D),
            at(POSITIONS, H, D)),
        put("rows", "`c.at[:, p + arange(T)].set(x)`",
            lambda c, x, p: (c.at[:, p + jnp.arange(3)].set(x),), BSHD,
            at((0, 2, 5), B, 3, H, D)),
        put("rows_given", "`c.at[:, ps].set(x)`", lambda c, x, p: (c.at[:, p].set(x),), BSHD,
            at(([1, 4], [0, 7], [3, 2]), B, 2, H, D)),
        put("batch", "`c.at[arange(B), ps].set(x)`",
            lambda c, x, p: (c.at[both, p].set(x),), BSHD, at(([1, 4], [0, 7], [3, 2]), B, H, D)),
        put("batch_heads_first", "`c.at[arange(B), :, ps].set(x)`",
            lambda c, x, p: (c.at[both, :, p].set(x),), BHSD,
            at(([1, 4], [0, 7], [3, 2]), B, H, D)),
        put("paged", "`pool.at[block, offset].set(x)`",
            lambda c, x, p: (c.at[p[0], p[1]].set(x),), (4, S, H, D),
            at(([[1, 3], [0, 2]], [[0, 2], [7, 1]], [[2, 1], [5, 5]]), B, H, D)),
        put("add", "`c.at[:, p].add(x)`", lambda c, x, p: (c.at[:, p].add(x),), BSHD,
            at(POSITIONS, B, H, D)),
        put("max", "`c.at[p].max(x)`", lambda c, x, p: (c.at[p].max(x),), (S, H, D),
            at(POSITIONS, H, D)),
        put("ring", "`c.at[:, p % S].set(x)`", lambda c, x, p: (c.at[:, p % S].set(x),), BSHD,
            at((6, 8, 21), B, H, D)),
        put("batch_1", "`c.at[:, :, p].set(x)`, batch 1", lambda c, x, p: (c.at[:, :, p].set(x),),
            (1, H, S, D), at(POSITIONS, 1, H, D)),
        example("at_donated", "`c.at[:, :, p].set(x)` with `donate_argnums`",
                lambda c, x, p: (c.at[:, :, p].set(x), x + 1), [draw(*BHSD)],
                at(POSITIONS, B, H, D), donate=True),
        example("at_swapped", "`(k, v) -> (k', v')`, donated",
                lambda k, v, x, p: (k.at[p].set(x), v.at[p].set(-x)),
                [draw(S, H, D), draw(S, H, D, seed=9)], at(POSITIONS, H, D), donate=True),
        example("at_bf16", "`c.at[:, :, p].set(x)` in bf16",
                lambda c, x, p: (c.at[:, :, p].set(x.astype(jnp.bfloat16)),),
                [np.asarray(jnp.asarray(draw(*BHSD), jnp.bfloat16))], at(POSITIONS, B, H, D)),
        example("at_int8", "int8 rows and their scales",
                _quantized, [np.zeros(BSHD, np.int8), np.ones((B, S, H), np.float32)],
                at(POSITIONS, B, H, D)),
    ]  # fmt: skip


def _quantized(c: Any, scales: Any, x: Any, p: Any) -> tuple[Any, ...]:
    scale = jnp.abs(x).max(-1) / 127
    row = jnp.round(x / scale[..., None]).astype(jnp.int8)
    return c.at[:, p].set(row), scales.at[:, p].set(scale)


def _slices() -> list[Example]:
    def one(
        name: str, says: str, step: Step, shape: tuple[int, ...], calls: Any, told: bool = False
    ) -> Example:
        return example(f"dus_{name}", says, step, [draw(*shape)], calls, told=told)

    def per_sequence(c: Any, x: Any, p: Any) -> Any:
        return lax.dynamic_update_slice(c, x, (0, p, 0))

    def per_head(c: Any, x: Any, p: Any) -> Any:
        return lax.dynamic_update_slice(c, x, (p, 0))

    batched = ([1, 4], [0, 7], [3, 9])
    return [
        one("row", "`lax.dynamic_update_slice`, p out of range too",
            lambda c, x, p: (lax.dynamic_update_slice(c, x, (0, 0, p, 0)),), BHSD,
            at(OUTSIDE, B, H, 1, D)),
        one("rows", "`lax.dynamic_update_slice_in_dim`, T rows",
            lambda c, x, p: (lax.dynamic_update_slice_in_dim(c, x, p, 2),), BHSD,
            at((0, 3, 5), B, H, 3, D)),
        one("index", "`lax.dynamic_update_index_in_dim`",
            lambda c, x, p: (lax.dynamic_update_index_in_dim(c, x, p, 1),), BSHD,
            at(POSITIONS, B, H, D)),
        one("vmap", "`vmap(dynamic_update_slice)` over batch and positions",
            lambda c, x, p: (jax.vmap(per_sequence)(c, x, p),), BHSD, at(batched, B, H, 1, D)),
        one("vmap_rows", "the same with T rows",
            lambda c, x, p: (jax.vmap(per_sequence)(c, x, p),), BHSD, at(batched, B, H, 3, D)),
        one("vmap_one_position", "`vmap(dynamic_update_slice)`, one position",
            lambda c, x, p: (jax.vmap(per_sequence, (0, 0, None))(c, x, p),), BHSD,
            at(POSITIONS, B, H, 1, D)),
        one("vmap_vmap", "`vmap(vmap(dynamic_update_slice))`",
            lambda c, x, p: (
                jax.vmap(jax.vmap(per_head, (0, 0, None)), (0, 0, 0))(c, x, p),), BHSD,
            at(batched, B, H, 1, D)),
        one("vmap_at", "`vmap(lambda c, x, p: c.at[:, p].set(x))`",
            lambda c, x, p: (jax.vmap(lambda c, x, p: c.at[:, p].set(x))(c, x, p),), BHSD,
            at(batched, B, H, D)),
        one("swapped_axes", "`swapaxes(dynamic_update_slice(swapaxes(c)))`",
            lambda c, x, p: (
                jnp.swapaxes(lax.dynamic_update_slice(
                    jnp.swapaxes(c, 1, 2), x, (0, p, 0, 0)), 1, 2),), BHSD,
            at(POSITIONS, B, 1, H, D)),
        one("flattened", "`dynamic_update_slice` on `c.reshape(B * H, S, D)`",
            lambda c, x, p: (
                lax.dynamic_update_slice(c.reshape(B * H, S, D), x, (0, p, 0)).reshape(BHSD),),
            BHSD, at(POSITIONS, B * H, 1, D)),
        one("stack", "`dynamic_update_slice` into a [L, B, H, S, D] stack, layer by layer",
            _stacked, (L, *BHSD), at(POSITIONS, B, H, 1, D)),
        one("stack_of_layers", "`stack.at[l].set(dynamic_update_slice(stack[l]))`",
            _stacked_by_layer, (L, *BHSD), at(POSITIONS, B, H, 1, D)),
        one("restacked", "`jnp.stack([dynamic_update_slice(c) for c in stack])`",
            lambda c, x, p: (jnp.stack(
                [lax.dynamic_update_slice(c[i], x * (i + 1), (0, 0, p, 0)) for i in range(L)]),),
            (L, *BHSD), at(POSITIONS, B, H, 1, D), told=True),
        one("twice", "two rows, one after the other",
            lambda c, x, p: (lax.dynamic_update_slice(
                lax.dynamic_update_slice(c, x, (0, 0, p, 0)), x * 2, (0, 0, p + 1, 0)),),
            BHSD, at(POSITIONS, B, H, 1, D)),
    ]  # fmt: skip


def _stacked(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
    for layer in range(L):
        c = lax.dynamic_update_slice(c, x[None] * (layer + 1), (layer, 0, 0, p, 0))
    return (c,)


def _stacked_by_layer(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
    for layer in range(L):
        mine = lax.dynamic_update_slice(c[layer], x * (layer + 1), (0, 0, p, 0))
        c = c.at[layer].set(mine)
    return (c,)


def _loops() -> list[Example]:
    stack = [draw(L, *BHSD)]
    new = at(POSITIONS, L, B, H, 1, D)

    def layers_as_xs(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
        def layer(h: Any, given: tuple[Any, Any]) -> tuple[Any, Any]:
            mine, row = given
            mine = lax.dynamic_update_slice(mine, row + h, (0, 0, p, 0))
            return h + mine.sum() / 1024, mine

        h, c = lax.scan(layer, jnp.float32(0), (c, x))
        return c, h

    def layers_carried(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
        def layer(carry: tuple[Any, Any], given: tuple[Any, Any]) -> tuple[Any, None]:
            c, h = carry
            row, index = given
            c = lax.dynamic_update_slice(c, (row + h)[None], (index, 0, 0, p, 0))
            return (c, h + c[index].sum() / 1024), None

        (c, h), _ = lax.scan(layer, (c, jnp.float32(0)), (x, jnp.arange(L)))
        return c, h

    def layers_sliced(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
        def layer(i: Any, c: Any) -> Any:
            mine = lax.dynamic_index_in_dim(c, i, 0, keepdims=False)
            mine = lax.dynamic_update_slice(mine, x[i], (0, 0, p, 0))
            return lax.dynamic_update_index_in_dim(c, mine, i, 0)

        return (lax.fori_loop(0, L, layer, c),)

    def steps_scanned(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
        def step(carry: tuple[Any, Any], row: Any) -> tuple[Any, Any]:
            c, p = carry
            c = lax.dynamic_update_slice(c, row, (0, 0, p, 0))
            return (c, p + 1), c.sum((2, 3))

        (c, _), sums = lax.scan(step, (c, p), x)
        return c, sums

    def steps_in_fori(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
        return (lax.fori_loop(0, L, lambda i, c: c.at[:, :, p + i].set(x[i, :, :, 0]), c),)

    def steps_in_while(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
        def body(carry: tuple[Any, Any]) -> tuple[Any, Any]:
            i, c = carry
            return i + 1, lax.dynamic_update_slice(c, x[i], (0, 0, p + i, 0))

        return (lax.while_loop(lambda carry: carry[0] < 2, body, (jnp.int32(0), c))[1],)

    def cond(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
        return (lax.cond(p > 1, lambda: lax.dynamic_update_slice(c, x, (0, 0, p, 0)), lambda: c),)

    def cond_rows(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
        def put(x: Any) -> Any:
            return lax.dynamic_update_slice(c, x, (0, 0, p, 0))

        return (lax.cond(p > 1, lambda: put(x), lambda: put(x * 2)),)

    def switch(c: Any, x: Any, p: Any) -> tuple[Any, ...]:
        return (
            lax.switch(
                p % 3,
                [
                    lambda: c,
                    lambda: lax.dynamic_update_slice(c, x, (0, 0, p, 0)),
                    lambda: c.at[:, :, p].set(x[:, :, 0] * 2),
                ],
            ),
        )

    rows = at(POSITIONS, B, H, 1, D)
    return [
        example("scan_layers", "`scan` over layers, the stack as xs and ys", layers_as_xs, stack,
                new, told=True),
        example("scan_layers_carried", "`scan` over layers, the stack carried", layers_carried,
                stack, new),
        example("fori_layers", "`fori_loop`: layer taken out, updated, put back", layers_sliced,
                stack, new),
        example("scan_steps", "`scan` over steps, the cache carried", steps_scanned,
                [draw(*BHSD)], new),
        example("fori_steps", "`fori_loop` over `c.at[:, :, p + i].set(x[i])`", steps_in_fori,
                [draw(*BHSD)], new),
        example("while_steps", "`while_loop` over `dynamic_update_slice`", steps_in_while,
                [draw(*BHSD)], new),
        example("cond", "`lax.cond(b, update, pass through)`", cond, [draw(*BHSD)], rows),
        example("cond_both", "`lax.cond` with an update in both branches", cond_rows,
                [draw(*BHSD)], rows),
        example("switch", "`lax.switch` with two updates", switch, [draw(*BHSD)], rows),
    ]  # fmt: skip


def _whole() -> list[Example]:
    index = jnp.arange(S)[:, None]

    def one(name: str, says: str, step: Step, calls: Any = None, told: bool = False) -> Example:
        calls = calls or at(POSITIONS, B, H, 1, D)
        return example(name, says, step, [draw(*BHSD)], calls, told=told)

    def window(c: Any, x: Any, p: Any) -> Any:
        return jnp.where((index >= p) & (index < p + 2), x, c)

    return [
        one("where_one_hot", "`jnp.where(arange(S) == p, x, c)`",
            lambda c, x, p: (jnp.where(index == p, x, c),)),
        one("where_batch", "`jnp.where(arange(S) == ps[:, None], x, c)`",
            lambda c, x, p: (jnp.where(index == p[:, None, None, None], x, c),),
            at(([1, 4], [0, 7], [3, 2]), B, H, 1, D)),
        one("where_batch_range", "`jnp.where((i >= ps[:, None]) & (i < ps[:, None] + 2), x, c)`",
            lambda c, x, p: (window(c, x, p[:, None, None, None]),),
            at(([1, 4], [0, 7], [3, 2]), B, H, 1, D)),
        one("where_one_hot_rows", "`jnp.where(nn.one_hot(ps, S), x, c)`",
            lambda c, x, p: (jnp.where(jax.nn.one_hot(p, S)[:, None, :, None], x, c),),
            at(([1, 4], [0, 7], [3, 2]), B, H, 1, D)),
        one("where_active", "`jnp.where(active[:, None], update, c)`",
            lambda c, x, p: (jnp.where((jnp.arange(B) < p)[:, None, None, None],
                                       lax.dynamic_update_slice(c, x, (0, 0, p, 0)), c),)),
        one("where_range", "`jnp.where((i >= p) & (i < p + 2), x, c)`",
            lambda c, x, p: (window(c, x, p),)),
        one("one_hot_product", "`c * (1 - h) + x * h`, h one-hot",
            lambda c, x, p: (lambda h: (c * (1 - h) + x * h,))(
                (index == p).astype(jnp.float32)), told=True),
        one("concatenate_at", "`concatenate([c[..., :3, :], x, c[..., 4:, :]])`",
            lambda c, x, p: (jnp.concatenate([c[:, :, :3], x, c[:, :, 4:]], 2),)),
        one("concatenate_roll", "`concatenate([c[..., 1:, :], x])`: a window that slides",
            lambda c, x, p: (jnp.concatenate([c[:, :, 1:], x], 2),), told=True),
        one("roll_and_set", "`roll(c, -1).at[..., -1].set(x)`",
            lambda c, x, p: (jnp.roll(c, -1, 2).at[:, :, -1].set(x[:, :, 0]),), told=True),
        example("counter_and_cache", "a cache and its length `p + 1`",
                lambda c, p, x: (c.at[:, :, p].set(x), p + 1), [draw(*BHSD), np.array(2, np.int32)],
                [(draw(B, H, D, seed=i),) for i in range(CALLS)]),
    ]  # fmt: skip
