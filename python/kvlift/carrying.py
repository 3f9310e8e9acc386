"""Decode steps that run without a host between them: `LiftedModule.carry`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kvlift.errors import LiftError
from kvlift.sampling import SYMBOL, Sampler
from kvlift.slots import Argument, Function, Result

if TYPE_CHECKING:
    from torch_mlir import ir

# Slots whose first value says nothing: no step has been run.
_EMPTY = ("history", "next", "logits")


def add_sampler(
    module: ir.Module, function: Function, tokens: str, logits: str | None, sampler: Sampler
) -> None:
    """Adds the sampler for this function's logits to the module, as a private function."""
    from torch_mlir import ir

    if not isinstance(sampler, Sampler):
        raise LiftError(
            f"sampler={sampler!r} must be Sampler.greedy() or Sampler.random(seed, ...)"
        )
    batch = _argument(function, tokens).type.shape[:1]
    vocabulary = _logits(function, logits).type.shape[-1:]
    if None in (*batch, *vocabulary) or not (batch and vocabulary):
        raise LiftError(
            f"argument {tokens!r} is {_argument(function, tokens).type} and the logits are "
            f"{_logits(function, logits).type}: a sampler needs to know batch and vocabulary"
        )
    text = sampler.function(int(batch[0] or 0), int(vocabulary[0] or 0))
    parsed = ir.Module.parse(text, module.context)
    operation = parsed.body.operations[0]
    operation.detach_from_parent()
    module.body.append(operation)


def carry_pass(
    function: Function, tokens: str, logits: str | None, positions: Sequence[str], history: int
) -> str:
    """The pass with its options: names become positions, which need no quoting."""
    if isinstance(positions, str) or not isinstance(positions, Sequence):
        raise LiftError(f"positions={positions!r} must be a list of arguments' names")
    if type(history) is not int:
        raise LiftError(f"history={history!r} must be a number of tokens")
    carried = ",".join(f"arg{_argument(function, name).index}" for name in positions)
    options = {
        "function": function.name,
        "tokens": f"arg{_argument(function, tokens).index}",
        "logits": f"result{_logits(function, logits).index}",
        "sampler": SYMBOL,
        "history": str(history),
        **({"positions": carried} if carried else {}),
    }
    return f"kvlift-carry{{{' '.join(f'{key}={value}' for key, value in options.items())}}}"


def first_values(function: Function, sampler: Sampler) -> dict[str, Any]:
    """What the slots that `carry` adds hold before the first step."""
    import numpy as np

    from kvlift.runtime.values import numpy_dtype

    values = {
        slot.name: np.zeros(
            [int(n or 0) for n in slot.logical.shape], numpy_dtype(slot.logical.dtype)
        )
        for slot in function.slots
        if slot.role in _EMPTY
    }
    states = [slot.name for slot in function.slots if slot.role == "sampler"]
    return {**values, **dict(zip(states, sampler.initial().values(), strict=True))}


def _argument(function: Function, name: str) -> Argument:
    found = [a for a in function.arguments if a.name == name]
    if len(found) == 1:
        return found[0]
    known = ", ".join(a.name for a in function.arguments if a.kind == "user_input")
    problem = f"{len(found)} arguments named {name!r}" if found else f"no argument {name!r}"
    raise LiftError(f"function {function.name!r} has {problem}; what callers pass: {known}")


def _logits(function: Function, name: str | None) -> Result:
    """The result of that name, or the only one that is no slot's."""
    found = [r for r in function.results if not r.is_state and name in (None, r.name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(r.name for r in function.results if not r.is_state) or "none"
    which = "logits= is missing" if name is None else f"no result {name!r}"
    raise LiftError(f"function {function.name!r}: {which}; the results that are no slots: {known}")
