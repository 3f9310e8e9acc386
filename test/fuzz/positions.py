"""Where a drawn update writes: scalars and vectors of row numbers, spelled in many ways."""

from __future__ import annotations

from draft import INTEGERS, Draft, Value, bits_of


def _narrow(dtype: str, number: int) -> int:
    """The number as the type can hold it."""
    low = 0 if dtype.startswith("u") else -(1 << (bits_of(dtype) - 1))
    return max(low, min(number, low + (1 << bits_of(dtype)) - 1))


def number(d: Draft, value: int, like: Value) -> Value:
    return d.constant(_narrow(like.dtype, value), like.shape, like.dtype)


def wrap_negative(d: Draft, at: Value, extent: int) -> Value:
    """What torch and JAX make of `at` before they index with it; rarely by another sign."""
    compared = convert(d, at, "i8") if d.rng.random() < 0.05 else at
    is_negative = d.body.compare("LT", compared, number(d, 0, compared))
    moved = d.body.binary("add", at, number(d, extent, at))
    return d.body.select(is_negative, moved, at)


def clamp(d: Draft, at: Value, low: int, high: int) -> Value:
    ends = number(d, low, at), number(d, high, at)
    names = f"{ends[0].name}, {at.name}, {ends[1].name}"
    return d.body.let(at.shape, at.dtype, f"stablehlo.clamp {names} : {{type}}")


def convert(d: Draft, at: Value, dtype: str) -> Value:
    return d.body.op("convert", [at], "", Value("", at.shape, dtype))


def _bend(d: Draft, at: Value, extent: int, count: int) -> Value:
    """One more op on the way from an argument to a position."""
    rng, body = d.rng, d.body
    kind = rng.randrange(10)
    if kind == 0:
        offset = rng.choice((-3, -1, 0, 1, 2, extent, 100, -100))
        return body.binary("add", at, number(d, offset, at))
    if kind == 1:
        return body.binary("subtract", at, number(d, rng.choice((-1, 0, 1, 3)), at))
    if kind == 2:
        return wrap_negative(d, at, extent + rng.choice((0, 0, 0, 1, -1)))
    if kind == 3:
        return clamp(d, at, rng.choice((0, 0, 1, -1)), extent - count + rng.choice((0, 0, 1, -1)))
    if kind == 4:
        return body.binary("maximum", at, number(d, rng.choice((0, 0, -1, 1)), at))
    if kind == 5:
        top = extent - count + rng.choice((0, 0, 1, -1))
        return body.binary("minimum", number(d, top, at), at)
    if kind == 6:
        wide = rng.choice(("i32", "i64", *INTEGERS))
        return convert(d, convert(d, at, wide), at.dtype)
    if kind == 7:
        return body.barrier(at)
    if kind == 8:
        return body.binary("multiply", at, number(d, rng.choice((0, 1, 2, -1)), at))
    return body.binary("remainder", at, number(d, max(1, extent), at))


def scalar(d: Draft, extent: int, dtype: str, count: int = 1) -> Value:
    """A position for `count` rows of a dim."""
    style = d.rng.random()
    if style < 0.12:
        at = number(d, d.rng.randint(-count - 1, extent + 1), Value("", (), dtype))
    elif style < 0.25:
        several = d.index((3,), dtype, extent, count)
        at = d.body.reshape(d.body.slice(several, 0, 1, 2), ())
    elif style < 0.35:
        at = d.body.reshape(d.index((1, 1), dtype, extent, count), ())
    else:
        at = d.index((), dtype, extent, count)
    for _ in range(d.rng.choice((0, 0, 0, 1, 1, 2, 3))):
        at = _bend(d, at, extent, count)
    return at


def _run(d: Draft, extent: int, count: int, dtype: str) -> Value:
    """base + iota, in one of its spellings."""
    body, rng = d.body, d.rng
    steps = body.iota((count,), dtype, 0)
    style = rng.randrange(6)
    if style == 0:
        steps = body.binary("multiply", steps, number(d, 1, steps))
    elif style == 1 and dtype in ("i32", "i64"):
        other = body.iota((count,), "i64" if dtype == "i32" else "i32", 0)
        steps = convert(d, other, dtype)
    elif style == 2:
        longer = body.iota((count + 2,), dtype, 0)
        at = rng.randrange(3)
        steps = body.slice(longer, 0, at, at + count)
    elif style == 3:
        # Counts along a dim that is not the only one.
        square = body.iota((count, 1), dtype, 0)
        steps = body.reshape(square, (count,))
    base = body.broadcast(scalar(d, extent, dtype, count), (count,), [])
    parts = (steps, base) if rng.random() < 0.5 else (base, steps)
    return body.binary("add", *parts)


def vector(d: Draft, extent: int, count: int, dtype: str) -> Value:
    """`count` row numbers; often a run, often something that only looks like one."""
    body, rng = d.body, d.rng
    style = rng.random()
    if style < 0.45:
        rows = _run(d, extent, count, dtype)
    elif style < 0.55:
        start, step = rng.randint(-2, extent), rng.choice((1, 1, 1, 0, 2, -1))
        values = [_narrow(dtype, start + step * j) for j in range(count)]
        rows = d.constant(values, (count,), dtype)
    elif style < 0.72:
        rows = d.index((count,), dtype, extent)
    elif style < 0.78:
        rows = body.broadcast(scalar(d, extent, dtype), (count,), [])
    elif style < 0.84:
        run = _run(d, extent, count, dtype)
        rows = body.let((count,), dtype, f"stablehlo.reverse {run.name}, dims = [0] : {{type}}")
    elif style < 0.9 and count > 1:
        cut = rng.randrange(1, count)
        parts = [_run(d, extent, part, dtype) for part in (cut, count - cut)]
        rows = body.concatenate(parts, 0)
    else:
        # Rows that are masked out go where a scatter drops them.
        away = number(d, rng.choice((-1, extent, extent + 5)), Value("", (count,), dtype))
        rows = body.select(d.flag((count,)), _run(d, extent, count, dtype), away)
    if rng.random() < 0.2:
        rows = wrap_negative(d, rows, extent + rng.choice((0, 0, 0, -1, 1)))
    for _ in range(rng.choice((0, 0, 0, 0, 1))):
        rows = _bend(d, rows, extent, 1)
    return rows
