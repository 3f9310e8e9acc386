"""One file for a lifted module: manifest, portable module, values, and executables if wanted.

The file is a zip with the members below, uncompressed and aligned (`archive.py`). `kvlift.json` has
the size and the SHA-256 of each other member, and comes last. Nothing in it is executed on load,
and nothing is parsed before its checksum was right: MLIR's reader may end the process on damaged
bytecode. The values are mapped, so that weights that a runtime takes as they lie are never copied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from kvlift import __version__
from kvlift.archive import ArchiveError, ArchiveWriter, read_members
from kvlift.errors import LiftError, SourceError
from kvlift.runtime.values import as_array, repeated_bits
from kvlift.tensor_file import (
    DTYPES,
    METADATA,
    Array,
    TensorFile,
    TensorFileError,
    checked_shape,
    dtype_name,
    read_tensors,
)
from kvlift.whole_file import whole_file

if TYPE_CHECKING:
    from kvlift.lifting import LiftedModule
    from kvlift.runtime.program import Program

FORMAT_VERSION = 2
_HEADER, _MANIFEST, _MODULE, _VALUES, _SPLATS = (
    "kvlift.json",
    "manifest.json",
    "module.mlirbc",
    "values.safetensors",
    "splats.json",
)
_COMPILED, _COMPILED_SUFFIX = "compiled/", ".kvx"
# Checking more than this would read for over a second before the first token.
VERIFIED_BYTES = 1 << 30
# A smaller value is kept as it is, whatever its elements.
_SMALLEST_SPLAT = 256


def save_package(lifted: LiftedModule, path: Path, compiled: Iterable[Program] = ()) -> None:
    """Writes the file, whole or not at all; see `LiftedModule.save`."""
    arrays = _arrays(lifted.values)
    splats = {name: entry for name, a in arrays.items() if (entry := _splat(a)) is not None}
    values = TensorFile({name: a for name, a in arrays.items() if name not in splats})
    members = {
        _MANIFEST: lifted.manifest.to_json().encode(),
        _MODULE: lifted.artifact(),
        _SPLATS: json.dumps(splats, sort_keys=True).encode(),
        **_compiled_members(lifted, compiled),
    }
    with whole_file(path) as file:
        _write(file, members, values)


def load_package(path: Path, verify: bool | None = None) -> LiftedModule:
    """Reads and checks the file; see `kvlift.load`."""
    from kvlift.frontends.stablehlo import import_stablehlo
    from kvlift.lifting import LiftedModule, read_manifest

    package = _open(path, verify)
    module = import_stablehlo(bytes(package.members[_MODULE]), name=f"{path}/{_MODULE}")
    manifest = read_manifest(module)
    if manifest.to_json().encode() != package.members[_MANIFEST]:
        raise SourceError(
            f"'{path}' was edited: {_MANIFEST} does not describe {_MODULE}; lift and save it again"
        )
    return LiftedModule(module, manifest, (), package.values(), package.compiled())


def _write(file: IO[bytes], members: Mapping[str, bytes], values: TensorFile) -> None:
    listed = {}
    with ArchiveWriter(file) as archive:
        for name, data in members.items():
            with archive.member(name, len(data)) as member:
                member.write(data)
            listed[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        digest = hashlib.sha256()
        with archive.member(_VALUES, values.size) as member:
            for part in values.parts():
                member.write(part)
                digest.update(part)
        listed[_VALUES] = {"size": values.size, "sha256": digest.hexdigest()}
        facts = {"format": FORMAT_VERSION, "kvlift": __version__, "members": listed}
        header = json.dumps(facts, indent=2).encode()
        with archive.member(_HEADER, len(header)) as member:
            member.write(header)


def _arrays(values: Mapping[str, Any]) -> dict[str, Array]:
    # asarray keeps 0-d arrays 0-d, which ascontiguousarray does not.
    arrays = {
        name: np.asarray(as_array(value, f"value '{name}'"), order="C")
        for name, value in sorted(values.items())
    }
    if METADATA in arrays:
        raise LiftError(f"a package cannot hold a value of the name {METADATA!r}")
    for name, array in arrays.items():
        if dtype_name(array.dtype) is None:
            raise LiftError(
                f"a package cannot hold the value of {name!r}: its element type is {array.dtype}"
            )
    return arrays


def _splat(array: Array) -> dict[str, Any] | None:
    """How to write an array whose elements are all the same bits; None when they are not."""
    bits = repeated_bits(array) if array.nbytes >= _SMALLEST_SPLAT else None
    if bits is None:
        return None
    return {
        "dtype": dtype_name(array.dtype),
        "shape": list(array.shape),
        "bits": bits.hex(),
    }


def _unpack_splat(entry: Mapping[str, Any]) -> Array:
    """The array, which takes no memory: zeros until they are written, others one element."""
    dtype, shape = DTYPES[entry["dtype"]], checked_shape(entry["shape"])
    bits = bytes.fromhex(entry["bits"])
    if len(bits) != dtype.itemsize:
        raise ValueError(f"{len(bits)} bytes for {entry['dtype']}")
    if not any(bits):
        return np.zeros(shape, dtype)
    return np.broadcast_to(np.frombuffer(bits, dtype)[0], shape)


def _compiled_members(lifted: LiftedModule, programs: Iterable[Program]) -> dict[str, bytes]:
    members = {}
    for program in programs:
        if lifted.for_target(program.target).manifest != program.manifest:
            raise LiftError(
                f"the program for {program.target} was compiled from another module than is saved"
            )
        for entry in program.entries():
            members[f"{_COMPILED}{entry.header.key}{_COMPILED_SUFFIX}"] = entry.to_bytes()
    return members


@dataclass(frozen=True)
class _Package:
    """A file whose list of members was right."""

    path: Path
    members: Mapping[str, memoryview]

    def values(self) -> dict[str, Array]:
        """Views of the mapped values, and the splats."""
        try:
            values = read_tensors(self.members[_VALUES])
        except TensorFileError as error:
            raise SourceError(f"'{self.path}' is damaged: {_VALUES}: {error}") from None
        try:
            splats = json.loads(bytes(self.members[_SPLATS]))
            found = {str(name): _unpack_splat(entry) for name, entry in splats.items()}
        except (ValueError, TypeError, KeyError, AttributeError, MemoryError, RecursionError) as e:
            raise SourceError(f"'{self.path}' is damaged: {_SPLATS}: {e}") from None
        return dict(sorted({**values, **found}.items()))

    def compiled(self) -> dict[str, bytes]:
        """The serialized executables by key; nothing has looked into them."""
        return {
            name.removeprefix(_COMPILED).removesuffix(_COMPILED_SUFFIX): bytes(data)
            for name, data in self.members.items()
            if name.startswith(_COMPILED)
        }


def _open(path: Path, verify: bool | None) -> _Package:
    """The package with its members' sizes checked, and their checksums but for large values.

    Raises:
        SourceError: see `kvlift.load`.
    """
    try:
        members = read_members(path)
    except OSError as error:
        raise SourceError(f"cannot read '{path}': {error.strerror or error}") from None
    except ArchiveError as error:
        raise SourceError(f"'{path}' is truncated or no kvlift package: {error}") from None
    if _HEADER not in members:
        raise SourceError(f"'{path}' is no kvlift package: it has no {_HEADER}")
    listed = _listed_members(members.pop(_HEADER), path)
    for name in (_MANIFEST, _MODULE, _VALUES, _SPLATS):
        if name not in listed:
            raise SourceError(f"'{path}' is damaged: {_HEADER} does not list {name}")
    for name in {**listed, **members}:
        if name not in members or name not in listed:
            where = "the file" if name in listed else _HEADER
            raise SourceError(f"'{path}' was edited: {where} has no {name}")
        size, checksum = listed[name]
        data = members[name]
        is_small = name != _VALUES or len(data) <= VERIFIED_BYTES
        is_checked = is_small if verify is None or name != _VALUES else verify
        if len(data) != size or (is_checked and hashlib.sha256(data).hexdigest() != checksum):
            raise SourceError(
                f"'{path}' is damaged: {name} is not what {_HEADER} says; get the file again, or "
                "lift and save it again"
            )
    return _Package(path, members)


def _listed_members(data: memoryview, path: Path) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of each member, as the header gives them."""
    try:
        facts = json.loads(bytes(data))
        version, writer = int(facts["format"]), facts.get("kvlift", "?")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise SourceError(f"'{path}' is damaged: {_HEADER} names no format") from None
    if version < FORMAT_VERSION:
        raise SourceError(
            f"'{path}' has package format {version}, this kvlift reads {FORMAT_VERSION}; "
            "lift and save it again"
        )
    if version > FORMAT_VERSION:
        raise SourceError(
            f"'{path}' has package format {version} of kvlift {writer}, this kvlift reads "
            f"{FORMAT_VERSION}; pip install --upgrade kvlift"
        )
    try:
        return {n: (int(m["size"]), str(m["sha256"])) for n, m in facts["members"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise SourceError(f"'{path}' is damaged: {_HEADER} lists no members") from None
