"""Values for a function's arguments: what a command line names, and something for the rest."""

from __future__ import annotations

import json
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kvlift.errors import SourceError
from kvlift.runtime.values import numpy_dtype

if TYPE_CHECKING:
    from kvlift.runtime.values import Host
    from kvlift.slots import Function, TensorType

# What numpy raises for damaged files: its header is Python, and may name any size.
_DAMAGED = (
    *(ValueError, EOFError, SyntaxError, tokenize.TokenError, MemoryError, RecursionError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
)
_WEIGHTS = ("parameter", "buffer", "constant")
# Random integers stay below this: most are positions or tokens, and must be in range.
_LARGEST_INTEGER = 8


@dataclass(frozen=True)
class Values:
    """What a session and its calls are given.

    Attributes:
        weights: by argument name.
        state: by slot name.
        inputs: by argument name, for every call.
        filled: names that nobody gave a value.
    """

    weights: Mapping[str, Any]
    state: Mapping[str, Any]
    inputs: Mapping[str, Any]
    filled: tuple[str, ...]


def values_for(
    function: Function, known: Mapping[str, Any], given: Mapping[str, Any], seed: int | None
) -> Values:
    """A value for each argument of the function.

    Args:
        function: a function of the module.
        known: values that came with the module, by argument name.
        given: values that the user names, by argument or slot.
        seed: for random values of what neither has; None for zeros.

    Raises:
        SourceError: a given name is none of the function's.
    """
    slots = {slot.argument: slot for slot in function.state}
    names = {a.index: slots[a.index].name if a.index in slots else a.name
             for a in function.arguments}  # fmt: skip
    unknown = [name for name in given if name not in names.values()]
    if unknown:
        raise SourceError(
            f"function {function.name!r} has no argument or slot {unknown[0]!r}; it has: "
            f"{', '.join(names.values())}"
        )
    called = {a.name for a in function.arguments if not a.is_state}
    rng = None if seed is None else np.random.default_rng(seed)
    weights, state, inputs = dict[str, Any](), dict[str, Any](), dict[str, Any]()
    filled = []
    for argument in function.arguments:
        name, slot = names[argument.index], slots.get(argument.index)
        # A slot may be called as an input is, which then is what the name means.
        is_given = name in given and not (slot and name in called)
        is_weight = argument.kind in _WEIGHTS
        is_known = (slot or is_weight) and (name in known or argument.name in known)
        if is_known and not is_given:
            continue
        if not is_given:
            filled.append(name)
        place = state if slot else weights if is_weight else inputs
        tensor = slot.logical if slot else argument.type
        place[name] = given[name] if is_given else example(tensor, rng)
    return Values(weights, state, inputs, tuple(filled))


def example(tensor: TensorType, rng: np.random.Generator | None) -> Host:
    """Zeros, or random values, of that type; dynamic extents are 1."""
    shape = tuple(1 if extent is None else extent for extent in tensor.shape)
    dtype = numpy_dtype(tensor.dtype)
    if rng is None:
        return np.zeros(shape, dtype)
    if dtype == np.bool_ or dtype.kind in "iu":
        return rng.integers(0, 2 if dtype == np.bool_ else _LARGEST_INTEGER, shape).astype(dtype)
    return np.asarray(rng.standard_normal(shape)).astype(dtype)


def parse_inputs(texts: list[str], archive: Path | None) -> dict[str, Any]:
    """Named values: `name=file.npy` or `name=<JSON>` each, and all of an .npz file.

    Raises:
        SourceError: one is neither; the message says which.
        OSError: a file cannot be read.
    """
    given: dict[str, Any] = dict(_load_arrays(archive)) if archive is not None else {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SourceError(f"input {text!r} must be NAME=file.npy or NAME=JSON, such as x=[1,2]")
        given[name] = _parse_value(name, value)
    return given


def _parse_value(name: str, text: str) -> Any:
    if text.endswith(".npy"):
        return _load_array(Path(text))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"input {name!r} is neither a .npy file nor JSON: {error}") from None


def _load_array(path: Path) -> Host:
    try:
        array: Host = np.load(path, allow_pickle=False)
    except _DAMAGED as error:
        raise SourceError(f"cannot read '{path}' as an array: {error}") from None
    return array


def _load_arrays(path: Path) -> Mapping[str, Host]:
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (*_DAMAGED, AttributeError, TypeError) as error:
        raise SourceError(f"cannot read '{path}' as arrays by name: {error}") from None
