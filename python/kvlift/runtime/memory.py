"""Memory that somebody else owns, as arrays without a copy; and what nobody uses any more."""

from __future__ import annotations

import ctypes
import gc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from kvlift.runtime.values import Host

# A program that holds less does not care what is left behind.
BYTES_WORTH_TRIMMING = 64 << 20


class Memory:
    """A range of host memory and its owner, which it keeps alive.

    numpy arrays on it, and all views of them, hold this object: a weak reference to it tells
    whether one is left.
    """

    def __init__(self, address: int, size: int, owner: Any, *, is_writable: bool = False) -> None:
        """Describes the range as numpy's array interface does."""
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "shape": (size,),
            "typestr": "|u1",
            # numpy takes a null address for an error.
            "data": (address or 64, not is_writable),
        }

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Host:
        """The whole range as an array of that type."""
        import numpy as np

        array: Host = np.asarray(self).view(dtype).reshape(shape)
        return array


def memory_of(array: Host) -> Memory | None:
    """The memory that an array is a view of; None when it has its own."""
    base: Any = array
    while base is not None and not isinstance(base, Memory):
        base = getattr(base, "base", None)
    return base


def release_unused() -> None:
    """Gives memory back to the system that exporters and compilers have left behind.

    Exported programs are reference cycles, which hold their weights and caches until Python looks
    for some: it takes some tenths of a second in a process with torch.
    """
    gc.collect()
    trim_heap()


def trim_heap() -> None:
    """Gives freed memory back to the system, which glibc keeps in small and middle-sized pieces."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # Another C library.
        return
    trim(0)
