"""Updates of a slot by scatter, as exporters write them and as nobody does."""

from __future__ import annotations

from collections.abc import Sequence

from draft import Draft, Value
from positions import number, scalar, vector, wrap_negative

OVERWRITE, COMBINING, ODD = (
    ("second",),
    ("add", "maximum", "minimum", "multiply"),
    ("first", "constant", "subtract", "swapped"),
)


def fresh(d: Draft, shape: Sequence[int], dtype: str) -> Value:
    """New rows: mostly an argument."""
    style = d.rng.random()
    if style < 0.06:
        return d.constant(1, shape, dtype)
    if style < 0.12:
        return d.body.broadcast(d.data((), dtype), shape, [])
    return d.data(shape, dtype)


def _region(d: Draft, kinds: Sequence[str], body: str) -> str:
    """The update computation; `second` overwrites."""
    names = [d.body.fresh_name() for _ in kinds]
    old = [f"%{name}x" for name in names]
    new = [f"%{name}y" for name in names]
    arguments = ", ".join(f"{v}: {k}" for v, k in zip([*old, *new], [*kinds, *kinds], strict=True))
    lines, returned = [], []
    for name, x, y, kind in zip(names, old, new, kinds, strict=True):
        if body == "second":
            returned.append(y)
            continue
        if body == "first":
            returned.append(x)
            continue
        made = f"%{name}z"
        returned.append(made)
        if body == "constant":
            element = kind.removeprefix("tensor<").removesuffix(">")
            literal = "true" if element == "i1" else "1.0" if "f" in element else "1"
            lines.append(f"{made} = stablehlo.constant dense<{literal}> : {kind}")
        elif body == "swapped":
            lines.append(f"{made} = stablehlo.maximum {y}, {x} : {kind}")
        else:
            lines.append(f"{made} = stablehlo.{body} {x}, {y} : {kind}")
    lines.append(f"stablehlo.return {', '.join(returned)} : {', '.join(kinds)}")
    return f"({{\n^bb0({arguments}):\n  " + "\n  ".join(lines) + "\n})"


def scatter_op(
    d: Draft,
    inputs: Sequence[Value],
    indices: Value,
    updates: Sequence[Value],
    numbers: str,
    body: str = "second",
    flags: str = "",
) -> list[Value]:
    """The op; `numbers` are the fields of its dimension numbers."""
    if inputs[0].dtype == "i1" and body in ("subtract",):
        body = "maximum"
    kinds = [f"tensor<{v.dtype}>" for v in inputs]
    region = _region(d, kinds, body)
    operands = [*inputs, indices, *updates]
    name = d.body.fresh_name()
    results = f":{len(inputs)}" if len(inputs) > 1 else ""
    types = ", ".join(v.type for v in inputs)
    d.body.lines.append(
        f'%{name}{results} = "stablehlo.scatter"({", ".join(v.name for v in operands)}) '
        f"<{{scatter_dimension_numbers = #stablehlo.scatter<{numbers}>{flags}}}> {region} "
        f": ({', '.join(v.type for v in operands)}) -> "
        + (f"({types})" if len(inputs) > 1 else types)
    )
    if len(inputs) == 1:
        return [Value(f"%{name}", inputs[0].shape, inputs[0].dtype)]
    return [Value(f"%{name}#{i}", v.shape, v.dtype) for i, v in enumerate(inputs)]


def _numbers(
    window: Sequence[int], inserted: Sequence[int], scattered: Sequence[int], vector_dim: int
) -> str:
    return (
        f"update_window_dims = {list(window)}, inserted_window_dims = {list(inserted)}, "
        f"scatter_dims_to_operand_dims = {list(scattered)}, index_vector_dim = {vector_dim}"
    )


