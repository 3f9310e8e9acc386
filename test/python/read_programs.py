"""Random products that read a slot through views: what test_reads_exact compares."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import prod

import numpy as np

from update_programs import Case, Text, as_bits, tensor, transpose

PLAIN = {"f32": "f4", "f64": "f8", "i32": "i4"}
MOST_ELEMENTS = 400


@dataclass
class Seen:
    """A value that shows the slot.

    Attributes:
        repeats: for each dim, whether it runs over a repetition.
        is_whole: no dim of the slot was split on the way, and each has a place.
    """

    name: str
    shape: list[int]
    repeats: list[bool]
    is_whole: bool = True


def numbers(rng: random.Random, shape: list[int], element: str) -> np.ndarray:
    """Small integers, or floats whose sums round: their order shows."""
    values = [rng.randint(-3, 3) for _ in range(prod(shape))]
    if element != "i32" and rng.random() < 0.5:
        values = [rng.gauss(0, 1) * 10 ** rng.randint(-3, 3) for _ in values]
    return np.array(values, dtype=PLAIN[element]).reshape(shape)


def reshape(text: Text, seen: Seen, shape: list[int], repeats: list[bool], element: str) -> Seen:
    name = text.let(
        f"stablehlo.reshape {seen.name} : "
        f"({tensor(seen.shape, element)}) -> {tensor(shape, element)}"
    )
    return Seen(name, shape, repeats, seen.is_whole)


def turn(text: Text, rng: random.Random, seen: Seen, element: str) -> Seen:
    order = list(range(len(seen.shape)))
    rng.shuffle(order)
    name = transpose(text, seen.name, seen.shape, order, element)
    shape, repeats = [seen.shape[i] for i in order], [seen.repeats[i] for i in order]
    return Seen(name, shape, repeats, seen.is_whole)


def merge(text: Text, rng: random.Random, seen: Seen, element: str) -> Seen:
    if len(seen.shape) < 2:
        return seen
    at = rng.randrange(len(seen.shape) - 1)
    shape = [*seen.shape[:at], seen.shape[at] * seen.shape[at + 1], *seen.shape[at + 2 :]]
    either = seen.repeats[at] or seen.repeats[at + 1]
    repeats = [*seen.repeats[:at], either, *seen.repeats[at + 2 :]]
    return reshape(text, seen, shape, repeats, element)


def split(text: Text, rng: random.Random, seen: Seen, element: str) -> Seen:
    """It may undo a merge, but that is not followed."""
    cuts = [
        (at, part)
        for at, extent in enumerate(seen.shape)
        for part in range(2, extent)
        if extent % part == 0
    ]
    if not cuts:
        return seen
    at, part = rng.choice(cuts)
    shape = [*seen.shape[:at], part, seen.shape[at] // part, *seen.shape[at + 1 :]]
    repeats = [*seen.repeats[:at], seen.repeats[at], *seen.repeats[at:]]
    done = reshape(text, seen, shape, repeats, element)
    done.is_whole = False
    return done


def add_unit(text: Text, rng: random.Random, seen: Seen, element: str) -> Seen:
    at = rng.randint(0, len(seen.shape))
    shape = [*seen.shape[:at], 1, *seen.shape[at:]]
    return reshape(text, seen, shape, [*seen.repeats[:at], False, *seen.repeats[at:]], element)


def drop_units(text: Text, rng: random.Random, seen: Seen, element: str) -> Seen:
    kept = [at for at, extent in enumerate(seen.shape) if extent != 1 or rng.random() < 0.3]
    shape, repeats = [seen.shape[at] for at in kept], [seen.repeats[at] for at in kept]
    made = reshape(text, seen, shape, repeats, element)
    made.is_whole &= bool(kept)
    return made


def broadcast(text: Text, rng: random.Random, seen: Seen, element: str) -> Seen:
    """Repeats unit dims and new dims, or nothing; may also put the dims in another order."""
    rank = len(seen.shape) + rng.choice([0, 0, 1])
    places = rng.sample(range(rank), len(seen.shape))
    if rng.random() < 0.7:
        places.sort()
    factors = [rng.choice([1, 2, 3]) if rng.random() < 0.6 else 1 for _ in range(rank)]
    shape, repeats = list(factors), [factor > 1 for factor in factors]
    for at, place in enumerate(places):
        if seen.shape[at] != 1:
            shape[place], repeats[place] = seen.shape[at], seen.repeats[at]
    name = text.let(
        f"stablehlo.broadcast_in_dim {seen.name}, dims = {places} : "
        f"({tensor(seen.shape, element)}) -> {tensor(shape, element)}"
    )
    return Seen(name, shape, repeats, seen.is_whole)


def repeat_heads(text: Text, rng: random.Random, seen: Seen, element: str) -> Seen:
    """As attention does: a new dim beside another one, repeated and folded into it."""
    if not seen.shape:
        return seen
    at, factor = rng.randrange(len(seen.shape)), rng.randint(2, 3)
    beside = at + rng.randint(0, 1)
    shape = [*seen.shape[:beside], factor, *seen.shape[beside:]]
    repeats = [*seen.repeats[:beside], True, *seen.repeats[beside:]]
    places = [place for place in range(len(shape)) if place != beside]
    name = text.let(
        f"stablehlo.broadcast_in_dim {seen.name}, dims = {places} : "
        f"({tensor(seen.shape, element)}) -> {tensor(shape, element)}"
    )
    wide = Seen(name, shape, repeats, seen.is_whole)
    folded = [*seen.shape[:at], seen.shape[at] * factor, *seen.shape[at + 1 :]]
    return reshape(text, wide, folded, [*seen.repeats[:at], True, *seen.repeats[at + 1 :]], element)


STEPS = (turn, turn, merge, merge, add_unit, drop_units, broadcast, repeat_heads, split)


def draw_view(text: Text, rng: random.Random, version: Seen, element: str) -> Seen:
    seen = version
    for _ in range(rng.randint(0, 6)):
        lines = len(text.lines)
        step = rng.choice(STEPS)
        if step is split and rng.random() < 0.6:
            continue
        made = step(text, rng, seen, element)
        if prod(made.shape) > MOST_ELEMENTS or len(made.shape) > 6:
            del text.lines[lines:]
            continue
        seen = made
    return seen


@dataclass
class Roles:
    """Pairs of dims, the view's and the other operand's."""

    batch: list[tuple[int, int]]
    contracting: list[tuple[int, int]]


def draw_roles(rng: random.Random, seen: Seen, pairs: list[tuple[int, int]]) -> Roles:
    """Deals the pairs out; repeated dims are seldom summed."""
    roles = Roles([], [])
    for dim, other in pairs:
        bar = 0.9 if seen.repeats[dim] else 0.4
        (roles.batch if rng.random() < bar else roles.contracting).append((dim, other))
    rng.shuffle(roles.batch)
    rng.shuffle(roles.contracting)
    return roles


def fresh_other(
    text: Text, rng: random.Random, seen: Seen, element: str
) -> tuple[str, list[int], Roles]:
    """An argument that fits: repeated dims of the view are seldom free."""
    met = [
        dim for dim in range(len(seen.shape)) if rng.random() < (0.95 if seen.repeats[dim] else 0.7)
    ]
    dims: list[int | None] = [*met, *[None] * rng.randint(0, 2)]
    rng.shuffle(dims)
    shape = [rng.randint(1, 3) if dim is None else seen.shape[dim] for dim in dims]
    name = text.argument(tensor(shape, element), numbers(rng, shape, element))
    pairs = [(dim, at) for at, dim in enumerate(dims) if dim is not None]
    return name, shape, draw_roles(rng, seen, pairs)


def matched(rng: random.Random, seen: Seen, shape: list[int]) -> Roles:
    """Pairs the dims of a given other operand with the view's dims of the same extents."""
    free, pairs = list(range(len(seen.shape))), []
    for at in rng.sample(range(len(shape)), len(shape)):
        fitting = [dim for dim in free if seen.shape[dim] == shape[at]]
        if fitting and rng.random() < 0.9:
            pairs.append((rng.choice(fitting), at))
            free.remove(pairs[-1][0])
    return draw_roles(rng, seen, pairs)


