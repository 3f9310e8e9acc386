"""Decode steps that run without a host between them: `LiftedModule.carry`.

1. The sampler for the step's logits is added to the module.
2. Each prefill gets the step's token and positions as slots; the positions grow by what it appends.
3. `kvlift-carry` does the rest of a step, and of each prefill, which samples the first token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kvlift.errors import LiftError
from kvlift.function_edits import (
    append_argument,
    append_results,
    attribute_dicts,
    function_op,
    return_op,
    set_attributes,
)
from kvlift.sampling import SYMBOL, Sampler
from kvlift.slots import Argument, Function, Manifest, Result

if TYPE_CHECKING:
    from torch_mlir import ir

# Slots whose first value says nothing: no step has been run.
_EMPTY = ("history", "next", "logits")
# What a prefill must share with the steps after it.
_HANDED_ON = ("tokens", "position", "sampler", "history", "next")


@dataclass(frozen=True)
class Step:
    """A decode step and what of it is carried; see `LiftedModule.carry`."""

    function: Function
    tokens: Argument
    positions: tuple[Argument, ...]
    logits: Result
    history: int

    @staticmethod
    def of(
        function: Function, tokens: str, logits: str | None, positions: Sequence[str], history: int
    ) -> Step:
        """The arguments and the result of these names.

        Raises:
            LiftError: there is none, or an option is of a wrong type.
        """
        if isinstance(positions, str) or not isinstance(positions, Sequence):
            raise LiftError(f"positions={positions!r} must be a list of arguments' names")
        if type(history) is not int:
            raise LiftError(f"history={history!r} must be a number of tokens")
        found = tuple(_argument(function, name) for name in positions)
        made = _logits(function, logits)
        return Step(function, _argument(function, tokens), found, made, history)

    def pass_text(self) -> str:
        """The pass that carries it."""
        positions = [argument.index for argument in self.positions]
        return _pass(self, self.function, self.tokens.index, self.logits, positions)


def add_sampler(module: ir.Module, step: Step, sampler: Sampler) -> None:
    """Adds the sampler for the step's logits to the module, as a private function."""
    from torch_mlir import ir

    if not isinstance(sampler, Sampler):
        raise LiftError(
            f"sampler={sampler!r} must be Sampler.greedy() or Sampler.random(seed, ...)"
        )
    batch = step.tokens.type.shape[:1]
    vocabulary = step.logits.type.shape[-1:]
    if None in (*batch, *vocabulary) or not (batch and vocabulary):
        raise LiftError(
            f"argument {step.tokens.name!r} is {step.tokens.type} and the logits are "
            f"{step.logits.type}: a sampler needs to know batch and vocabulary"
        )
    text = sampler.function(int(batch[0] or 0), int(vocabulary[0] or 0))
    parsed = ir.Module.parse(text, module.context)
    operation = parsed.body.operations[0]
    operation.detach_from_parent()
    module.body.append(operation)


def hand_on(module: ir.Module, prefill: Function, step: Step, length: str | None) -> str:
    """Makes slots of the step's token and positions in a prefill; the pass that does the rest.

    Before: `func @prefill(%ids, %pos, %length) -> (%logits)`
    After:  `func @prefill(%ids, %pos {kvlift.slot = "pos"}, %length, %token)
                 -> (%logits, %pos + %length {kvlift.slot = "pos"})`

    Raises:
        LiftError: it is the step itself, its logits are not those of one token for each
            sequence, or nothing says how many tokens it appends.
    """
    if prefill.name == step.function.name:
        raise LiftError(f"function {prefill.name!r} cannot be its own prefill")
    func, body = function_op(module, prefill.name), function_op(module, step.function.name)
    inputs = body.attributes["function_type"].value.inputs
    logits = _prefill_logits(func, prefill, step, length)
    for position in step.positions:
        _advance(func, prefill, step, position, inputs[position.index], length)
    index = len(func.attributes["function_type"].value.inputs)
    marks = {"kvlift.name": step.tokens.name, "kvlift.kind": "user_input"}
    append_argument(func, inputs[step.tokens.index], marks)
    return _pass(step, prefill, index, logits, ())


def check_handed_on(manifest: Manifest, step: Step, prefills: Sequence[str]) -> None:
    """Refuses a prefill in which other arguments took the names of the step's slots."""
    for slot in manifest.function(step.function.name).slots:
        for name in prefills:
            names = {s.name for s in manifest.function(name).slots if s.role == slot.role}
            if slot.role in _HANDED_ON and slot.name not in names:
                raise LiftError(
                    f"function {name!r} has an argument of its own that is called {slot.name!r}, "
                    "so it cannot share that slot; give the argument another name"
                )


def first_values(function: Function, sampler: Sampler, *, is_handed_on: bool) -> dict[str, Any]:
    """What the slots that `carry` adds hold before the first step.

    Args:
        function: it, or a prefill.
        sampler: whose state is one of them.
        is_handed_on: whether a prefill brings the first token, and counts from position 0.
    """
    import numpy as np

    from kvlift.runtime.values import numpy_dtype

    empty = (*_EMPTY, *(("tokens", "position") if is_handed_on else ()))
    values = {
        slot.name: np.zeros(
            [int(n or 0) for n in slot.logical.shape], numpy_dtype(slot.logical.dtype)
        )
        for slot in function.slots
        if slot.role in empty
    }
    states = [slot.name for slot in function.slots if slot.role == "sampler"]
    return {**values, **dict(zip(states, sampler.initial().values(), strict=True))}


