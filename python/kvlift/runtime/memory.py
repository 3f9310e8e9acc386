"""Arrays on memory that somebody else owns, without a copy, and whether any of them is alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from kvlift.runtime.values import Host


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
