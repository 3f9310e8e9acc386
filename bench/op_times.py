"""Which ops of kvlift's decode step take its time, on XLA:CPU and on IREE, by their own profilers.

Beside them stands what the step takes without a profiler, and the time to read weights and caches
once with all cores, measured in turn.

    python bench/op_times.py                       # four shapes, both targets: 4 minutes, 4 GB
    python bench/op_times.py --shapes 1x8192
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from decoder import parse_shape
from decoders import model
from decoders.kvlift_peers import KvliftIree, KvliftPeer, KvliftPjrt
from decoders.memory_peer import MemoryLimit
from decoders.model import Shape
from decoders.peer import Peer
from decoders.profiles import Profile, profile_iree, profile_xla
from op_roles import BETWEEN, ROLES, Op, iree_ops, xla_ops
from results import RESULTS, save

SHAPES = [Shape(1, 256), Shape(1, 2048), Shape(1, 32768), Shape(8, 2048)]
ROUNDS = 5
# Steps under a profiler: about this long, and within these numbers.
PROFILED_SECONDS, PROFILED_STEPS = 2.0, (5, 100)

console = Console()


@dataclass(frozen=True)
class OpTime:
    """What ops of one role take in a step.

    Attributes:
        ops: what the runtime calls them, those that take longest first.
        milliseconds: of all of them, as long as each takes on the clock.
        step: milliseconds of the whole step without a profiler.
        limit: milliseconds to read weights and caches once.
    """

    target: str
    batch: int
    capacity: int
    role: str
    ops: list[str]
    milliseconds: float
    step: float
    limit: float


def measure(shape: Shape) -> list[OpTime]:
    """Both targets, one after the other."""
    rows = []
    for kind in (KvliftPjrt, KvliftIree):
        console.print(f"{shape}: {kind.name}")
        if reason := kind.missing(shape):
            console.print(f"left out: {reason}")
            continue
        peer = kind(shape)
        peer.prepare()
        step, limit = step_and_limit(peer)
        low, high = PROFILED_STEPS
        steps = max(low, min(high, int(PROFILED_SECONDS * 1e3 / step)))
        rows += by_role(peer, *_profile(peer, steps), step, limit)
    return rows


def step_and_limit(peer: KvliftPeer) -> tuple[float, float]:
    """Medians of rounds in turn; leaves the peer started."""
    limit = MemoryLimit(peer.shape)
    limit.prepare()
    limit.start()
    peer.start()
    pairs = [(_milliseconds(peer), _milliseconds(limit)) for _ in range(ROUNDS)]
    limit.stop()
    step, least = zip(*pairs, strict=True)
    return statistics.median(step), statistics.median(least)


def _milliseconds(peer: Peer) -> float:
    tokens, position = model.first_tokens(peer.shape.batch), peer.shape.capacity - 1
    peer.step(tokens, position)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        peer.step(tokens, position)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def _profile(peer: KvliftPeer, steps: int) -> tuple[Profile, dict[str, Op]]:
    """Milliseconds of each op, and what it is; stops the peer."""
    if isinstance(peer, KvliftPjrt):
        profile = profile_xla(peer, steps)
        peer.stop()
        return profile, xla_ops(peer.compiled_text, peer.shape)
    peer.stop()
    return profile_iree(peer, steps), iree_ops(peer.compiled_text, peer.shape)


def by_role(
    peer: KvliftPeer, profile: Profile, known: dict[str, Op], step: float, limit: float
) -> list[OpTime]:
    """Adds up the ops of each role; what the step takes beyond all of them is `BETWEEN`."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for name, milliseconds in profile.items():
        if name in known:
            found[known[name].role][known[name].kind] += milliseconds
    found[BETWEEN][""] = step - sum(sum(ops.values()) for ops in found.values())
    return [
        OpTime(
            peer.target,
            peer.shape.batch,
            peer.shape.capacity,
            role,
            sorted(filter(None, found[role]), key=lambda op: -found[role][op]),
            sum(found[role].values()),
            step,
            limit,
        )
        for role in ROLES
        if role in found
    ]


def main() -> None:
    """Measures and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", type=parse_shape, help="such as 1x256 8x2048")
    parser.add_argument("--quick", action="store_true", help="batch 1, capacity 256 only")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    for shape in options.shapes or ([Shape(1, 256)] if options.quick else SHAPES):
        for row in measure(shape):
            rows.append(row)
            console.print(f"{row.milliseconds:9.2f} ms  {row.role} ({', '.join(row.ops[:3])})")
        save(options.output / "op_times.json", [asdict(row) for row in rows])


if __name__ == "__main__":
    main()