def _pass(
    step: Step, function: Function, tokens: int, logits: Result, positions: Sequence[int]
) -> str:
    """The pass with its options: names have become positions, which need no quoting."""
    carried = ",".join(f"arg{index}" for index in positions)
    options = {
        "function": function.name,
        "tokens": f"arg{tokens}",
        "logits": f"result{logits.index}",
        "sampler": SYMBOL,
        "history": str(step.history),
        **({"positions": carried} if carried else {}),
    }
    return f"kvlift-carry{{{' '.join(f'{key}={value}' for key, value in options.items())}}}"


def _prefill_logits(func: Any, prefill: Function, step: Step, length: str | None) -> Result:
    """Its logits, under a name of their own where they are of another type than the step's."""
    from torch_mlir import ir

    alone = [r for r in prefill.results if not r.is_state]
    logits = alone[0] if len(alone) == 1 else _logits(prefill, step.logits.name)
    theirs, own = step.logits.type.shape, logits.type.shape
    if len(own) not in (2, 3) or (own[0], own[-1]) != (theirs[0], theirs[-1]):
        raise LiftError(
            f"the logits of function {prefill.name!r} are {logits.type}, those of "
            f"{step.function.name!r} {step.logits.type}: both are for the same sequences and tokens"
        )
    if length is not None and len(own) == 3 and own[1] != 1:
        raise LiftError(
            f"the logits of function {prefill.name!r} are {logits.type}, so the last row is not "
            f"that of token {length!r} - 1; let it return the row of that token"
        )
    if logits.type != step.logits.type:
        results = attribute_dicts(func, "res_attrs", len(prefill.results))
        with func.context:
            name = ir.StringAttr.get(f"{prefill.name}.{logits.name}")
            results[logits.index]["kvlift.name"] = name
            set_attributes(func, "res_attrs", results)
    return logits


def _advance(
    func: Any, prefill: Function, step: Step, position: Argument, kind: Any, length: str | None
) -> None:
    """Makes a slot of a position, whose new value is the old one plus the appended tokens."""
    from torch_mlir import ir

    marks = {"kvlift.slot": position.name, "kvlift.role": "position"}
    own = [a for a in prefill.arguments if (a.name, a.type) == (position.name, position.type)]
    if own:
        old = func.regions[0].blocks[0].arguments[own[0].index]
        arguments = attribute_dicts(func, "arg_attrs", len(prefill.arguments))
        with func.context:
            texts = {key: ir.StringAttr.get(text) for key, text in marks.items()}
            arguments[own[0].index].update(texts)
            set_attributes(func, "arg_attrs", arguments)
    else:
        named = {"kvlift.name": position.name, "kvlift.kind": "user_input", **marks}
        old = append_argument(func, kind, named)
    last = return_op(func)
    with func.context, last.location, ir.InsertionPoint(last):
        count = _appended(func, prefill, step, kind, length)
        new = ir.Operation.create("stablehlo.add", results=[kind], operands=[old, count]).result
    append_results(func, [new], [{"kvlift.name": position.name, "kvlift.slot": position.name}])


def _appended(func: Any, prefill: Function, step: Step, kind: Any, length: str | None) -> Any:
    """How many tokens a prefill appends, in the type of a position."""
    from torch_mlir import ir

    if length is None:
        number = ir.IntegerAttr.get(kind.element_type, _rows(prefill, step))
        value = ir.DenseElementsAttr.get_splat(kind, number)
        return ir.Operation.create(
            "stablehlo.constant", results=[kind], attributes={"value": value}
        ).result
    argument = _argument(prefill, length)
    count = func.regions[0].blocks[0].arguments[argument.index]
    is_one = all(extent == 1 for extent in argument.type.shape)
    if not _is_integer(argument) or not (is_one or list(argument.type.shape) == list(kind.shape)):
        raise LiftError(
            f"argument {length!r} of function {prefill.name!r} is {argument.type}; a number of "
            f"tokens is one integer, or one for each position: {kind}"
        )

    def made(op: str, value: Any, shape: Sequence[int], **attributes: Any) -> Any:
        result = ir.RankedTensorType.get(shape, kind.element_type)
        return ir.Operation.create(
            f"stablehlo.{op}", results=[result], operands=[value], attributes=attributes
        ).result

    count = made("convert", count, [int(n or 0) for n in argument.type.shape])
    if not is_one:
        return count
    dims = ir.DenseI64ArrayAttr.get([])
    return made(
        "broadcast_in_dim", made("reshape", count, []), kind.shape, broadcast_dimensions=dims
    )


def _rows(prefill: Function, step: Step) -> int:
    """The extent of [batch, rows], the prefill's argument of the same name as the step's token."""
    found = [a.type.shape for a in prefill.arguments if a.name == step.tokens.name]
    if len(found) != 1 or len(found[0]) != 2 or found[0][1] is None:
        raise LiftError(
            f"function {prefill.name!r} has no argument {step.tokens.name!r}, [batch, tokens], "
            "that says how many tokens it appends; name the argument that does by length="
        )
    return found[0][1]


def _is_integer(argument: Argument) -> bool:
    return argument.type.dtype in ("i32", "i64", "si32", "si64", "ui32", "ui64")


def _argument(function: Function, name: str) -> Argument:
    found = [a for a in function.arguments if a.name == name]
    if len(found) == 1:
        return found[0]
    known = ", ".join(a.name for a in function.arguments if a.kind == "user_input")
    problem = f"{len(found)} arguments named {name!r}" if found else f"no argument {name!r}"
    raise LiftError(f"function {function.name!r} has {problem}; what callers pass: {known}")


def _logits(function: Function, name: str | None) -> Result:
    """The result of that name, or the only one that is no slot's."""
    found = [r for r in function.results if not r.is_state and name in (None, r.name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(r.name for r in function.results if not r.is_state) or "none"
    which = "logits= is missing" if name is None else f"no result {name!r}"
    raise LiftError(f"function {function.name!r}: {which}; the results that are no slots: {known}")
