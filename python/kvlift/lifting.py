"""`kvlift.lift`: any program in, a module whose state is tied out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kvlift.errors import Diagnostic, LiftError, SessionError
from kvlift.frontends.sources import copy_of, import_source, refuse_unliftable
from kvlift.host import diagnostics_from_core, host, new_context
from kvlift.joining import (
    Part,
    free_symbols,
    is_public_function,
    join,
    only_function,
    rename_symbol,
)
from kvlift.slots import Manifest, Slot

if TYPE_CHECKING:
    from torch_mlir import ir

    from kvlift.runtime.program import Program
    from kvlift.sampling import Sampler

LostUpdates = Literal["error", "return", "ignore"]
OnConflict = Literal["error", "copy"]
Require = Literal["in_place"]


@dataclass(frozen=True)
class LiftedModule:
    """A StableHLO module whose slots are tied, and what came with it.

    Attributes:
        module: the module, a `torch_mlir.ir.Module`.
        manifest: its functions, arguments, results and slots, read from the module.
        diagnostics: remarks and warnings of the lift.
        values: initial values by argument name: weights, constants, and the slots' contents as
            they were at export. Empty for a source that has none (StableHLO, JAX). Those of a
            package are views of the file. Programs keep these arrays for their sessions: replace
            the mapping if you like, but do not write into them.
        compiled: serialized executables by key, as a package brought them. `kvlift.compile` runs
            them only with `trust_compiled=True`.
    """

    module: ir.Module
    manifest: Manifest
    diagnostics: tuple[Diagnostic, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    compiled: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots of all functions, in program order."""
        return tuple(slot for function in self.manifest.functions for slot in function.slots)

    @property
    def partitions(self) -> int:
        """How many devices run the program together: the module's `mhlo.num_partitions`."""
        attributes = self.module.operation.attributes
        mark = "mhlo.num_partitions"
        return int(attributes[mark].value) if mark in attributes else 1

    def text(self) -> str:
        """The module as MLIR text; large constants are printed in full."""
        return str(self.module)

    def artifact(self, version: str | None = None) -> bytes:
        """The module as a StableHLO portable artifact.

        Args:
            version: the StableHLO version to write, such as `1.9.0`; the host's own if None.

        Raises:
            LiftError: the module holds something that the version cannot express.
        """
        data, entries = host().write_artifact(self.module._CAPIPtr, version or "")
        if data is None:
            raise LiftError(
                "cannot write the module as a portable artifact"
                + (f" of StableHLO {version}" if version else ""),
                diagnostics_from_core(entries),
            )
        return bytes(data)

    def for_target(self, target: str, *, require: Require | None = None) -> LiftedModule:
        """A copy of the module in the form that suits one target, with its verdicts.

        `kvlift.compile` does this; call it to see what a runtime will be given.

        Args:
            target: `pjrt:cpu`, `pjrt:cuda` or `iree:cpu`.
            require: `in_place` refuses a slot that the target is known to copy.

        Raises:
            LiftError: the target would change a result, or copies a slot that must not be copied.
        """
        module = copy_of(self.module)
        passes = _target_passes(target, "error", require)
        diagnostics = _run(module, passes, f"the program cannot run on {target}")
        manifest = read_manifest(module)
        return LiftedModule(module, manifest, diagnostics, self.values, self.compiled)

    def slice_results(self) -> LiftedModule:
        """A copy whose functions return what they write into slots, for hosts that insert it.

        Each slot that only `dynamic_update_slice` updates becomes a sliced slot: a plain argument,
        and for each update two results, `<slot>.rows` with the new elements and `<slot>.start`
        with the position of the first one. Sessions insert them after each call. Other slots stay
        as they are; remarks in `diagnostics` say why.

        Raises:
            LiftError: the module's marks contradict each other.
        """
        module = copy_of(self.module)
        diagnostics = _run(module, ["kvlift-slice-results"], "the results cannot be sliced")
        return LiftedModule(module, read_manifest(module), diagnostics, self.values)

    def carry(
        self,
        *,
        tokens: str,
        positions: Sequence[str] = (),
        logits: str | None = None,
        sampler: Sampler | None = None,
        history: int = 1024,
        function: str | None = None,
        prefill: str | Sequence[str] = (),
        length: str | None = None,
    ) -> LiftedModule:
        """A copy in which a decode step feeds the next one, so that no host stands between them.

        The token argument becomes a slot whose new value is sampled from the last row of the
        logits; each position argument becomes a slot that grows by one. The sampler's state, the
        last tokens and the logits become slots as well: a step takes nothing from its caller and
        leaves nothing in a buffer of its own. Sessions run many steps at once by `run`.

        A prefill hands on to the step: it samples the first token from its own logits, and each
        position grows by the number of tokens that it appends. Token and positions then start as
        zeros.

        Args:
            tokens: the argument with the last token of each sequence, [batch] or [batch, 1].
            positions: the arguments that say where in its sequence the token is.
            logits: the result with the logits, [batch, vocabulary] or [batch, rows, vocabulary];
                None is the only result that is no slot.
            sampler: how tokens are chosen; None is `Sampler.greedy()`.
            history: how many of the last tokens are kept.
            function: which function; only needed when there are several.
            prefill: the functions that are called before the step, one or several. A position is
                the step's slot where a prefill takes it by the same name and type.
            length: the prefill's argument that says how many tokens it appends; None is all of
                its argument that is called as `tokens`, [batch, rows]. Without positions only the
                shape of the logits is checked by it.

        Raises:
            LiftError: an argument or result is unknown, is a slot already or is of a type that
                cannot be carried.
            KeyError: no such function.
        """
        from kvlift import carrying
        from kvlift.sampling import Sampler

        prefills = [prefill] if isinstance(prefill, str) else list(prefill)
        chosen = self.manifest.function(function)
        step = carrying.Step.of(chosen, tokens, logits, positions, history)
        sampler = sampler or Sampler.greedy()
        module = copy_of(self.module)
        carrying.add_sampler(module, step, sampler)
        handed_on = [
            carrying.hand_on(module, self.manifest.function(name), step, length)
            for name in prefills
        ]
        passes = [step.pass_text(), *handed_on, "kvlift-inline-calls"]
        passes += _target_passes("any", "error", None)
        diagnostics = _run(module, passes, "the step cannot be carried")
        manifest = read_manifest(module)
        carrying.check_handed_on(manifest, step, prefills)
        values = dict(self.values)
        for name in (chosen.name, *prefills):
            carried = manifest.function(name)
            values |= carrying.first_values(carried, sampler, is_handed_on=bool(prefills))
        return LiftedModule(module, manifest, diagnostics, values)

    def isolate(self, function: str, entry: str | None = None) -> LiftedModule:
        """A copy without the other public functions, for compilers that take one at a time.

        Args:
            function: the public function that stays.
            entry: its name in the copy, if it is to have another.

        Raises:
            KeyError: no such function.
        """
        entry = entry or function
        self.manifest.function(function)
        if [f.name for f in self.manifest.functions] == [entry] == [function]:
            return self
        module = copy_of(self.module)
        _hide_others(module, function)
        _run(module, ["symbol-dce"], f"function {function!r} cannot be isolated")
        if entry != function:
            free_symbols(module, {entry}, spared=function)
            rename_symbol(module, function, entry)
        return LiftedModule(module, read_manifest(module), self.diagnostics, self.values)

    def unlift(self) -> ir.Module:
        """A copy of the module as it would be without a lift: no marks, no ties.

        Slots are plain arguments and results; names and kinds of arguments go too. A new `lift`
        finds the same ties, or takes them as `state=`.

        Raises:
            LiftError: the module's marks contradict each other.
        """
        module = copy_of(self.module)
        _run(module, ["kvlift-unlift"], "the module cannot be unlifted")
        return module

    def save(self, path: str | os.PathLike[str], *, compiled: Iterable[Program] = ()) -> None:
        """Writes module, manifest and values to one file; `kvlift.load` reads it.

        The file appears whole or not at all. Values that are one element repeated take no space.

        Args:
            path: where; an existing file is replaced.
            compiled: programs of this module whose executables go into the file. They serve
                those who trust it, on the same kind of machine with the same compilers.

        Raises:
            LiftError: the module cannot be written as a portable artifact, or a program is of
                another module.
            OSError: the file cannot be written.
        """
        from kvlift.package import save_package

        save_package(self, Path(path), compiled)


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
    target_passes = _target_passes(target or "any", on_conflict, require)
    if isinstance(source, Mapping):
        return _lift_several(source, lost_updates, state or {}, target_passes)
    passes = [*_source_passes(lost_updates, state or {}), *target_passes]
    module, values = import_source(source)
    refuse_unliftable(module)
    diagnostics = _run(module, passes, "the program cannot be lifted")
    values = {**values, **_take_initial_values(module)}
    return LiftedModule(module, read_manifest(module), diagnostics, values)


