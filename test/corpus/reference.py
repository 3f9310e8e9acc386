"""What a program means: the StableHLO interpreter on the original text, state fed back by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "python"))


def interpret(
    text: str, calls: list[list[np.ndarray]], ties: tuple[tuple[int, int], ...]
) -> list[list[np.ndarray]]:
    """The results of each call; bf16 as its bits. May abort: run it in a child process."""
    from torch_mlir import ir
    from torch_mlir._mlir_libs import _stablehlo as stablehlo

    import interpreter

    context = ir.Context()
    stablehlo.register_dialect(context)
    stablehlo.register_stablehlo_passes()
    stablehlo.register_interpreter_dialect(context)
    carry = dict(ties)
    results: list = []
    found = []
    with context:
        module = ir.Module.parse(text)
        types = interpreter._function_type(_main_first(module)).inputs
        for call in calls:
            given = [
                results[carry[a]]
                if results and a in carry
                else interpreter._attribute(ir, as_bits(value), types[a])
                for a, value in enumerate(call)
            ]
            results = stablehlo.eval_module(module, given)
            found.append([interpreter._array(ir, stablehlo, value) for value in results])
    return found


def as_bits(array: np.ndarray) -> np.ndarray:
    """NumPy's buffer protocol has no bf16: its bits."""
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def _main_first(module):
    """The interpreter calls `main`; programs must define it first."""
    first = next(iter(module.body))
    assert str(first.attributes["sym_name"]) == '"main"', "main must come first"
    return module
