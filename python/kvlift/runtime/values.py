"""What a caller hands over (torch, numpy, jax, Python numbers) as checked host arrays."""

from __future__ import annotations

import functools
import importlib
import math
import sys
from typing import TYPE_CHECKING, Any

from kvlift.errors import SessionError
from kvlift.slots import SlicedSlot, Slot, TensorType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kvlift.runtime.backend import Returns

    Host = NDArray[Any]

# MLIR's spelling of an element type to numpy's (or ml_dtypes') name of it.
_NUMPY_NAMES = {
    "i1": "bool",
    **{f"{sign}{bits}": f"int{bits}" for sign in ("i", "si") for bits in (8, 16, 32, 64)},
    **{f"ui{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
    "complex<f32>": "complex64",
    "complex<f64>": "complex128",
}
_ML_DTYPES_NAMES = {
    "bf16": "bfloat16",
    "f8E4M3FN": "float8_e4m3fn",
    "f8E4M3FNUZ": "float8_e4m3fnuz",
    "f8E5M2": "float8_e5m2",
    "f8E5M2FNUZ": "float8_e5m2fnuz",
    "i4": "int4",
    "ui4": "uint4",
}
_MLIR_NAMES = {v: k for k, v in {**_NUMPY_NAMES, **_ML_DTYPES_NAMES}.items() if k[:2] != "si"}


@functools.cache
def numpy_dtype(mlir: str) -> np.dtype[Any]:
    """The numpy dtype of an MLIR element type (`bf16` and `f8*` are those of ml_dtypes).

    Raises:
        SessionError: numpy has no such type, or it needs ml_dtypes, which is not installed.
    """
    import numpy as np

    if mlir in _NUMPY_NAMES:
        dtype: np.dtype[Any] = np.dtype(_NUMPY_NAMES[mlir])
        return dtype
    if mlir not in _ML_DTYPES_NAMES:
        raise SessionError(f"element type {mlir} cannot be passed to a session")
    try:
        import ml_dtypes
    except ImportError as error:
        raise SessionError(
            f"element type {mlir} needs the package ml_dtypes: pip install ml_dtypes"
        ) from error
    narrow: np.dtype[Any] = np.dtype(getattr(ml_dtypes, _ML_DTYPES_NAMES[mlir]))
    return narrow


def type_of(value: Host) -> TensorType:
    """The tensor type of a host array; element types that MLIR lacks keep numpy's name."""
    return TensorType(value.shape, _mlir_name(value.dtype))


@functools.cache
def _mlir_name(dtype: np.dtype[Any]) -> str:
    return _MLIR_NAMES.get(dtype.name, dtype.name)


def is_packed(dtype: np.dtype[Any]) -> bool:
    """Whether runtimes lay two elements of that type into a byte, as numpy does not."""
    return dtype.name in ("int4", "uint4")


def byte_size(tensor: TensorType) -> int | None:
    """The size of a tensor in a runtime's buffer, in bytes; None when an extent is dynamic."""
    if None in tensor.shape:
        return None
    dtype = numpy_dtype(tensor.dtype)
    size = math.prod(extent or 0 for extent in tensor.shape) * dtype.itemsize
    return -(-size // 2) if is_packed(dtype) else size


def to_host(value: Any, expected: TensorType, what: str) -> Host:
    """The value as a C-contiguous array of the expected type; shares memory where it can.

    Arrays must have the expected element type, or a narrower one of the same kind (an i32 for
    an i64). Python numbers must be representable; a Python float rounds as in torch and jax.

    Args:
        value: a torch tensor, numpy or jax array, Python number or (nested) list of numbers.
        expected: the argument's type; dynamic extents accept every size.
        what: names the value in errors, such as `argument 'x'`.

    Raises:
        SessionError: the shape or the element type does not fit; nothing was changed.
    """
    array = as_array(value, what)
    dtype = numpy_dtype(expected.dtype)
    if array.dtype != dtype:
        array = _cast(array, dtype, expected, what, is_literal=_is_literal(value))
    if len(array.shape) != len(expected.shape) or any(
        want not in (None, got) for want, got in zip(expected.shape, array.shape, strict=True)
    ):
        raise SessionError(f"{what} expects {expected}, got {type_of(array)}")
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    return array


def to_store(array: Host, slot: Slot | SlicedSlot) -> Host:
    """A slot's value as its store has it: a view, or a copy when its dims lie in another order.

    Args:
        array: a C-contiguous array of the slot's logical type.
        slot: one of static shape, or stored as what it is.
    """
    import numpy as np

    if slot.order is not None:
        array = np.ascontiguousarray(array.transpose(slot.order))
    return _reinterpret(array, slot.store.dtype, _extents(slot.store))


def to_logical(array: Host, slot: Slot | SlicedSlot) -> Host:
    """What a store's contents mean, as a view: the inverse of `to_store`.

    The view is not contiguous when the slot's dims lie in another order.
    """
    import numpy as np

    extents = _extents(slot.logical)
    if slot.order is None:
        return _reinterpret(array, slot.logical.dtype, extents)
    lying = _reinterpret(array, slot.logical.dtype, [extents[dim] for dim in slot.order])
    return lying.transpose(np.argsort(slot.order))


def _extents(tensor: TensorType) -> list[int | None]:
    return list(tensor.shape)


def _reinterpret(array: Host, dtype: str, extents: list[int | None]) -> Host:
    """The same bits in another type; extents are only dynamic when the type is the array's."""
    if None in extents:
        return array
    return array.reshape(-1).view(numpy_dtype(dtype)).reshape(extents)  # type: ignore[arg-type]


def as_kind(array: Host, kind: Returns) -> Any:
    """The array as one of numpy, torch or jax, on the same memory where that is possible."""
    if kind == "numpy":
        return array
    return _as_torch(array) if kind == "torch" else _as_jax(array)


def check_kind(kind: Returns, mlir: str) -> None:
    """Refuses what `as_kind` could not give, before a run whose results would be lost.

    Raises:
        SessionError: the library is not installed, or has no such element type.
    """
    if kind == "numpy":
        return
    try:
        library = importlib.import_module(kind)
    except ImportError as error:
        raise SessionError(f"returns={kind!r}, which is not installed: {error}") from error
    dtype = numpy_dtype(mlir)
    if kind == "torch" and (is_packed(dtype) or not hasattr(library, dtype.name)):
        raise SessionError(f"torch has no element type {dtype.name}; use returns='numpy'")


def _as_torch(array: Host) -> Any:
    """Types that numpy lacks go by their bits."""
    import torch

    name = array.dtype.name
    if name in _NUMPY_NAMES.values():
        return torch.from_numpy(array)
    bits = array.view(f"i{array.dtype.itemsize}")
    return torch.from_numpy(bits).view(getattr(torch, name))


def _as_jax(array: Host) -> Any:
    from kvlift.runtime.pjrt_arrays import host_array

    return host_array(array)


def own_copy(array: Host) -> Host:
    """A writable array with its own memory."""
    import numpy as np

    return np.array(array, copy=True, order="C")


def is_aligned(array: Host, alignment: int = 64) -> bool:
    """Whether the array's memory starts at a multiple of that many bytes."""
    return bool(array.ctypes.data % alignment == 0)


def align(array: Host, alignment: int = 64) -> Host:
    """The array itself when its memory is aligned, else an aligned copy."""
    if is_aligned(array, alignment):
        return array
    return aligned_copy(array, alignment)


def aligned_copy(array: Host, alignment: int = 64) -> Host:
    """A writable copy whose memory starts at a multiple of that many bytes."""
    copy = empty_aligned(array.shape, array.dtype, alignment)
    copy[...] = array
    return copy


def empty_aligned(shape: tuple[int, ...], dtype: np.dtype[Any], alignment: int = 64) -> Host:
    """Uninitialised memory that starts at a multiple of that many bytes."""
    import numpy as np

    size = math.prod(shape) * dtype.itemsize
    raw = np.empty(size + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + size].view(dtype).reshape(shape)


def is_all_zero_bits(array: Host) -> bool:
    """Whether every bit is zero (so -0.0 is not), read at memory speed."""
    import numpy as np

    flat = array.reshape(-1).view(np.uint8)
    head = flat.size - flat.size % 8
    return not flat[:head].view(np.uint64).any() and not flat[head:].any()


def repeated_bits(array: Host) -> bytes | None:
    """The bits that every element has; None when they differ, or there is no element."""
    import numpy as np

    if array.size == 0:
        return None
    first: bytes = array[(0,) * array.ndim].tobytes()
    if not any(array.strides):
        return first
    if is_all_zero_bits(array):
        return bytes(array.itemsize)
    raw = array.reshape(-1).view(np.uint8).reshape(array.size, array.itemsize)
    # In steps, so that most arrays are left after the first one.
    steps = range(0, len(raw), 1 << 16)
    is_repeated = all((raw[step : step + (1 << 16)] == raw[0]).all() for step in steps)
    return first if is_repeated else None


def are_same_bits(first: Host, second: Host) -> bool:
    """Whether two arrays have the same type and bits, read at memory speed."""
    import numpy as np

    if (first.shape, first.dtype) != (second.shape, second.dtype):
        return False
    if first.ctypes.data == second.ctypes.data and first.strides == second.strides:
        return True
    raw = [np.ascontiguousarray(a).reshape(-1).view(np.uint8).data for a in (first, second)]
    return bool(raw[0] == raw[1])


def _is_literal(value: Any) -> bool:
    import numpy as np

    return isinstance(value, (bool, int, float, complex, list, tuple)) and not isinstance(
        value, np.generic
    )


def as_array(value: Any, what: str) -> Host:
    """A torch tensor, numpy or jax array, or numbers as a host array, bit for bit.

    Raises:
        SessionError: it is no tensor; `what` names it.
    """
    import numpy as np

    if isinstance(value, (str, bytes)) or value is None:
        raise SessionError(f"{what} expects a tensor, got {type(value).__name__}")
    try:
        device = getattr(getattr(value, "device", None), "type", "cpu")
        if device != "cpu":
            advice = "has no values" if device == "meta" else "comes to the host by value.cpu()"
            raise SessionError(f"{what} is on the device {device!r}; such a tensor {advice}")
        array: Host = _from_torch(value) if _is_torch(value) else np.asarray(value)
        if array is not value and array.dtype == object and hasattr(value, "__dlpack__"):
            array = np.from_dlpack(value)
    except (ValueError, TypeError, OverflowError, RuntimeError, BufferError) as error:
        # torch raises TypeError for types that numpy lacks, RuntimeError for meta tensors; jax
        # RuntimeError for what was deleted.
        raise SessionError(f"{what} cannot become an array: {error}") from error
    if array.dtype == object:
        raise SessionError(f"{what} expects a tensor, got {type(value).__name__}")
    return array


def _is_torch(value: Any) -> bool:
    """Whether it is a tensor of torch, which nobody need have imported."""
    return isinstance(value, getattr(sys.modules.get("torch"), "Tensor", ()))


def _from_torch(tensor: Any) -> Host:
    """A view of the tensor's memory; types that numpy lacks go by their bits."""
    import torch

    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in _ML_DTYPES_NAMES.values():
        array: Host = tensor.numpy()
        return array
    bits: Host = tensor.view(torch.int16 if tensor.dtype.itemsize == 2 else torch.uint8).numpy()
    return bits.view(numpy_dtype(_MLIR_NAMES[name]))


def _family(mlir: str) -> str:
    """`float`, `unsigned`, `signed`, `bool` or `other`."""
    if mlir.startswith(("f", "bf")):
        return "float"
    if mlir == "i1":
        return "bool"
    if mlir.startswith("ui"):
        return "unsigned"
    return "signed" if mlir.startswith(("i", "si")) else "other"


def _cast(
    array: Host, dtype: np.dtype[Any], expected: TensorType, what: str, *, is_literal: bool
) -> Host:
    """The array in another element type, when no value changes (Python floats may round)."""
    import numpy as np

    families = _family(_mlir_name(array.dtype)), _family(expected.dtype)
    if is_literal and families[0] in ("signed", "float") and families[1] not in ("bool", "other"):
        with np.errstate(all="ignore"):
            cast: Host = array.astype(dtype)
            fits = cast.astype(array.dtype) == array
            if families == ("float", "float"):
                wide = cast.astype(np.float64)
                # Some types have no infinity and make it a NaN.
                fits = np.where(np.isinf(array), wide == array, np.isnan(array) | np.isfinite(wide))
        if bool(np.all(fits)):
            return cast
        raise SessionError(f"{what} expects {expected}, which cannot hold the value {array!s}")
    if not is_literal and families[0] == families[1] and np.can_cast(array.dtype, dtype, "safe"):
        return array.astype(dtype)
    raise SessionError(f"{what} expects {expected}, got {type_of(array)}")