def _rows_scatter(d: Draft, version: Value, body: str, rows: Value | None = None) -> Value:
    """Whole rows of one dim, at positions that come as a vector or a column."""
    rng, rank = d.rng, len(version.shape)
    dim = rng.randrange(rank)
    extent = version.shape[dim]
    rest = [version.shape[i] for i in range(rank) if i != dim]
    dtype = d.index_type()
    count = rng.choice((1, 1, 1, extent, rng.randint(1, extent + 1), rng.randint(0, extent)))
    if rows is None and count == 1 and rng.random() < 0.4:
        at = d.body.reshape(scalar(d, extent, dtype), (1,))
        update = fresh(d, rest, version.dtype)
        numbers = _numbers(range(rank - 1), [dim], [dim], 0)
        flags = ", unique_indices = true" if rng.random() < 0.2 else ""
        return scatter_op(d, [version], at, [update], numbers, body, flags)[0]
    at = rows or vector(d, extent, count, dtype)
    count = at.shape[0]
    place = rng.randrange(rank)
    update = fresh(d, [*rest[:place], count, *rest[place:]], version.dtype)
    window = [u for u in range(rank) if u != place]
    if rng.random() < 0.6:
        at = d.body.reshape(at, (count, 1))
    return scatter_op(d, [version], at, [update], _numbers(window, [dim], [dim], 1), body)[0]


def rows(d: Draft, version: Value) -> Value:
    return _rows_scatter(d, version, "second")


def combining(d: Draft, version: Value) -> Value:
    return _rows_scatter(d, version, d.rng.choice(COMBINING))


def odd_body(d: Draft, version: Value) -> Value:
    return _rows_scatter(d, version, d.rng.choice(ODD))


def wrapped(d: Draft, version: Value) -> Value:
    """One row, its position wrapped as torch does for negative indices."""
    rank, dtype = len(version.shape), d.rng.choice(("i32", "i64"))
    dim = d.rng.randrange(rank)
    extent = version.shape[dim]
    wrong = d.rng.choice((0, 0, 0, 0, 1, -1))
    at = wrap_negative(d, d.index((), dtype, extent), extent + wrong)
    rest = [version.shape[i] for i in range(rank) if i != dim]
    numbers = _numbers(range(rank - 1), [dim], [dim], 0)
    update = fresh(d, rest, version.dtype)
    return scatter_op(d, [version], d.body.reshape(at, (1,)), [update], numbers)[0]


def _component(d: Draft, shape: Sequence[int], dtype: str, dim: int, values: Value | None) -> Value:
    """One coordinate of the index tensor: the values along `dim`, or a count."""
    body = d.body
    if values is None:
        if d.rng.random() < 0.5:
            return body.iota(shape, dtype, dim)
        values = body.iota((shape[dim],), dtype, 0)
    if not values.shape:
        return body.broadcast(values, shape, [])
    if d.rng.random() < 0.5:
        unit = [1] * len(shape)
        unit[dim] = shape[dim]
        return body.broadcast(body.reshape(values, unit), shape, range(len(shape)))
    return body.broadcast(values, shape, [dim])


def element_wise(d: Draft, version: Value) -> Value:
    """An index for every element, as torch-mlir writes index_copy and index_put."""
    rng, rank = d.rng, len(version.shape)
    dim = rng.randrange(rank)
    extent, dtype = version.shape[dim], rng.choice(("i32", "i64", "i64"))
    count = rng.choice((1, 1, 1, rng.randint(1, extent + 1)))
    shape = list(version.shape)
    shape[dim] = count
    later = None
    if rng.random() < 0.15:  # A part of another dim, perhaps not its first.
        other = rng.randrange(rank)
        if other != dim and shape[other] > 1:
            shape[other] -= 1
            later = other if rng.random() < 0.5 else None
    single = count == 1 and rng.random() < 0.7
    rows = scalar(d, extent, dtype) if single else vector(d, extent, count, dtype)
    parts = [_component(d, shape, dtype, i, rows if i == dim else None) for i in range(rank)]
    if later is not None:
        parts[later] = d.body.binary("add", parts[later], number(d, 1, parts[later]))
    scattered = list(range(rank))
    if rng.random() < 0.12:  # The coordinates in another order, said or not.
        rng.shuffle(scattered)
        if rng.random() < 0.5:
            parts = [parts[i] for i in scattered]
    places = [d.body.reshape(part, (*shape, 1)) for part in parts]
    indices = d.body.concatenate(places, rank) if rank > 1 else places[0]
    update = fresh(d, shape, version.dtype)
    body = rng.choice(("second",) * 9 + ("add",))
    numbers = _numbers([], range(rank), scattered, rank)
    return scatter_op(d, [version], indices, [update], numbers, body)[0]


