"""JAX programs: `jax.jit(f).lower(...)` and `jax.export.Exported`.

Only public JAX API is used: the text of a lowered program, and the serialised module of an
exported one. Programs that several devices share need one more step, in `jax_sharding.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvlift.frontends.sources import mark_nesting
from kvlift.joining import is_public_function
from kvlift.structure import Leaf, describe

if TYPE_CHECKING:
    from torch_mlir import ir


def is_jax_program(source: object) -> bool:
    """Whether it is one of the two, without importing jax."""
    module = type(source).__module__
    return module.startswith("jax.") and type(source).__name__ in ("Lowered", "Exported")


def import_jax_program(source: Any, *, context: ir.Context | None = None) -> ir.Module:
    """The StableHLO module of a lowered or exported JAX program.

    Args:
        source: what `jax.jit(f).lower(...)` or `jax.export.export(jax.jit(f))(...)` gives.
        context: where to put it; a new one if None.

    Raises:
        SourceError: the host cannot read what this version of JAX wrote.
    """
    from kvlift.frontends import jax_sharding
    from kvlift.frontends.stablehlo import import_stablehlo

    is_lowered = type(source).__name__ == "Lowered"
    if jax_sharding.has_shardy(source.as_text() if is_lowered else str(source.mlir_module())):
        module = import_stablehlo(jax_sharding.portable_artifact(source), context=context)
    elif is_lowered:
        text = source.as_text(debug_info=True)
        module = import_stablehlo(text, context=context, name="<jax>")
    else:
        module = import_stablehlo(source.mlir_module_serialized, context=context)
    for op in module.body:
        if is_public_function(op):
            _mark_nesting(op, source)
    return module


def _mark_nesting(function: Any, source: Any) -> None:
    """Unknown where JAX left out arguments that the program does not use."""
    kind = function.attributes["function_type"].value
    mark_nesting(
        function.operation,
        _described(source.in_tree, len(kind.inputs)),
        _described(source.out_tree, len(kind.results)),
    )


def _described(tree: Any, count: int) -> str | None:
    if tree.num_leaves != count:
        return None
    try:
        return describe(tree.unflatten([Leaf(index) for index in range(count)]))
    except (TypeError, ValueError, AttributeError):  # A user's class that checks what it holds.
        return None
