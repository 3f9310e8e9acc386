"""Programs of scatter updates on a slot, and random ones: what test_simplify_exact compares."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

DTYPES = {"f32": 4, "i32": 4, "bf16": 2, "f16": 2, "i8": 1, "f64": 8}
INDEX_BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "ui8": 8, "ui32": 32}
# NaNs with payloads, a negative zero, infinities, a denormal: as f32 bits, cut to other widths.
SPECIAL_BITS = (0x7FC12345, 0xFF812345, 0x80000000, 0x7F800000, 0x00000001, 0x7F817FA1)


@dataclass
class Text:
    """Lines of one function, and the arguments that it takes."""

    lines: list[str] = field(default_factory=list)
    arguments: list[tuple[str, str, np.ndarray]] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)

    def let(self, text: str) -> str:
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name

    def argument(self, kind: str, value: np.ndarray) -> str:
        name = f"%a{len(self.arguments)}"
        self.arguments.append((name, kind, value))
        return name


def tensor(shape: list[int], element: str) -> str:
    return "tensor<" + "".join(f"{extent}x" for extent in shape) + element + ">"


def dense(values: list[int], shape: list[int], element: str) -> str:
    if element.startswith("u"):
        values = [value % (1 << INDEX_BITS[element]) for value in values]
    nested: object = np.array(values, dtype=object).reshape(shape).tolist()
    return f"stablehlo.constant dense<{nested}> : {tensor(shape, element)}"


def bits(rng: random.Random, shape: list[int], element: str) -> np.ndarray:
    """Random bits as unsigned integers, many of them special numbers of `element`."""
    size = DTYPES[element]
    count = int(np.prod(shape))
    values = []
    for _ in range(count):
        value = rng.getrandbits(8 * size)
        if rng.random() < 0.4:
            special = rng.choice(SPECIAL_BITS)
            value = special >> (32 - 8 * size) if size < 4 else special << (8 * size - 32)
            value |= rng.getrandbits(1)
        values.append(value)
    unsigned = np.array(values, dtype=f"u{size}").reshape(shape)
    plain = {"f32": "f4", "f16": "f2", "f64": "f8", "i32": "i4", "i8": "i1"}.get(element)
    return unsigned.view(plain) if plain else unsigned


def typed(values: list[int], shape: list[int], element: str) -> np.ndarray:
    """Integers as the index type holds them: they wrap around."""
    width = INDEX_BITS[element]
    wrapped = [value % (1 << width) for value in values]
    unsigned = np.array(wrapped, dtype=f"u{width // 8}").reshape(shape)
    return unsigned if element.startswith("u") else unsigned.view(f"i{width // 8}")


def random_base(rng: random.Random, extent: int, count: int, element: str) -> int:
    width = INDEX_BITS[element]
    top, bottom = (1 << (width - 1)) - 1, -(1 << (width - 1))
    edges = [0, extent - count, extent - count + 1, extent - 1, extent, -1, -count, 1 - count]
    huge = [top, bottom, top - 1, top - count, top - count + 1, bottom + 1, (1 << 31) - 2, 1 << 30]
    return rng.choice([rng.choice(edges), rng.choice(huge), rng.randint(-count - 1, extent + 1)])


def splat(text: Text, base: str, count: int, element: str) -> str:
    return text.let(
        f"stablehlo.broadcast_in_dim {base}, dims = [] : "
        f"({tensor([], element)}) -> {tensor([count], element)}"
    )


def add(text: Text, a: str, b: str, kind: str, op: str = "add") -> str:
    return text.let(f"stablehlo.{op} {a}, {b} : {kind}")


def spell(
    text: Text, rng: random.Random, spelling: str, base: int, count: int, extent: int, element: str
) -> str:
    """The positions base + j as a vector, or something that only looks like them."""
    vector, one = tensor([count], element), tensor([], element)
    if spelling == "constant":
        small = [max(-100, min(100, base)) + j for j in range(count)]
        return text.let(dense(small, [count], element))
    if spelling == "gap":
        return text.let(dense([2 * j for j in range(count)], [count], element))
    if spelling == "argument":
        values = [rng.randint(-1, extent) for _ in range(count)]
        return text.argument(vector, typed(values, [count], element))
    iota = text.let(f"stablehlo.iota dim = 0 : {vector}")
    scalar = text.argument(one, typed([base], [], element))
    if spelling == "base first":
        return add(text, splat(text, scalar, count, element), iota, vector)
    if spelling == "offset before":
        offset = text.let(
            dense([rng.randint(-3, 3)], [], element).replace("[", "").replace("]", "")
        )
        return add(text, iota, splat(text, add(text, scalar, offset, one), count, element), vector)
    if spelling == "offset after":
        offset = text.let(dense([rng.randint(-3, 3)] * count, [count], element))
        rows = add(text, iota, splat(text, scalar, count, element), vector)
        return add(text, rows, offset, vector)
    if spelling == "times one":
        ones = text.let(dense([1] * count, [count], element))
        scaled = add(text, ones, iota, vector, "multiply")
        return add(text, scaled, splat(text, scalar, count, element), vector)
    if spelling == "times two":
        twos = text.let(dense([2] * count, [count], element))
        scaled = add(text, twos, iota, vector, "multiply")
        return add(text, scaled, splat(text, scalar, count, element), vector)
    if spelling == "falling":
        rising = text.let(dense([-2 * j for j in range(count)], [count], element))
        rows = add(text, iota, rising, vector)
        return add(text, rows, splat(text, scalar, count, element), vector)
    if spelling == "two bases":
        twice = add(text, iota, splat(text, scalar, count, element), vector)
        return add(text, twice, splat(text, scalar, count, element), vector)
    if spelling == "wrapped":
        # What JAX makes of a negative index.
        rows = add(text, iota, splat(text, scalar, count, element), vector)
        zero = text.let(dense([0] * count, [count], element))
        size = text.let(dense([extent] * count, [count], element))
        low = text.let(
            f"stablehlo.compare LT, {rows}, {zero} : "
            f"({vector}, {vector}) -> {tensor([count], 'i1')}"
        )
        moved = add(text, rows, size, vector)
        return text.let(
            f"stablehlo.select {low}, {moved}, {rows} : {tensor([count], 'i1')}, {vector}"
        )
    assert spelling == "transposed", spelling
    # Row-major order is not kept: 2 x n is read as n x 2.
    half = count // 2 if count % 2 == 0 else count
    left = count // half
    square = text.let(f"stablehlo.reshape {iota} : ({vector}) -> {tensor([left, half], element)}")
    turned = text.let(
        f"stablehlo.broadcast_in_dim {square}, dims = [1, 0] : "
        f"({tensor([left, half], element)}) -> {tensor([half, left], element)}"
    )
    flat = text.let(f"stablehlo.reshape {turned} : ({tensor([half, left], element)}) -> {vector}")
    return add(text, flat, splat(text, scalar, count, element), vector)


CONSECUTIVE = ("constant", "base first", "offset before", "offset after", "times one")
OTHER = ("gap", "argument", "times two", "falling", "two bases", "wrapped", "transposed")


def scatter(
    text: Text,
    operand: tuple[str, list[int]],
    positions: tuple[str, str],
    update: tuple[str, list[int]],
    numbers: tuple[list[int], int, int],
    element: str,
    body: str,
) -> str:
    window, dim, vector_dim = numbers
    scalar = tensor([], element)
    result = tensor(operand[1], element)
    combine = "" if body == "overwrite" else f"%s = stablehlo.maximum %x, %y : {scalar} "
    value = "%y" if body == "overwrite" else "%s"
    return text.let(
        f'"stablehlo.scatter"({operand[0]}, {positions[0]}, {update[0]}) '
        f"<{{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = {window}, "
        f"inserted_window_dims = [{dim}], scatter_dims_to_operand_dims = [{dim}], "
        f"index_vector_dim = {vector_dim}>}}> "
        f"({{ ^bb0(%x: {scalar}, %y: {scalar}): {combine}stablehlo.return {value} : {scalar} }}) "
        f": ({result}, {positions[1]}, {tensor(update[1], element)}) -> {result}"
    )


def transpose(text: Text, value: str, shape: list[int], order: list[int], element: str) -> str:
    turned = [shape[dim] for dim in order]
    return text.let(
        f"stablehlo.transpose {value}, dims = {order} : "
        f"({tensor(shape, element)}) -> {tensor(turned, element)}"
    )


@dataclass
class Case:
    """One function's text, and whether the pass must leave no scatter in it."""

    text: Text
    results: list[tuple[str, str, str]]
    must_go: bool


