"""A decoder written by hand in JAX: two layers, rotary positions left out, caches [B, H, S, D]."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from example import Example

H, S, D, LAYERS, VOCABULARY = 4, 16, 8, 2, 32
WIDTH = H * D


def decoder_examples() -> list[Example]:
    """Decode at batch 1 and 2, in bf16, with one position per sequence, and a prefill."""
    return [
        _decoder("decoder", "2 layers, `dynamic_update_slice`, donated", 2),
        _decoder("decoder_batch_1", "the same at batch 1", 1),
        _decoder("decoder_prefill", "the same with T rows", 2, rows=4),
        _decoder("decoder_bf16", "the same with caches in bf16", 2, dtype=jnp.bfloat16),
        _decoder(
            "decoder_positions", "`vmap(dynamic_update_slice)`, a position each", 2, each=True
        ),
        _decoder("decoder_rows_first", "caches [B, S, H, D], `.at[:, p].set`", 2, rows_first=True),
    ]


def _decoder(
    name: str,
    says: str,
    batch: int,
    *,
    rows: int = 1,
    dtype: Any = np.float32,
    each: bool = False,
    rows_first: bool = False,
) -> Example:
    from jax_programs import example

    rng = np.random.default_rng(0)

    def weight(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32)

    weights = [{n: weight(WIDTH, WIDTH) for n in "qkvo"} for _ in range(LAYERS)]
    embedding = weight(VOCABULARY, WIDTH)

    def put(cache: Any, new: Any, p: Any) -> Any:
        new = new.astype(cache.dtype)
        if rows_first:
            return cache.at[:, p].set(new[:, 0])
        new = new.transpose(0, 2, 1, 3)
        if each:
            write = jax.vmap(lambda c, x, p: lax.dynamic_update_slice(c, x, (0, p, 0)))
            return write(cache, new, p)
        return lax.dynamic_update_slice(cache, new, (0, 0, p, 0))

    def step(*arguments: Any) -> tuple[Any, ...]:
        *caches, tokens, p = arguments
        x = jnp.asarray(embedding)[tokens]
        position = (p[:, None] if each else p) + jnp.arange(rows)
        mask = jnp.arange(S) <= position[..., None]
        mask = mask[:, None] if each else mask
        for layer, w in enumerate(weights):
            q, k, v = ((x @ w[n]).reshape(batch, rows, H, D) for n in "qkv")
            keys = caches[2 * layer] = put(caches[2 * layer], k, p)
            values = caches[2 * layer + 1] = put(caches[2 * layer + 1], v, p)
            where = "bshd" if rows_first else "bhsd"
            scores = jnp.einsum(f"bthd,{where}->bhts", q, keys.astype(jnp.float32))
            scores = jnp.where(mask, scores / np.sqrt(D), -1e9)
            mixed = jnp.einsum(
                f"bhts,{where}->bthd", jax.nn.softmax(scores), values.astype(jnp.float32)
            )
            x = x + mixed.reshape(batch, rows, WIDTH) @ w["o"]
        return (*caches, x @ embedding.T)

    shape = (batch, S, H, D) if rows_first else (batch, H, S, D)
    state = [np.asarray(jnp.zeros(shape, dtype)) for _ in range(2 * LAYERS)]
    calls = [
        (
            rng.integers(VOCABULARY, size=(batch, rows)).astype(np.int32),
            np.array([i, 7 - i] if each else i * rows, np.int32),
        )
        for i in range(3)
    ]
    # bf16 rows are rounded from sums that the runtimes order differently.
    tolerance = 2e-2 if dtype is jnp.bfloat16 else 1e-4
    return example(name, says, step, state, calls, donate=True, tolerance=tolerance)
