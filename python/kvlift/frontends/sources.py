"""Any source that `kvlift.lift` takes, as a module."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kvlift.errors import LiftError, SourceError
from kvlift.host import host
from kvlift.joining import is_public_function
from kvlift.structure import INPUTS, OUTPUTS

if TYPE_CHECKING:
    from torch_mlir import ir


def import_source(
    source: Any, context: ir.Context | None = None
) -> tuple[ir.Module, Mapping[str, Any]]:
    """The source as a module, with the initial values that it brings; see `kvlift.lift`.

    A module that is passed in is the one that is given back, unless a context is named.
    """
    from kvlift.frontends import jax, stablehlo

    kind = type(source)
    if kind.__name__ == "ExportedProgram" and kind.__module__.startswith("torch.export"):
        from kvlift.frontends.torch_export import import_exported_program

        imported = import_exported_program(source, context=context)
        return imported.module, imported.values
    if kind.__name__ == "Module" and kind.__module__.startswith("torch_mlir."):
        host().prepare_context(source.context._CAPIPtr)
        return source if context is None else copy_of(source, context), {}
    if jax.is_jax_program(source):
        return jax.import_jax_program(source, context=context), {}
    if isinstance(source, os.PathLike) or (isinstance(source, str) and _is_path(source)):
        return stablehlo.import_file(source, context=context), {}
    if isinstance(source, str | bytes):
        return stablehlo.import_stablehlo(source, context=context), {}
    raise SourceError(
        f"cannot lift a {kind.__module__}.{kind.__qualname__}; pass an ExportedProgram "
        "(kvlift.export makes one from an nn.Module), a torch_mlir.ir.Module, a lowered or "
        "exported JAX function, or StableHLO as text, bytes or a path"
    )


def mark_nesting(function: Any, inputs: str | None, outputs: str | None) -> None:
    """Writes on a function how its source nested arguments and results, where it is known."""
    from torch_mlir import ir

    with function.context:
        for mark, text in ((INPUTS, inputs), (OUTPUTS, outputs)):
            if text is not None:
                function.attributes[mark] = ir.StringAttr.get(text)


def _is_path(text: str) -> bool:
    """Every module in text has a brace or a line break; hardly any path has."""
    return text.strip() != "" and not any(mark in text for mark in "{}\n")


def refuse_unliftable(module: ir.Module) -> None:
    """Only ranked tensors can be slots, and only they cross the border of a runtime."""
    from torch_mlir import ir

    functions = [op for op in module.body if is_public_function(op)]
    if not functions:
        raise LiftError("the module has no public function, so nothing can be lifted")
    for function in functions:
        kind = function.attributes["function_type"].value
        for side, types in (("argument", kind.inputs), ("result", kind.results)):
            for index, each in enumerate(types):
                if not isinstance(each, ir.RankedTensorType):
                    raise LiftError(
                        f"{side} #{index} of function {function.attributes['sym_name'].value!r} "
                        f"is {each}; lift takes StableHLO on ranked tensors"
                    )


def copy_of(module: ir.Module, context: ir.Context | None = None) -> ir.Module:
    """The module once more, in the same context or another one."""
    from torch_mlir import ir

    data = io.BytesIO()
    module.operation.write_bytecode(data)
    return ir.Module.parse(data.getvalue(), context or module.context)