def window(d: Draft, version: Value) -> Value:
    """One window, smaller than the slot, at a start for some of the dims."""
    rng, rank = d.rng, len(version.shape)
    scattered = rng.sample(range(rank), rng.randint(1, rank))
    inserted = sorted(i for i in scattered if rng.random() < 0.3)
    dtype = d.index_type()
    sizes = [
        rng.choice((e, e, min(1, e), rng.randint(0, e)))
        if i in scattered or rng.random() < 0.2
        else e
        for i, e in enumerate(version.shape)
    ]
    places = [scalar(d, version.shape[i], dtype, sizes[i]) for i in scattered]
    units = [d.body.reshape(place, (1,)) for place in places]
    indices = d.body.concatenate(units, 0) if len(units) > 1 else units[0]
    kept = [sizes[i] for i in range(rank) if i not in inserted]
    numbers = _numbers(range(len(kept)), inserted, scattered, 0)
    update = fresh(d, kept, version.dtype)
    return scatter_op(d, [version], indices, [update], numbers)[0]


def per_batch(d: Draft, version: Value) -> Value:
    """A position of its own for each batch row: indices (iota, pos[b])."""
    rng, rank = d.rng, len(version.shape)
    if rank < 2:
        return rows(d, version)
    batch, dim = rng.sample(range(rank), 2)
    dtype = rng.choice(("i32", "i64"))
    count, extent = version.shape[batch], version.shape[dim]
    at = vector(d, extent, count, dtype) if rng.random() < 0.3 else d.index((count,), dtype, extent)
    if rng.random() < 0.3:
        at = wrap_negative(d, at, extent)
    steps = d.body.iota((count,), dtype, 0)
    pair = [d.body.reshape(v, (count, 1)) for v in (steps, at)]
    scattered = [batch, dim]
    if rng.random() < 0.3:
        pair.reverse()
        scattered.reverse()
    indices = d.body.concatenate(pair, 1)
    rest = [version.shape[i] for i in range(rank) if i not in (batch, dim)]
    place = rng.randint(0, len(rest))
    update = fresh(d, [*rest[:place], count, *rest[place:]], version.dtype)
    window = [u for u in range(len(rest) + 1) if u != place]
    numbers = _numbers(window, sorted((batch, dim)), scattered, 1)
    return scatter_op(d, [version], indices, [update], numbers)[0]


def batching_dims(d: Draft, version: Value) -> Value:
    """The same with input_batching_dims, as vmap writes it."""
    rng, rank = d.rng, len(version.shape)
    if rank < 2:
        return rows(d, version)
    batch, dim = rng.sample(range(rank), 2)
    dtype = rng.choice(("i32", "i64"))
    count, extent = version.shape[batch], version.shape[dim]
    indices = d.index((count, 1), dtype, extent)
    rest = [version.shape[i] for i in range(rank) if i not in (batch, dim)]
    update = fresh(d, [count, *rest], version.dtype)
    numbers = (
        f"update_window_dims = {list(range(1, len(rest) + 1))}, inserted_window_dims = [{dim}], "
        f"input_batching_dims = [{batch}], scatter_indices_batching_dims = [0], "
        f"scatter_dims_to_operand_dims = [{dim}], index_vector_dim = 1"
    )
    return scatter_op(d, [version], indices, [update], numbers)[0]


