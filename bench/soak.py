"""Thousands of decode steps in one session: tokens equal to eager, addresses constant, no growth.

The decoder's position goes round: when its caches are full the oldest row is written again, so
that a soak can be as long as it likes. Each token feeds the next step.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

import kvlift

TARGETS = ("pjrt:cpu", "iree:cpu")
BATCH, LAYERS, HEADS, DEPTH, CAPACITY, VOCABULARY = 2, 2, 4, 16, 32, 96
# Resident memory moves by whole arenas, whatever a session does.
SLACK = 4 << 20


class Decoder(nn.Module):
    """Attention over caches and nothing else; weights are random and seeded."""

    def __init__(self) -> None:
        """Empty caches, and the same weights each time."""
        super().__init__()
        torch.manual_seed(0)
        width = HEADS * DEPTH
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.products = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(LAYERS))
        self.head = nn.Linear(width, VOCABULARY)
        for layer in range(LAYERS):
            for name in ("keys", "values"):
                empty = torch.zeros(BATCH, HEADS, CAPACITY, DEPTH)
                self.register_buffer(f"{name}_{layer}", empty, persistent=False)

    def forward(self, tokens: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        """The next tokens i64[batch], after the tokens at that position i64[1]."""
        x = self.embedding(tokens)
        for layer, product in enumerate(self.products):
            q, k, v = product(x).reshape(BATCH, 3, HEADS, 1, DEPTH).unbind(1)
            keys, values = getattr(self, f"keys_{layer}"), getattr(self, f"values_{layer}")
            keys.index_copy_(2, position, k)
            values.index_copy_(2, position, v)
            weights = torch.softmax(q @ keys.transpose(2, 3) / DEPTH**0.5, -1)
            x = x + (weights @ values).reshape(BATCH, HEADS * DEPTH)
        return self.head(x).argmax(-1)


@dataclass(frozen=True)
class Soak:
    """What one target's soak showed.

    Attributes:
        target: where it ran.
        steps: how many steps it made.
        wrong: steps whose tokens are not eager's.
        moved: slots whose address changed.
        growth: bytes of resident memory that came between the first tenth and the end.
    """

    target: str
    steps: int
    wrong: int
    moved: int
    growth: int

    @property
    def is_good(self) -> bool:
        """Whether nothing was wrong, moved or grew."""
        return not self.wrong and not self.moved and self.growth <= SLACK


def soak(target: str, program: kvlift.Program, expected: np.ndarray) -> Soak:
    """Steps through the expected tokens i64[steps + 1, batch]."""
    steps = len(expected) - 1
    wrong = before_growth = 0
    with program.session() as session:
        addresses = session.addresses()
        tokens = expected[0]
        for index in range(steps):
            tokens = session(tokens, np.array([index % CAPACITY]))
            wrong += not np.array_equal(tokens, expected[index + 1])
            if index == steps // 10:
                before_growth = _resident_bytes()
        growth = _resident_bytes() - before_growth
        after = session.addresses()
    moved = sum(addresses[name] != after[name] for name in addresses)
    return Soak(target, steps, wrong, moved, growth)


def eager_tokens(steps: int) -> np.ndarray:
    """The same steps by the module itself: i64[steps + 1, batch]."""
    model = Decoder()
    tokens = [torch.arange(BATCH)]
    with torch.no_grad():
        for index in range(steps):
            tokens.append(model(tokens[-1], torch.tensor([index % CAPACITY])))
    return torch.stack(tokens).numpy()


def _resident_bytes() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Prints a line per target, or JSON; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    args = (torch.arange(BATCH), torch.tensor([0]))
    lifted = kvlift.lift(kvlift.export(Decoder(), args))
    expected = eager_tokens(options.steps)
    programs = {target: kvlift.compile(lifted, target) for target in TARGETS}
    soaks = [soak(target, program, expected) for target, program in programs.items()]
    if options.json:
        print(json.dumps([asdict(each) for each in soaks], indent=2))
    for each in soaks if not options.json else ():
        print(
            f"{each.target:9} {each.steps} steps: {each.wrong} with other tokens than eager, "
            f"{each.moved} slots moved, {each.growth} bytes of growth"
        )
    return 0 if all(each.is_good for each in soaks) else 1


if __name__ == "__main__":
    sys.exit(main())
