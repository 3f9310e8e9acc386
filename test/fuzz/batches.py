"""Runs seeds in batches, in processes that may die: one that does is looked at seed by seed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

sys.path.append(str(Path(__file__).parents[1] / "corpus"))

from service import DiedError, Service

Outcome = TypeVar("Outcome")


def in_batches(
    check: Callable[[list[int]], list[Outcome]],
    seeds: list[int],
    size: int,
    processes: int,
    timeout: float,
    died: Callable[[int, str], Outcome],
) -> Iterator[Outcome]:
    """The outcomes in the order of the seeds; `died` makes one for a seed that kills its process.

    Args:
        check: what a process does with a batch; of a module that it can import.
        size: of a batch.
        timeout: seconds for a batch.
    """
    # Memory is filled when it is freed: who still reads it dies at once.
    os.environ.setdefault("MALLOC_PERTURB_", "165")
    batches = [seeds[i : i + size] for i in range(0, len(seeds), size)]
    services = [Service(check, timeout) for _ in range(processes)]

    def one_batch(service: Service, batch: list[int]) -> list[Outcome]:
        try:
            return list(service(batch))
        except DiedError as error:
            reason = str(error)
        found, alone = [], 0
        for seed in batch:
            try:
                found.extend(service([seed]))
            except DiedError as error:
                alone += 1
                found.append(died(seed, str(error)))
        if not alone:  # Memory that one seed damages may kill the process at another.
            found[0] = died(batch[0], f"{reason}, with {len(batch) - 1} more, but not alone")
        return found

    def share(number: int) -> list[list[Outcome]]:
        return [one_batch(services[number], batch) for batch in batches[number::processes]]

    try:
        with ThreadPoolExecutor(processes) as pool:
            shares = list(pool.map(share, range(processes)))
    finally:
        for service in services:
            service.close()
    for i in range(len(batches)):
        yield from shares[i % processes][i // processes]
