"""Updates of a slot by select: masks of positions, of constants, of flags."""

from __future__ import annotations

from collections.abc import Sequence

from draft import Draft, Value
from positions import convert, number, scalar, wrap_negative
from scatters import fresh


def _new(d: Draft, shape: Sequence[int], dtype: str, dims: Sequence[int]) -> Value:
    """A whole new value that mostly repeats its rows along some dims."""
    rng, body = d.rng, d.body
    row = [1 if i in dims else e for i, e in enumerate(shape)]
    style = rng.random()
    if style < 0.45 or 0 in shape:
        return body.broadcast(fresh(d, row, dtype), shape, range(len(shape)))
    if style < 0.6:
        order = rng.sample(range(len(shape)), len(shape))
        given = fresh(d, [row[i] for i in order], dtype)
        turned = body.transpose(given, [order.index(i) for i in range(len(shape))])
        return body.broadcast(turned, shape, range(len(shape)))
    if style < 0.8:
        rest = [i for i in range(len(shape)) if i not in dims]
        return body.broadcast(fresh(d, [shape[i] for i in rest], dtype), shape, rest)
    return fresh(d, shape, dtype)


def _choose(d: Draft, mask: Value, new: Value, version: Value, is_negated: bool) -> Value:
    """The select; now and then with its sides exchanged."""
    keeps_old_first = is_negated != (d.rng.random() < 0.1)
    pair = (version, new) if keeps_old_first else (new, version)
    return d.body.select(mask, *pair)


def one_hot(d: Draft, version: Value) -> Value:
    """select(iota == pos, new, old), and what looks like it."""
    rng, body, shape = d.rng, d.body, version.shape
    dim, dtype = rng.randrange(len(shape)), rng.choice(("i32", "i64", "i32", "i8"))
    at = scalar(d, shape[dim], dtype)
    if rng.random() < 0.1:
        # Positions that differ from row to row of the dim itself.
        rows = d.index((shape[dim],), dtype, shape[dim])
        places, wanted = body.iota(shape, dtype, dim), body.broadcast(rows, shape, [dim])
    elif rng.random() < 0.5:
        places, wanted = body.iota(shape, dtype, dim), body.broadcast(at, shape, [])
    else:
        places = body.iota((shape[dim],), dtype, 0)
        wanted = body.broadcast(at, (shape[dim],), [])
    if rng.random() < 0.3:
        places, wanted = wanted, places
    direction = rng.choice(("EQ", "EQ", "EQ", "EQ", "NE", "GE", "LT"))
    mask = body.compare(direction, places, wanted)
    if mask.shape != shape:
        mask = body.broadcast(mask, shape, [dim])
    return _choose(d, mask, _new(d, shape, version.dtype, [dim]), version, direction == "NE")


def range_mask(d: Draft, version: Value) -> Value:
    """select(lo <= iota < hi, new, old)."""
    rng, body, shape = d.rng, d.body, version.shape
    dim, dtype = rng.randrange(len(shape)), rng.choice(("i32", "i64"))
    places = body.iota(shape, dtype, dim)
    low = body.broadcast(scalar(d, shape[dim], dtype), shape, [])
    high = body.binary("add", low, number(d, rng.randint(-1, shape[dim]), low))
    if rng.random() < 0.15:
        high = body.broadcast(scalar(d, shape[dim], dtype), shape, [])
    inside = body.binary("and", body.compare("GE", places, low), body.compare("LT", places, high))
    return body.select(inside, _new(d, shape, version.dtype, [dim]), version)


def per_row(d: Draft, version: Value) -> Value:
    """A position, or a run of them, for each row of other dims; perhaps a flag."""
    rng, body, shape = d.rng, d.body, version.shape
    rank = len(shape)
    if rank < 2:
        return one_hot(d, version)
    dim, *others = rng.sample(range(rank), rank)
    rows = sorted(others[: rng.choice((1, 1, 1, 2))])
    dtype = rng.choice(("i32", "i64", "i32", "i8"))
    at = d.index([shape[i] for i in rows], dtype, shape[dim])
    if rng.random() < 0.2:
        at = wrap_negative(d, at, shape[dim])
    if rng.random() < 0.2:
        at = body.binary("add", at, number(d, rng.choice((-2, 1, 3)), at))
    seen = sorted({dim, *rows} | {i for i in range(rank) if rng.random() < 0.3})
    inside, is_negated = _inside(d, at, [shape[i] for i in seen], seen.index(dim),
                                 [seen.index(i) for i in rows])  # fmt: skip
    if rng.random() < 0.25 and not is_negated:
        some = [i for i in rows if rng.random() < 0.8]
        flag = d.flag([shape[i] for i in some])
        holds = body.broadcast(flag, inside.shape, [seen.index(i) for i in some])
        inside = body.binary("and", *rng.sample((inside, holds), 2))
    if rng.random() < 0.1:
        # What `where` makes of a one-hot row.
        numbers = convert(d, inside, "f32")
        inside = body.compare("NE", numbers, d.constant(0, numbers.shape, "f32"))
    mask = inside if inside.shape == shape else body.broadcast(inside, shape, seen)
    return _choose(d, mask, _new(d, shape, version.dtype, [dim]), version, is_negated)


