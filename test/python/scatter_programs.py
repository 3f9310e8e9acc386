"""Random scatters of every form on a slot: what test_scatter_forms compares."""

from __future__ import annotations

import random

import numpy as np

from update_programs import Case, Text, as_bits, bits, dense, tensor, transpose, typed

BODIES = ("overwrite", "overwrite", "overwrite", "overwrite", "add", "maximum")


def binary(text: Text, op: str, a: str, b: str, kind: str) -> str:
    return text.let(f"stablehlo.{op} {a}, {b} : {kind}")


def spread(text: Text, value: str, from_kind: str, to_kind: str, dims: list[int]) -> str:
    return text.let(
        f"stablehlo.broadcast_in_dim {value}, dims = {dims} : ({from_kind}) -> {to_kind}"
    )


def component(text: Text, rng: random.Random, shape: list[int], extent: int, index: str) -> str:
    """Positions of this shape along a dim of that extent: affine, wrapped, or anything."""
    kind = tensor(shape, index)
    count = 1
    for each in shape:
        count *= each
    form = rng.choice(["constant", "table", "base", "base", "rows", "rows", "iota", "any", "wrap"])
    if form == "constant":
        return text.let(f"stablehlo.constant dense<{rng.randint(-1, extent)}> : {kind}")
    if form == "table" and count:
        values = [rng.randint(-1, extent) for _ in range(count)]
        return text.let(dense(values, shape, index))
    if form == "any" or not shape:
        values = [rng.randint(-1, extent) for _ in range(count)]
        return text.argument(kind, typed(values, shape, index))
    dim = rng.randrange(len(shape))
    if form == "rows":
        values = [rng.randint(-1, extent) for _ in range(shape[dim])]
        rows = tensor([shape[dim]], index)
        value = text.argument(rows, typed(values, [shape[dim]], index))
        return spread(text, value, rows, kind, [dim])
    counted = text.let(f"stablehlo.iota dim = {dim} : {kind}")
    if form == "iota":
        return counted
    first = rng.choice([0, 0, 1, -1, -2, extent - 1, extent - shape[dim], 2**31 - 2, -(2**31)])
    scalar = tensor([], index)
    base = text.argument(scalar, typed([first], [], index))
    rows_from = binary(text, "add", spread(text, base, scalar, kind, []), counted, kind)
    if form == "base":
        return rows_from
    zero = text.let(f"stablehlo.constant dense<0> : {kind}")
    size = text.let(f"stablehlo.constant dense<{extent}> : {kind}")
    flags = tensor(shape, "i1")
    is_low = text.let(f"stablehlo.compare LT, {rows_from}, {zero} : ({kind}, {kind}) -> {flags}")
    moved = binary(text, "add", rows_from, size, kind)
    return text.let(f"stablehlo.select {is_low}, {moved}, {rows_from} : {flags}, {kind}")


def quiet(values: np.ndarray) -> np.ndarray:
    """f32 without signalling NaNs: adding -0.0 to one makes it quiet."""
    words = values.view(np.uint32)
    is_nan = ((words & 0x7F800000) == 0x7F800000) & ((words & 0x7FFFFF) != 0)
    return np.where(is_nan, words | 0x400000, words).astype(np.uint32).view(np.float32)


def draw_form(rng: random.Random, *, guardable: bool = False) -> Case:
    """One slot, one or two scatters on it, each perhaps between transposes.

    What is `guardable` has no signalling NaN: the pass for IREE may make it quiet.
    """
    text = Text()
    element = rng.choice(["f32", "i32", "i8"] if guardable else ["f32", "i32", "bf16", "i8"])
    rank = rng.randint(1, 5)
    shape = [rng.randint(1, 4 if rank < 4 else 3) for _ in range(rank)]
    initial = bits(rng, shape, element)
    is_quieted = guardable and element == "f32"
    slot = text.argument(tensor(shape, element), quiet(initial) if is_quieted else initial)
    text.marks[slot] = "cache"
    version = slot
    for _ in range(rng.choice([1, 1, 2])):
        order = list(range(rank))
        if rng.random() < 0.3:
            rng.shuffle(order)
        is_turned = order != sorted(order)
        turned = [shape[dim] for dim in order]
        if is_turned:
            version = transpose(text, version, shape, order, element)
        version = draw_scatter(text, rng, version, turned, element, guardable)
        if is_turned:
            back = [order.index(i) for i in range(rank)]
            version = transpose(text, version, turned, back, element)
    return Case(text, [as_bits(text, version, shape, element)], False)