def product(
    text: Text,
    rng: random.Random,
    seen: Seen,
    other: tuple[str, list[int]],
    roles: Roles,
    element: str,
) -> tuple[str, list[int]]:
    sides = [(seen.name, seen.shape), other]
    batch, contracting = roles.batch, roles.contracting
    if rng.random() < 0.5:
        sides.reverse()
        batch = [(b, a) for a, b in batch]
        contracting = [(b, a) for a, b in contracting]
    (lhs, lhs_shape), (rhs, rhs_shape) = sides
    used = [{pair[side] for pair in [*batch, *contracting]} for side in (0, 1)]
    shape = [lhs_shape[a] for a, _ in batch]
    for side, of in enumerate([lhs_shape, rhs_shape]):
        shape += [extent for dim, extent in enumerate(of) if dim not in used[side]]
    lists = [[pair[side] for pair in pairs] for pairs in (batch, contracting) for side in (0, 1)]
    precision = ", precision = [HIGH, DEFAULT]" if rng.random() < 0.2 else ""
    batching = f"batching_dims = {lists[0]} x {lists[1]}, " if batch else ""
    name = text.let(
        f"stablehlo.dot_general {lhs}, {rhs}, {batching}"
        f"contracting_dims = {lists[2]} x {lists[3]}{precision} : "
        f"({tensor(lhs_shape, element)}, {tensor(rhs_shape, element)}) -> {tensor(shape, element)}"
    )
    return name, shape


