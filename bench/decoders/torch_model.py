"""The decoder in plain torch, with its caches in place, passed through, or growing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from decoders import model
from decoders.model import HEAD_DIM, HEADS, WIDTH, Array, Shape

Tensors: TypeAlias = list[torch.Tensor]
# Takes a key row, a value row and a position; gives all keys and values.
Cache: TypeAlias = Callable[..., tuple[torch.Tensor, torch.Tensor]]


def linear(weight: Array) -> nn.Linear:
    """A projection without bias; `weight` is [in, out]."""
    layer = nn.Linear(*weight.shape, bias=False, device="meta")
    transposed = torch.from_numpy(np.ascontiguousarray(weight.T))
    layer.weight = nn.Parameter(transposed, requires_grad=False)
    return layer


def rms_norm(gain: Array) -> nn.RMSNorm:
    """The norm over the last dim."""
    layer = nn.RMSNorm(WIDTH, eps=model.EPSILON)
    layer.weight = nn.Parameter(torch.from_numpy(gain), requires_grad=False)
    return layer


def rotate(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Rotary positions of x [batch, heads, 1, head_dim]."""
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-second, first], dim=-1) * sine


def visible_rows(capacity: int, position: torch.Tensor) -> torch.Tensor:
    """The mask of a static cache, bool[1, capacity]: the rows up to the position."""
    return torch.arange(capacity)[None] <= position


class StaticCache(nn.Module):
    """Keys and values of one layer in buffers that are written in place."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Takes the tensors as its buffers."""
        super().__init__()
        self.register_buffer("keys", keys)
        self.register_buffer("values", values)

    def forward(
        self, key: torch.Tensor, value: torch.Tensor, position: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes one row and gives all of them."""
        self.keys.index_copy_(2, position, key)
        self.values.index_copy_(2, position, value)
        return self.keys, self.values


class PassedCache:
    """Keys and values of one layer that come in as tensors; the new ones are kept to go out."""

    def __init__(self, tensors: Tensors, write: Callable[..., torch.Tensor]) -> None:
        """`write` takes an old tensor and a new row, and gives the new tensor."""
        self._tensors, self._write = tensors, write
        self.updated: Tensors = []

    def __call__(
        self, key: torch.Tensor, value: torch.Tensor, position: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Like `StaticCache`."""
        keys, values = map(self._write, self._tensors, (key, value))
        self.updated = [keys, values]
        return keys, values


class Layer(nn.Module):
    """Attention over a cache, then the gated feed-forward part."""

    def __init__(self, weights: dict[str, Array]) -> None:
        """Takes one of `model.weights()["layers"]`."""
        super().__init__()
        for name in model.PROJECTIONS:
            self.add_module(name, linear(weights[name]))
        self.attention_norm = rms_norm(weights["attention_norm"])
        self.feed_forward_norm = rms_norm(weights["feed_forward_norm"])

    def forward(
        self,
        x: torch.Tensor,
        rotary: tuple[torch.Tensor, torch.Tensor],
        position: torch.Tensor,
        mask: torch.Tensor | None,
        cache: Cache,
    ) -> torch.Tensor:
        """The next x [batch, 1, width]; `cache` takes a key and a value row, and gives all rows."""
        h = self.attention_norm(x)
        query, key, value = (
            project(h).view(-1, 1, HEADS, HEAD_DIM).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        keys, values = cache(rotate(key, *rotary), value, position)
        attended = functional.scaled_dot_product_attention(
            rotate(query, *rotary), keys, values, attn_mask=mask
        )
        x = x + self.output(attended.transpose(1, 2).reshape(-1, 1, WIDTH))
        h = self.feed_forward_norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class Decoder(nn.Module):
    """Everything but the caches."""

    def __init__(self) -> None:
        """Takes the weights of `model.weights`."""
        super().__init__()
        weights = model.weights()
        embedding = torch.from_numpy(weights["embedding"])
        self.embedding = nn.Embedding.from_pretrained(embedding, freeze=True)
        self.layers = nn.ModuleList(Layer(layer) for layer in weights["layers"])
        self.norm = rms_norm(weights["norm"])
        self.head = linear(weights["head"])
        self.register_buffer("frequencies", torch.from_numpy(model.frequencies()))

    def forward(
        self,
        tokens: torch.Tensor,
        position: torch.Tensor,
        mask: torch.Tensor | None,
        caches: Iterable[Cache],
    ) -> torch.Tensor:
        """Logits [batch, vocabulary] of tokens i64[batch, 1] at position i64[1]."""
        angles = (position[:, None] * self.frequencies).repeat(1, 2)
        rotary = angles.cos(), angles.sin()
        x = self.embedding(tokens)
        for layer, cache in zip(self.layers, caches, strict=True):
            x = layer(x, rotary, position, mask, cache)
        return self.head(self.norm(x))[:, 0]


class InPlaceDecoder(nn.Module):
    """The decode step as people write it: static caches, updated by `index_copy_`."""

    def __init__(self, shape: Shape, caches: list[torch.Tensor]) -> None:
        """Takes the tensors of `2 * LAYERS` caches as its buffers."""
        super().__init__()
        self.decoder = Decoder()
        self.caches = nn.ModuleList(
            StaticCache(*caches[i : i + 2]) for i in range(0, len(caches), 2)
        )
        self.capacity = shape.capacity

    def forward(self, tokens: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        """Logits; the caches take one more row."""
        return self.decoder(tokens, position, visible_rows(self.capacity, position), self.caches)


class FunctionalDecoder(nn.Module):
    """The same without state of its own: caches come in as arguments, new ones go out."""

    def __init__(self, shape: Shape) -> None:
        """The mask needs the capacity."""
        super().__init__()
        self.decoder = Decoder()
        self.capacity = shape.capacity

    def forward(
        self, tokens: torch.Tensor, position: torch.Tensor, caches: Tensors
    ) -> tuple[torch.Tensor, Tensors]:
        """Logits and the new caches."""

        def write(old: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
            return old.index_copy(2, position, row)

        collected = [PassedCache(caches[i : i + 2], write) for i in range(0, len(caches), 2)]
        logits = self.decoder(tokens, position, visible_rows(self.capacity, position), collected)
        return logits, [tensor for cache in collected for tensor in cache.updated]


class GrowingDecoder(nn.Module):
    """The cache that `torch.cat` makes longer in each step."""

    def __init__(self) -> None:
        """It has no capacity."""
        super().__init__()
        self.decoder = Decoder()

    def forward(
        self, tokens: torch.Tensor, position: torch.Tensor, caches: Tensors
    ) -> tuple[torch.Tensor, Tensors]:
        """Logits and the caches, one row longer."""

        def append(old: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
            return torch.cat([old, row], 2)

        collected = [PassedCache(caches[i : i + 2], append) for i in range(0, len(caches), 2)]
        logits = self.decoder(tokens, position, None, collected)
        return logits, [tensor for cache in collected for tensor in cache.updated]
