"""What the benchmark asks of every way to run the decoder."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from typing import ClassVar

from decoders.model import Array, Shape


class Peer(ABC):
    """One way to run the decoder: compiled once, started with fresh caches as often as asked.

    Attributes:
        name: the row's name in every table.
        packages: what has to be installed.
        cache_copies: how many times the bytes of all caches it holds at its peak, at most.
        computes: whether its logits are those of the decoder.
    """

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    cache_copies: ClassVar[float] = 1
    computes: ClassVar[bool] = True

    def __init__(self, shape: Shape) -> None:
        """Nothing is compiled yet."""
        self.shape = shape

    @classmethod
    def missing(cls, shape: Shape) -> str | None:
        """Why this peer cannot run that shape here; None if it can."""
        absent = [p for p in cls.packages if not _is_installed(p)]
        return f"{', '.join(absent)} not installed" if absent else None

    @abstractmethod
    def prepare(self) -> None:
        """Compiles; holds no cache afterwards."""

    @abstractmethod
    def start(self) -> None:
        """Makes the caches of `model.caches`."""

    def rewind(self, rows: int) -> None:  # noqa: B027
        """Leaves so many rows in caches that grow; those of a fixed size need nothing."""

    @abstractmethod
    def step(self, tokens: Array, position: int) -> Array:
        """Tokens i64[batch, 1] in, logits f32[batch, vocabulary] out, both on the host."""

    @abstractmethod
    def stop(self) -> None:
        """Frees the caches."""


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # of a parent package
        return False
