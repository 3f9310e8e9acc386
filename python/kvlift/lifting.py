"""`kvlift.lift`: any program in, a module whose state is tied out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kvlift.errors import Diagnostic, LiftError, SessionError
from kvlift.frontends.sources import import_source, refuse_unliftable
from kvlift.host import host, new_context
from kvlift.joining import Part, join, only_function
from kvlift.lifted_module import LiftedModule
from kvlift.pipelines import (
    LostUpdates,
    OnConflict,
    Require,
    read_manifest,
    run_passes,
    source_passes,
    target_passes,
)

if TYPE_CHECKING:
    from torch_mlir import ir


def lift(
    source: Any,
    *,
    target: str | None = None,
    lost_updates: LostUpdates = "error",
    on_conflict: OnConflict = "error",
    require: Require | None = None,
    state: Mapping[str, Any] | None = None,
) -> LiftedModule:
    """Finds every piece of state in a program and ties it to where its new value leaves.

    Args:
        source: a `torch.export.ExportedProgram`; a `torch_mlir.ir.Module` (changed in place);
            a `jax.jit(f).lower(...)` or `jax.export.Exported`; StableHLO as text, bytecode or
            portable artifact; or the path of a file with one of these. Or several of them by
            name, `{"prefill": source, "decode": source}`: functions of one module that share
            slots and weights by name. A buffer that one of them updates is a slot of all that
            read it.
        target: `pjrt:cpu`, `pjrt:cuda` or `iree:cpu`, whose known habits count in the verdict on
            each slot; None judges only what holds on every runtime.
        lost_updates: what to do about an update that no result carries: refuse (`error`),
            append a tied result (`return`), or accept it (`ignore`, a remark stays).
        on_conflict: what to do where an old value is needed after the update that overwrites it:
            refuse (`error`), or give the reader a copy of it (`copy`, a remark says so).
        require: `in_place` refuses a slot that the target is known to copy.
        state: pairs to tie that provenance cannot find, by a name of your choice:
            `{"pos": (3, 1)}` ties argument 3 to result 1; with several sources by function:
            `{"decode": {"pos": (3, 1)}}`.

    Returns:
        The lifted module. `lifted.slots` lists what was found.

    Raises:
        SourceError: the source cannot become a StableHLO module.
        LiftError: the lift was refused, with diagnostics that say where, why and how to go on;
            a module that was passed in is as it was.
        HostError: torch-mlir is missing or damaged.
    """
    for_target = target_passes(target or "any", on_conflict, require)
    if isinstance(source, Mapping):
        return _lift_several(source, lost_updates, state or {}, for_target)
    passes = [*source_passes(lost_updates, state or {}), *for_target]
    module, values = import_source(source)
    refuse_unliftable(module)
    diagnostics = run_passes(module, passes, "the program cannot be lifted")
    values = {**values, **_take_initial_values(module)}
    return LiftedModule(module, read_manifest(module), diagnostics, values)


def _lift_several(
    sources: Mapping[str, Any],
    lost_updates: LostUpdates,
    state: Mapping[str, Any],
    for_target: list[str],
) -> LiftedModule:
    """Finds the state of each source on its own, joins them, and goes on with all together."""
    if not sources or not all(isinstance(name, str) and name for name in sources):
        raise LiftError("several sources must be named: {'prefill': source, 'decode': source}")
    unknown = [name for name in state if name not in sources]
    if unknown:
        raise LiftError(
            f"state names the function {unknown[0]!r}; the functions are: {', '.join(sources)} "
            "(with several functions: state={'decode': {'pos': (3, 1)}})"
        )
    context = new_context()
    parts = []
    diagnostics: tuple[Diagnostic, ...] = ()
    for name, source in sources.items():
        passes = source_passes(lost_updates, state.get(name) or {})
        module, values = import_source(source, context)
        refuse_unliftable(module)
        only_function(module, name)
        diagnostics += run_passes(module, passes, f"the program {name!r} cannot be lifted")
        values = {**values, **_take_initial_values(module)}
        parts.append(Part(read_manifest(module).function(name), module, values))
    module, values = join(parts)
    diagnostics += run_passes(module, for_target, "the joined programs cannot be lifted")
    return LiftedModule(module, read_manifest(module), diagnostics, values)


def load(path: str | os.PathLike[str], *, verify: bool | None = None) -> LiftedModule:
    """Reads what `LiftedModule.save` wrote; executes nothing of it.

    Weights are mapped and not read: a session binds them where they lie if the runtime can.

    Args:
        path: the package.
        verify: whether to check the values' checksum, which reads all of them; None checks up to
            1 GiB. All else is always checked.

    Raises:
        SourceError: the file is missing, truncated, edited or of another version; the message
            names the part that is wrong.
    """
    from kvlift.package import load_package

    return load_package(Path(path), verify)


def _take_initial_values(module: ir.Module) -> dict[str, Any]:
    """Moves the contents of lifted globals from the IR to where sessions look for them."""
    import numpy as np

    from kvlift.runtime.values import numpy_dtype

    values = {}
    for name, shape, element, data in host().take_initial_values(module._CAPIPtr):
        try:
            dtype = numpy_dtype(element)
        except SessionError:  # Neither can it be passed to a session.
            continue
        found = np.frombuffer(data, dtype)
        is_whole = found.size == np.prod(shape)
        values[name] = np.array(found.reshape(shape) if is_whole else np.broadcast_to(found, shape))
    return values
