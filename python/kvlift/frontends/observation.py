"""One eager call on a copy of the model: what it changes is the truth about its state."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import keystr, tree_flatten_with_path, tree_map_only

from kvlift.errors import ExportError

# Deep enough for module.cache.layers[0].keys; a limit, since configs may hold anything.
MAX_DEPTH = 6
Attributes = dict[str, Any]


@dataclass(frozen=True)
class Observation:
    """What one call changed.

    Attributes:
        state: buffers and parameters, by qualified name, under every name they have.
        inputs: positions among the leaves of (args, kwargs).
        unregistered: attributes that hold tensors and are no buffers.
        numbers: attributes that are Python numbers, with the old and the new value.
    """

    state: frozenset[str]
    inputs: frozenset[int]
    unregistered: tuple[str, ...]
    numbers: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True)
class _Snapshot:
    """The tensors that a model holds at one moment, and how often each was written."""

    registered: Mapping[str, torch.Tensor]
    unregistered: Mapping[str, torch.Tensor]
    numbers: Mapping[str, Any]
    versions: Mapping[int, int]

    def tensors(self) -> list[torch.Tensor]:
        """Every tensor once."""
        both = [*self.registered.values(), *self.unregistered.values()]
        return list({id(t): t for t in both}.values())


def observe(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Observation | None:
    """Calls a deep copy of the model on copies of its inputs; nothing of the user's changes.

    Returns:
        What changed, or None when the model cannot be copied (or escapes its copy).

    Raises:
        ExportError: the model itself fails on these inputs.
    """
    try:
        twin = copy.deepcopy(model)
        inputs = tree_map_only(torch.Tensor, lambda t: t.detach().clone(), (args, dict(kwargs)))
        inputs = copy.deepcopy(inputs)
    except Exception:  # a model may hold anything; what cannot be copied is not observed
        return None
    leaves = [leaf for _, leaf in tree_flatten_with_path(inputs)[0]]
    tensors = [(i, t) for i, t in enumerate(leaves) if isinstance(t, torch.Tensor)]
    if any(t.is_inference() for t in [*(t for _, t in tensors), *_tensors_of(twin)]):
        return None
    own, before = _snapshot(model), _snapshot(twin)
    written = {i: t._version for i, t in tensors}
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            twin(*inputs[0], **inputs[1])
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ExportError(
            f"the model fails on these inputs before any export: {type(error).__name__}: {reason}"
        ) from error
    if _snapshot(model).versions != own.versions:
        return None  # forward closes over the model, so the twin shows nothing
    touched = frozenset(i for i, t in tensors if t._version != written[i])
    return _compare(before, _snapshot(twin), touched)


@contextlib.contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Gives the model's own state its old numbers back when the block has written it.

    torch.export(strict=False) runs writes to tensors that it takes for constants (measured:
    the StaticCache of transformers), and a forward that closes over the model escapes a copy.
    Parameters are not kept: they may be large, and neither case writes them.
    """
    snapshot = _snapshot(model)
    tensors = [t for t in snapshot.tensors() if id(t) in snapshot.versions]
    tensors = [t for t in tensors if not isinstance(t, nn.Parameter)]
    kept = [(t, t.detach().clone(), t._version) for t in tensors]
    buffers = [(module, dict(module._buffers)) for module in model.modules()]
    try:
        yield
    finally:
        for module, named in buffers:
            module._buffers.update(named)
        with torch.no_grad():
            for tensor, value, version in kept:
                if tensor._version != version:
                    tensor.copy_(value)


def input_names(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each leaf of the inputs with the name a user knows it by: `args[0]`, `kwargs['x'][1]`."""
    names = []
    for group, value in (("args", args), ("kwargs", dict(kwargs))):
        names += [(group + keystr(path), leaf) for path, leaf in tree_flatten_with_path(value)[0]]
    return names


def registered_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by qualified name, each under every name it has."""
    named = dict(model.named_parameters(remove_duplicate=False))
    return named | dict(model.named_buffers(remove_duplicate=False))


def _compare(before: _Snapshot, after: _Snapshot, inputs: frozenset[int]) -> Observation:
    def changed(old: torch.Tensor | None, new: torch.Tensor | None) -> bool:
        if old is not new or old is None:
            return True
        return bool(before.versions[id(old)] != old._version)

    own = {id(t) for t in after.registered.values()} | {id(t) for t in before.registered.values()}
    loose = {**before.unregistered, **after.unregistered}
    return Observation(
        state=frozenset(
            n for n, t in after.registered.items() if changed(before.registered.get(n), t)
        ),
        inputs=inputs,
        unregistered=tuple(
            n
            for n in loose
            if id(after.unregistered.get(n)) not in own
            and changed(before.unregistered.get(n), after.unregistered.get(n))
        ),
        numbers=tuple(
            (n, old, after.numbers[n])
            for n, old in before.numbers.items()
            if n in after.numbers and after.numbers[n] != old
        ),
    )


def _snapshot(model: nn.Module) -> _Snapshot:
    registered = registered_tensors(model)
    own = {id(t) for t in registered.values()}
    unregistered: dict[str, torch.Tensor] = {}
    numbers: dict[str, Any] = {}
    for prefix, module in model.named_modules():
        attributes = {k: v for k, v in vars(module).items() if not k.startswith("_")}
        for name, value in attributes.items():
            if isinstance(value, bool | int | float):
                numbers[f"{prefix}.{name}".lstrip(".")] = value
        found = _loose_tensors(attributes, prefix, set(), 0)
        unregistered |= {name: t for name, t in found if id(t) not in own}
    tensors = [*registered.values(), *unregistered.values()]
    versions = {id(t): t._version for t in tensors if not t.is_inference()}
    return _Snapshot(registered, unregistered, numbers, versions)


def _loose_tensors(
    value: Any, name: str, seen: set[int], depth: int
) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors in attributes, lists, dicts and plain objects; submodules walk their own."""
    if isinstance(value, torch.Tensor):
        yield name.lstrip("."), value
        return
    if isinstance(value, nn.Module | str | bytes | type) or id(value) in seen or depth > MAX_DEPTH:
        return
    seen.add(id(value))
    for suffix, item in _items(value):
        yield from _loose_tensors(item, name + suffix, seen, depth + 1)


def _items(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(f".{key}", item) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [(f"[{i}]", item) for i, item in enumerate(value)]
    if callable(value) or not hasattr(value, "__dict__"):
        return []
    return [(f".{key}", item) for key, item in vars(value).items()]


def _tensors_of(model: nn.Module) -> list[torch.Tensor]:
    return list(registered_tensors(model).values())
