"""Small stateful models, one per way in which PyTorch programs keep state between calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

B, H, S, D = 2, 3, 8, 4
STEPS = 3


@dataclass(frozen=True)
class Case:
    """A model, the arguments of its three calls, and what the importer must find.

    Attributes:
        build: makes the model; the same one each time.
        steps: makes the positional arguments of each call.
        slots: the names of its slots.
        dynamic_shapes: for torch.export.
        mutated: positions of the arguments that are mutated; the first call's are kept.
        feed_back: (output leaf, argument leaf) pairs for state that the caller carries.
        strict: the mode of torch.export that keeps this model's state.
    """

    build: Callable[[], nn.Module]
    steps: Callable[[], Sequence[tuple[Any, ...]]]
    slots: tuple[str, ...]
    dynamic_shapes: Any = None
    mutated: tuple[int, ...] = ()
    feed_back: tuple[tuple[int, int], ...] = ()
    strict: bool = False


CASES: dict[str, Case] = {}


def case(
    name: str,
    *slots: str,
    steps: Callable[[], Sequence[tuple[Any, ...]]],
    **facts: Any,
) -> Callable[[type[nn.Module]], type[nn.Module]]:
    def add(model: type[nn.Module]) -> type[nn.Module]:
        def build() -> nn.Module:
            torch.manual_seed(0)
            return model().eval()

        CASES[name] = Case(build, steps, slots, **facts)
        return model

    return add


def rand(*shape: int) -> torch.Tensor:
    return torch.randn(*shape)


def rows(n: int = 1, *, starts: Sequence[int] = (1, 2, 5)) -> Callable[[], list[tuple[Any, ...]]]:
    """New rows of [B, H, n, D] and their positions."""

    def make() -> list[tuple[Any, ...]]:
        torch.manual_seed(1)
        return [(rand(B, H, n, D), torch.arange(p, p + n)) for p in starts]

    return make


def only(*shape: int) -> Callable[[], list[tuple[Any, ...]]]:
    def make() -> list[tuple[Any, ...]]:
        torch.manual_seed(1)
        return [(rand(*shape),) for _ in range(STEPS)]

    return make


class OneCache(nn.Module):
    """A cache [B, H, S, D], not zero, so that a row that is lost shows."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.register_buffer("k", rand(B, H, S, D).to(dtype))


@case("index_put", "k", steps=rows())
class IndexPut(OneCache):
    def forward(self, new, pos):
        self.k[:, :, pos] = new
        return self.k.sum(-1)


@case("index_put_rows", "k", steps=rows(2))
class IndexPutRows(IndexPut):
    pass


@case("index_put_negative", "k", steps=rows(1, starts=(-1, -3, -8)))
class IndexPutNegative(OneCache):
    def forward(self, new, pos):
        self.k[:, :, pos] = new
        return self.k[:, :, pos] * 2


@case("index_put_accumulate", "k", steps=rows(2))
class IndexPutAccumulate(OneCache):
    def forward(self, new, pos):
        torch.ops.aten.index_put_(self.k, [None, None, pos], new, True)
        return self.k.sum(-1)


@case("index_add", "k", steps=rows(2))
class IndexAdd(OneCache):
    def forward(self, new, pos):
        self.k.index_add_(2, pos, new)
        return self.k.sum(-1)


@case("index_copy", "k", steps=rows())
class IndexCopy(OneCache):
    def forward(self, new, pos):
        self.k.index_copy_(2, pos, new)
        return self.k.sum(-1)


@case("index_copy_rows", "k", steps=rows(3, starts=(0, 2, 5)))
class IndexCopyRows(IndexCopy):
    pass


@case("write_only", "k", steps=rows())
class WriteOnly(OneCache):
    def forward(self, new, pos):
        self.k.index_copy_(2, pos, new)
        return new + 1


@case("static_slice", "k", steps=only(B, H, 2, D))
class StaticSlice(OneCache):
    def forward(self, new):
        self.k[:, :, 3:5].copy_(new)
        return self.k.sum(-1)


@case("static_row", "k", steps=only(B, H, D))
class StaticRow(OneCache):
    def forward(self, new):
        self.k[:, :, -2] = new
        return self.k.sum(-1)


