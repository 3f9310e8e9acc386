"""torch.topk beside a slot: IREE refuses the top k that it makes of positions of 64 bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import kvlift


class CountingTopK(torch.nn.Module):
    """As a router of experts does it, with a counter of what was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("chosen", torch.zeros(16, dtype=torch.int64))

    def forward(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        values, positions = torch.topk(scores, 3, dim=-1)
        self.chosen.add_(torch.nn.functional.one_hot(positions, 16).sum((0, 1)))
        return values, positions


@pytest.mark.parametrize("target", ["pjrt:cpu", "iree:cpu"])
def test_top_k_gives_the_values_and_positions_of_eager(target: str) -> None:
    torch.manual_seed(0)
    model, scores = CountingTopK(), torch.randn(5, 16)
    lifted = kvlift.lift(kvlift.export(model, (scores,)))
    wanted = model(scores)
    with kvlift.compile(lifted, target).session() as session:
        given = session(scores)
        assert [np.asarray(g).dtype for g in given] == [np.float32, np.int64]
        assert all(np.array_equal(g, w.numpy()) for g, w in zip(given, wanted, strict=True))
        assert np.array_equal(session.state["chosen"], model.chosen.numpy())
