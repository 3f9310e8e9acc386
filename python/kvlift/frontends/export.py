"""The safe way from a stateful nn.Module to an ExportedProgram.

1. Refuse inputs that are one tensor: torch.export merges them silently.
2. Call a copy of the model once: what it changes is its state. Refuse state that torch.export
   cannot carry: tensors that are no buffers, buffers that share memory.
3. Export with strict=False, and with strict=True if that fails or loses state; each mode loses
   what the other keeps. Keep the one whose signature names all of the state.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.export.graph_signature import InputKind, OutputKind

from kvlift.errors import ExportError
from kvlift.frontends.observation import (
    Observation,
    input_names,
    observe,
    registered_tensors,
    untouched,
)
from kvlift.frontends.scalars import fixed_numbers
from kvlift.frontends.source_lines import traceback_source_line
from kvlift.frontends.storage_overlap import overlap

STATE_MUTATIONS = (OutputKind.BUFFER_MUTATION, OutputKind.PARAMETER_MUTATION)
State = frozenset[str]


@dataclass(frozen=True)
class Attempt:
    """One export: the program and the state it mutates, or why there is none."""

    strict: bool
    program: torch.export.ExportedProgram | None = None
    mutated: State = frozenset()
    error: Exception | None = None


def export(
    model: nn.Module,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
) -> torch.export.ExportedProgram:
    """Exports a model and makes sure that no state is lost on the way.

    The model is called once on a deep copy, so for a moment its memory is needed twice; neither
    the model nor the inputs change.

    Args:
        model: its state in buffers, parameters it writes, or inputs it writes.
        args: example positional inputs; Python numbers are baked in unless dynamic.
        kwargs: example keyword inputs.
        dynamic_shapes: as in `torch.export.export`.

    Returns:
        A program, whose signature after decomposition names everything that a call changes.

    Raises:
        ExportError: the state cannot be kept, named with what to do about it, or torch.export
            fails in both of its modes.
    """
    if not isinstance(model, nn.Module):
        raise ExportError(f"expected a torch.nn.Module, got {type(model).__name__}")
    kwargs = dict(kwargs or {})
    inputs = input_names(args, kwargs)
    _refuse_repeated(model, inputs)
    with untouched(model):
        seen = observe(model, args, kwargs)
        expected = None
        if seen is not None:
            _refuse_untold_state(seen)
            _refuse_shared_memory(model, inputs, seen)
            expected = seen.state | {inputs[i][0] for i in seen.inputs}
        attempts = []
        for strict in (False, True):
            attempt = _attempt(model, args, kwargs, dynamic_shapes, strict, inputs)
            attempts.append(attempt)
            if expected is not None and attempt.program and attempt.mutated >= expected:
                break
    program = _chosen(attempts, expected)
    _refuse_fixed(program)
    return program


def _refuse_repeated(model: nn.Module, inputs: list[tuple[str, Any]]) -> None:
    tensors = [(n, t) for n, t in inputs if isinstance(t, torch.Tensor)]
    for (first, a), (second, b) in itertools.combinations(tensors, 2):
        if a is b:
            raise ExportError(
                f"{first} and {second} are the same tensor, and torch.export would make one input "
                f"of them; pass a copy: tensor.clone()"
            )
    own = {id(t): n for n, t in registered_tensors(model).items()}
    for name, tensor in tensors:
        if id(tensor) in own:
            raise ExportError(
                f"{name} is the model's own {own[id(tensor)]!r}; pass a copy: tensor.clone()"
            )


def _refuse_untold_state(seen: Observation) -> None:
    """State that torch.export bakes in, or takes for a constant."""
    if seen.unregistered:
        path = seen.unregistered[0]
        name = path.rsplit(".", 1)[-1]
        others = f" (and {', '.join(seen.unregistered[1:])})" if seen.unregistered[1:] else ""
        raise ExportError(
            f"the call changes {path!r}{others}, a tensor that is no buffer: its new value would "
            f"be lost; in __init__ call self.register_buffer({_identifier(name)!r}, tensor, "
            "persistent=False)"
        )
    for name, old, new in seen.numbers:
        warnings.warn(
            f"the call changes the python number {name!r} from {old} to {new}; the exported "
            "program keeps what it saw: hold it in a tensor buffer if results depend on it",
            stacklevel=3,
        )


def _identifier(name: str) -> str:
    return name.replace("[", "_").replace("]", "")


def _refuse_shared_memory(
    model: nn.Module, inputs: list[tuple[str, Any]], seen: Observation
) -> None:
    """Two names for one memory are two states after the export; one of them would go stale."""
    tensors = registered_tensors(model)
    _refuse_made(sorted(seen.state - tensors.keys()))
    written = {name: tensors[name] for name in sorted(seen.state)}
    given = {n: t for n, t in inputs if isinstance(t, torch.Tensor)}
    written |= {inputs[i][0]: inputs[i][1] for i in sorted(seen.inputs)}
    for (name, a), (other, b) in itertools.product(written.items(), (tensors | given).items()):
        if name != other and overlap(a, b):
            raise ExportError(
                f"{name!r} and {other!r} share memory, and the call writes {name!r}: after the "
                "export they would be two values; use one buffer and make its views in forward, "
                "or give each its own memory: tensor.clone()"
            )


def _refuse_made(names: list[str]) -> None:
    for name in names:
        raise ExportError(
            f"the call makes the buffer {name!r}, which has no tensor before it, so none would be "
            "exported; give it one in __init__: self.register_buffer("
            f"{name.rsplit('.', 1)[-1]!r}, torch.zeros(...))"
        )


def _attempt(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    dynamic_shapes: Any,
    strict: bool,
    inputs: list[tuple[str, Any]],
) -> Attempt:
    try:
        with _quiet():
            program = torch.export.export(
                model, args, kwargs, dynamic_shapes=dynamic_shapes, strict=strict
            )
            # Mutations stand in the signature only after functionalization.
            functional = program.run_decompositions({})
    except Exception as error:  # torch.export raises anything
        return Attempt(strict, error=error)
    return Attempt(strict, program, _mutated(functional, inputs))


def _mutated(program: torch.export.ExportedProgram, inputs: list[tuple[str, Any]]) -> State:
    signature = program.graph_signature
    users = [s for s in signature.input_specs if s.kind is InputKind.USER_INPUT]
    names = {s.arg.name: name for s, (name, _) in zip(users, inputs, strict=False)}
    state = {s.target for s in signature.output_specs if s.kind in STATE_MUTATIONS}
    given = {
        names.get(s.target, s.target)
        for s in signature.output_specs
        if s.kind is OutputKind.USER_INPUT_MUTATION
    }
    return frozenset(state | given)


def _chosen(attempts: list[Attempt], expected: State | None) -> torch.export.ExportedProgram:
    exported = [a for a in attempts if a.program is not None]
    if not exported:
        raise _failed(attempts)
    needed = expected
    if needed is None:
        needed = frozenset().union(*(a.mutated for a in exported))
    for attempt in exported:
        if attempt.mutated >= needed:
            return attempt.program
    lost = "; ".join(
        f"strict={a.strict} loses {', '.join(sorted(needed - a.mutated))}"
        if a.program is not None
        else f"strict={a.strict} fails: {_reason(a.error)}"
        for a in attempts
    )
    raise ExportError(
        f"torch.export loses state of this model: {lost}; update it in place, for example "
        "self.name.copy_(new) in place of self.name = new"
    )


def _failed(attempts: list[Attempt]) -> ExportError:
    reasons = "; ".join(f"strict={a.strict}: {_reason(a.error)}" for a in attempts)
    lines = [traceback_source_line(a.error) for a in attempts]
    where = next((f"{line}: " for line in lines if line), "")
    advice = ""
    if "data-dependent" in reasons:
        advice = (
            "; index with a 1-D tensor (shape [1]) rather than a number or a 0-d tensor, or bound "
            "the number with torch._check"
        )
    error = ExportError(f"{where}torch.export cannot export the model: {reasons}{advice}")
    error.__cause__ = attempts[0].error
    return error


def _reason(error: Exception | None) -> str:
    text = "".join(traceback.format_exception_only(error)).strip()
    return text.splitlines()[0].removeprefix(f"{type(error).__module__}.")[:300]


def _refuse_fixed(program: torch.export.ExportedProgram) -> None:
    for name, value in fixed_numbers(program):
        raise ExportError(
            f"input {name!r} was to vary, but the model's code fixes it to {value} (a number in "
            "x[..., n] does); use x.narrow(dim, n, 1) or a 1-D tensor index"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What torch says on the way to a failure, or about traps that are checked here."""
    names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] == "torch"]
    loggers = [logger for n in names if not (logger := logging.getLogger(n)).disabled]
    for logger in loggers:
        logger.disabled = True
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger in loggers:
            logger.disabled = False
