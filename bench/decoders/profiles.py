"""How long each op of a compiled decode step takes, by the runtimes' own profilers."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from decoders import model
from decoders.kvlift_peers import KvliftIree, KvliftPjrt

# Milliseconds in a step, by the name that the runtime has for an op.
Profile = dict[str, float]


def profile_xla(peer: KvliftPjrt, steps: int) -> Profile:
    """Runs some steps of a started peer under XLA's profiler."""
    import jax

    tokens, position = model.first_tokens(peer.shape.batch), peer.shape.capacity - 1
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(steps):
                peer.step(tokens, position)
        (trace,) = Path(folder).rglob("*.xplane.pb")
        data = jax.profiler.ProfileData.from_file(str(trace))
    total: Counter[str] = Counter()
    _each_event(data, lambda event: total.update({event.name: event.duration_ns}))
    return {name: nanoseconds / steps / 1e6 for name, nanoseconds in total.items()}


def _each_event(data: Any, see: Callable[[Any], None]) -> None:
    for plane in data.planes:
        for line in plane.lines:
            for event in line.events:
                see(event)


def profile_iree(peer: KvliftIree, steps: int) -> Profile:
    """Runs some steps of a compiled peer in `iree-benchmark-module`, which has a profiler.

    The Python runtime has none. Every argument is a constant there: contents do not matter.
    """
    from iree.runtime.benchmark import benchmark_exe

    program = peer.executable
    with tempfile.TemporaryDirectory() as folder:
        module, profile = Path(folder, "step.vmfb"), Path(folder, "step.ireeprof")
        module.write_bytes(program._compiled.vmfb)
        run = [
            benchmark_exe(),
            f"--device={program.driver}",
            f"--module={module}",
            f"--function={program.function.name}",
            *(f"--input={_filled(a, peer.shape)}" for a in program.function.arguments),
            f"--benchmark_min_time={steps}x",
            "--device_profiling_mode=host-execution,executable-metadata",
            f"--device_profiling_output={profile}",
        ]
        _run(run)
        reader = Path(benchmark_exe()).with_name("iree-profile")
        lines = _run([str(reader), "dispatch", "--format=jsonl", str(profile)]).splitlines()
    groups = (row for row in map(json.loads, lines) if row["type"] == "host_dispatch_group")
    return {group["key"]: group["total_ns"] / steps / 1e6 for group in groups}


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {done.stderr.strip()[-500:]}")
    return done.stdout


def _filled(argument: Any, shape: model.Shape) -> str:
    """An input in IREE's notation: the last position, the first token, small numbers."""
    dtype = argument.type.dtype.removeprefix("s")
    value = "0.01" if dtype.startswith("f") else "1"
    if argument.name == "position":
        value = str(shape.capacity - 1)
    return "x".join([*map(str, argument.type.shape), dtype]) + f"={value}"
