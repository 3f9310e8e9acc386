"""What the property tests of rewriting passes share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings

from interpreter import evaluate


def random_programs(examples: int) -> settings:
    """The same seeds each time; a failure names the one case."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        # Shrinking would only look for another seed.
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def assert_same_results(
    program: str,
    rewritten: str,
    values: Sequence[np.ndarray],
    cases: Sequence[Any],
    show: Callable[[int], str],
) -> None:
    """Both programs in the interpreter, every result of every case bit for bit."""
    before = evaluate(program, [values])[0]
    after = evaluate(rewritten, [values])[0]
    place = 0
    for c, case in enumerate(cases):
        for i in range(len(case.results)):
            same = before[place].tobytes() == after[place].tobytes()
            assert same, f"case {c}, result {i}\n{show(c)}"
            place += 1
