"""The decoder in JAX: with caches as people write them, and with those that XLA:CPU likes best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from decoders import model
from decoders.model import HEAD_DIM, HEADS, WIDTH


def step(weights: dict[str, Any], caches: list[Any], tokens: Any, position: Any) -> Any:
    """Logits [batch, vocabulary] and the new caches [batch, heads, capacity, head_dim].

    Args:
        weights: of `model.weights`.
        caches: keys and values of each layer in turn.
        tokens: integers [batch, 1].
        position: an integer.
    """
    return _step(weights, caches, tokens, position, _attend)


def step_without_batch(
    weights: dict[str, Any], caches: list[Any], tokens: Any, position: Any
) -> Any:
    """The same for one sequence, with caches [heads, capacity, head_dim].

    XLA:CPU copies a cache with a unit dim twice in each step, donated or not.
    """
    return _step(weights, caches, tokens, position, _attend_without_batch)


def _step(
    weights: dict[str, Any],
    caches: list[Any],
    tokens: Any,
    position: Any,
    attend: Callable[..., Any],
) -> Any:
    x = weights["embedding"][tokens[:, 0]]
    angles = position.astype(jnp.float32) * jnp.asarray(model.frequencies())
    rotary = jnp.cos(jnp.tile(angles, 2)), jnp.sin(jnp.tile(angles, 2))
    visible = jnp.arange(caches[0].shape[-2]) <= position
    updated: list[Any] = []
    for index, layer in enumerate(weights["layers"]):
        h = _norm(x, layer["attention_norm"])
        query, key, value = (
            (h @ layer[name]).reshape(-1, HEADS, 1, HEAD_DIM) for name in ("query", "key", "value")
        )
        attended, new = attend(
            _rotate(query, *rotary),
            _rotate(key, *rotary),
            value,
            caches[2 * index : 2 * index + 2],
            position,
            visible,
        )
        updated += new
        x = x + attended.reshape(-1, WIDTH) @ layer["output"]
        h = _norm(x, layer["feed_forward_norm"])
        x = x + (jax.nn.silu(h @ layer["gate"]) * (h @ layer["up"])) @ layer["down"]
    return _norm(x, weights["norm"]) @ weights["head"], updated


def _attend(
    query: Any, key: Any, value: Any, caches: list[Any], position: Any, visible: Any
) -> tuple[Any, list[Any]]:
    start = (0, 0, position, 0)
    keys, values = (
        lax.dynamic_update_slice(c, r, start) for c, r in zip(caches, (key, value), strict=True)
    )
    scores = jnp.einsum("bhqd,bhkd->bhqk", query * HEAD_DIM**-0.5, keys)
    weights = jax.nn.softmax(jnp.where(visible, scores, -jnp.inf), axis=-1)
    return jnp.einsum("bhqk,bhkd->bhqd", weights, values), [keys, values]


def _attend_without_batch(
    query: Any, key: Any, value: Any, caches: list[Any], position: Any, visible: Any
) -> tuple[Any, list[Any]]:
    start = (0, position, 0)
    keys, values = (
        lax.dynamic_update_slice(c, r[0], start) for c, r in zip(caches, (key, value), strict=True)
    )
    scores = jnp.einsum("hd,hkd->hk", query[0, :, 0] * HEAD_DIM**-0.5, keys)
    weights = jax.nn.softmax(jnp.where(visible, scores, -jnp.inf), axis=-1)
    return jnp.einsum("hk,hkd->hd", weights, values), [keys, values]


def _norm(x: Any, gain: Any) -> Any:
    return x * lax.rsqrt((x * x).mean(-1, keepdims=True) + model.EPSILON) * gain


def _rotate(x: Any, cosine: Any, sine: Any) -> Any:
    first, second = jnp.split(x, 2, axis=-1)
    return x * cosine + jnp.concatenate([-second, first], axis=-1) * sine
