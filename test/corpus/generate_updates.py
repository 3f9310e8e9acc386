"""The ways in which a random program updates a slot; each takes and returns a version of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from emit import Body, Value


@dataclass(eq=False)
class Slot:
    """A slot while its program is written.

    Attributes:
        old: the argument.
        value: the newest version.
        rows: the dim that is written row by row.
        position: the index of the row to write.
    """

    old: Value
    value: Value
    rows: int
    position: Value


Update = Callable[[random.Random, Body, Slot], Value]


def _new_rows(body: Body, slot: Slot, count: int) -> Value:
    shape = list(slot.value.shape)
    shape[slot.rows] = count
    return body.argument(shape, slot.value.dtype)


def _row(rng: random.Random, body: Body, slot: Slot) -> Value:
    new = _new_rows(body, slot, rng.choice((1, 1, 1, 3)))
    return body.update_slice(slot.value, new, {slot.rows: slot.position})


def _fixed_row(rng: random.Random, body: Body, slot: Slot) -> Value:
    at = body.splat(rng.randrange(slot.value.shape[slot.rows]), (), "i32")
    return body.update_slice(slot.value, _new_rows(body, slot, 1), {slot.rows: at})


def _behind_barrier(rng: random.Random, body: Body, slot: Slot) -> Value:
    new = _new_rows(body, slot, 1)
    return body.update_slice(body.barrier(slot.value), new, {slot.rows: slot.position})


def _moved_row(rng: random.Random, body: Body, slot: Slot) -> Value:
    """A row of the slot is written to another place of it, as `c[p] = c[q]`."""
    sizes = list(slot.value.shape)
    sizes[slot.rows] = rng.choice((1, 1, 2))
    at = body.splat(rng.choice((0, 1, 5)), (), "i32")
    row = body.dynamic_slice(slot.value, {slot.rows: at}, sizes)
    return body.update_slice(slot.value, row, {slot.rows: slot.position})


def _raised_row(rng: random.Random, body: Body, slot: Slot) -> Value:
    """A row is read, changed and written back."""
    sizes = list(slot.value.shape)
    sizes[slot.rows] = 1
    row = body.dynamic_slice(slot.value, {slot.rows: slot.position}, sizes)
    raised = body.binary("maximum", row, _new_rows(body, slot, 1))
    return body.update_slice(slot.value, raised, {slot.rows: slot.position})


def _scatter(rng: random.Random, body: Body, slot: Slot) -> Value:
    """Whole rows at positions that come as a vector; some may be out of range."""
    count = rng.choice((1, 1, 2))
    at = body.argument((count, 1), rng.choice(("i32", "i64")))
    extent = slot.value.shape[slot.rows]
    combine = rng.choice((None, None, "add"))
    # Out of range only where the lift guards it: IREE would write outside of the slot.
    bounds = [(0, extent - 1), (-2, extent + 2)] if combine is None else [(0, extent - 1)]
    body.inputs[len(body.arguments) - 1] = rng.choice(bounds) if count == 1 else (3, 3)
    if count > 1:  # Distinct rows: which of two writes to one row wins is not defined.
        steps = body.iota((count, 1), at.dtype, 0)
        at = body.binary("add", at, steps)
    new = _new_rows(body, slot, count)
    order = [slot.rows, *(i for i in range(len(new.shape)) if i != slot.rows)]
    update = body.transpose(new, order)
    window = list(range(1, len(order)))
    numbers = (
        f"update_window_dims = {window}, inserted_window_dims = [{slot.rows}], "
        f"scatter_dims_to_operand_dims = [{slot.rows}], index_vector_dim = 1"
    )
    return _scatter_op(body, slot.value, at, update, numbers, combine)


def _scatter_op(
    body: Body, target: Value, at: Value, update: Value, numbers: str, combine: str | None
) -> Value:
    a, b = body.fresh_name(), body.fresh_name()
    one = f"tensor<{target.dtype}>"
    inner = f"stablehlo.return %{b} : {one}"
    if combine:
        inner = f"%{a}s = stablehlo.{combine} %{a}, %{b} : {one}\n  stablehlo.return %{a}s : {one}"
    text = (
        f'"stablehlo.scatter"({target.name}, {at.name}, {update.name}) ({{\n'
        f"^bb0(%{a}: {one}, %{b}: {one}):\n  {inner}\n}}) "
        f"{{scatter_dimension_numbers = #stablehlo.scatter<{numbers}>}} "
        f": ({target.type}, {at.type}, {update.type}) -> {{type}}"
    )
    return body.let(target.shape, target.dtype, text)


def _turned(rng: random.Random, body: Body, slot: Slot) -> Value:
    """The update works in another layout: transpose, update, transpose back."""
    order = list(range(len(slot.value.shape)))
    rng.shuffle(order)
    turned = body.transpose(slot.value, order)
    shape = list(turned.shape)
    rows = order.index(slot.rows)
    shape[rows] = 1
    new = body.argument(shape, turned.dtype)
    made = body.update_slice(turned, new, {rows: slot.position})
    return body.transpose(made, [order.index(i) for i in range(len(order))])


def _folded(rng: random.Random, body: Body, slot: Slot) -> Value:
    """The dims before the rows are one dim while the update works."""
    shape, rows = slot.value.shape, slot.rows
    before = 1
    for extent in shape[:rows]:
        before *= extent
    folded = body.reshape(slot.value, (before, *shape[rows:]))
    new = body.argument((before, 1, *shape[rows + 1 :]), slot.value.dtype)
    made = body.update_slice(folded, new, {1: slot.position})
    return body.reshape(made, shape)


def _mask(rng: random.Random, body: Body, slot: Slot) -> Value:
    places = body.iota(slot.value.shape, "i32", slot.rows)
    wanted = body.broadcast(slot.position, slot.value.shape, [])
    return body.compare("EQ", places, wanted)


def _one_hot(rng: random.Random, body: Body, slot: Slot) -> Value:
    shape = slot.value.shape
    new = body.broadcast(_new_rows(body, slot, 1), shape, range(len(shape)))
    return body.select(_mask(rng, body, slot), new, slot.value)


def _when(rng: random.Random, body: Body, slot: Slot) -> Value:
    """Written only if a flag is set: `if(flag, update, unchanged)`."""
    flag = body.argument((), "i32")
    body.inputs[len(body.arguments) - 1] = (0, 1)
    condition = body.compare("GT", flag, body.splat(0, (), "i32"))
    new = _new_rows(body, slot, 1)
    start = len(body.lines)
    made = body.update_slice(slot.value, new, {slot.rows: slot.position})
    inner = "\n  ".join(body.lines[start:])
    del body.lines[start:]
    kind = slot.value.type
    text = (
        f'"stablehlo.if"({condition.name}) ({{\n  {inner}\n  stablehlo.return {made.name} : {kind}'
        f"\n}}, {{\n  stablehlo.return {slot.value.name} : {kind}\n}}) : (tensor<i1>) -> {{type}}"
    )
    return body.let(slot.value.shape, slot.value.dtype, text)


def _loop(rng: random.Random, body: Body, slot: Slot) -> Value:
    """Three rows, one in each iteration of a while loop that carries the slot."""
    new = _new_rows(body, slot, 1)
    zero, three, one = (body.splat(n, (), "i32") for n in (0, 3, 1))
    i, carried = (Value(f"%{body.fresh_name()}", v.shape, v.dtype) for v in (zero, slot.value))
    start = len(body.lines)
    at = body.binary("add", i, slot.position)
    made = body.update_slice(carried, new, {slot.rows: at})
    following = body.binary("add", i, one)
    inner = "\n  ".join(body.lines[start:])
    del body.lines[start:]
    name = body.fresh_name()
    kind, index = slot.value.type, "tensor<i32>"
    body.lines.append(
        f"%{name}:2 = stablehlo.while({i.name} = {zero.name}, {carried.name} = {slot.value.name}) "
        f": {index}, {kind}\n  cond {{\n  %{name}c = stablehlo.compare LT, {i.name}, {three.name} "
        f": ({index}, {index}) -> tensor<i1>\n  stablehlo.return %{name}c : tensor<i1>\n  }} do {{"
        f"\n  {inner}\n  stablehlo.return {following.name}, {made.name} : {index}, {kind}\n  }}"
    )
    return Value(f"%{name}#1", slot.value.shape, slot.value.dtype)


def _called(rng: random.Random, body: Body, slot: Slot) -> Value:
    """A private function does it."""
    new = _new_rows(body, slot, 1)
    inner = Body()
    arguments = [inner.argument(v.shape, v.dtype) for v in (slot.value, new, slot.position)]
    made = inner.update_slice(arguments[0], arguments[1], {slot.rows: arguments[2]})
    name = body.fresh_name()
    text = inner.module([made]).replace("func.func @main", f"func.func private @{name}")
    body.functions.append(text)
    call = (
        f"call @{name}({slot.value.name}, {new.name}, {slot.position.name}) "
        f": ({slot.value.type}, {new.type}, {slot.position.type}) -> {{type}}"
    )
    return body.let(slot.value.shape, slot.value.dtype, call)


def _slid(rng: random.Random, body: Body, slot: Slot) -> Value:
    """A sliding window: the first row leaves, a new one comes last."""
    kept = body.slice(slot.value, slot.rows, 1, slot.value.shape[slot.rows])
    return body.concatenate([kept, _new_rows(body, slot, 1)], slot.rows)


def _added(rng: random.Random, body: Body, slot: Slot) -> Value:
    other = body.argument(slot.value.shape, slot.value.dtype)
    body.inputs[len(body.arguments) - 1] = (0, 1)
    return body.binary("add", slot.value, other)


def _reversed(rng: random.Random, body: Body, slot: Slot) -> Value:
    text = f"stablehlo.reverse {slot.value.name}, dims = [{slot.rows}] : {{type}}"
    return body.let(slot.value.shape, slot.value.dtype, text)


UPDATES: tuple[Update, ...] = (
    *(_row, _row, _row, _fixed_row, _behind_barrier, _moved_row, _raised_row),
    *(_scatter, _scatter, _turned, _folded, _one_hot, _when, _loop, _called),
)
# These make a new value of the whole slot, so that the lift must be told which result it is.
WHOLE_VALUES: tuple[Update, ...] = (_slid, _added, _reversed)