def draw_case(rng: random.Random) -> Case:
    text = Text()
    element = rng.choice(list(DTYPES))
    rank = rng.randint(1, 5)
    shape = [rng.randint(1, 4 if rank < 4 else 2) for _ in range(rank)]
    row = rng.randrange(rank)
    shape[row] = rng.choice([1, 2, 4, 6, 9, 70])  # Of 70, i8 cannot count twice as many
    slot = text.argument(tensor(shape, element), bits(rng, shape, element))
    text.marks[slot] = "cache"
    results: list[tuple[str, list[int]]] = []
    must_go = True
    version = slot
    for _ in range(rng.choice([1, 1, 2, 3])):
        order = list(range(rank))
        if rng.random() < 0.6:
            rng.shuffle(order)
        made, gone, shown = draw_update(text, rng, version, shape, row, order, element)
        results.extend(shown)
        must_go &= gone
        version = made
    results.append((version, shape))
    return Case(text, [as_bits(text, value, of, element) for value, of in results], must_go)


def draw_update(
    text: Text,
    rng: random.Random,
    version: str,
    shape: list[int],
    row: int,
    order: list[int],
    element: str,
) -> tuple[str, bool, list[tuple[str, list[int]]]]:
    """The new version in the slot's layout, whether it must go, and what else is returned."""
    rank, extent = len(shape), shape[row]
    turned = [shape[dim] for dim in order]
    is_turned = order != sorted(order)
    operand = transpose(text, version, shape, order, element) if is_turned else version
    dim = order.index(row)

    index = rng.choice([*INDEX_BITS, "i32", "i64", "i32", "i64"])
    sizes = [
        1,
        1,
        extent,
        rng.randint(1, extent),
        rng.randint(1, extent),
        rng.randint(1, extent + 1),
    ]
    count = rng.choice(sizes)
    spelling = rng.choice(CONSECUTIVE if rng.random() < 0.7 else OTHER)
    base = random_base(rng, extent, count, index)
    rows = spell(text, rng, spelling, base, count, extent, index)

    rest = [turned[i] for i in range(rank) if i != dim]
    form = rng.choice(["vector", "column"] + (["single"] * 2 if count == 1 else []))
    if form == "single":
        window, positions, vector_dim = list(range(rank - 1)), tensor([1], index), 0
        update_shape = rest
    else:
        at = rng.randrange(rank)
        update_shape = [*rest[:at], count, *rest[at:]]
        window, vector_dim = [u for u in range(rank) if u != at], 1
        positions = tensor([count], index)
        if form == "column":
            column = tensor([count, 1], index)
            rows = text.let(f"stablehlo.reshape {rows} : ({positions}) -> {column}")
            positions = column
    body = "combine" if rng.random() < 0.1 else "overwrite"
    update = text.argument(tensor(update_shape, element), bits(rng, update_shape, element))
    numbers = (window, dim, vector_dim)
    made = scatter(
        text, (operand, turned), (rows, positions), (update, update_shape), numbers, element, body
    )
    shown = []
    if rng.random() < 0.2:
        shown.append((made, turned))  # Somebody reads it in the transposed layout.
    if rng.random() < 0.2:
        shown.append((operand, turned))  # Somebody still reads the old version.
    if is_turned:
        back = [order.index(i) for i in range(rank)]
        made = transpose(text, made, turned, back, element)

    holds = not index.startswith("u") and 2 * extent < 1 << (INDEX_BITS[index] - 1)
    # Constants of other widths than these are not read: several rows are unknown then.
    known = count == 1 or (
        spelling in CONSECUTIVE
        and (index in ("i32", "i64") or spelling in ("base first", "offset before"))
    )
    return made, holds and known and count <= extent and body == "overwrite", shown


