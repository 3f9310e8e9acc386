"""The readers of packages, snapshots, manifests and cached executables survive any bytes.

A seed damages one of them: bits flipped, parts cut, moved or doubled, JSON edited. Most packages
and snapshots whose members are edited get new checksums, as somebody who edits with care would make
them, so that the readers behind the checksums are met too; the module is left alone in those, since
MLIR's own reader may abort (see docs/fuzz.md). After it:
- an error is `SourceError` that names the file (`ValueError` for a manifest, `EntryError` for an
  entry), and no process dies;
- what is accepted is what was written, unless it was made to fit on purpose.

    python test/fuzz/packages.py --count 20000
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import functools
import hashlib
import io
import json
import random
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent))

import kvlift
from batches import in_batches
from kvlift.runtime import executable_entry

BATCH = 250
TIMEOUT = 300
PART = 5000  # After so many the command line says how it goes.
KEY = "k" * 64
SOURCE = """
func.func @main(%w: tensor<4x8xf32> {kvlift.name = "w", kvlift.kind = "parameter"},
                %c: tensor<16x8xf32> {kvlift.name = "c", tf.aliasing_output = 0 : i32})
    -> (tensor<16x8xf32>, tensor<4x8xf32>) {
  return %c, %w : tensor<16x8xf32>, tensor<4x8xf32>
}"""
# What a careful editor may put in the place of anything.
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1 << 63, 1 << 70, 0.5, float("nan"), "", "x", "../x", "F32", "\ud800"),
    *([], {}, [[]], {"": []}, [1, -1], "0" * 300, [1 << 40, 1 << 40]),
)
EDITED_MEMBERS = ("kvlift.json", "manifest.json", "splats.json", "values.safetensors")
SNAPSHOT_MEMBERS = ("snapshot.json", "slots.json", "slots.safetensors")
SNAPSHOT = kvlift.Snapshot(
    7,
    {
        "k": np.random.default_rng(1).standard_normal((4, 8)).astype(np.float32),
        "z": np.array([1 + 2j, -3j]),  # safetensors has no such type.
        "pos": np.array(7, np.int64),
    },
)


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Attributes:
        seed: its seed.
        kind: what was damaged, and how.
        verdict: `refused`, `accepted`, or `bad`.
        detail: why it is bad.
    """

    seed: int
    kind: str
    verdict: str
    detail: str = ""


@dataclass(frozen=True)
class Original:
    """What is damaged."""

    package: bytes
    members: dict[str, bytes]
    snapshot: bytes
    snapshot_members: dict[str, bytes]
    text: str
    manifest: str
    values: dict[str, bytes]
    entry: bytes


@functools.cache
def original() -> Original:
    rng = np.random.default_rng(0)
    values = {"w": rng.standard_normal((4, 8)).astype(np.float32), "c": np.zeros((16, 8), "f4")}
    lifted = dataclasses.replace(kvlift.lift(SOURCE), values=values)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.kvl"
        lifted.save(path)
        package = path.read_bytes()
        SNAPSHOT.save(path)
        snapshot = path.read_bytes()
    entry = executable_entry.make(KEY, "stub:cpu", "main", "stub", 1.0, bytes(range(200)))
    return Original(
        package,
        members_of(package),
        snapshot,
        members_of(snapshot),
        lifted.text(),
        lifted.manifest.to_json(),
        {name: value.tobytes() for name, value in values.items()},
        entry.to_bytes(),
    )


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def outcomes(seeds: Iterable[int], processes: int = 1) -> Iterator[Outcome]:
    """The outcome of each seed; a seed that kills its process is bad."""

    def died(seed: int, why: str) -> Outcome:
        return Outcome(seed, "?", "bad", why)

    return in_batches(check, list(seeds), BATCH, processes, TIMEOUT, died)


