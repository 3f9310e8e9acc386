"""Random programs: slots in many layouts, chains of updates on them, reads and escapes in between.

The same number gives the same programs. Each is built from left to right by one random stream: the
slots, then steps that update or read a slot's newest or (in some programs) an older version, then
the results in random order, so that only provenance can pair them.
"""

from __future__ import annotations

import random

from emit import Body, Value
from generate_updates import UPDATES, WHOLE_VALUES, Slot
from program import Program

DTYPES = ("f32", "f32", "f32", "f16", "bf16", "i8", "i32")


def generated(count: int, first: int = 0) -> list[Program]:
    """That many programs, from number `first` on."""
    return [_program(number) for number in range(first, first + count)]


def _program(number: int) -> Program:
    rng = random.Random(1000 + number)
    body = Body()
    position = body.argument((), "i32")
    out_of_range = rng.random() < 0.25
    slots = _slots(rng, body, position)
    extent = min(slot.value.shape[slot.rows] for slot in slots)
    body.inputs[0] = (-3, extent + 2) if out_of_range else (0, extent - 4)
    reads: list[Value] = []
    for slot in slots:
        for _ in range(rng.choice((1, 1, 1, 2))):
            if rng.random() < 0.3:
                reads.append(_read(rng, body, slot, slot.value))
            old = slot.value
            slot.value = rng.choice(UPDATES)(rng, body, slot)
            if rng.random() < 0.15:
                reads.append(_read(rng, body, slot, old))
        if rng.random() < 0.5:
            reads.append(_read(rng, body, slot, slot.value))
    whole = rng.choice(slots) if rng.random() < 0.12 else None
    if whole is not None:
        whole.value = rng.choice(WHOLE_VALUES)(rng, body, whole)
    if rng.random() < 0.12:
        reads.append(_escape(rng, body, rng.choice(slots)))
    return _finish(number, rng, body, slots, reads, whole)


def _finish(
    number: int, rng: random.Random, body: Body, slots: list[Slot], reads: list[Value], whole
) -> Program:
    """Returns everything, shuffled; a whole value's pair must be told to the lift."""
    returned = [*(slot.value for slot in slots), *reads]
    rng.shuffle(returned)
    ties = tuple((body.arguments.index(slot.old), returned.index(slot.value)) for slot in slots)
    pairs = dict(zip(slots, ties, strict=True))
    return Program(
        name=f"generated-{number:03}",
        group="generated",
        text=body.module(returned),
        ties=ties,
        inputs=dict(body.inputs),
        state={"whole": pairs[whole]} if whole is not None else {},
        # An escape, and an update that a new whole value takes in, may be refused.
        refused="returns an old version|the old value is still needed|lost update",
    )


def _slots(rng: random.Random, body: Body, position: Value) -> list[Slot]:
    """One to four slots; in half of the programs all of them have the same type."""
    slots = []
    same = rng.random() < 0.5
    shape, dtype = _shape(rng), rng.choice(DTYPES)
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
        if not same:
            shape, dtype = _shape(rng), rng.choice(DTYPES)
        value = body.argument(tuple(e for _, e in shape), dtype)
        rows = [name for name, _ in shape].index("S")
        slots.append(Slot(value, value, rows, position))
    return slots


def _shape(rng: random.Random) -> list[tuple[str, int]]:
    """Batch, heads, rows and features in one of the usual orders, 2 to 32 KB."""
    extents = {
        "B": rng.choice((1, 1, 2, 4)),
        "H": rng.choice((2, 4)),
        "S": rng.choice((16, 32, 64)),
        "D": rng.choice((8, 16)),
    }
    order = rng.choice(("BHSD", "BHSD", "BSHD", "HSD", "SHD", "SBHD", "BHDS", "LBHSD"))
    return [(name, extents.get(name, 2)) for name in order]


def _read(rng: random.Random, body: Body, slot: Slot, value: Value) -> Value:
    return rng.choice((_sum, _sum, _attend, _row, _product, _turned_sum))(rng, body, slot, value)


def _sum(rng: random.Random, body: Body, slot: Slot, value: Value) -> Value:
    """The sum over all rows: everything is read, little is written."""
    return body.reduce(body.widened(value), slot.rows)


def _turned_sum(rng: random.Random, body: Body, slot: Slot, value: Value) -> Value:
    order = list(range(len(value.shape)))
    rng.shuffle(order)
    return body.reduce(body.widened(body.transpose(value, order)), order.index(slot.rows))


def _attend(rng: random.Random, body: Body, slot: Slot, value: Value) -> Value:
    """Scores against a query, and the rows weighted by them: `(v . q) . v`."""
    rank = len(value.shape)
    if rank < 3 or slot.rows == rank - 1 or value.dtype not in ("f32", "f16"):
        return _sum(rng, body, slot, value)
    batch = [i for i in range(rank - 1) if i != slot.rows]
    query = body.argument((*(value.shape[i] for i in batch), value.shape[-1]), value.dtype)
    scores = body.dot(value, query, (batch, list(range(len(batch)))), ([rank - 1], [len(batch)]))
    largest = body.splat(2, scores.shape, scores.dtype)
    bounded = body.binary("minimum", scores, largest)
    ones = (batch, list(range(len(batch))))
    return body.dot(bounded, value, (ones[1], ones[0]), ([len(batch)], [slot.rows]))


def _row(rng: random.Random, body: Body, slot: Slot, value: Value) -> Value:
    sizes = list(value.shape)
    sizes[slot.rows] = rng.choice((1, 2))
    return body.dynamic_slice(value, {slot.rows: slot.position}, sizes)


def _product(rng: random.Random, body: Body, slot: Slot, value: Value) -> Value:
    """As large as the slot, but a value of its own."""
    other = body.argument(value.shape, value.dtype)
    body.inputs[len(body.arguments) - 1] = (0, 1)
    return body.binary("multiply", value, other)


def _escape(rng: random.Random, body: Body, slot: Slot) -> Value:
    """An old or new version, or a view of it, that leaves beside the new one."""
    value = rng.choice((slot.old, slot.value))
    if rng.random() < 0.5:
        value = body.reshape(value, (value.shape[0] * value.shape[1], *value.shape[2:]))
    elif rng.random() < 0.5:
        value = body.barrier(value)
    if value is slot.value:
        return body.reshape(value, (*value.shape, 1))
    return value