def as_bits(text: Text, value: str, shape: list[int], element: str) -> tuple[str, str, str]:
    """Results leave as integers, so that no NaN is made canonical on the way out."""
    kind = tensor(shape, f"i{8 * DTYPES[element]}")
    if element.startswith("i"):
        return value, kind, kind
    plain = tensor(shape, element)
    return text.let(f"stablehlo.bitcast_convert {value} : ({plain}) -> {kind}"), kind, kind


def assemble(cases: list[Case]) -> tuple[str, list[np.ndarray]]:
    """A module with a main that calls a function for each case, and all arguments."""
    functions, parameters, calls, returned, kinds, values = [], [], [], [], [], []
    for c, case in enumerate(cases):
        names = ", ".join(value for value, _, _ in case.results)
        types = ", ".join(kind for _, kind, _ in case.results)
        arguments = []
        for name, kind, value in case.text.arguments:
            mark = case.text.marks.get(name)
            arguments.append(f"{name}: {kind}" + (f' {{kvlift.slot = "{mark}"}}' if mark else ""))
            parameters.append(f"%p{len(values)}: {kind}")
            values.append(value)
        inputs = ", ".join(kind for _, kind, _ in case.text.arguments)
        body = "\n  ".join([*case.text.lines, f"return {names} : {types}"])
        functions.append(
            f"func.func private @case{c}({', '.join(arguments)}) -> ({types}) {{\n  {body}\n}}"
        )
        first = len(values) - len(case.text.arguments)
        passed = ", ".join(f"%p{i}" for i in range(first, len(values)))
        count = len(case.results)
        calls.append(f"%r{c}:{count} = func.call @case{c}({passed}) : ({inputs}) -> ({types})")
        returned.extend(f"%r{c}#{i}" for i in range(count))
        kinds.extend(kind for _, kind, _ in case.results)
    main = "\n  ".join([*calls, f"return {', '.join(returned)} : {', '.join(kinds)}"])
    head = f"func.func @main({', '.join(parameters)}) -> ({', '.join(kinds)})"
    return "\n".join([f"{head} {{\n  {main}\n}}", *functions, ""]), values


def rows_case(rng: random.Random, extent: int, count: int, base: int, index: str) -> Case:
    """`count` rows from `base` on, in the middle of a slot [2, extent, 2]."""
    text = Text()
    shape, new = [2, extent, 2], [2, count, 2]
    slot = text.argument(tensor(shape, "i8"), bits(rng, shape, "i8"))
    text.marks[slot] = "cache"
    rows = spell(text, rng, "base first", base, count, extent, index)
    update = text.argument(tensor(new, "i8"), bits(rng, new, "i8"))
    positions = (rows, tensor([count], index))
    made = scatter(text, (slot, shape), positions, (update, new), ([0, 2], 1, 1), "i8", "overwrite")
    holds = 2 * extent < 1 << (INDEX_BITS[index] - 1)
    return Case(text, [as_bits(text, made, shape, "i8")], holds)
