"""Several lifted functions in one module, whose slots and weights are shared by name.

1. Constants that only their names have in common, and slots that the source calls nothing but a
   number, get the name of their function: nothing is shared by chance.
2. What one function updates and another only reads becomes a slot there too, which passes
   through: the reader sees the session's current state, in place on every runtime.
3. What one name means must be the same everywhere: type, kind of state, initial value.
4. The functions move into one module; private symbols that collide are renamed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kvlift.errors import LiftError
from kvlift.function_edits import (
    append_results,
    attribute_dicts,
    function_op,
    set_attributes,
)
from kvlift.slots import Argument, Function

if TYPE_CHECKING:
    from torch_mlir import ir

_SHARED_KINDS = ("parameter", "buffer")


@dataclass(frozen=True)
class Part:
    """One function of a program, lifted on its own.

    Attributes:
        function: its name, arguments, results and slots.
        module: the module that holds it as its only public function; joining takes it apart.
        values: initial values by argument name.
    """

    function: Function
    module: ir.Module
    values: Mapping[str, Any]


def only_function(module: ir.Module, name: str) -> None:
    """Gives the module's only public function that name.

    Raises:
        LiftError: there are several, or none.
    """
    found = [op for op in module.body if is_public_function(op)]
    if len(found) != 1:
        names = ", ".join(repr(_symbol(op)) for op in found) or "none"
        raise LiftError(f"the source of {name!r} must have one public function; it has {names}")
    free_symbols(module, {name}, spared=_symbol(found[0]))
    rename_symbol(module, _symbol(found[0]), name)


def join(parts: Sequence[Part]) -> tuple[ir.Module, dict[str, Any]]:
    """One module with the functions of all parts, and their values.

    Raises:
        LiftError: one name means different things in two functions; it names both.
    """
    parts = [_with_own_numbers(part) for part in _with_own_constants(parts)]
    _refuse_other_types(parts)
    values = _joined_values(parts)
    for part in parts:
        _pass_through(part, parts)
    return _merged(parts), values


def is_public_function(op: Any) -> bool:
    """Whether it is a function that a runtime may call."""
    mark = "sym_visibility"
    is_public = mark not in op.attributes or op.attributes[mark].value == "public"
    return op.operation.name == "func.func" and is_public


def rename_symbol(module: ir.Module, old: str, new: str) -> None:
    """Renames a symbol of the module and all its uses."""
    from torch_mlir import ir

    if old == new:
        return
    table = ir.SymbolTable(module.operation)
    operation = table[old]
    table.replace_all_symbol_uses(old, new, module.operation)
    table.set_symbol_name(operation, new)


def _symbol(op: Any) -> str:
    return str(op.attributes["sym_name"].value)


def _with_own_constants(parts: Sequence[Part]) -> list[Part]:
    """Frontends count constants per function, so equal names say nothing about them."""
    taken: dict[str, tuple[Argument, Any]] = {}
    done = []
    for part in parts:
        new_names = {}
        for argument in (a for a in part.function.arguments if a.kind == "constant"):
            name = argument.name
            value = part.values.get(name)
            first, known = taken.setdefault(name, (argument, value))
            if first.type != argument.type or not _are_equal(known, value):
                new_names[argument.index] = f"{part.function.name}.{name}"
        done.append(_renamed_arguments(part, new_names) if new_names else part)
    return done


def _renamed_arguments(part: Part, new_names: Mapping[int, str]) -> Part:
    from torch_mlir import ir

    func = function_op(part.module, part.function.name)
    attributes = attribute_dicts(func, "arg_attrs", len(part.function.arguments))
    values = dict(part.values)
    arguments = list(part.function.arguments)
    with func.context:
        for index, name in new_names.items():
            attributes[index]["kvlift.name"] = ir.StringAttr.get(name)
            values[name] = values.pop(arguments[index].name)
            arguments[index] = replace(arguments[index], name=name)
        set_attributes(func, "arg_attrs", attributes)
    return replace(part, function=replace(part.function, arguments=tuple(arguments)), values=values)


def _with_own_numbers(part: Part) -> Part:
    """`arg2` of one function says nothing about `arg2` of another one: it is `decode.arg2`."""
    from torch_mlir import ir

    function, func = part.function, function_op(part.module, part.function.name)
    arguments = attribute_dicts(func, "arg_attrs", len(function.arguments))
    results = attribute_dicts(func, "res_attrs", len(function.results))
    new_names = {
        slot.name: f"{function.name}.{slot.name}"
        for slot in function.slots
        if slot.name == f"arg{slot.argument}" and "kvlift.name" not in arguments[slot.argument]
    }
    slots = tuple(replace(s, name=new_names.get(s.name, s.name)) for s in function.slots)
    with func.context:
        for slot in slots:
            mark = ir.StringAttr.get(slot.name)
            arguments[slot.argument]["kvlift.slot"] = results[slot.result]["kvlift.slot"] = mark
        set_attributes(func, "arg_attrs", arguments)
        set_attributes(func, "res_attrs", results)
    return replace(part, function=replace(function, slots=slots))


def _refuse_other_types(parts: Sequence[Part]) -> None:
    """A slot, and what another function has under its name, are the same storage."""
    seen: dict[str, tuple[str, Any]] = {}
    for part in parts:
        for name, item in _shared_items(part.function).items():
            first, known = seen.setdefault(name, (part.function.name, item))
            if known != item:
                raise LiftError(
                    f"{name!r} is {known} in function {first!r} and {item} in function "
                    f"{part.function.name!r}; functions share slots and weights by name: give one "
                    "of them another name"
                )


def _shared_items(function: Function) -> dict[str, str]:
    """Name to type, of what other functions may share."""
    weights = {a.name: a.type for a in function.arguments if a.kind in _SHARED_KINDS}
    slots = {slot.name: slot.logical for slot in function.state}
    return {name: str(tensor) for name, tensor in {**weights, **slots}.items()}


def _joined_values(parts: Sequence[Part]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    owner: dict[str, str] = {}
    for part, (name, value) in ((p, item) for p in parts for item in p.values.items()):
        if name in values and not _are_equal(values[name], value):
            raise LiftError(
                f"{name!r} starts with other values in function {part.function.name!r} than in "
                f"{owner[name]!r}; export both from one model, or give one of them another name"
            )
        values.setdefault(name, value)
        owner.setdefault(name, part.function.name)
    return values


def _are_equal(first: Any, second: Any) -> bool:
    """Whether two values are the same tensor, or have the same bits."""
    from kvlift.runtime.values import are_same_bits, as_array

    if first is second:
        return True
    if first is None or second is None:
        return False
    return are_same_bits(as_array(first, "a value"), as_array(second, "a value"))


def _pass_through(part: Part, parts: Sequence[Part]) -> None:
    """Makes slots of what this function reads and another one updates.

    Before: `func @read(%k {kvlift.name = "k"}) -> (%r)`
    After:  `func @read(%k {kvlift.name = "k", kvlift.slot = "k"}) -> (%r, %k {kvlift.slot = "k"})`
    """
    from torch_mlir import ir

    updated = {slot.name for other in parts for slot in other.function.slots}
    found = [
        a
        for a in part.function.arguments
        if a.name in updated and a.kind in _SHARED_KINDS and not a.is_state
    ]
    if not found:
        return
    func = function_op(part.module, part.function.name)
    arguments = attribute_dicts(func, "arg_attrs", len(part.function.arguments))
    with func.context:
        for argument in found:
            arguments[argument.index]["kvlift.slot"] = ir.StringAttr.get(argument.name)
        set_attributes(func, "arg_attrs", arguments)
    block = func.regions[0].blocks[0]
    marks = [{"kvlift.name": a.name, "kvlift.slot": a.name} for a in found]
    append_results(func, [block.arguments[a.index] for a in found], marks)


def _merged(parts: Sequence[Part]) -> ir.Module:
    """Everything in the first part's module."""
    first, *rest = (part.module for part in parts)
    public = {part.function.name for part in parts}
    free_symbols(first, public, spared=parts[0].function.name)
    for part, module in zip(parts[1:], rest, strict=True):
        _merge_attributes(first, module, part.function.name)
        taken = {_symbol(op): str(op) for op in first.body if "sym_name" in op.attributes}
        # A mesh that both have is one; of functions each keeps its own.
        for op in list(module.body):
            if op.operation.name != "func.func" and taken.get(_symbol(op)) == str(op):
                op.operation.erase()
        free_symbols(module, taken.keys() | public, spared=part.function.name)
        for op in list(module.body):
            first.body.append(op)
    first.operation.verify()
    return first


def free_symbols(module: ir.Module, taken: set[str], *, spared: str) -> None:
    """Renames symbols that collide with taken ones; the spared one stays."""
    own = {_symbol(op) for op in module.body if "sym_name" in op.attributes}
    for name in sorted(own & taken - {spared}):
        candidates = (f"{name}_{count}" for count in itertools.count(1))
        free = next(c for c in candidates if c not in own and c not in taken)
        own.add(free)
        rename_symbol(module, name, free)


def _merge_attributes(first: ir.Module, module: ir.Module, name: str) -> None:
    """Those of a module (how many partitions it is for, ...) hold for all of its functions."""
    own, others = first.operation.attributes, module.operation.attributes
    for key in others:
        if key == "sym_name":
            continue
        if key in own and own[key] != others[key]:
            raise LiftError(
                f"the module of function {name!r} has {key} = {others[key]}, that of the first "
                f"function {own[key]}; lower them the same way"
            )
        own[key] = others[key]
