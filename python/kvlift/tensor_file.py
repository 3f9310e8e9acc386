"""Named arrays as a safetensors file that can be mapped: written in a stream, read without a copy.

The format allows no gaps. So arrays whose size is a multiple of 64 bytes come first: each of them
is aligned if the file is. The few others come behind, and a runtime copies those that need it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np

ALIGNMENT = 64
# The one name in the header that is no array's.
METADATA = "__metadata__"
_LARGEST_HEADER = 100_000_000
Array = np.ndarray[Any, Any]

# Element types as the file names them.
DTYPES: Mapping[str, np.dtype[Any]] = {
    name: np.dtype(dtype)
    for name, dtype in {
        "BOOL": np.bool_,
        "U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "U64": np.uint64,
        "I8": np.int8, "I16": np.int16, "I32": np.int32, "I64": np.int64,
        "F16": np.float16, "F32": np.float32, "F64": np.float64,
        "BF16": ml_dtypes.bfloat16,
        "F8_E4M3": ml_dtypes.float8_e4m3fn,
        "F8_E5M2": ml_dtypes.float8_e5m2,
        "C64": np.complex64,
    }.items()
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


class TensorFileError(Exception):
    """The bytes are no such file; the message says what is wrong."""


def dtype_name(dtype: np.dtype[Any]) -> str | None:
    """The file's name of an element type; None when it has none."""
    return _NAMES.get(dtype)


class TensorFile:
    """What is to be written: C-contiguous arrays of types in `DTYPES`."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        """Lays the arrays out."""
        self._arrays = dict(sorted(arrays.items(), key=lambda a: (a[1].nbytes % ALIGNMENT, a[0])))
        entries, end = {}, 0
        for name, array in self._arrays.items():
            entries[name] = {
                "dtype": _NAMES[array.dtype],
                "shape": list(array.shape),
                "data_offsets": [end, end + array.nbytes],
            }
            end += array.nbytes
        header = json.dumps(entries).encode()
        header += b" " * (-(8 + len(header)) % ALIGNMENT)
        self._header = len(header).to_bytes(8, "little") + header
        self.size = len(self._header) + end

    def parts(self) -> Iterator[bytes | memoryview]:
        """The file's bytes, one part after the other."""
        yield self._header
        for array in self._arrays.values():
            yield array.reshape(-1).view(np.uint8).data


def read_tensors(data: memoryview) -> dict[str, Array]:
    """The arrays as views of `data`.

    Raises:
        TensorFileError: the header is damaged, or does not fit the data.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(len(data) - 8, _LARGEST_HEADER):
        raise TensorFileError("it ends in its header")
    try:
        entries = json.loads(bytes(data[8 : 8 + size]))
        body = data[8 + size :]
        # Anything may stand where a name, a number or a list should.
        return {str(name): _array(body, entry) for name, entry in entries.items()
                if name != METADATA}  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as e:
        raise TensorFileError(f"its header is wrong: {type(e).__name__} {e}") from None


def _array(body: memoryview, entry: Mapping[str, Any]) -> Array:
    dtype, shape = DTYPES[entry["dtype"]], checked_shape(entry["shape"])
    begin, end = entry["data_offsets"]
    if not 0 <= begin <= end <= len(body) or end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"bytes {begin} to {end} for {entry['dtype']}{list(shape)}")
    return np.frombuffer(body[begin:end], np.uint8).view(dtype).reshape(shape)


def checked_shape(shape: Any) -> tuple[int, ...]:
    """The shape of an entry.

    Raises:
        ValueError: it is no list of natural numbers.
    """
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"shape {shape!r}")
    return tuple(shape)
