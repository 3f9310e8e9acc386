"""The decoder written by hand in JAX, with and without donation of the caches."""

from __future__ import annotations

from typing import Any

import numpy as np

from decoders import model
from decoders.model import Array
from decoders.peer import Peer


class JaxDonated(Peer):
    """As people write it: caches [batch, heads, capacity, head_dim], donated."""

    name = "JAX, donated"
    packages = ("jax",)
    cache_copies = 2.5
    donated: tuple[int, ...] = (1,)
    _caches: list[Any]

    def prepare(self) -> None:
        """Compiles on shapes alone."""
        import jax

        self._weights = jax.device_put(model.weights())
        cache = jax.ShapeDtypeStruct(self._cache_shape(), np.float32)
        tokens = jax.ShapeDtypeStruct((self.shape.batch, 1), np.int32)
        position = jax.ShapeDtypeStruct((), np.int32)
        arguments = self._weights, [cache] * (2 * model.LAYERS), tokens, position
        jitted = jax.jit(self._step(), donate_argnums=self.donated)
        self._compiled = jitted.lower(*arguments).compile()

    def _step(self) -> Any:
        from decoders.jax_model import step

        return step

    def _cache_shape(self) -> tuple[int, ...]:
        return self.shape.cache

    def start(self) -> None:
        """Caches as device arrays with memory of their own, so that XLA may donate them."""
        import jax.numpy as jnp

        shape = self._cache_shape()
        self._caches = [
            jnp.array(model.cache(index, self.shape).reshape(shape), copy=True)
            for index in range(2 * model.LAYERS)
        ]

    def step(self, tokens: Array, position: int) -> Array:
        """The compiled call; the new caches replace the old ones."""
        narrow = tokens.astype(np.int32)
        logits, self._caches = self._compiled(
            self._weights, self._caches, narrow, np.int32(position)
        )
        return np.asarray(logits)

    def stop(self) -> None:
        """Drops the arrays."""
        self._caches = []


class JaxBest(JaxDonated):
    """The form that XLA:CPU likes best: no unit dim in a cache, donated."""

    name = "JAX, best by hand"
    cache_copies = 1

    def _step(self) -> Any:
        from decoders.jax_model import step, step_without_batch

        return step_without_batch if self.shape.batch == 1 else step

    def _cache_shape(self) -> tuple[int, ...]:
        return self.shape.cache[1:] if self.shape.batch == 1 else self.shape.cache


class JaxNotDonated(JaxDonated):
    """Without donation: new caches beside the old ones in every step."""

    name = "JAX, not donated"
    cache_copies = 3
    donated = ()
