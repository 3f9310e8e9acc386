"""The passes of a lift, as the text that the core runs, and the manifest of what they leave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from kvlift.errors import Diagnostic, LiftError
from kvlift.host import diagnostics_from_core, host
from kvlift.slots import Manifest

if TYPE_CHECKING:
    from torch_mlir import ir

LostUpdates = Literal["error", "return", "ignore"]
OnConflict = Literal["error", "copy"]
Require = Literal["in_place"]


def source_passes(lost_updates: str, state: Mapping[str, tuple[int, int]]) -> list[str]:
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


def target_passes(target: str, on_conflict: str, require: str | None) -> list[str]:
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


def run_passes(module: ir.Module, passes: list[str], problem: str) -> tuple[Diagnostic, ...]:
    """Runs the passes; the module is as it was when they fail."""
    done, entries = host().run_pipeline(module._CAPIPtr, f"builtin.module({','.join(passes)})")
    diagnostics = diagnostics_from_core(entries)
    if not done:
        raise LiftError(problem, diagnostics)
    return diagnostics


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
