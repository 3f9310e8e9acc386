"""Shardy's attributes in the form in which MLIR without that dialect can hold them.

JAX writes meshes and shardings in the dialect `sdy`, which torch-mlir's MLIR does not know. jaxlib
can write a portable artifact without it: meshes and shardings become `mhlo.frontend_attributes`,
results are wrapped in calls of `xla.sdy.FuncResultSharding`, and XLA reads all of it back.
"""

from __future__ import annotations

import io
from typing import Any

from kvlift.errors import SourceError


def has_shardy(text: str) -> bool:
    """Whether the program says how devices share its arrays, in Shardy's dialect."""
    return "sdy.mesh" in text


def portable_artifact(source: Any) -> bytes:
    """The StableHLO of a lowered or exported JAX program, without the dialect `sdy`.

    Raises:
        SourceError: this jaxlib cannot write it.
    """
    try:
        from jax.extend.mlir.dialects import stablehlo

        # The only private API of the frontends: nothing public writes this form.
        from jaxlib._jax import mlir

        return bytes(
            mlir.serialize_portable_artifact(
                _module(source), stablehlo.get_current_version(), False
            )
        )
    except (ImportError, AttributeError, TypeError) as error:
        raise SourceError(
            f"this jaxlib cannot write shardings without the dialect sdy ({error}); lower the "
            "program with jax.config.update('jax_use_shardy_partitioner', False)"
        ) from error


def _module(source: Any) -> str | bytes:
    """What jaxlib parses itself, in a context that knows Shardy; bytecode keeps the locations."""
    if type(source).__name__ != "Lowered":
        return str(source.mlir_module())
    buffer = io.BytesIO()
    source.compiler_ir("stablehlo").operation.write_bytecode(buffer)
    return buffer.getvalue()
