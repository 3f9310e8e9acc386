"""What the benchmarks have found, in JSON files that grow row by row."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from decoders.measure import Row
from decoders.model import Shape

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "torch",
    "torch-mlir",
    "jax",
    "jaxlib",
    "iree-base-compiler",
    "iree-turbine",
    "onnxruntime",
    "openvino",
)


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def save(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes the rows beside the machine's facts, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    draft.replace(path)


def machine_of(folder: Path) -> dict[str, Any]:
    """The machine of the decoder's results, or this one if there are none."""
    path = folder / "decoder.json"
    facts: dict[str, Any] = json.loads(path.read_text())["machine"] if path.exists() else machine()
    return facts


def load(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; none if there is no such file yet."""
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(path.read_text())["rows"]
    return rows


class Results:
    """The decoder's rows, one for each peer and shape."""

    def __init__(self, path: Path) -> None:
        """Reads what is there."""
        self._path = path
        self.rows = [Row(**row) for row in load(path)]

    def has(self, shape: Shape) -> bool:
        """Whether the shape was measured to its end."""
        return any(row.is_timed for row in self._of(shape))

    def _of(self, shape: Shape) -> list[Row]:
        return [r for r in self.rows if (r.batch, r.capacity) == (shape.batch, shape.capacity)]

    def clear(self, shapes: Iterable[Shape]) -> None:
        """Forgets shapes."""
        gone = {id(row) for shape in shapes for row in self._of(shape)}
        self.rows = [row for row in self.rows if id(row) not in gone]
        self._save()

    def put(self, rows: list[Row]) -> None:
        """Takes the place of older rows of the same peers and shapes, and saves."""
        new = {(r.peer, r.batch, r.capacity) for r in rows}
        kept = [r for r in self.rows if (r.peer, r.batch, r.capacity) not in new]
        self.rows = [*kept, *rows]
        self._save()

    def _save(self) -> None:
        save(self._path, [asdict(row) for row in self.rows])
