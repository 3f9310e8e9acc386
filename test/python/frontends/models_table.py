"""Prints docs/torch-models.md from real imports of the models."""

from __future__ import annotations

import inspect
import sys
import warnings
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from running import export
from stateful_models import CASES, Case
from test_torch_export import marks

from kvlift.frontends.torch_export import import_exported_program

HEAD = """# Stateful PyTorch models that the importer takes

One line per model of `test/python/frontends/stateful_models.py`, written by `models_table.py`
beside it with torch {torch}. *Update* is what torch-mlir makes of the update after kvlift's
decompositions: the op behind the slot's result, looked at through transposes and reshapes; the
dims of a scatter are those it indexes. `test_torch_export.py` runs each model over three chained
calls in the StableHLO interpreter, state fed back by name, and compares outputs and state with
PyTorch eager: floats within 1e-6, everything else exactly. All of them pass.

| model | how PyTorch says it | slots | update |
|---|---|---|---|
"""
FOOT = """
A model with no slot returns its cache and the caller passes it back; those chains are compared too.

Not taken, each with an error that names the op and the model's line
(`test_torch_export_errors.py`, `test_export.py`): `torch.cond` and `while_loop`, writes through
`diagonal()` and `as_strided` views, `scatter_reduce_`, `put_`, `x[mask] = rows` (sizes that depend
on values), complex arithmetic, custom ops without a decomposition, and `x[:, n] = new` with n a 0-d
tensor or a Python number that varies (a 1-D index, `narrow`, `select` and a Python number in
`x[n] = new` are taken).
"""
THROUGH = ("stablehlo.transpose", "stablehlo.reshape", "stablehlo.convert")
WORDS = (
    "index_put_", "index_add_", "index_copy_", "index_fill_", "masked_fill_", "scatter_add_",
    "scatter_", "narrow", ".select", "torch.where", "torch.roll", "torch.cat", "add_", "copy_",
    "mul_",
)  # fmt: skip


def update(value: Any) -> str:
    """The op that makes a slot's new value."""
    through: list[str] = []
    while hasattr(value.owner, "name"):  # a block, whose argument the value is, has none
        op = value.owner
        if op.name not in THROUGH:
            return _described(op) + (
                f" under {' and '.join(dict.fromkeys(through))}" if through else ""
            )
        through.append(op.name.removeprefix("stablehlo."))
        value = op.operands[0]
    return "the argument itself"


def _described(op: Any) -> str:
    name = op.name.removeprefix("stablehlo.")
    if name != "scatter":
        return f"`{name}`"
    numbers = str(op.attributes["scatter_dimension_numbers"])
    window = "update_window_dims" in numbers
    dims = numbers.partition("scatter_dims_to_operand_dims = ")[2].partition("]")[0] + "]"
    return f"{'window' if window else 'element-wise'} scatter {dims}"


def source(case: Case) -> str:
    """The statements of `forward` that change state, shortened."""
    model = type(case.build())
    if not model.__module__.startswith("stateful_models"):
        return model.__name__
    lines = [line.strip() for line in inspect.getsource(model.forward).splitlines()]
    changing = [
        line for line in lines[1:]
        if "] = " in line or any(word in line for word in WORDS) or line.startswith("self.")
    ]  # fmt: skip
    return "; ".join(f"`{line}`" for line in changing[:2]) or model.__name__


def row(name: str, case: Case) -> str:
    program = import_exported_program(export(case))
    arguments, results = marks(program)
    (func,) = list(program.module.body)
    returned = list(func.regions[0].blocks[0].operations)[-1].operands
    slots = [
        (r["kvlift.slot"], v) for r, v in zip(results, returned, strict=True) if "kvlift.slot" in r
    ]
    kinds = {a["kvlift.name"]: a["kvlift.kind"] for a in arguments}
    updates = dict.fromkeys(update(value) for _, value in slots)
    named = ", ".join(
        f"`{n}`" + ("" if kinds[n] == "buffer" else f" ({kinds[n]})") for n, _ in slots
    )
    return f"| {name} | {source(case)} | {named or 'none'} | {', '.join(updates) or '-'} |"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(HEAD.format(torch=torch.__version__.partition("+")[0]), end="")
    for case_name, one in CASES.items():
        print(row(case_name, one))
    print(FOOT, end="")