def _lift_several(
    sources: Mapping[str, Any],
    lost_updates: LostUpdates,
    state: Mapping[str, Any],
    target_passes: list[str],
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
        passes = _source_passes(lost_updates, state.get(name) or {})
        module, values = import_source(source, context)
        refuse_unliftable(module)
        only_function(module, name)
        diagnostics += _run(module, passes, f"the program {name!r} cannot be lifted")
        values = {**values, **_take_initial_values(module)}
        parts.append(Part(read_manifest(module).function(name), module, values))
    module, values = join(parts)
    diagnostics += _run(module, target_passes, "the joined programs cannot be lifted")
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


def read_manifest(module: ir.Module) -> Manifest:
    """The manifest of a module that carries kvlift's marks.

    Raises:
        LiftError: marks contradict each other.
    """
    text, entries = host().manifest(module._CAPIPtr)
    if text is None:
        raise LiftError("the module's marks are wrong", diagnostics_from_core(entries))
    try:
        return Manifest.from_json(text)
    except ValueError as error:
        raise LiftError(f"the module's marks are wrong: {error}") from None


def _source_passes(lost_updates: str, state: Mapping[str, tuple[int, int]]) -> list[str]:
    """The passes that find and simplify state, the same for every target."""
    try:
        pairs = ",".join(
            f"arg{argument:d}:result{result:d}:{name}" for name, (argument, result) in state.items()
        )
    except (AttributeError, TypeError, ValueError):
        raise LiftError(
            f"state={state!r} must map names to pairs of indices: {{'pos': (3, 1)}} ties argument "
            "3 to result 1"
        ) from None
    for name in state:
        # They would end the name in the pipeline's text; half a surrogate pair is no text.
        if not isinstance(name, str) or re.search("[ ,:{}\n\t\ud800-\udfff]", name):
            raise LiftError(f"state name {name!r} must be text without spaces, commas or braces")
    find_options = f"lost-updates={lost_updates}" + (f" state={pairs}" if pairs else "")
    return [
        "kvlift-legalize-constants",
        "kvlift-lift-globals",
        f"kvlift-find-state{{{find_options}}}",
        *(["kvlift-return-updates"] if lost_updates == "return" else []),
        "kvlift-inline-calls",
        "kvlift-simplify-updates",
    ]


def _target_passes(target: str, on_conflict: str, require: str | None) -> list[str]:
    """The passes that may be run again on a lifted module, for another target."""
    options = f"target={target} on-conflict={on_conflict} require={require or 'none'}"
    return [
        f"kvlift-unroll-loops{{target={target}}}",
        f"kvlift-choose-storage{{target={target}}}",
        # Slots that are stored as other types are read through new views.
        f"kvlift-simplify-reads{{target={target}}}",
        f"kvlift-split-products{{target={target}}}",
        f"kvlift-guard-scatters{{target={target}}}",
        "kvlift-order-updates",
        f"kvlift-await-sums{{target={target}}}",
        f"kvlift-check-in-place{{{options}}}",
        "kvlift-tie-state",
    ]


def _run(module: ir.Module, passes: list[str], problem: str) -> tuple[Diagnostic, ...]:
    """Runs the passes; the module is as it was when they fail."""
    done, entries = host().run_pipeline(module._CAPIPtr, f"builtin.module({','.join(passes)})")
    diagnostics = diagnostics_from_core(entries)
    if not done:
        raise LiftError(problem, diagnostics)
    return diagnostics


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


def _hide_others(module: ir.Module, function: str) -> None:
    """Makes every other public function private."""
    from torch_mlir import ir

    with module.context:
        for op in module.body:
            if is_public_function(op) and op.attributes["sym_name"].value != function:
                op.attributes["sym_visibility"] = ir.StringAttr.get("private")