def check(seeds: list[int]) -> list[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.kvl"
        return [_check(seed, path) for seed in seeds]


def _check(seed: int, path: Path) -> Outcome:
    rng = random.Random(seed)
    what = rng.choice(
        (*("bytes", "bytes", "members", "members", "manifest", "entry"), *("snapshot", "snapshot"))
    )
    if what == "bytes":
        path.write_bytes(damaged(rng, original().package))
        return _check_package(seed, "package, bytes", path, is_exact=True)
    if what == "members":
        name, is_sealed = rng.choice(EDITED_MEMBERS), rng.random() < 0.7
        members = edited_members(rng, original().members, EDITED_MEMBERS, name, is_sealed=is_sealed)
        path.write_bytes(zipped(members))
        kind = f"package, {name}" + (", new checksums" if is_sealed else "")
        return _check_package(seed, kind, path, is_exact=not is_sealed)
    if what == "manifest":
        return _check_manifest(seed, edited_json(rng, original().manifest.encode()))
    if what == "snapshot":
        return _check_snapshot(seed, rng, path)
    return _check_entry(seed, damaged(rng, original().entry))


def _check_package(seed: int, kind: str, path: Path, *, is_exact: bool) -> Outcome:
    try:
        loaded = kvlift.load(path)
        found = {name: value.tobytes() for name, value in loaded.values.items()}
    except kvlift.SourceError as error:
        is_told = str(path) in str(error)
        return Outcome(seed, kind, "refused" if is_told else "bad", f"does not say where: {error}")
    except MemoryError:
        # An array of so many zeros is legal, as long as nobody looks at them.
        return Outcome(seed, kind, "refused")
    except BaseException as error:
        return Outcome(seed, kind, "bad", f"{type(error).__name__}: {error}")
    if loaded.text() != original().text:
        return Outcome(seed, kind, "bad", "another module was accepted")
    if is_exact and found != original().values:
        return Outcome(seed, kind, "bad", "other values were accepted")
    return Outcome(seed, kind, "accepted")


def _check_snapshot(seed: int, rng: random.Random, path: Path) -> Outcome:
    is_sealed = False
    if rng.random() < 0.5:
        kind, data = "snapshot, bytes", damaged(rng, original().snapshot)
    else:
        name, is_sealed = rng.choice(SNAPSHOT_MEMBERS), rng.random() < 0.7
        members = original().snapshot_members
        data = zipped(edited_members(rng, members, SNAPSHOT_MEMBERS, name, is_sealed=is_sealed))
        kind = f"snapshot, {name}" + (", new checksums" if is_sealed else "")
    path.write_bytes(data)
    try:
        found = kvlift.load_snapshot(path)
        slots = {name: value.tobytes() for name, value in found.slots.items()}
    except kvlift.SourceError as error:
        is_told = str(path) in str(error)
        return Outcome(seed, kind, "refused" if is_told else "bad", f"does not say where: {error}")
    except BaseException as error:
        return Outcome(seed, kind, "bad", f"{type(error).__name__}: {error}")
    whole = {name: value.tobytes() for name, value in SNAPSHOT.slots.items()}
    if not is_sealed and (found.calls, slots) != (SNAPSHOT.calls, whole):
        return Outcome(seed, kind, "bad", "another snapshot was accepted")
    return Outcome(seed, kind, "accepted")


def _check_manifest(seed: int, data: bytes) -> Outcome:
    kind = "manifest"
    try:
        manifest = kvlift.Manifest.from_json(data.decode(errors="surrogateescape"))
        again = kvlift.Manifest.from_json(manifest.to_json())
    except ValueError as error:
        return Outcome(seed, kind, "refused" if str(error) else "bad", "no text")
    except BaseException as error:
        return Outcome(seed, kind, "bad", f"{type(error).__name__}: {error}")
    same = again == manifest
    return Outcome(seed, kind, "accepted" if same else "bad", "reads otherwise what it wrote")


def _check_entry(seed: int, data: bytes) -> Outcome:
    kind = "cache entry"
    try:
        entry = executable_entry.read(data, KEY)
    except executable_entry.EntryError as error:
        return Outcome(seed, kind, "refused" if str(error) else "bad", "no text")
    except BaseException as error:
        return Outcome(seed, kind, "bad", f"{type(error).__name__}: {error}")
    same = entry.to_bytes() == original().entry
    return Outcome(seed, kind, "accepted" if same else "bad", "another entry was accepted")


def damaged(rng: random.Random, data: bytes) -> bytes:
    """The bytes with one to three damages."""
    for _ in range(rng.randint(1, 3)):
        data = _damaged_once(rng, data)
    return data


def _damaged_once(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return rng.randbytes(8)
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((1, 4, 64, 1024)))
    part = data[start:end]
    kind = rng.randrange(6)
    if kind == 0:
        flipped = bytearray(data)
        flipped[start] ^= 1 << rng.randrange(8)
        return bytes(flipped)
    if kind == 1:
        return data[:start]
    if kind == 2:
        return data[:start] + data[end:]
    if kind == 3:
        return data[:end] + part + data[end:]
    if kind == 4:
        return data[:start] + rng.randbytes(len(part)) + data[end:]
    other = rng.randrange(len(data))
    return data[:other] + part + data[other + len(part) :]


def edited_members(
    rng: random.Random,
    members: Mapping[str, bytes],
    names: Sequence[str],
    name: str,
    *,
    is_sealed: bool,
) -> dict[str, bytes]:
    """A file's members, of which one is edited, or is gone, or has another's contents.

    The first of the names is the header, which lists the others.
    """
    members, header = dict(members), names[0]
    if rng.random() < 0.1:
        del members[name]
    elif rng.random() < 0.1:
        members[name] = members[rng.choice(names)]
    elif name.endswith(".safetensors"):
        members[name] = edited_tensors(rng, members[name])
    else:
        members[name] = edited_json(rng, members[name])
    if is_sealed and name != header:
        facts = json.loads(members[header])
        facts["members"] = {
            each: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for each, data in members.items()
            if each != header
        }
        members[header] = json.dumps(facts).encode()
    return members


def edited_tensors(rng: random.Random, data: bytes) -> bytes:
    size = int.from_bytes(data[:8], "little")
    header = edited_json(rng, data[8 : 8 + size])
    told = len(header) if rng.random() < 0.8 else rng.choice((0, 1, len(header) * 9, (1 << 64) - 1))
    return told.to_bytes(8, "little") + header + data[8 + size :]


def edited_json(rng: random.Random, data: bytes) -> bytes:
    """The JSON with one to three values replaced, or its bytes damaged, or far too deep."""
    if rng.random() < 0.25:
        return damaged(rng, data)
    if rng.random() < 0.02:
        return b"[" * 200_000
    value = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        value = _edited(rng, value)
    return json.dumps(value).encode(errors="surrogateescape")


def _edited(rng: random.Random, value: Any) -> Any:
    """The value with something in it replaced, removed or doubled."""
    if not isinstance(value, (dict, list)) or not value or rng.random() < 0.1:
        return rng.choice(ODD_VALUES)
    if isinstance(value, list):
        index = rng.randrange(len(value))
        if rng.random() < 0.1:
            return value[:index] + value[index + 1 :]
        if rng.random() < 0.1:
            return [*value, value[index]]
        return [*value[:index], _edited(rng, value[index]), *value[index + 1 :]]
    key = rng.choice(list(value))
    rest = {k: v for k, v in value.items() if k != key}
    if rng.random() < 0.1:
        return rest
    if rng.random() < 0.1:
        return {**rest, rng.choice(("", "x", "w", "version", key + "x")): value[key]}
    return {**rest, key: _edited(rng, value[key])}


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    found: list[Outcome] = []
    for start in range(options.first, options.first + options.count, PART):
        end = min(start + PART, options.first + options.count)
        found.extend(outcomes(range(start, end), options.processes))
        print(f"{len(found)} cases", file=sys.stderr, flush=True)
    counts = collections.Counter((each.kind, each.verdict) for each in found)
    for kind in sorted({each.kind for each in found}):
        told = ", ".join(f"{counts[kind, v]} {v}" for v in ("refused", "accepted", "bad"))
        print(f"{kind}: {told}")
    bad = [each for each in found if each.verdict == "bad"]
    for each in bad:
        print(f"seed {each.seed}: {each.kind}: {each.detail}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
