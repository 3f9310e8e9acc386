"""A Hugging Face causal language model as two programs, prefill and decode, on one cache.

Both read and write the same static cache: rows [batch, heads, capacity, head_dim] for each layer,
and how many of them are filled. A prompt that is shorter than the prefill is padded at its end: the
rows that the padding writes are not visible to any token before it, and the next tokens overwrite
each of them before they could see it. So padding changes no result, and a longer prompt, or the
next turn of a conversation, is a second prefill.

Layers with a sliding window get a cache of the full capacity as well; their mask keeps the window.

How many rows are filled is known on the device alone: a call cannot refuse what no longer fits
without waiting for it. So the programs themselves answer with NaN, which no one takes for logits.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from kvlift.errors import ExportError
from kvlift.frontends.export import export


class _OnCache(nn.Module):  # type: ignore[misc]
    """A model and its cache, whose tensors are buffers of equal names in both programs."""

    def __init__(self, model: nn.Module, cache: Any) -> None:
        super().__init__()
        self.model = model
        self.cache = cache
        parameters = inspect.signature(model.forward).parameters
        self._cache_name = "cache" if "cache" in parameters else "past_key_values"
        for index, layer in enumerate(cache.layers):
            for name in ("keys", "values", "cumulative_length"):
                self.register_buffer(f"{name}_{index}", getattr(layer, name), persistent=False)

    def _logits(
        self, input_ids: torch.Tensor, last: torch.Tensor | int, count: torch.Tensor | int
    ) -> torch.Tensor:
        """[batch, vocabulary], of the token with that index, or of the last one.

        NaN when `count` more rows than were filled before are more than there are.
        """
        filled = self.cache.layers[0].cumulative_length.clone()
        positions = filled + torch.arange(input_ids.shape[1])
        logits: torch.Tensor = self.model(
            input_ids=input_ids,
            position_ids=positions.unsqueeze(0),
            use_cache=True,
            logits_to_keep=last,
            **{self._cache_name: self.cache},
        ).logits
        capacity = self.cache.layers[0].keys.shape[2]
        return logits[:, -1].masked_fill(filled + count > capacity, float("nan"))


class Prefill(_OnCache):
    """Appends the first `length` of the tokens to what is cached."""

    def forward(self, input_ids: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Logits [batch, vocabulary] after the last of them.

        Args:
            input_ids: i64[batch, prefill].
            length: i64[1], how many of them are the prompt, the same for the whole batch.
        """
        filled = self.cache.layers[0].cumulative_length.clone()
        logits = self._logits(input_ids, length - 1, length)
        for layer in self.cache.layers:
            layer.cumulative_length.copy_(filled + length[0])
        return logits


class Decode(_OnCache):
    """Appends one token to what is cached."""

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Logits [batch, vocabulary] after it.

        Args:
            input_ids: i64[batch, 1].
        """
        return self._logits(input_ids, 1, 1)


def export_causal_lm(
    model: nn.Module, batch: int = 1, capacity: int = 2048, prefill: int = 128
) -> dict[str, torch.export.ExportedProgram]:
    """Exports a Hugging Face causal language model as `prefill` and `decode` on one cache.

    `kvlift.lift` takes the result as it is. Of a session then
    `session.prefill(input_ids, length)` appends the first `length` of the tokens
    i64[batch, prefill], and `session.decode(input_ids)` one token i64[batch, 1]; both return the
    logits [batch, vocabulary] after the last one. The session counts what is cached;
    `session.reset()` forgets it. It is the caller's to stay within the capacity: rows beyond it
    are not stored, and all logits from there on are NaN.

    Args:
        model: a causal language model of transformers whose layers all attend.
        batch: sequences that are processed together; their prompts have one length.
        capacity: rows of each layer's cache: tokens of a prompt and of its answer.
        prefill: tokens of a prompt that are processed at once; shorter ones are padded by any
            token, at their end.

    Raises:
        ExportError: the model is no such model, the sizes do not fit, or the export fails.
    """
    _check(model, batch, capacity, prefill)
    tokens = torch.zeros(batch, prefill, dtype=torch.int64)
    with _exportable(model), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cache = _new_cache(model, batch, capacity)
        return {
            "prefill": export(Prefill(model, cache), (tokens, torch.tensor([prefill]))),
            "decode": export(Decode(model, cache), (tokens[:, :1],)),
        }


def _check(model: nn.Module, batch: int, capacity: int, prefill: int) -> None:
    config = getattr(model, "config", None)
    if config is None or not hasattr(model, "prepare_inputs_for_generation"):
        raise ExportError(
            f"expected a causal language model of transformers, got {type(model).__name__}; "
            "kvlift.export takes any torch.nn.Module"
        )
    if getattr(config, "is_encoder_decoder", False):
        raise ExportError(
            f"{type(model).__name__} has an encoder; export_causal_lm takes decoders only"
        )
    if batch < 1 or not 1 <= prefill <= capacity:
        raise ExportError(
            f"batch={batch}, capacity={capacity}, prefill={prefill}: batch and prefill are at "
            "least 1, and a prefill fits into the capacity"
        )
    longest = getattr(config, "max_position_embeddings", None)
    if longest is not None and capacity > longest:
        raise ExportError(
            f"capacity={capacity}, but {type(model).__name__} knows only {longest} positions"
        )


@contextlib.contextmanager
def _exportable(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, and attention that torch.export can follow, for the time of the export."""
    config: Any = model.config
    attention, was_training = config._attn_implementation, model.training
    config._attn_implementation = "eager"
    model.eval()
    try:
        yield
    finally:
        config._attn_implementation = attention
        model.train(was_training)


def _new_cache(model: nn.Module, batch: int, capacity: int) -> Any:
    """An empty static cache; the model's own first step says which tensors a layer needs."""
    from transformers import StaticCache
    from transformers.cache_utils import StaticLayer

    config: Any = model.config
    cache: Any = StaticCache(config=config, max_cache_len=capacity)
    others = {type(layer).__name__ for layer in cache.layers if not isinstance(layer, StaticLayer)}
    if others:
        raise ExportError(
            f"{type(model).__name__} keeps {', '.join(sorted(others))} beside keys and values; "
            "wrap it in a module that registers its states as buffers, for kvlift.export"
        )
    # A window that slides would move every row in every step; the mask does the same.
    cache.layers = [StaticLayer(capacity) for _ in cache.layers]
    parameters = inspect.signature(model.forward).parameters
    name = "cache" if "cache" in parameters else "past_key_values"
    with torch.no_grad():
        model(input_ids=torch.zeros(batch, 1, dtype=torch.int64), use_cache=True, **{name: cache})
        for layer in cache.layers:
            if not layer.is_initialized:
                raise ExportError(f"{type(model).__name__} does not use its cache in every layer")
            for tensor in (layer.keys, layer.values, layer.cumulative_length):
                tensor.zero_()
    return cache
