"""A call's arguments, by position and by name, checked before any buffer is touched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kvlift.errors import SessionError
from kvlift.runtime import values
from kvlift.runtime.bindings import listed
from kvlift.runtime.nesting import NestedInputs
from kvlift.slots import Argument

if TYPE_CHECKING:
    from kvlift.runtime.backend import Buffer, Executable
    from kvlift.runtime.values import Host


@dataclass(frozen=True)
class Given:
    """The checked arguments of one call, by argument index.

    Attributes:
        arrays: host arrays, to be put on the device.
        buffers: what is there already.
    """

    arrays: list[tuple[int, Host]]
    buffers: list[tuple[int, Buffer]]


class Inputs:
    """What a call must bring to one function."""

    def __init__(self, executable: Executable, bound: Collection[int], *, check_finite: bool):
        """Takes the arguments that are neither slots nor bound.

        Args:
            executable: the function.
            bound: indices of the arguments that the session has values for.
            check_finite: whether an infinity or a NaN in an argument is an error.
        """
        import numpy as np

        self._host_type = np.ndarray
        self._executable = executable
        self._arguments = executable.function.arguments
        self.open = tuple(a for a in self._arguments if not a.is_state and a.index not in bound)
        self._names = [a.name for a in self.open]
        self._expected = [(a, *_exact(a)) for a in self.open]
        self._check_finite = check_finite
        self._positions = {a.index: position for position, a in enumerate(self.open)}
        described = executable.function.inputs
        nested = NestedInputs(described, self._positions) if described is not None else None
        self._nested = nested if nested is not None and nested.is_nested else None

    def match(self, args: tuple[Any, ...], by_name: Mapping[str, Any]) -> Given:
        """The call's arguments.

        Raises:
            SessionError: one is missing, unknown, given twice, or of a wrong type.
        """
        if (
            self._nested is not None
            and (apart := self._nested.take_apart(args, by_name)) is not None
        ):
            found, by_name = apart
            args = self._in_order({self._positions[i]: v for i, v in found.items()}, by_name)
        elif by_name or len(args) != len(self.open):
            args = self._in_order(dict(enumerate(args)), by_name)
        given = Given([], [])
        for (argument, shape, dtype), value in zip(self._expected, args, strict=True):
            # The common case, quickly; everything else is converted or explained.
            if not (
                type(value) is self._host_type
                and value.dtype is dtype
                and value.shape == shape
                and value.flags.c_contiguous
            ):
                buffer = self._executable.adopt(argument.index, value)
                if buffer is not None:
                    self._check_buffer(argument, buffer)
                    given.buffers.append((argument.index, buffer))
                    continue
                value = values.to_host(value, argument.type, f"argument {argument.name!r}")
            if self._check_finite:
                _refuse_not_finite(argument, value)
            given.arrays.append((argument.index, value))
        return given

    def _check_buffer(self, argument: Argument, buffer: Buffer) -> None:
        if self._check_finite:
            _refuse_not_finite(argument, self._executable.view(buffer, argument.type))

    def _in_order(self, given: dict[int, Any], by_name: Mapping[str, Any]) -> tuple[Any, ...]:
        names = self._names
        if len(given) > len(names):
            raise SessionError(
                f"{len(given)} arguments given, the function takes {len(names)}: {listed(names)}"
            )
        for name, value in by_name.items():
            position = self._position_of(name)
            if position in given:
                raise SessionError(f"argument {name!r} is given twice, by position and by name")
            given[position] = value
        missing = [name for position, name in enumerate(names) if position not in given]
        if missing:
            raise SessionError(f"missing {listed(missing)}; the function takes: {listed(names)}")
        return tuple(given[position] for position in range(len(names)))

    def _position_of(self, name: str) -> int:
        # A source's locations may call two arguments the same.
        found = [position for position, known in enumerate(self._names) if known == name]
        if not found:
            raise SessionError(self._unknown(name))
        if len(found) > 1:
            raise SessionError(f"{len(found)} arguments are named {name!r}; pass them by position")
        return found[0]

    def _unknown(self, name: str) -> str:
        for argument in self._arguments:
            if argument.name == name:
                role = "a slot" if argument.is_state else "bound to the session"
                return f"argument {name!r} is {role}, so a call cannot pass it"
        return f"no argument {name!r}; the function takes: {listed(self._names)}"


def _exact(argument: Argument) -> tuple[tuple[int | None, ...], Any]:
    """What a numpy array must have to be passed on as it is; a dynamic extent fits none."""
    return argument.type.shape, values.numpy_dtype(argument.type.dtype)


def _refuse_not_finite(argument: Argument, array: Host) -> None:
    import numpy as np

    if array.dtype.kind in "iub":
        return
    is_finite = np.isfinite(array)
    if not is_finite.all():
        where = tuple(int(i) for i in np.argwhere(~is_finite)[0])
        raise SessionError(
            f"argument {argument.name!r} is not finite: {array[where]} at {list(where)}"
        )
