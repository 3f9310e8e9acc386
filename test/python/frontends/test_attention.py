"""kvlift's form of scaled_dot_product_attention gives what PyTorch's own kernels give."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from running import torch_of
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

import kvlift
from interpreter import evaluate
from kvlift.frontends.attention import attention

# Two ways to round the same sums: of f32 numbers, or of narrow results.
TOLERANCES = {torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 2e-2}
HEADS, ROWS, COLUMNS, DEPTH = 6, 3, 5, 4


def operands(seed: int, dtype: torch.dtype, groups: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value; values have another depth than keys."""
    draw = torch.Generator().manual_seed(seed)
    shapes = (2, HEADS, ROWS, DEPTH), (2, HEADS // groups, COLUMNS, DEPTH)
    query, key = (torch.randn(s, generator=draw) for s in shapes)
    value = torch.randn(2, HEADS // groups, COLUMNS, DEPTH + 3, generator=draw)
    return query.to(dtype), key.to(dtype), value.to(dtype)


def masks(dtype: torch.dtype) -> dict[str, dict[str, Any]]:
    """All ways to say what is seen; the row that sees nothing gives zeros in PyTorch."""
    seen = torch.rand(2, 1, ROWS, COLUMNS, generator=torch.Generator().manual_seed(3)) < 0.6
    blind = seen.clone()
    blind[1, 0, 2] = False
    added = torch.where(blind, torch.randn(2, HEADS, ROWS, COLUMNS), -torch.inf)
    return {
        "none": {},
        "boolean": {"attn_mask": seen},
        "boolean, one row": {"attn_mask": torch.arange(COLUMNS)[None] <= 2},
        "a row sees nothing": {"attn_mask": blind},
        "added": {"attn_mask": added.to(dtype)},
        "causal": {"is_causal": True},
        "scale": {"scale": 0.3},
    }


def assert_same(got: Tensor, expected: Tensor) -> None:
    limit = TOLERANCES[expected.dtype]
    torch.testing.assert_close(got, expected, rtol=limit, atol=limit, equal_nan=True)


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("mask", masks(torch.float32))
@pytest.mark.parametrize("groups", [1, 3])
def test_agrees_with_eager(dtype: torch.dtype, mask: str, groups: int) -> None:
    options = masks(dtype)[mask] | {"enable_gqa": groups > 1}
    given_operands = operands(1, dtype, groups)
    expected = scaled_dot_product_attention(*given_operands, **options)
    assert_same(attention(*given_operands, **options), expected)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), special=st.sampled_from([torch.inf, -torch.inf, torch.nan]))
def test_special_values_end_in_the_same_places(seed: int, special: float) -> None:
    """One element of an operand is no number; PyTorch's kernel says what comes of it."""
    draw = np.random.default_rng(seed)
    given_operands = operands(seed, torch.float32)
    struck = given_operands[draw.integers(3)]
    struck.view(-1)[draw.integers(struck.numel())] = special
    seen = torch.from_numpy(draw.random((ROWS, COLUMNS)) < 0.7)
    expected = scaled_dot_product_attention(*given_operands, seen)
    assert_same(attention(*given_operands, seen), expected)


@pytest.mark.parametrize(
    ("operand", "options"),
    [(torch.zeros(2, 3, 4), {"dropout_p": 0.5}), (torch.zeros(2, 3, 4, dtype=torch.float64), {})],
)
def test_leaves_the_rest_to_torch(operand: Tensor, options: dict[str, float]) -> None:
    assert attention(operand, operand, operand, **options) is NotImplemented


class Attention(nn.Module):
    """A cache of keys and values that takes one row, and attention over all of it."""

    keys: Tensor
    values: Tensor

    def __init__(self, groups: int, dtype: torch.dtype, options: dict[str, Any]) -> None:
        super().__init__()
        _, keys, values = operands(2, dtype, groups)
        self.register_buffer("keys", keys)
        self.register_buffer("values", values)
        self.mask = options.pop("attn_mask", None)
        self.options = options

    def forward(self, query: Tensor, key: Tensor, value: Tensor, position: Tensor) -> Tensor:
        self.keys.index_copy_(2, position, key)
        self.values.index_copy_(2, position, value)
        mask = self.mask
        if mask is None and not self.options.get("is_causal"):
            mask = torch.arange(COLUMNS)[None] <= position
        return scaled_dot_product_attention(
            query, self.keys, self.values, attn_mask=mask, **self.options
        )


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("mask", ["none", "added", "causal", "a row sees nothing"])
def test_lifted_program_agrees_with_eager(mask: str, groups: int, dtype: torch.dtype) -> None:
    """The whole way to StableHLO, which neither scales nor repeats the keys."""
    query, key, value = operands(5, dtype, groups)
    options = masks(dtype)[mask] | {"enable_gqa": groups > 1}
    model = Attention(groups, dtype, options)
    inputs = query, key[:, :, :1], value[:, :, :1], torch.tensor([2])
    lifted = kvlift.lift(kvlift.export(model, inputs))
    call = [numpy_of(lifted.values.get(a.name)) for a in lifted.manifest.function().arguments]
    users = [i for i, each in enumerate(call) if each is None]
    for index, tensor in zip(users, inputs, strict=True):
        call[index] = numpy_of(tensor)
    got = evaluate(lifted.text(), [call])[0][-1]
    expected = model(*inputs)
    assert_same(torch_of(got, expected), expected)
    keys = f"tensor<2x{HEADS // groups}x{COLUMNS}x{DEPTH}x"
    assert not re.findall(rf"stablehlo\.(?:multiply|broadcast_in_dim).*{keys}", lifted.text())


def numpy_of(tensor: Tensor | None) -> np.ndarray | None:
    if tensor is None:
        return None
    bits = tensor.view(torch.uint16) if tensor.dtype is torch.bfloat16 else tensor
    return bits.numpy().copy()
