"""Which ops of a decode step take its time on XLA:CPU, by XLA's own profile.

python bench/op_times.py                       # batch 1 and 8, capacity 8192
python bench/op_times.py --shapes 1x256
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from decoder import parse_shape
from decoders import model
from decoders.kvlift_peers import KvliftPjrt
from decoders.model import Shape
from results import RESULTS, save

STEPS = 20
_INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%([\w.-]+) = (\S+) ([\w-]+)\((.*?)\)", re.MULTILINE)

console = Console()


@dataclass(frozen=True)
class OpTime:
    """One kind of op: its milliseconds in a step, as long as each op takes on the clock."""

    batch: int
    capacity: int
    kind: str
    milliseconds: float


def kinds(hlo: str, capacity: int) -> dict[str, str]:
    """What each instruction of an optimized module is there for, by its name."""
    entry = hlo[hlo.index("\nENTRY") :]
    types = {name: kind for name, kind, _, _ in _INSTRUCTION.findall(entry)}
    cache = re.compile(rf"\b{capacity},{model.HEAD_DIM}\]")

    def kind_of(name: str, made: str, op: str, operands: str) -> str:
        taken = [types.get(o, "") for o in re.findall(r"%([\w.-]+)", operands)]
        if cache.search(made) and "dynamic-update-slice" in name:
            return "update of a cache"
        if any(cache.search(each) for each in taken):
            return (
                "product with a cache" if "dot" in (op, name.split(".")[0]) else "read of a cache"
            )
        if re.search(rf"\b{capacity}\b", made + " ".join(taken)):
            return "mask and softmax"
        return "product with a weight" if any(map(_is_weight, taken)) else "norms and the rest"

    found = _INSTRUCTION.findall(entry)
    return {name: kind_of(name, made, op, operands) for name, made, op, operands in found}


def _is_weight(kind: str) -> bool:
    dims = re.search(r"\[(\d+),(\d+)\]", kind)
    return bool(dims) and all(int(d) >= model.WIDTH for d in dims.groups())


def measure(shape: Shape) -> list[OpTime]:
    """Profiles some steps of the lifted decoder."""
    import jax

    peer = KvliftPjrt(shape)
    peer.prepare()
    peer.start()
    tokens, position = model.first_tokens(shape.batch), shape.capacity - 1
    peer.step(tokens, position)
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(STEPS):
                peer.step(tokens, position)
        (trace,) = Path(folder).rglob("*.xplane.pb")
        data = jax.profiler.ProfileData.from_file(str(trace))
    known = kinds(peer.compiled_text, shape.capacity)
    total: Counter[str] = Counter()
    _each_event(data, lambda event: total.update({known.get(event.name, ""): event.duration_ns}))
    del total[""]
    return [
        OpTime(shape.batch, shape.capacity, kind, nanoseconds / STEPS / 1e6)
        for kind, nanoseconds in total.most_common()
    ]


def _each_event(data: Any, see: Callable[[Any], None]) -> None:
    for plane in data.planes:
        for line in plane.lines:
            for event in line.events:
                see(event)


def main() -> None:
    """Measures and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", type=parse_shape)
    parser.add_argument("--quick", action="store_true", help="batch 1, capacity 256 only")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    shapes = [Shape(1, 256)] if options.quick else [Shape(1, 8192), Shape(8, 8192)]
    rows = []
    for shape in options.shapes or shapes:
        for row in measure(shape):
            rows.append(row)
            console.print(f"{shape}: {row.milliseconds:8.2f} ms  {row.kind}")
    save(options.output / "op_times.json", [asdict(row) for row in rows])


if __name__ == "__main__":
    main()
