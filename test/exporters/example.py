"""What every exporter brings: a program as it left the exporter, three calls, and their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CALLS = 3
# Floats of two runtimes differ by the order of their sums.
ROUNDING = 2e-5


@dataclass(frozen=True)
class Prepared:
    """A program before kvlift, and what it must compute.

    Attributes:
        module: a `torch_mlir.ir.Module`; the lift changes it.
        calls: for each call one host array per argument; None where `values` has it.
        expected: for each call one host array per result of the module.
        ties: argument to result of all state. What the lift does not tie is fed back by hand.
        values: initial values by argument name.
        state: the pairs that the lift is told.
        lost_updates: the lift's policy.
        tolerance: relative and absolute, of floats; everything else is compared exactly.
    """

    module: Any
    calls: Sequence[Sequence[np.ndarray | None]]
    expected: Sequence[Sequence[np.ndarray]]
    ties: Mapping[int, int]
    values: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    lost_updates: str = "error"
    tolerance: float = ROUNDING


@dataclass(frozen=True)
class Example:
    """One program of one exporter.

    Attributes:
        name: unique among all.
        says: how the source says the update.
        prepare: exports it and computes what it must give.
    """

    name: str
    says: str
    prepare: Callable[[], Prepared]