@case("strided_slice", "k", steps=only(B, H, S // 2, D))
class StridedSlice(OneCache):
    def forward(self, new):
        self.k[:, :, 1::2] = new
        self.k[:, :, -3:].mul_(2)
        return self.k.sum(-1)


@case("index_fill", "k", steps=lambda: [(p,) for _, p in rows(2)()])
class IndexFill(OneCache):
    def forward(self, pos):
        self.k.index_fill_(2, pos, 3.0)
        return self.k.sum(-1)


@case(
    "two_dim_index",
    "k",
    steps=lambda: [(rand(B, H, 2, 2, D), torch.tensor([[i, 3], [4, -1]])) for i in range(STEPS)],
)
class TwoDimIndex(OneCache):
    def forward(self, new, pos):
        self.k[:, :, pos] = new
        return self.k[:, :, pos].sum(-1)


@case(
    "narrow_int",
    "k",
    steps=lambda: [(n, int(p)) for n, p in rows()()],
    dynamic_shapes=(None, torch.export.Dim.DYNAMIC),
)
class NarrowInt(OneCache):
    def forward(self, new, pos):
        self.k.narrow(2, pos, 1).copy_(new)
        return self.k.sum(-1)


@case("narrow_item", "k", steps=rows())
class NarrowItem(OneCache):
    def forward(self, new, pos):
        start = pos.item()
        torch._check(start >= 0)
        torch._check(start < S)
        self.k.narrow(2, start, 1).copy_(new)
        return self.k.sum(-1)


@case(
    "row_int",
    "k",
    steps=lambda: [(rand(H, D), i + 2) for i in range(STEPS)],
    dynamic_shapes=(None, torch.export.Dim.DYNAMIC),
)
class RowInt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k", rand(S, H, D))

    def forward(self, new, pos):
        self.k[pos] = new
        return self.k.sum(-1)


@case("static_int", "k", steps=lambda: [(n, 4) for n, _ in rows()()])
class StaticInt(NarrowInt):
    pass


@case(
    "select_item",
    "k",
    steps=lambda: [(n.squeeze(2), p) for n, p in rows()()],
)
class SelectItem(OneCache):
    def forward(self, new, pos):
        start = pos.item()
        torch._check(start >= 0)
        torch._check(start < S)
        self.k.select(2, start).copy_(new)
        return self.k.sum(-1)


@case(
    "torchtune", "k_cache", "v_cache", "cache_pos", steps=lambda: [(k, k * 2) for k, _ in rows(2)()]
)
class TorchtuneCache(nn.Module):
    """The KVCache of torchtune 0.6: its own position buffer selects the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k_cache", torch.zeros(B, H, S, D), persistent=False)
        self.register_buffer("v_cache", torch.zeros(B, H, S, D), persistent=False)
        self.register_buffer("cache_pos", torch.arange(0, S), persistent=False)

    def forward(self, k_val, v_val):
        seq_len = k_val.shape[2]
        self.k_cache[:, :, self.cache_pos[:seq_len]] = k_val
        self.v_cache[:, :, self.cache_pos[:seq_len]] = v_val
        self.cache_pos.add_(seq_len)
        return self.k_cache, self.v_cache


@case(
    "cat_static",
    steps=lambda: [(rand(B, H, S, D), rand(B, H, 1, D)) for _ in range(STEPS)],
    feed_back=((0, 0),),
)
class SlidingCat(nn.Module):
    """The caller carries the cache; the oldest row falls out."""

    def forward(self, cache, new):
        cache = torch.cat([cache[:, :, 1:], new], dim=2)
        return cache, cache.sum(2)


@case(
    "cat_growing",
    steps=lambda: [(rand(B, H, 2, D), rand(B, H, 1, D)) for _ in range(STEPS)],
    feed_back=((0, 0),),
    dynamic_shapes=({2: torch.export.Dim("length", min=1, max=S)}, None),
)
class GrowingCat(nn.Module):
    def forward(self, cache, new):
        cache = torch.cat([cache, new], dim=2)
        return cache, cache.sum(2)


@case(
    "user_input",
    "cache",
    steps=lambda: [(rand(B, H, S, D), *s) for s in rows()()],
    mutated=(0,),
)
class UserInput(nn.Module):
    def forward(self, cache, new, pos):
        cache[:, :, pos] = new
        return cache.sum(-1)


@case(
    "user_input_named_as_buffer",
    "k",
    "k_1",
    steps=lambda: [(rand(B, H, S, D), *s) for s in rows()()],
    mutated=(0,),
)
class UserInputNamedAsBuffer(OneCache):
    def forward(self, k, new, pos):
        self.k.index_copy_(2, pos, new)
        k.index_copy_(2, pos, -new)
        return self.k - k


@case(
    "paged",
    "pool",
    steps=lambda: [
        (rand(B, H, D), torch.tensor([i, 3 - i]), torch.tensor([i, 1])) for i in range(STEPS)
    ],
)
class Paged(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("pool", rand(4, 3, H, D))

    def forward(self, new, block, offset):
        self.pool[block, offset] = new
        return self.pool[block].sum(1)


@case("int8_scale", "k", "scale", steps=rows())
class Int8Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k", torch.zeros(B, H, S, D, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(B, H, S, 1))

    def forward(self, new, pos):
        scale = new.abs().amax(-1, keepdim=True) / 127
        self.k[:, :, pos] = torch.round(new / scale).to(torch.int8)
        self.scale[:, :, pos] = scale
        return self.k.to(torch.float32) * self.scale


@case("conv_roll", "state", steps=only(B, D))
class ConvRoll(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("state", torch.zeros(B, D, 4))
        self.weight = nn.Parameter(rand(D, 4))

    def forward(self, x):
        state = torch.roll(self.state, shifts=-1, dims=-1)
        state[:, :, -1] = x
        self.state.copy_(state)
        return (state * self.weight).sum(-1)


@case("view_mutated", "k", steps=rows())
class ViewMutated(OneCache):
    def forward(self, new, pos):
        flat = self.k.view(B * H, S, D)
        flat[:, pos] = new.reshape(B * H, 1, D)
        return self.k.sum(-1)


@case("mutated_twice", "k", steps=rows())
class MutatedTwice(OneCache):
    def forward(self, new, pos):
        self.k[:, :, pos] = new
        self.k[:, :, pos - 1] = new * 2
        return self.k.sum(-1)


@case("read_first", "k", steps=rows())
class ReadFirst(OneCache):
    def forward(self, new, pos):
        before = self.k.sum(-1)
        self.k.index_copy_(2, pos, new)
        return before + self.k.mean(-1)


@case(
    "scatter",
    "k",
    steps=lambda: [(n, p.expand(B, H, 1).unsqueeze(-1).expand(B, H, 1, D)) for n, p in rows()()],
)
class Scatter(OneCache):
    def forward(self, new, index):
        self.k.scatter_(2, index, new)
        return self.k.sum(-1)


@case(
    "scatter_add",
    "k",
    steps=lambda: [(n, p.expand(B, H, 1).unsqueeze(-1).expand(B, H, 1, D)) for n, p in rows()()],
)
class ScatterAdd(OneCache):
    def forward(self, new, index):
        self.k.scatter_add_(2, index, new)
        return self.k.sum(-1)


@case("transposed_view", "k", steps=only(B, H, S))
class TransposedView(OneCache):
    def forward(self, new):
        self.k.transpose(2, 3)[:, :, 1].copy_(new)
        return self.k.sum(-1)


@case("rolled", "k", steps=only(B, H, 1, D))
class Rolled(OneCache):
    """A window that slides in place."""

    def forward(self, new):
        self.k.copy_(torch.roll(self.k, -1, 2))
        self.k[:, :, -1:] = new
        return self.k.sum(-1)


@case(
    "batch_norm_training",
    "bn.running_mean",
    "bn.running_var",
    "bn.num_batches_tracked",
    steps=only(B, D),
)
class BatchNormTraining(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(D)

    def train(self, mode=True):
        return super().train(True)

    def forward(self, x):
        return self.bn(x)


@case("where", "k", steps=rows())
class Where(OneCache):
    def forward(self, new, pos):
        mask = (torch.arange(S) == pos).view(1, 1, S, 1)
        self.k.copy_(torch.where(mask, new, self.k))
        return self.k.sum(-1)


@case("mask_scalar", "k", steps=rows())
class MaskScalar(OneCache):
    def forward(self, new, pos):
        self.k[self.k > new] = 0.5
        return self.k.sum(-1)


@case("masked_fill", "k", steps=rows())
class MaskedFill(OneCache):
    def forward(self, new, pos):
        self.k.masked_fill_(self.k > new, -1.0)
        return self.k.sum(-1)


@case("counter", "count", steps=only(B, D))
class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        self.count.add_(1)
        return x * 2


@case("whole_value", "k", steps=only(B, D))
class WholeValue(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k", torch.zeros(B, D))

    def forward(self, x):
        self.k = self.k + x
        return self.k * 2


@case("parameter", "w", steps=only(B, D))
class Parameter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(rand(B, D))

    def forward(self, x):
        with torch.no_grad():
            self.w.mul_(0.9).add_(x)
        return self.w.detach() + 1


@case(
    "list_of_caches",
    steps=lambda: [([rand(B, H, S, D) for _ in range(4)], *s) for s in rows()()],
    feed_back=((0, 0), (1, 1), (2, 2), (3, 3)),
)
class ListOfCaches(nn.Module):
    """K and V of two layers, rebuilt and returned: the caller carries them."""

    def forward(self, caches, new, pos):
        caches = [c.index_copy(2, pos, new * (i + 1)) for i, c in enumerate(caches)]
        return (*caches, sum(caches))


@case(
    "batch_positions",
    "k",
    steps=lambda: [(rand(B, H, D), torch.tensor([i, 4 - i])) for i in range(STEPS)],
)
class BatchPositions(OneCache):
    """Each sequence of the batch is at its own position: two index tensors, not adjacent."""

    def forward(self, new, pos):
        self.k[torch.arange(B), :, pos] = new
        return self.k.sum(-1)


@case(
    "batch_positions_seq_first",
    "k",
    steps=lambda: [(rand(B, D), torch.tensor([i, 4 - i])) for i in range(STEPS)],
)
class BatchPositionsSeqFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k", rand(B, S, D))

    def forward(self, new, pos):
        self.k[torch.arange(B), pos] = new
        return self.k.sum(-1)


@case("bf16", "k", steps=lambda: [(n.bfloat16(), p) for n, p in rows()()])
class BFloat16(OneCache):
    def __init__(self) -> None:
        super().__init__(torch.bfloat16)

    def forward(self, new, pos):
        self.k.index_copy_(2, pos, new)
        return self.k * 2


@case("float16", "k", steps=lambda: [(n.half(), p) for n, p in rows()()])
class Float16(BFloat16):
    def __init__(self) -> None:
        OneCache.__init__(self, torch.float16)


@case("bool_state", "seen", steps=lambda: [(p,) for _, p in rows()()])
class BoolState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(S, dtype=torch.bool))

    def forward(self, pos):
        self.seen[pos] = True
        return self.seen.to(torch.int32).sum()


@case("swapped", "k", "v", steps=rows())
class Swapped(nn.Module):
    """K and V of one shape change places: pairing by shape or order gets it wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k", rand(B, H, S, D))
        self.register_buffer("v", rand(B, H, S, D))

    def forward(self, new, pos):
        old = self.k.clone()
        self.k.copy_(self.v.index_copy(2, pos, new))
        self.v.copy_(old)
        return self.v.sum(-1), self.k.sum(-1)


@case("value_before_key", "value", "key", steps=rows())
class ValueBeforeKey(nn.Module):
    """Registered in one order, mutated in the other."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("value", rand(B, H, S, D))
        self.register_buffer("key", rand(B, H, S, D))

    def forward(self, new, pos):
        self.key.index_copy_(2, pos, new)
        self.value.index_copy_(2, pos, -new)
        return self.key @ self.value.transpose(-1, -2)


@case("recurrent", "h", steps=only(B, D))
class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("h", torch.zeros(B, D))
        self.cell = nn.Linear(2 * D, D)

    def forward(self, x):
        self.h.copy_(torch.tanh(self.cell(torch.cat([x, self.h], -1))))
        return self.h


@case("constant_lifted", "k", steps=only(B, D))
class ConstantLifted(nn.Module):
    """A tensor that `forward` makes from numbers becomes a constant argument."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k", torch.zeros(B, D))

    def forward(self, x):
        self.k.add_(x * torch.tensor([1.0, -2.0, 3.0, 0.5]))
        return {"state": self.k * 1, "twice": (x * 2, None)}


@case(
    "nested_attention",
    "layers.0.k",
    "layers.0.v",
    "layers.1.k",
    "layers.1.v",
    steps=lambda: [(rand(B, 1, D), p) for _, p in rows()()],
)
class NestedAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Attention() for _ in range(2))

    def forward(self, x, pos):
        for layer in self.layers:
            x = x + layer(x, pos)
        return x


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(D, 3 * D)
        self.register_buffer("k", torch.zeros(B, S, D), persistent=False)
        self.register_buffer("v", torch.zeros(B, S, D), persistent=False)

    def forward(self, x, pos):
        q, k, v = self.qkv(x).chunk(3, -1)
        self.k.index_copy_(1, pos, k)
        self.v.index_copy_(1, pos, v)
        mask = (torch.arange(S) <= pos).view(1, 1, S)
        return nn.functional.scaled_dot_product_attention(q, self.k, self.v, attn_mask=mask)


def _llama() -> nn.Module:
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
    from transformers.integrations.executorch import TorchExportableModuleWithStaticCache

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=16,
    )
    config._attn_implementation = "eager"
    model = LlamaForCausalLM(config).eval()
    cache = {"batch_size": 1, "max_cache_len": S}
    model.generation_config = GenerationConfig(
        use_cache=True, cache_implementation="static", max_length=S, cache_config=cache
    )
    return TorchExportableModuleWithStaticCache(model, **cache)


CASES["hf_static_cache_llama"] = Case(
    _llama,
    lambda: [(torch.tensor([[7 * i + 1]]), None, torch.tensor([i])) for i in range(STEPS)],
    tuple(
        f"{kind}_{i}"
        for i in range(2)
        for kind in ("key_cache", "value_cache", "cumulative_length")
    ),
    strict=True,
)
