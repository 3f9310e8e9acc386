"""The forms in which exporters write rows of a cache, each as a step that writes and reads nothing.

They are the rows of the table of rewrites in docs/architecture.md's pass `kvlift-simplify-updates`.
`Form.lift` gives the lifted step for a slot of so many bytes and an element type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

import kvlift

BATCH, HEADS, DEPTH, ROWS = 4, 8, 64, 4
DTYPES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "i8": np.int8}
BHSD, BSHD, SBHD = "bhsd", "bshd", "sbhd"


@dataclass(frozen=True)
class Form:
    """One way to write rows.

    Attributes:
        name: the row's name in the table.
        layout: the order of batch, heads, sequence and depth in the slot.
        x: the shape of what is written, in letters (`n` is ROWS) and ones.
        positions: the shape of the positions: a scalar, one per batch row, ...
        step: `(cache, x, position) -> cache` in JAX, or None for a torch module.
        is_rewrite: whether the step does whole-slot work by its own meaning.
    """

    name: str
    layout: str
    x: str
    positions: str
    step: Callable[[Any, Any, Any], Any] | None
    is_rewrite: bool = False

    def lift(self, size: int, dtype: str) -> kvlift.LiftedModule:
        """The step with a slot of `size` bytes, lifted."""
        rows = size // (BATCH * HEADS * DEPTH * np.dtype(DTYPES[dtype]).itemsize)
        extents = {"b": BATCH, "h": HEADS, "s": rows, "d": DEPTH, "n": ROWS, "1": 1}
        cache = tuple(extents[c] for c in self.layout)
        x = tuple(extents[c] for c in self.x)
        positions = tuple(extents[c] for c in self.positions)
        if self.step is None:
            return _lift_torch(cache, x, dtype)
        return self._lift_jax(cache, x, positions, dtype)

    def _lift_jax(
        self, cache: tuple[int, ...], x: tuple[int, ...], positions: tuple[int, ...], dtype: str
    ) -> kvlift.LiftedModule:
        import jax

        kind = DTYPES[dtype]
        types = [jax.ShapeDtypeStruct(shape, kind) for shape in (cache, x)]
        lowered = jax.jit(self.step, keep_unused=True).lower(
            *types, jax.ShapeDtypeStruct(positions, np.int32)
        )
        return kvlift.lift(lowered, state={"cache": (0, 0)} if self.is_rewrite else None)


def _lift_torch(cache: tuple[int, ...], x: tuple[int, ...], dtype: str) -> kvlift.LiftedModule:
    """A module that writes its cache by `index_copy_`."""
    import torch

    kinds = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "i8": "int8"}
    kind = getattr(torch, kinds[dtype])

    class Cache(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("cache", torch.zeros(cache, dtype=kind))

        def forward(self, x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
            self.cache.index_copy_(2, position, x)
            return position + 1

    example = torch.zeros(x, dtype=kind), torch.zeros(1, dtype=torch.int64)
    return kvlift.lift(torch.export.export(Cache(), example))


def _forms() -> list[Form]:
    import jax
    import jax.numpy as jnp
    from jax import lax

    batch, heads = jnp.arange(BATCH), jnp.arange(HEADS)

    def put(c: Any, x: Any, p: Any) -> Any:
        return lax.dynamic_update_slice(c, x, (0, 0, p, 0))

    def one_hot(c: Any, p: Any) -> Any:
        return (jnp.arange(c.shape[2]) == p)[:, None]

    def element_wise(c: Any, x: Any, p: Any) -> Any:
        grid = jnp.meshgrid(batch, heads, p[None], jnp.arange(DEPTH), indexing="ij")
        return c.at[tuple(grid)].set(x)

    def transposed(c: Any, x: Any, p: Any) -> Any:
        rows_first = lax.dynamic_update_slice(jnp.moveaxis(c, 2, 0), x, (p, 0, 0, 0))
        return jnp.moveaxis(rows_first, 0, 2)

    def either(c: Any, x: Any, p: Any) -> Any:
        return lax.cond(p > 1, lambda: put(c, x, p), lambda: c)

    def per_row(c: Any, x: Any, p: Any) -> Any:
        return jax.vmap(lambda c, x, p: lax.dynamic_update_slice(c, x, (0, p, 0)))(c, x, p)

    def stacked(c: Any, x: Any, p: Any) -> Any:
        mine = lax.dynamic_update_slice(c[1], x[0], (0, p, 0))
        return c.at[1].set(mine)

    def looped(c: Any, x: Any, p: Any) -> Any:
        return lax.fori_loop(0, ROWS, lambda i, c: put(c, x[:, :, i][:, :, None], p + i), c)

    return [
        Form("torch `index_copy_` on dim 2", BHSD, "bh1d", "1", None),
        Form("dynamic_update_slice", BHSD, "bh1d", "", put),
        Form("element-wise scatter", BHSD, "bh1d", "", element_wise),
        Form("window scatter, dim 2", BHSD, "bhd", "", lambda c, x, p: c.at[:, :, p].set(x)),
        Form("window scatter, rows p + iota", BHSD, "bhnd", "",
             lambda c, x, p: c.at[:, :, p + jnp.arange(ROWS)].set(x)),
        Form("window scatter, rows given", BHSD, "bhnd", "n",
             lambda c, x, p: c.at[:, :, p].set(x)),
        Form("window scatter, leading dim", SBHD, "bhd", "", lambda c, x, p: c.at[p].set(x)),
        Form("a position per batch row, [B, S, H, D]", BSHD, "bhd", "b",
             lambda c, x, p: c.at[batch, p].set(x)),
        Form("a position per batch row, [B, H, S, D]", BHSD, "bhd", "b",
             lambda c, x, p: c.at[batch, :, p].set(x)),
        Form("vmap(dynamic_update_slice)", BHSD, "bh1d", "b", per_row),
        Form("transpose, update, transpose", BHSD, "1bhd", "", transposed),
        Form("select(iota == p)", BHSD, "bh1d", "",
             lambda c, x, p: jnp.where(one_hot(c, p), x, c)),
        Form("concatenate at a constant", BHSD, "bh1d", "",
             lambda c, x, p: jnp.concatenate([c[:, :, :5], x, c[:, :, 6:]], 2)),
        Form("if(b, update, old)", BHSD, "bh1d", "", either),
        Form("updates of adjacent rows", BHSD, "bh1d", "",
             lambda c, x, p: put(put(c, x, p), x, p + 1)),
        Form("negative index wrapped", BHSD, "bhd", "", lambda c, x, p: c.at[:, :, p - 70].set(x)),
        Form("scatter that adds, leading dim", SBHD, "bhd", "", lambda c, x, p: c.at[p].add(x)),
        Form("scatter that adds, dim 2", BHSD, "bhd", "", lambda c, x, p: c.at[:, :, p].add(x)),
        Form("a layer of a stack", BHSD, "1h1d", "", stacked),
        Form("rows in a loop", BHSD, "bhnd", "", looped),
        Form("one-hot multiply-add", BHSD, "bh1d", "",
             lambda c, x, p: (c * (1 - one_hot(c, p).astype(c.dtype))
                              + x * one_hot(c, p).astype(c.dtype)), is_rewrite=True),
    ]  # fmt: skip


def forms() -> dict[str, Form]:
    """All forms by name, in the order of the table."""
    return {form.name: form for form in _forms()}
