"""Updates as torch really emits them: the buffer after each step is eager's, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import kvlift
from interpreter import evaluate


def places() -> Tensor:
    """Made in the program: a constant of the module would be one more argument."""
    return torch.arange(16)


def where_one_hot(cache: Tensor, row: Tensor, pos: Tensor) -> Tensor:
    return torch.where((places() == pos)[None, :, None], row[:, None], cache)


def where_range(cache: Tensor, row: Tensor, pos: Tensor) -> Tensor:
    inside = (places() >= pos) & (places() < pos + 4)
    return torch.where(inside[None, :, None], row[:, None], cache)


def masked_fill(cache: Tensor, row: Tensor, pos: Tensor) -> Tensor:
    return cache.masked_fill((places() == pos)[None, :, None], -0.0)


def cat(cache: Tensor, row: Tensor, pos: Tensor) -> Tensor:
    return torch.cat([cache[:, :5], row[:, None], cache[:, 6:]], 1)


def where_flag(cache: Tensor, row: Tensor, pos: Tensor) -> Tensor:
    return torch.where(pos > 3, cache.slice_scatter(row[:, None], 1, 2, 3), cache)


def transposed(cache: Tensor, row: Tensor, pos: Tensor) -> Tensor:
    turned = cache.transpose(0, 1)
    return torch.cat([turned[:3], row[None], turned[4:]]).transpose(0, 1)


class Cache(nn.Module):
    """One buffer that one of the functions updates."""

    cache: Tensor

    def __init__(self, update: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.update = update
        self.register_buffer("cache", torch.zeros(4, 16, 8))

    def forward(self, row: Tensor, pos: Tensor) -> Tensor:
        self.cache.copy_(self.update(self.cache, row, pos))
        return row * 2


@pytest.mark.parametrize(
    "update", [where_one_hot, where_range, masked_fill, cat, where_flag, transposed]
)
@pytest.mark.parametrize("target", ["pjrt:cpu", "iree:cpu"])
def test_update_is_in_place_and_exact(
    update: Callable[[Tensor, Tensor, Tensor], Tensor], target: str
) -> None:
    model = Cache(update)
    steps = [3, 0, -1, 15, 16, 14, -20]
    rows = [torch.randn(4, 8) for _ in steps]
    rows[1][0, :3] = torch.tensor([float("nan"), -0.0, float("inf")])
    exported = kvlift.export(model, (rows[0], torch.tensor(steps[0])))
    lifted = kvlift.lift(exported, target=target)
    (slot,) = lifted.slots
    assert slot.verdict == "in_place", lifted.text()

    function = lifted.manifest.function("main")
    given = {"row": rows, "pos": [torch.tensor(step) for step in steps]}
    calls = [
        [
            (None if step else np.zeros((4, 16, 8), np.float32))
            if argument.slot is not None
            else given[argument.name][step].numpy()
            for argument in function.arguments
        ]
        for step in range(len(steps))
    ]
    results = evaluate(lifted.text(), calls, carry={slot.argument: slot.result})
    for row, step, values in zip(rows, steps, results, strict=True):
        model(row, torch.tensor(step))
        assert values[slot.result].tobytes() == model.cache.numpy().tobytes(), f"position {step}"
