"""One file for a lifted module: manifest, portable module, values, and executables if wanted.

The file is a zip with the members below, uncompressed and aligned (`archive.py`), and with a list
of them (`sealed.py`). Nothing in it is executed on load, and nothing is parsed before its checksum
was right: MLIR's reader may end the process on damaged bytecode. Values are mapped, so that weights
that a runtime takes as they lie are never copied.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kvlift.errors import LiftError, SourceError
from kvlift.runtime.values import as_array, repeated_bits
from kvlift.sealed import Kind, read_sealed, read_tensors_of, write_sealed
from kvlift.tensor_file import DTYPES, METADATA, Array, checked_shape, dtype_name

if TYPE_CHECKING:
    from kvlift.lifted_module import LiftedModule
    from kvlift.runtime.program import Program

_MANIFEST, _MODULE, _SPLATS = "manifest.json", "module.mlirbc", "splats.json"
_KIND = Kind(
    noun="package",
    version=2,
    header="kvlift.json",
    tensors="values.safetensors",
    others=(_MANIFEST, _MODULE, _SPLATS),
    again="lift and save it again",
)
_COMPILED, _COMPILED_SUFFIX = "compiled/", ".kvx"
# A smaller value is kept as it is, whatever its elements.
_SMALLEST_SPLAT = 256


def save_package(lifted: LiftedModule, path: Path, compiled: Iterable[Program] = ()) -> None:
    """Writes the file, whole or not at all; see `LiftedModule.save`."""
    arrays = _arrays(lifted.values)
    splats = {name: entry for name, a in arrays.items() if (entry := _splat(a)) is not None}
    values = {name: array for name, array in arrays.items() if name not in splats}
    members = {
        _MANIFEST: lifted.manifest.to_json().encode(),
        _MODULE: lifted.artifact(),
        _SPLATS: json.dumps(splats, sort_keys=True).encode(),
        **_compiled_members(lifted, compiled),
    }
    write_sealed(path, _KIND, members, values)


def load_package(path: Path, verify: bool | None = None) -> LiftedModule:
    """Reads and checks the file; see `kvlift.load`."""
    from kvlift.frontends.stablehlo import import_stablehlo
    from kvlift.lifted_module import LiftedModule
    from kvlift.pipelines import read_manifest

    members = read_sealed(path, _KIND, verify)
    module = import_stablehlo(bytes(members[_MODULE]), name=f"{path}/{_MODULE}")
    manifest = read_manifest(module)
    if manifest.to_json().encode() != members[_MANIFEST]:
        raise SourceError(
            f"'{path}' was edited: {_MANIFEST} does not describe {_MODULE}; lift and save it again"
        )
    return LiftedModule(module, manifest, (), _values(members, path), _compiled(members))


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


def _values(members: Mapping[str, memoryview], path: Path) -> dict[str, Array]:
    """Views of the mapped values, and the splats."""
    values = read_tensors_of(members, path, _KIND)
    try:
        splats = json.loads(bytes(members[_SPLATS]))
        found = {str(name): _unpack_splat(entry) for name, entry in splats.items()}
    except (ValueError, TypeError, KeyError, AttributeError, MemoryError, RecursionError) as error:
        raise SourceError(f"'{path}' is damaged: {_SPLATS}: {error}") from None
    return dict(sorted({**values, **found}.items()))


def _compiled(members: Mapping[str, memoryview]) -> dict[str, bytes]:
    """The serialized executables by key; nothing has looked into them."""
    return {
        name.removeprefix(_COMPILED).removesuffix(_COMPILED_SUFFIX): bytes(data)
        for name, data in members.items()
        if name.startswith(_COMPILED)
    }
