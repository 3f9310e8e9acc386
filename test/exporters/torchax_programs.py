"""What torchax emits: its lowerings are JAX functions, repeated here in their own words.

torchax does not install beside this project's torch. Its `torchax/ops/jaten.py` (google/torchax
at 30cbac2d) lowers every indexed update to `x.at[...].set(...)`: `index_copy` (with `slice(None)`
for the other dims), `index_put`, `select_scatter`, `slice_scatter`; `copy_` into a view goes
through `View.update`, which is `.at[].set` on the base too; `scatter` goes through
`input.at[index tuple of broadcast iotas].set(src)`. The result is lowered by `jax.jit`, so the
StableHLO is JAX's own.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from example import Example
from jax_programs import at, draw, example

B, H, S, D = 2, 3, 8, 4
POSITIONS = ([1], [2], [5])
ALL = slice(None, None, None)


def index_copy(x: Any, dim: int, indexes: Any, source: Any) -> Any:
    """`aten.index_copy`."""
    return x.at[tuple(indexes if i == dim else ALL for i in range(x.ndim))].set(source)


def index_put(x: Any, indexes: list[Any], values: Any, accumulate: bool = False) -> Any:
    """`aten.index_put`."""
    places = x.at[tuple(ALL if i is None else i for i in indexes)]
    return places.add(values) if accumulate else places.set(values)


def select_scatter(x: Any, src: Any, dim: int, index: int) -> Any:
    """`aten.select_scatter`."""
    return x.at[tuple(index if i == dim else ALL for i in range(x.ndim))].set(src)


def slice_scatter(x: Any, src: Any, dim: int, start: int, end: int, step: int = 1) -> Any:
    """`aten.slice_scatter`."""
    where = slice(start, end, step)
    return x.at[tuple(where if i == dim else ALL for i in range(x.ndim))].set(src)


def scatter(x: Any, dim: int, index: Any, src: Any) -> Any:
    """`aten.scatter`."""
    grids = list(jnp.meshgrid(*(jnp.arange(n) for n in index.shape), indexing="ij", sparse=True))
    grids[dim] = index
    return x.at[tuple(grids)].set(src)


def programs() -> list[Example]:
    """One per lowering."""

    def one(name: str, says: str, step: Any, calls: Any) -> Example:
        return example(f"torchax_{name}", says, step, [draw(B, H, S, D)], calls)

    def static_cache(k: Any, v: Any, x: Any, p: Any) -> tuple[Any, ...]:
        k, v = index_copy(k, 2, p, x), index_copy(v, 2, p, -x)
        return k, v, (k * v).sum(-1)

    whole = [
        (x, np.broadcast_to(p.reshape(1, 1, 1, 1), (B, H, 1, D)).copy())
        for x, p in at((1, 2, 5), B, H, 1, D)
    ]
    return [
        one("index_copy", "`index_copy_(2, pos, x)`",
            lambda c, x, p: (index_copy(c, 2, p, x),), at(POSITIONS, B, H, 1, D)),
        one("index_put", "`c[:, :, pos] = x`",
            lambda c, x, p: (index_put(c, [None, None, p], x),), at(POSITIONS, B, H, 1, D)),
        one("index_put_rows", "`c[:, :, pos] = x`, rows `arange(T) + p`",
            lambda c, x, p: (index_put(c, [None, None, p + jnp.arange(3)], x),),
            at(((0,), (2,), (5,)), B, H, 3, D)),
        one("index_put_two", "`c[arange(B), :, pos] = x`",
            lambda c, x, p: (index_put(c, [jnp.arange(B), None, p], x),),
            at(([1, 4], [0, 7], [3, 2]), B, H, D)),
        one("index_put_accumulate", "`index_put_(..., accumulate=True)`",
            lambda c, x, p: (index_put(c, [None, None, p], x, True),),
            at(POSITIONS, B, H, 1, D)),
        one("select_scatter", "`c[:, :, 3] = x`",
            lambda c, x, p: (select_scatter(c, x, 2, 3),), at(POSITIONS, B, H, D)),
        one("slice_scatter", "`c[:, :, 3:5] = x`",
            lambda c, x, p: (slice_scatter(c, x, 2, 3, 5),), at(POSITIONS, B, H, 2, D)),
        one("slice_scatter_step", "`c[:, :, 1::2] = x`",
            lambda c, x, p: (slice_scatter(c, x, 2, 1, S, 2),), at(POSITIONS, B, H, 4, D)),
        one("scatter", "`c.scatter_(2, index, x)`",
            lambda c, x, i: (scatter(c, 2, i, x),), whole),
        example("torchax_static_cache", "two `index_copy_` and a read", static_cache,
                [draw(B, H, S, D), draw(B, H, S, D, seed=9)], at(POSITIONS, B, H, 1, D)),
    ]  # fmt: skip
