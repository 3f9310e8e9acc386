"""The decoder that all peers run: its sizes, weights, caches and inputs, as numpy arrays.

Llama-like: RMSNorm, rotary positions, SwiGLU, no bias, f32. Each layer has a cache of keys and one
of values [batch, heads, capacity, head_dim]; a step takes one token per sequence and one position
for all of them, and gives logits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

LAYERS, WIDTH, HEADS, HEAD_DIM, HIDDEN, VOCABULARY = 8, 512, 8, 64, 1408, 8192
EPSILON, THETA = 1e-5, 1e4
# How many numbers of a cache differ from each other.
DRAWN = 1 << 22
# [in, out]; torch's Linear holds the transpose.
PROJECTIONS = {
    "query": (WIDTH, WIDTH),
    "key": (WIDTH, WIDTH),
    "value": (WIDTH, WIDTH),
    "output": (WIDTH, WIDTH),
    "gate": (WIDTH, HIDDEN),
    "up": (WIDTH, HIDDEN),
    "down": (HIDDEN, WIDTH),
}
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Shape:
    """One point of the benchmark: how many sequences, and how many rows a cache has."""

    batch: int
    capacity: int

    @property
    def cache(self) -> tuple[int, int, int, int]:
        """The shape of each of the `2 * LAYERS` caches."""
        return self.batch, HEADS, self.capacity, HEAD_DIM

    @property
    def cache_bytes(self) -> int:
        """The bytes of all caches."""
        return 4 * 2 * LAYERS * int(np.prod(self.cache))

    @property
    def step_bytes(self) -> int:
        """What a step has to read at least: every weight but the embedding, and all caches."""
        return weight_bytes() + self.cache_bytes

    @property
    def held_bytes(self) -> int:
        """What a step needs in memory at least: all weights, one copy of the caches, activations.

        The activations are computed: scores and probabilities of one layer, the widest hidden
        rows, and the logits.
        """
        row = 2 * HEADS * self.capacity + 2 * HIDDEN + 4 * WIDTH + VOCABULARY
        return held_weight_bytes() + self.cache_bytes + 4 * self.batch * row

    def __str__(self) -> str:
        """As the tables call it."""
        return f"batch {self.batch}, capacity {self.capacity}"


def weight_bytes() -> int:
    """The bytes of the weights that a step reads: of the embedding it reads single rows."""
    layer = sum(a * b for a, b in PROJECTIONS.values()) + 2 * WIDTH
    return 4 * (LAYERS * layer + WIDTH * VOCABULARY + WIDTH)


def held_weight_bytes() -> int:
    """The bytes of all weights."""
    return weight_bytes() + 4 * VOCABULARY * WIDTH


def weights() -> dict[str, Any]:
    """`embedding` [vocabulary, width], `head` [width, vocabulary], `norm`, and `layers`."""
    draw = np.random.default_rng(0)

    def matrix(rows: int, columns: int) -> Array:
        return draw.standard_normal((rows, columns), np.float32) / np.float32(np.sqrt(rows))

    def gain() -> Array:
        return 1 + 0.1 * draw.standard_normal(WIDTH, np.float32)

    return {
        "embedding": draw.standard_normal((VOCABULARY, WIDTH), np.float32),
        "head": matrix(WIDTH, VOCABULARY),
        "norm": gain(),
        "layers": [
            {name: matrix(*shape) for name, shape in PROJECTIONS.items()}
            | {"attention_norm": gain(), "feed_forward_norm": gain()}
            for _ in range(LAYERS)
        ],
    }


def cache(index: int, shape: Shape) -> Array:
    """The initial contents of a cache, of unit variance; even ones are keys, odd ones values.

    Random numbers: pages that were never written are all served from one page of zeros, which
    makes reading them look faster than memory is. Large caches repeat `DRAWN` of them.
    """
    count = int(np.prod(shape.cache))
    drawn = np.random.Generator(np.random.SFC64(100 + index)).random(min(count, DRAWN), np.float32)
    drawn -= np.float32(0.5)
    drawn *= np.float32(np.sqrt(12))
    return np.resize(drawn, shape.cache)


def caches(shape: Shape) -> Iterator[Array]:
    """All caches: keys and values of each layer in turn."""
    return (cache(index, shape) for index in range(2 * LAYERS))


def first_tokens(batch: int) -> Array:
    """The tokens that generation starts from, i64[batch, 1]."""
    return np.random.default_rng(7).integers(0, VOCABULARY, (batch, 1))


def frequencies() -> Array:
    """The rotary frequencies, f32[head_dim / 2]."""
    return (1.0 / THETA ** (np.arange(0, HEAD_DIM, 2, dtype=np.float64) / HEAD_DIM)).astype(
        np.float32
    )
