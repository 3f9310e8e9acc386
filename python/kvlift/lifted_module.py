"""What a lift gives: a module whose state is tied, and what can be made of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kvlift.errors import Diagnostic, LiftError
from kvlift.frontends.sources import copy_of
from kvlift.host import diagnostics_from_core, host
from kvlift.joining import free_symbols, is_public_function, rename_symbol
from kvlift.pipelines import Require, read_manifest, run_passes, target_passes
from kvlift.slots import Manifest, Slot

if TYPE_CHECKING:
    from torch_mlir import ir

    from kvlift.runtime.program import Program
    from kvlift.sampling import Sampler


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
        passes = target_passes(target, "error", require)
        diagnostics = run_passes(module, passes, f"the program cannot run on {target}")
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
        diagnostics = run_passes(module, ["kvlift-slice-results"], "the results cannot be sliced")
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
        passes += target_passes("any", "error", None)
        diagnostics = run_passes(module, passes, "the step cannot be carried")
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
        run_passes(module, ["symbol-dce"], f"function {function!r} cannot be isolated")
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
        run_passes(module, ["kvlift-unlift"], "the module cannot be unlifted")
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


def _hide_others(module: ir.Module, function: str) -> None:
    """Makes every other public function private."""
    from torch_mlir import ir

    with module.context:
        for op in module.body:
            if is_public_function(op) and op.attributes["sym_name"].value != function:
                op.attributes["sym_visibility"] = ir.StringAttr.get("private")
