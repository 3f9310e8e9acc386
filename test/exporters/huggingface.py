"""Decoders of Hugging Face transformers: few layers, the real proportions, seeded weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from stateful_models import Case
from torch import nn

CAPACITY, VOCABULARY, LAYERS = 64, 96, 2
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": LAYERS,
    "max_position_embeddings": CAPACITY,
}


class WithCache(nn.Module):
    """A model and its cache, whose tensors are buffers; `rows` counts what is cached."""

    def __init__(self, model: nn.Module, cache: Any, window_rows: int | None) -> None:
        super().__init__()
        self.model = model
        self.cache = cache
        self.window_rows = window_rows
        for i, layer in enumerate(cache.layers):
            for name in ("keys", "values", "cumulative_length"):
                self.register_buffer(f"{name}_{i}", getattr(layer, name), persistent=False)

    def forward(self, ids: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        for layer in self.cache.layers:
            layer.cumulative_length.copy_(position[0])
            if self.window_rows is not None:
                # A sliding layer counts in Python too, and chooses by that what to do.
                layer.cumulative_length_int = self.window_rows
        return self.model(
            input_ids=ids,
            position_ids=(position + torch.arange(ids.shape[1])).unsqueeze(0),
            past_key_values=self.cache,
            use_cache=True,
        ).logits


class WithMambaCache(nn.Module):
    """The same for convolution and state space layers."""

    def __init__(self, model: nn.Module, cache: Any, is_prefill: bool) -> None:
        super().__init__()
        self.model = model
        self.cache = cache
        self.is_prefill = is_prefill
        for i, layer in enumerate(cache.layers):
            self.register_buffer(f"conv_{i}", layer.conv_states[0], persistent=False)
            self.register_buffer(f"ssm_{i}", layer.recurrent_states[0], persistent=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        for layer in self.cache.layers:
            layer.has_previous_state[0] = not self.is_prefill
        return self.model(input_ids=ids, cache_params=self.cache, use_cache=True).logits


def cases() -> dict[str, tuple[str, Case]]:
    """By name: how the model updates its cache, and the case."""
    made: dict[str, tuple[str, Case]] = {}
    for family in ("llama", "gemma", "gemma2", "qwen2", "qwen3", "mistral"):
        for rows in (1, 8):
            way = "decode" if rows == 1 else f"prefill of {rows}"
            made[f"{family}_{way.split()[0]}"] = f"StaticCache, {way}", _static(family, rows, 2)
    made["llama_decode_batch_1"] = "StaticCache, decode, batch 1", _static("llama", 1, 1)
    made["llama_decode_bf16"] = "StaticCache, decode", _static("llama", 1, 2, torch.bfloat16)
    made["llama_decode_f16"] = "StaticCache, decode", _static("llama", 1, 2, torch.float16)
    made["mistral_window_filling"] = "sliding StaticCache, not full: `index_copy_`", _window(0)
    made["mistral_window_full"] = "sliding StaticCache, full: `roll` and `copy_`", _window(16)
    for family in ("mamba", "mamba2"):
        made[f"{family}_decode"] = "conv `cat` and `copy_`, ssm `copy_`", _mamba(family, 1)
        made[f"{family}_prefill"] = "conv and ssm `copy_`", _mamba(family, 8)
    return made


def export(case: Case) -> torch.export.ExportedProgram:
    """By kvlift.export, as a user would."""
    import kvlift

    return kvlift.export(case.build(), case.steps()[0])


def _config(family: str, **more: Any) -> tuple[Any, type]:
    import transformers

    heads = {
        "llama": {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 8},
        "gemma": {"num_attention_heads": 8, "num_key_value_heads": 1, "head_dim": 32},
        "gemma2": {
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "head_dim": 32,
            "sliding_window": 32,
        },
        "qwen2": {"num_attention_heads": 14, "num_key_value_heads": 2, "hidden_size": 112},
        "qwen3": {"num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 16},
        "mistral": {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 8},
    }
    title = family[0].upper() + family[1:]
    config = getattr(transformers, f"{title}Config")(**{**SIZES, **heads[family], **more})
    config._attn_implementation = "eager"
    return config, getattr(transformers, f"{title}ForCausalLM")


def _static(family: str, rows: int, batch: int, dtype: torch.dtype = torch.float32) -> Case:
    def build() -> nn.Module:
        from transformers import StaticCache
        from transformers.cache_utils import StaticLayer

        torch.manual_seed(0)
        more = {"sliding_window": None} if family == "mistral" else {}
        config, kind = _config(family, **more)
        model = kind(config).to(dtype).eval()
        cache = StaticCache(config=config, max_cache_len=CAPACITY)
        # As TorchExportableModuleWithStaticCache does: sliding layers become plain ones.
        cache.layers = [StaticLayer(CAPACITY) for _ in cache.layers]
        _initialize(cache, config, batch, dtype)
        return WithCache(model, cache, None)

    return Case(build, _tokens(batch, rows), _slots("keys", "values", "cumulative_length"))


def _window(rows_before: int) -> Case:
    def build() -> nn.Module:
        from transformers import StaticCache

        torch.manual_seed(0)
        config, kind = _config("mistral", sliding_window=16)
        cache = StaticCache(config=config, max_cache_len=CAPACITY)
        _initialize(cache, config, 2, torch.float32)
        return WithCache(kind(config).eval(), cache, rows_before)

    slots = _slots("keys", "values", "cumulative_length")
    return Case(build, _tokens(2, 1, start=rows_before), slots)


def _initialize(cache: Any, config: Any, batch: int, dtype: torch.dtype) -> None:
    heads = config.num_key_value_heads
    depth = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    cache.early_initialization(batch, heads, depth, dtype, torch.device("cpu"))


def _mamba(family: str, rows: int) -> Case:
    def build() -> nn.Module:
        import transformers
        from transformers import DynamicCache

        torch.manual_seed(0)
        sizes = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": LAYERS}
        if family == "mamba":
            config = transformers.MambaConfig(**sizes, state_size=8)
            model = transformers.MambaForCausalLM(config).eval()
        else:
            heads = {"num_heads": 8, "head_dim": 8, "n_groups": 1, "chunk_size": 8}
            config = transformers.Mamba2Config(**sizes, **heads, state_size=8)
            model = transformers.Mamba2ForCausalLM(config).eval()
        cache = DynamicCache(config=config)
        with torch.no_grad():
            # The first call makes the states; the cache is then as after a prompt.
            model(input_ids=torch.ones(2, 4, dtype=torch.int64), cache_params=cache, use_cache=True)
        return WithMambaCache(model, cache, is_prefill=rows > 1)

    def steps() -> list[tuple[torch.Tensor]]:
        return [(ids,) for ids, _ in _tokens(2, rows)()]

    return Case(build, steps, _slots("conv", "ssm"))


def _slots(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{layer}" for layer in range(LAYERS) for name in names)


def _tokens(batch: int, rows: int, start: int = 0) -> Callable[[], Sequence[tuple[Any, ...]]]:
    """Three calls: the tokens of each, and where they begin."""

    def make() -> list[tuple[Any, ...]]:
        torch.manual_seed(1)
        return [
            (torch.randint(VOCABULARY, (batch, rows)), torch.tensor([start + step * rows]))
            for step in range(3)
        ]

    return make
