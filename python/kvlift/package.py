"""One file for a lifted module: manifest, portable artifact and values.

The file is an uncompressed zip with the members below. Nothing in it is executed on load.
"""

from __future__ import annotations

import json
import uuid
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import safetensors
from safetensors.numpy import save

from kvlift.errors import LiftError, SourceError
from kvlift.runtime.values import as_array

if TYPE_CHECKING:
    from kvlift.lifting import LiftedModule

FORMAT_VERSION = 1
_HEADER, _MANIFEST, _MODULE, _VALUES = (
    "kvlift.json",
    "manifest.json",
    "module.mlirbc",
    "values.safetensors",
)
# Unzipped files may carry any date; a fixed one keeps the bytes the same for the same input.
_DATE = (1980, 1, 1, 0, 0, 0)

# Element types as the file names them.
_STORED = {
    "BOOL": np.bool_,
    "U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "U64": np.uint64,
    "I8": np.int8, "I16": np.int16, "I32": np.int32, "I64": np.int64,
    "F16": np.float16, "F32": np.float32, "F64": np.float64,
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "C64": np.complex64,
}  # fmt: skip


def save_package(lifted: LiftedModule, path: Path) -> None:
    """Writes the file, whole or not at all; see `LiftedModule.save`."""
    members = {
        _HEADER: json.dumps({"format": FORMAT_VERSION}).encode(),
        _MANIFEST: lifted.manifest.to_json().encode(),
        _MODULE: lifted.artifact(),
        _VALUES: _pack_values(lifted.values),
    }
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file, zipfile.ZipFile(file, "w") as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name, _DATE), data)
        temporary.replace(path)
    except OSError as error:
        # The user knows nothing of the temporary file.
        raise type(error)(error.errno, error.strerror, str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)


def load_package(path: Path) -> LiftedModule:
    """Reads and checks the file; see `kvlift.load`."""
    from kvlift.frontends.stablehlo import import_stablehlo
    from kvlift.lifting import LiftedModule, read_manifest

    members = _read_members(path)
    version = _header_version(members[_HEADER], path)
    if version != FORMAT_VERSION:
        raise SourceError(
            f"'{path}' has package format {version}, this kvlift reads {FORMAT_VERSION}; "
            "lift and save it again"
        )
    module = import_stablehlo(members[_MODULE], name=f"{path}/{_MODULE}")
    manifest = read_manifest(module)
    if manifest.to_json().encode() != members[_MANIFEST]:
        raise SourceError(
            f"'{path}' was edited: {_MANIFEST} does not describe {_MODULE}; lift and save it again"
        )
    return LiftedModule(module, manifest, (), _unpack_values(members[_VALUES], path))


def _read_members(path: Path) -> dict[str, bytes]:
    """All members, with their checksums verified."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in (_HEADER, _MANIFEST, _MODULE, _VALUES)}
    except OSError as error:
        raise SourceError(f"cannot read '{path}': {error.strerror or error}") from None
    except KeyError as error:
        raise SourceError(f"'{path}' is no kvlift package: {error.args[0]}") from None
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error) as error:
        # Edited headers ask for passwords, other versions, or bytes behind the end.
        reason = f": {error}" if str(error) else ""
        raise SourceError(f"'{path}' is truncated or no kvlift package{reason}") from None


def _header_version(data: bytes, path: Path) -> int:
    try:
        return int(json.loads(data)["format"])
    except (ValueError, KeyError, TypeError):
        raise SourceError(f"'{path}' is damaged: {_HEADER} names no format") from None


def _pack_values(values: Mapping[str, Any]) -> bytes:
    # asarray keeps 0-d arrays 0-d, which ascontiguousarray does not.
    arrays = {
        name: np.asarray(as_array(value, f"value '{name}'"), order="C")
        for name, value in values.items()
    }
    for name, array in arrays.items():
        if array.dtype not in _STORED.values():
            raise LiftError(
                f"a package cannot hold the value of {name!r}: its element type is {array.dtype}"
            )
    packed: bytes = save(arrays)
    return packed


def _unpack_values(data: bytes, path: Path) -> dict[str, np.ndarray[Any, Any]]:
    try:
        entries = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise SourceError(f"'{path}' is damaged: {_VALUES}: {error}") from None
    unknown = [f"{name!r} is {e['dtype']}" for name, e in entries if e["dtype"] not in _STORED]
    if unknown:
        raise SourceError(f"'{path}' has values of unknown types: {', '.join(unknown)}")
    return {
        name: np.frombuffer(entry["data"], _STORED[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in sorted(entries)
    }
