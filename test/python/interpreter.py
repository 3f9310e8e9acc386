"""Evaluates StableHLO with the reference interpreter, in a child process: it can abort.

Numbers travel as `.npz`. NumPy has no bf16 or f8: those travel as their bits (`uint16`, `uint8`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


class InterpreterError(Exception):
    """The child failed, aborted or ran out of time; the message has its stderr."""


def evaluate(
    program: str | bytes,
    calls: Sequence[Sequence[np.ndarray | None]],
    *,
    carry: Mapping[int, int] | None = None,
    timeout: float = 60,
) -> list[list[np.ndarray]]:
    """Calls the program's only function once per entry of `calls`, in one process.

    Args:
        program: StableHLO as text or bytecode.
        calls: the arguments of each call. None stands for what `carry` brings.
        carry: argument index -> index of the previous call's result that it takes.
        timeout: seconds for all of it.

    Raises:
        InterpreterError: with the child's stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if isinstance(program, str):
            program = program.encode()
        (root / "program.mlir").write_bytes(program)
        arrays = {
            f"{c}_{a}": value
            for c, call in enumerate(calls)
            for a, value in enumerate(call)
            if value is not None
        }
        np.savez(root / "in.npz", **arrays)
        widths = [len(call) for call in calls]
        (root / "plan.json").write_text(json.dumps([widths, list((carry or {}).items())]))
        try:
            child = subprocess.run(
                [sys.executable, __file__, folder], capture_output=True, text=True, timeout=timeout
            )
        except subprocess.TimeoutExpired as error:
            raise InterpreterError(f"no answer in {timeout} s") from error
        if child.returncode != 0:
            raise InterpreterError(f"exit code {child.returncode}\n{child.stderr.strip()}")
        with np.load(root / "out.npz") as out:
            counts = json.loads((root / "counts.json").read_text())
            return [[out[f"{c}_{r}"] for r in range(n)] for c, n in enumerate(counts)]


def _child(folder: Path) -> None:
    from torch_mlir import ir
    from torch_mlir._mlir_libs import _stablehlo as stablehlo

    from kvlift.host import host

    (widths, pairs) = json.loads((folder / "plan.json").read_text())
    carry = dict(pairs)
    context = ir.Context()
    stablehlo.register_dialect(context)
    stablehlo.register_stablehlo_passes()
    stablehlo.register_interpreter_dialect(context)
    with context, np.load(folder / "in.npz") as arrays:
        module = ir.Module.parse((folder / "program.mlir").read_bytes())
        # The interpreter aborts on the arith and tensor ops that torch-mlir leaves behind.
        host().run_pipeline(module._CAPIPtr, "builtin.module(kvlift-legalize-constants)")
        types = _function_type(module).inputs
        results: list = []
        outputs = {}
        counts = []
        for call, width in enumerate(widths):
            args = [
                _attribute(ir, arrays[f"{call}_{a}"], types[a])
                if f"{call}_{a}" in arrays
                else results[carry[a]]
                for a in range(width)
            ]
            results = stablehlo.eval_module(_refined(ir, module, args), args)
            counts.append(len(results))
            for r, value in enumerate(results):
                outputs[f"{call}_{r}"] = _array(ir, stablehlo, value)
    np.savez(folder / "out.npz", **outputs)
    (folder / "counts.json").write_text(json.dumps(counts))


def _function_type(module):
    return next(op for op in module.body if op.operation.name == "func.func").type


def _refined(ir, program, args: list):
    """The interpreter wants the arguments' very types: a dynamic program gets this call's."""
    from torch_mlir.passmanager import PassManager

    module = ir.Module.parse(str(program))
    given = [value.type for value in args]
    if list(_function_type(module).inputs) != given:
        types = ",".join(str(t) for t in given)
        PassManager.parse(
            f"builtin.module(stablehlo-refine-arguments{{types={types}}},stablehlo-refine-shapes,"
            "func.func(stablehlo-canonicalize-dynamism))"
        ).run(module.operation)
    return module


def _attribute(ir, array: np.ndarray, tensor_type):
    element = ir.RankedTensorType(tensor_type).element_type
    return ir.DenseElementsAttr.get(
        np.ascontiguousarray(array), type=element, shape=list(array.shape)
    )


def _array(ir, stablehlo, value) -> np.ndarray:
    """bf16 and f8 have no NumPy type: the interpreter itself turns them into bits."""
    tensor_type = ir.RankedTensorType(value.type)
    element = str(tensor_type.element_type)
    bits = {"bf16": "i16"}.get(element, "i8" if element.startswith("f8") else None)
    if bits is None:
        return np.array(value)
    plain = str(tensor_type).replace(element, bits)
    text = (
        f"func.func @main(%a: {tensor_type}) -> {plain} {{\n"
        f"%b = stablehlo.bitcast_convert %a : ({tensor_type}) -> {plain}\n"
        f"return %b : {plain} }}"
    )
    array = np.array(stablehlo.eval_module(ir.Module.parse(text), [value])[0])
    return array.view(np.dtype(f"u{array.dtype.name}"))


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
