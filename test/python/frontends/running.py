"""Runs the stateful models: their exports, what PyTorch computes, and chained calls of a module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from stateful_models import Case
from torch.export.graph_signature import ConstantArgument, InputKind
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from interpreter import evaluate
from kvlift.slots import Manifest

Call = tuple[list[torch.Tensor], dict[str, torch.Tensor]]


def steps_of(case: Case) -> list[list[Any]]:
    """The argument leaves of each call; the same numbers each time."""
    torch.manual_seed(7)
    return [tree_leaves(args) for args in case.steps()]


def export(case: Case) -> torch.export.ExportedProgram:
    torch.manual_seed(7)
    args = case.steps()[0]
    shapes = case.dynamic_shapes
    return torch.export.export(case.build(), args, dynamic_shapes=shapes, strict=case.strict)


def eager(case: Case) -> list[Call]:
    """For each call: the output leaves, and a copy of every buffer, parameter and argument."""
    model, calls, first = case.build(), [], None
    torch.manual_seed(7)
    for args in case.steps():
        first = first or args
        args = tuple(first[i] if i in case.mutated else a for i, a in enumerate(args))
        leaves, spec = tree_flatten(args)
        for output, argument in case.feed_back if calls else ():
            leaves[argument] = calls[-1][0][output]
        with torch.no_grad():
            results = model(*tree_unflatten(leaves, spec))
        state = {n: t.clone() for n, t in model.state_dict(keep_vars=True).items()}
        state |= {n: t.clone() for n, t in model.named_buffers()}
        state |= {f"argument {i}": leaves[i].clone() for i in case.mutated}
        outputs = [t.clone() for t in tree_leaves(results) if t is not None]
        calls.append((outputs, state))
    return calls


def expected_results(case: Case, manifest: Manifest) -> list[list[torch.Tensor]]:
    """What PyTorch gives for each result of each call: the mutated state, then the outputs."""
    function = manifest.function()
    users = [a.name for a in function.arguments if a.kind == "user_input"]
    mutated = [r.name for r in function.results[: len(case.slots)] if r.name in users]
    # Mutated user inputs come back in the order in which they are passed.
    mutated.sort(key=users.index)
    calls = []
    for outputs, state in eager(case):
        by_name = dict(state)
        by_name |= {n: state[f"argument {i}"] for n, i in zip(mutated, case.mutated, strict=True)}
        carried = [by_name[r.name] for r in function.results[: len(case.slots)]]
        calls.append([value.detach() for value in (*carried, *outputs)])
    return calls


def passed_leaves(exported: torch.export.ExportedProgram) -> list[int]:
    """The argument leaves that are arguments of the function: no None, no static number."""
    specs = exported.graph_signature.input_specs
    users = [s for s in specs if s.kind is InputKind.USER_INPUT]
    return [i for i, s in enumerate(users) if not isinstance(s.arg, ConstantArgument)]


def interpreted(
    case: Case,
    exported: torch.export.ExportedProgram,
    text: str,
    manifest: Manifest,
    values: Mapping[str, Any],
) -> list[list[np.ndarray]]:
    """Three calls; slots are fed back by name, what the caller carries by position."""
    arguments, passed = manifest.function().arguments, passed_leaves(exported)
    tied = {r.slot: r.index for r in manifest.function().results if r.slot is not None}
    carry = {a.index: tied[a.slot] for a in arguments if a.slot is not None}
    users = [a.index for a in arguments if a.name not in values]
    for output, argument in case.feed_back:
        carry[users[passed.index(argument)]] = len(case.slots) + output
    calls = []
    for number, leaves in enumerate(steps_of(case)):
        given = dict(zip(users, [leaves[i] for i in passed], strict=True))
        calls.append(
            [
                None
                if number and a.index in carry
                else numpy_of(values[a.name] if a.name in values else given[a.index])
                for a in arguments
            ]
        )
    return evaluate(text, calls, carry=carry)


def assert_results(
    got: Sequence[np.ndarray], expected: Sequence[torch.Tensor], names: Sequence[str], **limits: Any
) -> None:
    """Each result equals PyTorch's in shape, element type and, within the limits, value."""
    assert len(got) == len(expected) == len(names)
    for value, want, name in zip(got, expected, names, strict=True):
        torch.testing.assert_close(
            torch_of(value, want), want, **limits, msg=lambda m, n=name: f"{n}: {m}"
        )


def numpy_of(value: Any) -> np.ndarray:
    tensor = torch.as_tensor(value).detach().contiguous()
    bits = tensor.view(torch.uint16) if tensor.dtype is torch.bfloat16 else tensor
    return bits.numpy().copy()


def torch_of(array: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    if like.dtype is torch.bfloat16:
        return torch.from_numpy(np.array(array).view(np.uint16)).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))
