"""One file for a snapshot: how many calls, the slots' types, and their contents as safetensors.

The file is a zip like a package (`sealed.py`). Contents are mapped, so that restoring copies them
once, into the slots. Element types that safetensors lacks are written as bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kvlift.errors import SessionError, SourceError
from kvlift.runtime.snapshots import Snapshot
from kvlift.runtime.values import numpy_dtype, type_of
from kvlift.sealed import Kind, read_sealed, read_tensors_of, write_sealed
from kvlift.tensor_file import METADATA, Array, checked_shape, dtype_name

_FACTS = "slots.json"
_KIND = Kind(
    noun="snapshot",
    version=1,
    header="snapshot.json",
    tensors="slots.safetensors",
    others=(_FACTS,),
    again="take and save it again",
)


def save_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Writes the file, whole or not at all; see `Snapshot.save`."""
    # asarray keeps 0-d arrays 0-d, which ascontiguousarray does not.
    arrays = {name: np.asarray(array, order="C") for name, array in snapshot.slots.items()}
    if METADATA in arrays:
        raise SessionError(f"a snapshot's file cannot hold a slot of the name {METADATA!r}")
    types = {name: type_of(array) for name, array in arrays.items()}
    facts = {
        "calls": snapshot.calls,
        "slots": {n: {"shape": list(t.shape), "dtype": t.dtype} for n, t in types.items()},
    }
    tensors = {
        name: array if dtype_name(array.dtype) else array.reshape(-1).view(np.uint8)
        for name, array in arrays.items()
    }
    write_sealed(path, _KIND, {_FACTS: json.dumps(facts, indent=2).encode()}, tensors)


def load_snapshot(path: Path, verify: bool | None = None) -> Snapshot:
    """Reads and checks the file; see `kvlift.load_snapshot`."""
    members = read_sealed(path, _KIND, verify)
    tensors = read_tensors_of(members, path, _KIND)
    try:
        facts = json.loads(bytes(members[_FACTS]))
        calls, slots = facts["calls"], facts["slots"]
        if type(calls) is not int or calls < 0:
            raise ValueError(f"{calls!r} calls")
        if slots.keys() != tensors.keys():
            raise ValueError(f"{_KIND.tensors} has other slots")
        found = {str(name): _array(tensors[name], slots[name]) for name in slots}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SessionError) as error:
        raise SourceError(f"'{path}' is damaged: {_FACTS}: {error}") from None
    return Snapshot(calls, found)


def _array(tensor: Array, facts: Mapping[str, Any]) -> Array:
    """The tensor in the slot's type.

    Raises:
        ValueError: it has another one.
    """
    dtype, shape = numpy_dtype(facts["dtype"]), checked_shape(facts["shape"])
    if dtype_name(dtype) is None:
        return tensor.view(dtype).reshape(shape)
    if (tensor.dtype, tensor.shape) != (dtype, shape):
        raise ValueError(f"a slot is {type_of(tensor)}")
    return tensor