def grid(d: Draft, version: Value) -> Value:
    """Rows at sums of two vectors, which may name a row twice: the last one counts."""
    rng, rank, body = d.rng, len(version.shape), d.body
    dim = rng.randrange(rank)
    extent, dtype = version.shape[dim], rng.choice(("i32", "i64"))
    shape = (rng.randint(1, 3), rng.randint(1, 3))
    parts = []
    for axis, count in enumerate(shape):
        part = body.iota((count,), dtype, 0)
        if rng.random() < 0.6:
            given = d.index((count,), dtype, extent)
            part = given if rng.random() < 0.6 else vector(d, extent, count, dtype)
        parts.append(body.broadcast(part, shape, [axis]))
    at = body.reshape(body.binary("add", *parts), (*shape, 1))
    rest = [version.shape[i] for i in range(rank) if i != dim]
    update = fresh(d, [*shape, *rest], version.dtype)
    numbers = _numbers(range(2, rank + 1), [dim], [dim], 2)
    return scatter_op(d, [version], at, [update], numbers)[0]


def crossed(d: Draft, version: Value) -> Value:
    """Runs along one dim, at a row of another dim for each: runs in one row may cross."""
    rng, rank, body = d.rng, len(version.shape), d.body
    if rank < 2:
        return grid(d, version)
    across, along = rng.sample(range(rank), 2)
    dtype = rng.choice(("i32", "i64"))
    shape = (rng.randint(1, version.shape[along] + 1), rng.randint(1, 3))
    row = body.broadcast(d.index((shape[1],), dtype, version.shape[across]), shape, [1])
    first = body.broadcast(d.index((shape[1],), dtype, version.shape[along]), shape, [1])
    place = body.binary("add", first, body.iota(shape, dtype, 0))
    if rng.random() < 0.3:
        row, place = place, row
    indices = body.concatenate([body.reshape(v, (*shape, 1)) for v in (row, place)], 2)
    rest = [e for i, e in enumerate(version.shape) if i not in (across, along)]
    update = fresh(d, [*shape, *rest], version.dtype)
    scattered = [across, along]
    numbers = _numbers(range(2, rank), sorted(scattered), scattered, 2)
    return scatter_op(d, [version], indices, [update], numbers)[0]


def several_inputs(d: Draft, one: Value, other: Value) -> list[Value]:
    """Two slots of one shape in one scatter."""
    rng, rank = d.rng, len(one.shape)
    dim = rng.randrange(rank)
    rest = [one.shape[i] for i in range(rank) if i != dim]
    at = vector(d, one.shape[dim], rng.randint(1, one.shape[dim] + 1), rng.choice(("i32", "i64")))
    shape = [at.shape[0], *rest]
    updates = [fresh(d, shape, v.dtype) for v in (one, other)]
    numbers = _numbers(range(1, rank), [dim], [dim], 1)
    return scatter_op(d, [one, other], at, updates, numbers)


def masked_rows(d: Draft, version: Value) -> Value:
    """The old rows are read, mixed with the new ones, and scattered back."""
    rng, rank = d.rng, len(version.shape)
    extent, dtype = version.shape[0], rng.choice(("i32", "i64"))
    at = scalar(d, extent, dtype)
    starts = [at, *(number(d, 0, at) for _ in range(rank - 1))]
    sizes = [min(1, extent), *version.shape[1:]]
    result = Value("", tuple(sizes), version.dtype)
    old = d.body.op("dynamic_slice", [version, *starts], f", sizes = {sizes}", result)
    mixed = d.body.select(d.flag(sizes), old, fresh(d, sizes, version.dtype))
    numbers = _numbers(range(1, rank), [0], [0], 1)
    indices = d.body.broadcast(at, (sizes[0], 1), [])
    return scatter_op(d, [version], indices, [mixed], numbers)[0]
