"""How long a step takes, lifted and not: both with their state on the device, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kvlift.errors import CompileError
from kvlift.filling import values_for
from kvlift.lifted_module import LiftedModule
from kvlift.pipelines import read_manifest
from kvlift.runtime.program import compile
from kvlift.runtime.values import to_host, to_store

if TYPE_CHECKING:
    from kvlift.runtime.program import Program
    from kvlift.slots import Function

# Page faults and lazy setup come with the first calls.
_WARM_UP = 3


@dataclass(frozen=True)
class Timing:
    """Times of single steps.

    Attributes:
        median: milliseconds.
        low: the 10th percentile, in milliseconds.
        high: the 90th percentile, in milliseconds.
        copies: slot-sized copies in the compiled program; None when it has no slots.
        problem: why there are no times; empty when there are.
    """

    median: float = 0.0
    low: float = 0.0
    high: float = 0.0
    copies: int | None = None
    problem: str = ""


def measure(
    lifted: LiftedModule,
    target: str,
    function: str,
    steps: int,
    given: Mapping[str, Any],
    seed: int | None = None,
) -> dict[str, Timing]:
    """Times `lifted` and `unlifted` steps of a function, one of each in turn.

    Args:
        lifted: the module.
        target: what to compile it for.
        function: one of its functions, without sliced slots.
        steps: how many of each are timed.
        given: values by argument or slot; see `kvlift.filling.values_for` for the rest.
        seed: for random values.

    Raises:
        CompileError: the target refuses the lifted module, or the function has sliced slots.
    """
    original = lifted.manifest.function(function)
    if original.sliced:
        raise CompileError(f"function {function!r} has sliced slots, which the host updates")
    values = values_for(original, lifted.values, given, seed)
    # A slot may be called as an argument is.
    known = (
        {**lifted.values, **values.state},
        {**lifted.values, **values.weights, **values.inputs},
    )
    program = compile(lifted, target)
    steppers = {"lifted": _stepper(program, function, original, *known)}
    problem = ""
    try:
        naive = compile(_without_ties(lifted), target)
        steppers["unlifted"] = _stepper(naive, function, original, *known)
    except CompileError as error:
        problem = str(error)
    times = _time_in_turn(steppers, steps)
    copies = len(program.audit().copies)
    found = {"lifted": _timing(times["lifted"], copies)}
    unlifted = Timing(problem=problem) if problem else _timing(times["unlifted"], None)
    return {**found, "unlifted": unlifted}


def _without_ties(lifted: LiftedModule) -> LiftedModule:
    module = lifted.unlift()
    return LiftedModule(module, read_manifest(module))


def _stepper(
    program: Program,
    name: str,
    original: Function,
    state: Mapping[str, Any],
    others: Mapping[str, Any],
) -> Callable[[], None]:
    """One step, whose slots' new values are the old ones of the next, lifted or not."""
    executable = program._executable(name).for_session()
    slots = {slot.argument: slot for slot in original.slots}
    # Where it was lifted, the target may have stored them otherwise.
    stores = slots | {slot.argument: slot for slot in executable.function.slots}
    hosts, buffers = {}, {}
    for argument in original.arguments:
        slot = slots.get(argument.index)
        logical = slot.logical if slot else argument.type
        known = state if slot else others
        value = known.get(slot.name if slot else argument.name, known.get(argument.name))
        host = to_host(value, logical, argument.name)
        host = to_store(host, stores[argument.index]) if slot else host
        hosts[argument.index] = host
        buffers[argument.index] = executable.put(argument.index, host, copy=slot is not None)
    refreshed = [index for index in executable.overwritten if index not in slots]

    def step() -> None:
        for index in refreshed:
            buffers[index] = executable.put(index, hosts[index], copy=True)
        results = executable.run([buffers[index] for index in range(len(buffers))])
        for slot in slots.values():
            buffers[slot.argument] = results[slot.result]

    return step


def _time_in_turn(steppers: Mapping[str, Callable[[], None]], steps: int) -> dict[str, list[float]]:
    """Milliseconds of each step; what disturbs the machine disturbs all alike."""
    for _ in range(_WARM_UP):
        for step in steppers.values():
            step()
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(steps):
        for name, step in steppers.items():
            begin = time.perf_counter()
            step()
            times[name].append((time.perf_counter() - begin) * 1e3)
    return times


def _timing(times: list[float], copies: int | None) -> Timing:
    tenths = statistics.quantiles(times, n=10, method="inclusive") if len(times) > 1 else times
    return Timing(statistics.median(times), tenths[0], tenths[-1], copies)
