"""Each stateful model, imported and compared with PyTorch over three chained calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from stateful_models import CASES, Case
from torch.export.graph_signature import ConstantArgument, InputKind
from torch.utils._pytree import tree_leaves

from interpreter import evaluate
from kvlift.frontends.torch_export import ImportedProgram, import_exported_program

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
        leaves, spec = torch.utils._pytree.tree_flatten(args)
        for output, argument in case.feed_back if calls else ():
            leaves[argument] = calls[-1][0][output]
        with torch.no_grad():
            results = model(*torch.utils._pytree.tree_unflatten(leaves, spec))
        state = {n: t.clone() for n, t in model.state_dict(keep_vars=True).items()}
        state |= {n: t.clone() for n, t in model.named_buffers()}
        state |= {f"argument {i}": leaves[i].clone() for i in case.mutated}
        outputs = [t.clone() for t in tree_leaves(results) if t is not None]
        calls.append((outputs, state))
    return calls


def marks(program: ImportedProgram) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The attributes of the arguments and of the results of the only function."""
    (func,) = list(program.module.body)
    arguments, results = (
        [{a.name: a.attr.value for a in attributes} for attributes in func.attributes[key]]
        for key in ("arg_attrs", "res_attrs")
    )
    return arguments, results


def numpy_of(value: Any) -> np.ndarray:
    tensor = torch.as_tensor(value).detach().contiguous()
    bits = tensor.view(torch.uint16) if tensor.dtype is torch.bfloat16 else tensor
    return bits.numpy().copy()


def torch_of(array: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    tensor = torch.from_numpy(np.array(array))
    return tensor.view(torch.bfloat16) if like.dtype is torch.bfloat16 else tensor


def interpreted(
    case: Case, exported: torch.export.ExportedProgram, program: ImportedProgram
) -> list[list[np.ndarray]]:
    """Three calls; slots are fed back by name, what the caller carries by position."""
    arguments, results = marks(program)
    specs = exported.graph_signature.input_specs
    users = [s for s in specs if s.kind is InputKind.USER_INPUT]
    passed = [i for i, s in enumerate(users) if not isinstance(s.arg, ConstantArgument)]
    tied = {r["kvlift.slot"]: i for i, r in enumerate(results) if "kvlift.slot" in r}
    user_arguments = [i for i, a in enumerate(arguments) if a["kvlift.kind"] == "user_input"]
    carry = {i: tied[a["kvlift.slot"]] for i, a in enumerate(arguments) if "kvlift.slot" in a}
    for output, argument in case.feed_back:
        carry[user_arguments[passed.index(argument)]] = len(tied) + output
    calls = []
    for number, leaves in enumerate(steps_of(case)):
        users_now = iter([leaves[i] for i in passed])
        call: list[np.ndarray | None] = []
        for index, argument in enumerate(arguments):
            name = argument["kvlift.name"]
            value = program.values[name] if name in program.values else next(users_now)
            call.append(None if number and index in carry else numpy_of(value))
        calls.append(call)
    return evaluate(str(program.module), calls, carry=carry)


@pytest.mark.parametrize("name", CASES)
def test_chained_calls_equal_eager(name: str) -> None:
    case = CASES[name]
    exported = export(case)
    program = import_exported_program(exported)
    arguments, results = marks(program)
    slots = [r["kvlift.slot"] for r in results if "kvlift.slot" in r]
    assert sorted(slots) == sorted(case.slots)
    assert [a["kvlift.slot"] for a in arguments if "kvlift.slot" in a] == [
        a["kvlift.name"] for a in arguments if a["kvlift.name"] in slots
    ]
    of_user = [a["kvlift.name"] for a in arguments if a["kvlift.kind"] == "user_input"]
    mutated = [a["kvlift.name"] for a in arguments if a.get("kvlift.slot") in of_user]
    for got, (outputs, state) in zip(
        interpreted(case, exported, program), eager(case), strict=True
    ):
        wanted = dict(state) | {
            n: state[f"argument {i}"] for n, i in zip(mutated, case.mutated, strict=True)
        }
        expected = [wanted[s] for s in slots] + outputs
        assert len(got) == len(expected) == len(results)
        for value, want, result in zip(got, expected, results, strict=True):
            torch.testing.assert_close(
                torch_of(value, want),
                want.detach(),
                rtol=1e-6,
                atol=1e-6,
                msg=lambda m, r=result: f"{r}: {m}",
            )
