"""`kvlift doctor`: what is installed, what works, and how to mend what does not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from dataclasses import dataclass

from kvlift import __version__
from kvlift.errors import HostError
from kvlift.host import TESTED_TORCH_MLIR, find_library, host


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        what: the part that was looked at.
        found: its version or state.
        fix: the command that mends it; empty when nothing is wrong.
    """

    what: str
    found: str
    fix: str = ""


# Optional packages: distribution, extra that brings it, versions that the tests run on.
_OPTIONAL = (
    ("torch", "torch", "2.13"),
    ("transformers", "torch", "5."),
    ("jax", "pjrt", "0.10,0.11"),
    ("jaxlib", "pjrt", "0.10,0.11"),
    ("iree-base-compiler", "iree", "3.13"),
    ("iree-base-runtime", "iree", "3.13"),
)


def examine() -> list[Finding]:
    """Looks at the host library, the optional packages and the targets; changes nothing."""
    packages = [_package(*entry) for entry in _OPTIONAL]
    return [
        Finding("kvlift", f"{__version__} on Python {platform.python_version()}"),
        *_host_findings(),
        *packages,
        *_target_findings(packages),
        _cache_finding(),
    ]


def _host_findings() -> list[Finding]:
    fix = f"pip install torch-mlir=={TESTED_TORCH_MLIR}"
    try:
        library = find_library()
        loaded = host()
    except HostError as error:
        return [Finding("MLIR library", str(error), fix)]
    version = _version("torch-mlir")
    oldest, newest = loaded.stablehlo_versions
    missing = ", ".join(loaded.missing_optional) or "none"
    return [
        Finding("MLIR library", str(library)),
        Finding(
            "torch-mlir", version or "not a wheel", "" if version == TESTED_TORCH_MLIR else fix
        ),
        Finding("LLVM", loaded.producer),
        Finding("StableHLO", f"{newest}, reads from {oldest}"),
        Finding("missing entry points", missing, "" if missing == "none" else fix),
    ]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package(distribution: str, extra: str, tested: str) -> Finding:
    fix = f"pip install 'kvlift[{extra}]'"
    version = _version(distribution)
    if version is None:
        return Finding(distribution, "not installed", fix)
    if not version.startswith(tuple(tested.split(","))):
        return Finding(distribution, f"{version}, tested with {tested.replace(',', ', ')}", fix)
    return Finding(distribution, version)


def _target_findings(packages: list[Finding]) -> list[Finding]:
    """A target works when it runs a counter from 0 to 1."""
    installed = {p.what for p in packages if p.found != "not installed"}
    needs = {
        "pjrt:cpu": ({"jax", "jaxlib"}, "pjrt"),
        "iree:cpu": ({"iree-base-compiler", "iree-base-runtime"}, "iree"),
    }
    findings = []
    for target, (packages_needed, extra) in needs.items():
        fix = f"pip install 'kvlift[{extra}]'"
        if packages_needed <= installed:
            problem = _try_target(target)
            findings.append(Finding(target, problem or "works", fix if problem else ""))
        else:
            findings.append(Finding(target, "not installed", fix))
    return findings


def _cache_finding() -> Finding:
    from kvlift.runtime.executable_cache import CacheError, default_folder, existing_cache

    try:
        cache = existing_cache()
    except CacheError as error:
        return Finding("executable cache", str(error), "mend the folder, or set KVLIFT_CACHE_DIR")
    if cache is None:
        return Finding("executable cache", f"{default_folder()}, empty")
    return Finding("executable cache", f"{cache.folder}, {len(cache.entries())} executables")


_COUNTER = """
func.func @main(%count: tensor<i32> {tf.aliasing_output = 0 : i32}) -> tensor<i32> {
  %one = stablehlo.constant dense<1> : tensor<i32>
  %next = stablehlo.add %count, %one : tensor<i32>
  return %next : tensor<i32>
}"""


def _try_target(target: str) -> str:
    """What goes wrong when a counter runs on the target, or an empty string."""
    import kvlift

    try:
        program = kvlift.compile(kvlift.lift(_COUNTER), target, cache=False)
        slot = program.manifest.function().slots[0].name
        with program.session(state={slot: 0}) as session:
            session()
            count = int(session.state[slot])
    except kvlift.KvliftError as error:
        return str(error)
    return "" if count == 1 else f"a counter went from 0 to {count} in one step"
