"""JAX programs: `jax.jit(f).lower(...)` and `jax.export.Exported`.

Only public JAX API is used: the text of a lowered program, and the serialised module of an
exported one. Programs that several devices share need one more step, in `jax_sharding.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
        return import_stablehlo(jax_sharding.portable_artifact(source), context=context)
    if not is_lowered:
        return import_stablehlo(source.mlir_module_serialized, context=context)
    return import_stablehlo(source.as_text(debug_info=True), context=context, name="<jax>")
