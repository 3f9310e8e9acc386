"""Samplers: how a decode step chooses the next token from its logits, on the device.

A sampler is a private StableHLO function that `LiftedModule.carry` calls at the end of a step. It
is made of integer arithmetic, a subtraction, a multiplication and a conversion, which every
runtime rounds alike: the same logits and the same seed give the same token on all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from kvlift.errors import LiftError
from kvlift.sampling.choose import choose_greedy, choose_random
from kvlift.sampling.emitter import Emitter

__all__ = ["SYMBOL", "Sampler"]

SYMBOL = "kvlift.sampler"
STATE = "sampler"
_SEEDS = 1 << 64
# Below it the scale of the logits is no finite f32.
_COLDEST = 1e-30


@dataclass(frozen=True)
class Sampler:
    """How the next token is chosen; `Sampler.greedy()` or `Sampler.random(seed)`.

    Attributes:
        seed: where the random numbers start, 0 <= seed < 2**64; None is greedy.
        temperature: what the logits are divided by.
        top_k: only the k most likely tokens, and those as likely as the k-th; None is all.
        top_p: only the most likely tokens that have this share of the probability together;
            None is all.
    """

    seed: int | None = None
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    @staticmethod
    def greedy() -> Sampler:
        """The largest logit, of equal ones the first, as `torch.argmax`: a NaN is the largest."""
        return Sampler()

    @staticmethod
    def random(
        seed: int, *, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
    ) -> Sampler:
        """Draws from the softmax of the logits; `top_k` comes before `top_p`.

        Raises:
            LiftError: a number is out of range.
        """
        if seed is None:
            raise LiftError("seed None must be an integer from 0 to 2**64 - 1")
        return Sampler(seed, temperature, top_k, top_p)

    def __post_init__(self) -> None:
        """Refuses numbers that are out of range, and those of a random sampler without a seed.

        Raises:
            LiftError: such a number.
        """
        if self.seed is None and (self.temperature, self.top_k, self.top_p) != (1.0, None, None):
            raise LiftError("temperature, top_k and top_p need a seed: Sampler.random(seed, ...)")
        if self.seed is not None and not (_is_whole(self.seed) and 0 <= self.seed < _SEEDS):
            raise LiftError(f"seed {self.seed!r} must be an integer from 0 to 2**64 - 1")
        if not (_is_number(self.temperature) and self.temperature >= _COLDEST):
            raise LiftError(
                f"temperature {self.temperature!r} must be a positive number; "
                "Sampler.greedy() takes the most likely token"
            )
        if self.top_k is not None and not (_is_whole(self.top_k) and self.top_k >= 1):
            raise LiftError(f"top_k {self.top_k!r} must be an integer of at least 1")
        if self.top_p is not None and not (_is_number(self.top_p) and 0 < self.top_p <= 1):
            raise LiftError(f"top_p {self.top_p!r} must be above 0 and at most 1")

    def function(self, batch: int, vocabulary: int) -> str:
        """The sampler as the text of one private function.

        It takes logits f32[batch, vocabulary] and, when it is random, its state ui32[3]; it gives
        tokens i32[batch] and the next state.
        """
        emit = Emitter()
        logits = emit.argument("logits", (batch, vocabulary), "f32")
        if self.seed is None:
            return emit.function(SYMBOL, [choose_greedy(emit, logits)])
        state = emit.argument(STATE, (3,), "ui32")
        return emit.function(
            SYMBOL,
            choose_random(emit, logits, state, self.temperature, self.top_k, self.top_p),
        )

    def initial(self) -> dict[str, Any]:
        """The first value of the sampler's state: the seed's halves, and the number of steps."""
        import numpy as np

        if self.seed is None:
            return {}
        seed = int(self.seed)
        return {STATE: np.array([seed & 0xFFFFFFFF, seed >> 32, 0], np.uint32)}


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and math.isfinite(value)