def draw_scatter(
    text: Text, rng: random.Random, operand: str, shape: list[int], element: str, guardable: bool
) -> str:
    index = rng.choice(["i32", "i64"])
    roles = [rng.choice(["point", "point", "box", "window", "window", "batch"]) for _ in shape]
    if not any(role in ("point", "box") for role in roles):
        roles[rng.randrange(len(shape))] = "point"
    # The update's dims that count index vectors; batched ones among them.
    counts = [(rng.choice([1, 1, 2, 3, 0] if rng.random() < 0.1 else [1, 2, 3]), -1)
              for _ in range(rng.randint(0, 2))]  # fmt: skip
    counts += [(shape[d], d) for d, role in enumerate(roles) if role == "batch"]
    rng.shuffle(counts)
    extents = [extent for extent, _ in counts]
    windows = {}
    for d, role in enumerate(roles):
        if role == "box":
            windows[d] = rng.randint(1, shape[d])
        if role == "window":
            windows[d] = shape[d] if rng.random() < 0.8 else rng.randint(1, shape[d])
    is_window = [True] * len(windows) + [False] * len(counts)
    rng.shuffle(is_window)
    sizes = [iter(list(windows.values())), iter(extents)]
    update_shape = [next(sizes[0 if window else 1]) for window in is_window]

    indexed = [d for d, role in enumerate(roles) if role in ("point", "box")]
    rng.shuffle(indexed)
    at = rng.randint(0, len(extents))
    column = [*extents[:at], 1, *extents[at:]]
    parts = []
    for d in indexed:
        room = shape[d] if roles[d] == "point" else max(1, shape[d] - windows[d] + 1)
        value = component(text, rng, extents, room, index)
        if roles[d] == "box" and rng.random() < 0.7:
            # Within the slot: across its edge runtimes differ.
            scalar = tensor([], index)
            low = text.let(f"stablehlo.constant dense<0> : {scalar}")
            high = text.let(f"stablehlo.constant dense<{shape[d] - windows[d]}> : {scalar}")
            kind = tensor(extents, index)
            value = text.let(
                f"stablehlo.clamp {low}, {value}, {high} : ({scalar}, {kind}, {scalar}) -> {kind}"
            )
        parts.append(
            text.let(
                f"stablehlo.reshape {value} : ({tensor(extents, index)}) -> {tensor(column, index)}"
            )
        )
    vector = [*extents[:at], len(parts), *extents[at:]]
    kinds = ", ".join([tensor(column, index)] * len(parts))
    indices = text.let(
        f"stablehlo.concatenate {', '.join(parts)}, dim = {at} : "
        f"({kinds}) -> {tensor(vector, index)}"
    )
    batch = [(d, [b for _, b in counts].index(d)) for d, r in enumerate(roles) if r == "batch"]
    numbers = (
        f"update_window_dims = {[u for u, window in enumerate(is_window) if window]}, "
        f"inserted_window_dims = {[d for d, role in enumerate(roles) if role == 'point']}, "
        f"input_batching_dims = {[d for d, _ in batch]}, "
        f"scatter_indices_batching_dims = {[c + (c >= at) for _, c in batch]}, "
        f"scatter_dims_to_operand_dims = {indexed}, index_vector_dim = {at}"
    )
    new = bits(rng, update_shape, element)
    is_quieted = guardable and element == "f32"
    update = text.argument(tensor(update_shape, element), quiet(new) if is_quieted else new)
    scalar = tensor([], element)
    body = rng.choice(BODIES)
    combine = "" if body == "overwrite" else f"%s = stablehlo.{body} %x, %y : {scalar} "
    result = tensor(shape, element)
    return text.let(
        f'"stablehlo.scatter"({operand}, {indices}, {update}) '
        f"<{{scatter_dimension_numbers = #stablehlo.scatter<{numbers}>}}> "
        f"({{ ^bb0(%x: {scalar}, %y: {scalar}): {combine}"
        f"stablehlo.return {'%y' if body == 'overwrite' else '%s'} : {scalar} }}) "
        f": ({result}, {tensor(vector, index)}, {tensor(update_shape, element)}) -> {result}"
    )