def must_read_slot(seen: Seen, roles: Roles) -> bool:
    batched = {dim for dim, _ in roles.batch}
    strays = any(is_so and dim not in batched for dim, is_so in enumerate(seen.repeats))
    return seen.is_whole and not strays


def draw_slot(text: Text, rng: random.Random, element: str) -> Seen:
    """A slot's newest version: an argument, mostly with an update."""
    shape = [rng.randint(1, 4) for _ in range(rng.randint(1, 4))]
    slot = text.argument(tensor(shape, element), numbers(rng, shape, element))
    text.marks[slot] = "cache"
    if rng.random() < 0.8:
        new = [rng.randint(1, extent) for extent in shape]
        row = text.argument(tensor(new, element), numbers(rng, new, element))
        starts = [
            text.argument("tensor<i32>", np.array(rng.randint(-1, extent), dtype=np.int32))
            for extent in shape
        ]
        kinds = [tensor(shape, element), tensor(new, element), *["tensor<i32>"] * len(shape)]
        slot = text.let(
            f"stablehlo.dynamic_update_slice {', '.join([slot, row, *starts])} : "
            f"({', '.join(kinds)}) -> {tensor(shape, element)}"
        )
    return Seen(slot, shape, [False] * len(shape))


def draw_read(rng: random.Random) -> Case:
    """A slot and one or two products; `must_go` says that each has to read the slot itself."""
    text = Text()
    element = rng.choice(list(PLAIN))
    version = draw_slot(text, rng, element)
    must_go = True
    results = [(version.name, version.shape)] if rng.random() < 0.5 else []
    for number in range(rng.choice([1, 1, 2])):
        seen = draw_view(text, rng, version, element)
        form = rng.choice(["fresh", "fresh", "fresh", "chained", "slots"])
        if form == "slots":
            shown = rng.choice([seen, draw_view(text, rng, version, element)])
            other = (shown.name, shown.shape)
            roles = matched(rng, seen, other[1])
            must_go &= must_read_slot(seen, roles)
        elif form == "chained" and number:
            other = results[-1]
            roles = matched(rng, seen, other[1])
            must_go &= must_read_slot(seen, roles)
        else:
            name, shape, roles = fresh_other(text, rng, seen, element)
            other = (name, shape)
            must_go &= must_read_slot(seen, roles)
        made = product(text, rng, seen, other, roles, element)
        if prod(made[1]) > 4 * MOST_ELEMENTS:
            text.lines.pop()
            break
        if rng.random() < 0.15:
            results.append((seen.name, seen.shape))
        results.append(made)
    if not results:
        results.append((version.name, version.shape))
    return Case(text, [as_bits(text, value, of, element) for value, of in results], must_go)
