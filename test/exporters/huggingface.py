"""Decoders of Hugging Face transformers: few layers, the real proportions, seeded weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from stateful_models import Case
from torch import nn

CAPACITY, VOCABULARY, LAYERS = 64, 96, 2
# A slot of 8 MiB in bf16: one whose products are worth being cut into pieces.
LONG = 131072
# Rows of a sliding window, and of what state space layers have seen.
WINDOW, PROMPT = 16, 4
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": LAYERS,
    "max_position_embeddings": CAPACITY,
}


@dataclass(frozen=True)
class Family:
    """An architecture.

    Attributes:
        prefix: what its classes' names begin with.
        sizes: what its config says beside `SIZES`.
        config: the name of its config's class, if that does not begin like the others.
    """

    prefix: str
    sizes: dict[str, Any]
    config: str = ""


HEADS = {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 8}
EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 32}
STATE_SPACE = {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_chunk_size": 8}
HYBRID = {"num_attention_heads": 8, "num_key_value_heads": 2, "mamba_n_groups": 1, **STATE_SPACE}
FAMILIES = {
    "llama": Family("Llama", HEADS),
    "gemma": Family("Gemma", {**HEADS, "num_key_value_heads": 1, "head_dim": 32}),
    "gemma2": Family(
        "Gemma2", {**HEADS, "num_key_value_heads": 4, "head_dim": 32, "sliding_window": 32}
    ),
    "gemma3": Family(
        "Gemma3",
        {
            **HEADS,
            "sliding_window": WINDOW,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        config="Gemma3TextConfig",
    ),
    "qwen2": Family(
        "Qwen2", {"num_attention_heads": 14, "num_key_value_heads": 2, "hidden_size": 112}
    ),
    "qwen3": Family("Qwen3", {"num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 16}),
    "qwen3_moe": Family("Qwen3Moe", {**HEADS, **EXPERTS, "num_experts": 4}),
    "mistral": Family("Mistral", {**HEADS, "sliding_window": WINDOW}),
    "gpt_oss": Family(
        "GptOss",
        {**HEADS, "num_experts_per_tok": 2, "num_local_experts": 4, "sliding_window": WINDOW},
    ),
    "phi3": Family("Phi3", {**HEADS, "pad_token_id": 0}),
    "smollm3": Family("SmolLM3", {**HEADS, "pad_token_id": 0}),
    "granite": Family("Granite", HEADS),
    "olmo2": Family("Olmo2", HEADS),
    "falcon_h1": Family("FalconH1", {**HYBRID, "mamba_d_ssm": 128}),
    "bamba": Family("Bamba", {**HYBRID, "attn_layer_indices": [1]}),
}


class WithCache(nn.Module):
    """A model and its cache, whose tensors are buffers.

    `window_rows` counts the rows that sliding layers hold; None when there are none. Layers of
    state spaces stand behind a prompt.
    """

    def __init__(self, model: nn.Module, cache: Any, window_rows: int | None = None) -> None:
        super().__init__()
        self.model = model
        self.cache = cache
        self.window_rows = window_rows
        for i, layer in enumerate(cache.layers):
            if hasattr(layer, "keys"):
                for name in ("keys", "values", "cumulative_length"):
                    self.register_buffer(f"{name}_{i}", getattr(layer, name), persistent=False)
            if hasattr(layer, "conv_states"):
                self.register_buffer(f"conv_{i}", layer.conv_states[0], persistent=False)
                self.register_buffer(f"ssm_{i}", layer.recurrent_states[0], persistent=False)

    def forward(self, ids: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        for layer in self.cache.layers:
            if hasattr(layer, "conv_states"):
                layer.has_previous_state[0] = True
            if not hasattr(layer, "keys"):
                continue
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
    """The same for a model that has no positions."""

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


_ATTENTION, _STATES = ("keys", "values", "cumulative_length"), ("conv", "ssm")
HYBRIDS = {
    "falcon_h1": tuple(f"{name}_{layer}" for layer in (0, 1) for name in (*_ATTENTION, *_STATES)),
    "bamba": (*(f"{name}_0" for name in _STATES), *(f"{name}_1" for name in _ATTENTION)),
}


def cases() -> dict[str, tuple[str, Case]]:
    """By name: how the model updates its cache, and the case."""
    made: dict[str, tuple[str, Case]] = {}
    for family in ("llama", "gemma", "gemma2", "qwen2", "qwen3", "mistral"):
        for rows in (1, 8):
            way = "decode" if rows == 1 else f"prefill of {rows}"
            made[f"{family}_{way.split()[0]}"] = f"StaticCache, {way}", _static(family, rows, 2)
    for family in ("gemma3", "qwen3_moe", "gpt_oss", "phi3", "smollm3", "granite", "olmo2"):
        made[f"{family}_decode"] = "StaticCache, decode", _static(family, 1, 2)
    made["llama_decode_batch_1"] = "StaticCache, decode, batch 1", _static("llama", 1, 1)
    made["llama_decode_bf16"] = "StaticCache, decode", _static("llama", 1, 2, torch.bfloat16)
    made["llama_decode_f16"] = "StaticCache, decode", _static("llama", 1, 2, torch.float16)
    made["llama_decode_long_bf16"] = (
        f"StaticCache of {LONG} rows, decode",
        _static("llama", 1, 2, torch.bfloat16, LONG),
    )
    filling = "sliding StaticCache, not full: `index_copy_`"
    full = "sliding StaticCache, full: `roll` and `copy_`"
    made["mistral_window_filling"] = filling, _window("mistral", 0)
    made["mistral_window_full"] = full, _window("mistral", WINDOW)
    made["gemma3_window_full"] = f"{full}; every other layer is plain", _window("gemma3", WINDOW)
    for family, layers in HYBRIDS.items():
        made[f"{family}_decode"] = "StaticCache, conv `cat`, ssm `copy_`", _hybrid(family, layers)
    for family in ("mamba", "mamba2"):
        made[f"{family}_decode"] = "conv `cat` and `copy_`, ssm `copy_`", _mamba(family, 1)
        made[f"{family}_prefill"] = "conv and ssm `copy_`", _mamba(family, 8)
    return made


def export(case: Case) -> torch.export.ExportedProgram:
    """By kvlift.export, as a user would."""
    import kvlift

    return kvlift.export(case.build(), case.steps()[0])


def _config(name: str, **more: Any) -> tuple[Any, type]:
    import transformers

    family = FAMILIES[name]
    kind = getattr(transformers, family.config or f"{family.prefix}Config")
    config = kind(**{**SIZES, **family.sizes, **more})
    config._attn_implementation = "eager"
    # Without a loop over the experts that were hit, which no exporter takes.
    config._experts_implementation = "batched_mm"
    return config, getattr(transformers, f"{family.prefix}ForCausalLM")


def _static(
    family: str,
    rows: int,
    batch: int,
    dtype: torch.dtype = torch.float32,
    capacity: int = CAPACITY,
) -> Case:
    def build() -> nn.Module:
        from transformers import StaticCache
        from transformers.cache_utils import StaticLayer

        torch.manual_seed(0)
        # Mistral without a window, as most of its models are.
        more = {"sliding_window": None} if family == "mistral" else {}
        config, kind = _config(family, **more)
        model = kind(config).to(dtype).eval()
        cache = StaticCache(config=config, max_cache_len=capacity)
        # As TorchExportableModuleWithStaticCache does: sliding layers become plain ones.
        cache.layers = [StaticLayer(capacity) for _ in cache.layers]
        _initialize(cache, config, batch, dtype)
        return WithCache(model, cache)

    return Case(build, _tokens(batch, rows), _slots("keys", "values", "cumulative_length"))


def _window(family: str, rows_before: int) -> Case:
    def build() -> nn.Module:
        from transformers import StaticCache

        torch.manual_seed(0)
        config, kind = _config(family)
        cache = StaticCache(config=config, max_cache_len=CAPACITY)
        _initialize(cache, config, 2, torch.float32)
        return WithCache(kind(config).eval(), cache, rows_before)

    slots = _slots("keys", "values", "cumulative_length")
    return Case(build, _tokens(2, 1, start=rows_before), slots)


def _hybrid(family: str, slots: tuple[str, ...]) -> Case:
    def build() -> nn.Module:
        from transformers import StaticCache

        torch.manual_seed(0)
        config, kind = _config(family)
        model = kind(config).eval()
        cache = StaticCache(config=config, max_cache_len=CAPACITY)
        with torch.no_grad():
            # The first call makes the states; the cache is then as after a prompt.
            prompt = torch.ones(2, PROMPT, dtype=torch.int64)
            model(input_ids=prompt, past_key_values=cache, use_cache=True)
        return WithCache(model, cache)

    return Case(build, _tokens(2, 1, start=PROMPT), slots)


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
            prompt = torch.ones(2, PROMPT, dtype=torch.int64)
            model(input_ids=prompt, cache_params=cache, use_cache=True)
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