def _inside(
    d: Draft, at: Value, shape: Sequence[int], dim: int, rows: Sequence[int]
) -> tuple[Value, bool]:
    """The mask of the positions `at`, whose dims are `rows`, along `dim`; whether it is negated."""
    rng, body = d.rng, d.body

    def spread(value: Value) -> Value:
        if rng.random() < 0.5:
            return body.broadcast(value, shape, rows)
        unit = [e if i in rows else 1 for i, e in enumerate(shape)]
        return body.broadcast(body.reshape(value, unit), shape, range(len(shape)))

    places = body.iota(shape, at.dtype, dim)
    if rng.random() < 0.5:
        places = body.broadcast(body.iota((shape[dim],), at.dtype, 0), shape, [dim])
    if rng.random() < 0.6:
        direction = rng.choice(("EQ", "EQ", "NE"))
        pair = rng.sample((places, spread(at)), 2)
        return body.compare(direction, *pair), direction == "NE"
    count = rng.randint(0, shape[dim])
    if rng.random() < 0.5:
        low = spread(at)
        high = body.binary("add", low, number(d, count, low))
    else:
        low, high = spread(at), spread(body.binary("add", at, number(d, count, at)))
    bounds = [body.compare("GE", places, low), body.compare("GT", high, places)]
    return body.binary("and", *rng.sample(bounds, 2)), False


def box(d: Draft, version: Value) -> Value:
    """One row of each of two dims, under a flag."""
    rng, body, shape = d.rng, d.body, version.shape
    dims = rng.sample(range(len(shape)), min(2, len(shape)))
    dtype = rng.choice(("i32", "i64"))
    mask = body.broadcast(d.flag(), shape, [])
    if rng.random() < 0.5:
        mask = body.let(shape, "i1", f"stablehlo.not {mask.name} : {{type}}")
    for dim in dims:
        wanted = body.broadcast(scalar(d, shape[dim], dtype), shape, [])
        here = body.compare("EQ", body.iota(shape, dtype, dim), wanted)
        mask = body.binary("and", *rng.sample((mask, here), 2))
    return _choose(d, mask, _new(d, shape, version.dtype, dims), version, False)


def constant(d: Draft, version: Value) -> Value:
    """A mask that is a constant, mostly of a box, beside new values or padded ones."""
    rng, body, shape = d.rng, d.body, version.shape
    if 0 in shape:
        return padded(d, version)
    seen = sorted(rng.sample(range(len(shape)), rng.randint(1, len(shape))))
    extents = [shape[i] for i in seen]
    lows = [rng.randint(0, e - 1) for e in extents]
    highs = [rng.randint(low, e) for low, e in zip(lows, extents, strict=True)]
    inside = rng.random() < 0.6

    def bits(at: list[int]) -> object:
        if len(at) < len(extents):
            return [bits([*at, i]) for i in range(extents[len(at)])]
        here = all(low <= i < high for low, i, high in zip(lows, at, highs, strict=True))
        return here == (inside != (rng.random() < hole))

    hole = rng.choice((0, 0, 0, 0.1))
    mask = body.broadcast(d.constant(bits([]), extents, "i1"), shape, seen)
    if len(seen) == len(shape) and rng.random() < 0.6:
        sizes = [high - low for low, high in zip(lows, highs, strict=True)]
        if rng.random() < 0.2:
            lows = [rng.randint(0, e - size) for e, size in zip(shape, sizes, strict=True)]
        ends = [e - low - size for e, low, size in zip(shape, lows, sizes, strict=True)]
        new = _pad(d, fresh(d, sizes, version.dtype), lows, ends, shape)
    else:
        new = _new(d, shape, version.dtype, seen[:1])
    return _choose(d, mask, new, version, not inside)


def _pad(
    d: Draft,
    value: Value,
    low: Sequence[int],
    high: Sequence[int],
    shape: Sequence[int],
    filler: Value | None = None,
) -> Value:
    filler = filler or d.constant(0, (), value.dtype)
    interior = [0] * len(shape)
    rest = f", low = {list(low)}, high = {list(high)}, interior = {interior}"
    return d.body.op("pad", [value, filler], rest, Value("", tuple(shape), value.dtype))


def padded(d: Draft, version: Value) -> Value:
    """select(pad(true), pad(new), old), the padding constant and mostly false."""
    rng, shape = d.rng, version.shape
    dim = rng.randrange(len(shape))
    count = rng.randint(0, shape[dim])
    low = rng.randint(0, shape[dim] - count)
    new_shape = list(shape)
    new_shape[dim] = count
    lows, highs = ([0] * len(shape) for _ in range(2))
    lows[dim], highs[dim] = low, shape[dim] - count - low
    bits = rng.choice(((1, 0), (1, 0), (1, 0), (0, 1), (1, 1), (0, 0)))
    filler = d.constant(bits[1], (), "i1")
    mask = _pad(d, d.constant(bits[0], new_shape, "i1"), lows, highs, shape, filler)
    new = _pad(d, fresh(d, new_shape, version.dtype), lows, highs, shape)
    return _choose(d, mask, new, version, bits[1] == 1)


def one_hot_sum(d: Draft, version: Value) -> Value:
    """old * (1 - hot) + new * hot: no row may change that the mask leaves out, but NaN does."""
    body, shape = d.body, version.shape
    if version.dtype == "i1":
        return one_hot(d, version)
    dim = d.rng.randrange(len(shape))
    at = body.broadcast(scalar(d, shape[dim], "i32"), shape, [])
    mask = body.compare("EQ", body.iota(shape, "i32", dim), at)
    hot = body.op("convert", [mask], "", Value("", shape, version.dtype))
    cold = body.binary("subtract", d.constant(1, shape, version.dtype), hot)
    new = body.binary("multiply", fresh(d, shape, version.dtype), hot)
    return body.binary("add", body.binary("multiply", version, cold), new)
