"""Says in words how a slot's new value comes from its old one.

A form is the list of ops on the shortest path from the argument to the tied result, such as
`transpose, window scatter [0], transpose`; a loop, branch or call shows the forms inside it.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Nested:
    """A loop, branch or call on the path, and the form of each of its regions."""

    name: str
    inside: tuple[Form, ...]

    def __str__(self) -> str:
        """`while(dynamic_update_slice)`."""
        return f"{self.name}({' | '.join(shown(form) for form in self.inside)})"


Step: TypeAlias = "str | Nested"
Form: TypeAlias = "tuple[Step, ...]"
NO_PATH: Form = ("not from the old value",)
NOT_RETURNED: Form = ("returned nowhere",)
BRANCHES = ("stablehlo.if", "stablehlo.case")


def shown(form: Form) -> str:
    """The steps in order."""
    return ", ".join(str(step) for step in form) or "as it is"


def form_of(module: Any, argument: int, result: int, function: str = "main") -> Form:
    """The form of one slot; `NO_PATH` when the result does not come from the argument."""
    functions = {
        op.attributes["sym_name"].value: op
        for op in module.body
        if op.operation.name == "func.func"
    }
    block = functions[function].regions[0].blocks[0]
    found = _path(_returned(block, result), block.arguments[argument], functions)
    return NO_PATH if found is None else found


def is_canonical(form: Form) -> bool:
    """Whether rows of the slot's own layout are written: by DUS, or a scatter on leading dims."""
    return bool(form) and all(_is_row_update(step) for step in form)


def _is_row_update(step: Step) -> bool:
    if isinstance(step, Nested):
        return any(step.inside) and all(is_canonical(form) or not form for form in step.inside)
    if step == "dynamic_update_slice":
        return True
    scatter = re.fullmatch(r"(?:\w+ )?(?:window|element-wise) scatter \[([\d, ]*)\]", step)
    if scatter is None:
        return False
    dims = [int(d) for d in scatter[1].split(",") if d]
    return dims == list(range(len(dims)))


def _path(value: Any, target: Any, functions: dict[str, Any]) -> Form | None:
    """The steps from `target` to `value`, the nearest to `target` first."""
    queue: deque[tuple[Any, Form]] = deque([(value, ())])
    seen = [value]
    while queue:
        current, steps = queue.popleft()
        if current == target:
            return steps
        for source, step in _sources(current, target, functions):
            if source not in seen:
                seen.append(source)
                queue.append((source, (step, *steps)))
    return None


def _sources(value: Any, target: Any, functions: dict[str, Any]) -> list[tuple[Any, Step]]:
    """The values from which an op makes this one, each with the name of the step."""
    if not hasattr(value.owner, "name"):
        return []  # another argument of the block
    op = value.owner
    index = [r == value for r in op.results].index(True)
    name = op.name.removeprefix("stablehlo.")
    if name == "while":
        body = op.regions[1].blocks[0]
        inside = _path(_returned(body, index), body.arguments[index], functions)
        return [(op.operands[index], Nested(name, (NO_PATH if inside is None else inside,)))]
    if op.name in BRANCHES:
        paths = [_path(_returned(r.blocks[0], index), target, functions) for r in op.regions]
        known = tuple(path for path in paths if path is not None)
        return [(target, Nested(name, known))] if known else []
    if op.name in ("func.call", "stablehlo.composite"):
        return _through_call(op, index, functions)
    if name == "scatter":
        return [(op.operands[0], _scatter(op)), *((o, "an operand") for o in op.operands[1:])]
    return [(operand, name) for operand in op.operands]


def _through_call(op: Any, index: int, functions: dict[str, Any]) -> list[tuple[Any, Step]]:
    key = "callee" if "callee" in op.attributes else "decomposition"
    block = functions[op.attributes[key].value].regions[0].blocks[0]
    sources: list[tuple[Any, Step]] = []
    for operand, argument in zip(op.operands, block.arguments, strict=True):
        path = _path(_returned(block, index), argument, functions)
        if path is not None:
            sources.append((operand, Nested("call", (path,))))
    return sources


def _returned(block: Any, index: int) -> Any:
    return list(block.operations)[-1].operands[index]


def _scatter(op: Any) -> str:
    """Its combiner unless it replaces, its kind, and the operand's dims that it indexes."""
    numbers = str(op.attributes["scatter_dimension_numbers"])

    def dims(key: str) -> list[int]:
        text = re.search(rf"\b{key} = \[([\d, ]*)\]", numbers)
        return [int(d) for d in text[1].split(",") if d] if text else []

    body = list(op.regions[0].blocks[0].operations)
    combiner = "" if len(body) == 1 else body[0].operation.name.removeprefix("stablehlo.") + " "
    kind = "window" if dims("update_window_dims") else "element-wise"
    indexed = dims("scatter_dims_to_operand_dims")
    batch = dims("input_batching_dims")
    return f"{combiner}{kind} scatter {sorted([*batch, *indexed]) if batch else indexed}"
