"""Seeded changes to a module's ops that keep its syntax: another program, mostly a valid one.

Unlike damage to the text, these reach the passes. The module comes back as generic text, since it
may not verify.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any


def ops_of(region_holder: Any) -> Iterator[Any]:
    for region in region_holder.regions:
        for block in region.blocks:
            for op in block.operations:
                yield op.operation
                yield from ops_of(op.operation)


def _visible(op: Any) -> list[Any]:
    """Values that stand before an op, in its block and those around it."""
    values: list[Any] = []
    inner = op
    while inner is not None and inner.name != "builtin.module":
        block = inner.block
        values.extend(block.arguments)
        for other in block.operations:
            if other.operation == inner:
                break
            values.extend(other.operation.results)
        inner = block.owner
        inner = inner.operation if inner is not None else None
        if inner is not None and inner.name == "func.func":
            break
    return values


def other_operand(rng: random.Random, ops: list[Any]) -> None:
    """An older or newer version, another slot, another index."""
    op = rng.choice([op for op in ops if len(op.operands)] or ops)
    if not len(op.operands):
        return
    at = rng.randrange(len(op.operands))
    same = [v for v in _visible(op) if v.type == op.operands[at].type]
    if same:
        op.operands[at] = rng.choice(same)


def swap_operands(rng: random.Random, ops: list[Any]) -> None:
    """Of a return or of any op: results and slots change places."""
    op = rng.choice(ops)
    count = len(op.operands)
    pairs = [
        (i, j) for i in range(count) for j in range(i) if op.operands[i].type == op.operands[j].type
    ]
    if pairs:
        i, j = rng.choice(pairs)
        one, other = op.operands[i], op.operands[j]
        op.operands[i], op.operands[j] = other, one


def move(rng: random.Random, ops: list[Any]) -> None:
    op = rng.choice(ops)
    others = [o.operation for o in op.block.operations]
    if len(op.block.operations) > 2 and op != others[-1]:
        op.move_before(rng.choice(others))


def again(rng: random.Random, ops: list[Any]) -> None:
    """The op twice, beside each other or one behind the other."""
    from torch_mlir import ir

    op = rng.choice(ops)
    if not len(op.results):
        return
    first = op.clone(ir.InsertionPoint(op))
    same = [i for i, operand in enumerate(op.operands) if operand.type == op.results[0].type]
    if same and rng.random() < 0.6:
        op.operands[rng.choice(same)] = first.results[0]


def result_for_operand(rng: random.Random, ops: list[Any]) -> None:
    """Whoever used the result uses an operand of the same type: an update is lost."""
    candidates = [op for op in ops if len(op.results) == 1 and len(op.operands)]
    if candidates:
        op = rng.choice(candidates)
        same = [v for v in op.operands if v.type == op.results[0].type]
        if same:
            op.results[0].replace_all_uses_with(rng.choice(same))


def erase(rng: random.Random, ops: list[Any]) -> None:
    unused = [op for op in ops if len(op.results) and all(not list(v.uses) for v in op.results)]
    if unused:
        rng.choice(unused).erase()


CHANGES: tuple[Callable[[random.Random, list[Any]], None], ...] = (
    *(other_operand, other_operand, other_operand, swap_operands, swap_operands, again, again),
    *(move, result_for_operand, erase),
)


def mutate_ir(rng: random.Random, text: str, context: Any) -> str:
    """Another module's text; the same if the text does not parse."""
    from torch_mlir import ir

    try:
        module = ir.Module.parse(text, context)
    except ir.MLIRError:
        return text
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        ops = [op for op in ops_of(module.operation) if op.name != "func.func"]
        if not ops:
            break
        try:
            rng.choice(CHANGES)(rng, ops)
        except (ir.MLIRError, ValueError, TypeError):  # Not every op has attributes Python knows.
            break
    return str(module.operation.get_asm(print_generic_op_form=True))
