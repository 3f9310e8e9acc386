"""All the forms in which a program updates a slot; each takes and returns a version of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import masks
import scatters
from draft import FLOATS, Draft, Value, bits_of
from emit import Body
from positions import convert, number, scalar
from scatters import fresh

Form = Callable[[Draft, Value], Value]


def _starts(d: Draft, version: Value, sizes: Sequence[int], dtype: str) -> list[Value]:
    """A start for each dim; 0 where the window is as long as the dim, mostly."""
    starts = []
    for extent, size in zip(version.shape, sizes, strict=True):
        is_whole = size == extent and d.rng.random() < 0.9
        zero = d.constant(0, (), dtype)
        starts.append(zero if is_whole else scalar(d, extent, dtype, size))
    return starts


def _window(d: Draft, version: Value) -> list[int]:
    """Rows of one dim, or a smaller window."""
    sizes = list(version.shape)
    dim = d.rng.randrange(len(sizes))
    sizes[dim] = d.rng.choice((1, 1, 1, sizes[dim], d.rng.randint(0, sizes[dim])))
    sizes[dim] = min(sizes[dim], version.shape[dim])
    if d.rng.random() < 0.15:
        sizes = [d.rng.randint(0 if e == 0 else 1, e) for e in version.shape]
    return sizes


def update_slice(d: Draft, version: Value, new: Value, starts: Sequence[Value]) -> Value:
    return d.body.op("dynamic_update_slice", [version, new, *starts], "", version)


def dynamic_slice(d: Draft, version: Value, starts: Sequence[Value], sizes: Sequence[int]) -> Value:
    result = Value("", tuple(sizes), version.dtype)
    return d.body.op("dynamic_slice", [version, *starts], f", sizes = {list(sizes)}", result)


def plain(d: Draft, version: Value) -> Value:
    sizes = _window(d, version)
    starts = _starts(d, version, sizes, d.index_type())
    return update_slice(d, version, fresh(d, sizes, version.dtype), starts)


def moved_row(d: Draft, version: Value) -> Value:
    """Rows of the slot written to where they came from, or elsewhere."""
    sizes, dtype = _window(d, version), d.index_type()
    source = _starts(d, version, sizes, dtype)
    target = source if d.rng.random() < 0.5 else _starts(d, version, sizes, dtype)
    return update_slice(d, version, dynamic_slice(d, version, source, sizes), target)


def joined(d: Draft, version: Value) -> Value:
    """concatenate(slice(old), new, slice(old)), also with slices that do not tile."""
    rng, body, shape = d.rng, d.body, version.shape
    dim = rng.randrange(len(shape))
    extent = shape[dim]
    count = rng.randint(0, extent)
    start = rng.randint(0, extent - count)
    shift = rng.choice((0, 0, 0, 0, 1, -1))
    before, after = start, extent - start - count
    pieces: list[Value] = []
    if before or rng.random() < 0.1:
        at = max(0, min(shift, extent - before))
        pieces.append(body.slice(version, dim, at, at + before))
    new = list(shape)
    new[dim] = count
    pieces.append(fresh(d, new, version.dtype))
    if after or rng.random() < 0.1:
        at = max(0, min(start + count - shift, extent - after))
        pieces.append(body.slice(version, dim, at, at + after))
    if rng.random() < 0.08:
        rng.shuffle(pieces)
    return body.concatenate(pieces, dim)


def joined_dynamic(d: Draft, version: Value) -> Value:
    """The same at a dynamic position: masks beside a shifted copy of the new rows."""
    rng, body, shape = d.rng, d.body, version.shape
    dim, dtype = rng.randrange(len(shape)), rng.choice(("i32", "i64"))
    extent = shape[dim]
    if extent == 0:
        return plain(d, version)
    count = rng.randint(1, extent)
    new_shape, sizes = list(shape), list(shape)
    new_shape[dim] = count
    at = scalar(d, extent, dtype, count)
    new = fresh(d, new_shape, version.dtype)
    tripled = body.concatenate([version, new, version], dim)
    zero = number(d, 0, at)
    starts = [zero] * len(shape)
    starts[dim] = body.binary("subtract", number(d, extent, at), at)
    moved = dynamic_slice(d, tripled, starts, sizes)
    places = body.iota(shape, dtype, dim)
    low = body.broadcast(at, shape, [])
    high = body.binary("add", low, number(d, count, low))
    inside = body.binary("and", body.compare("GE", places, low), body.compare("LT", places, high))
    return body.select(inside, moved, version)


def adjacent(d: Draft, version: Value) -> Value:
    """Updates of rows beside, across and on each other."""
    rng = d.rng
    sizes = list(version.shape)
    dim = rng.randrange(len(sizes))
    extent, dtype = sizes[dim], rng.choice(("i32", "i64"))
    if extent == 0:
        return plain(d, version)
    base = scalar(d, extent, dtype, 2) if rng.random() < 0.5 else None
    first = rng.randint(0, extent)
    at = 0
    for _ in range(rng.randint(2, 4)):
        sizes[dim] = rng.choice((1, 1, rng.randint(1, extent)))
        zero = d.constant(0, (), dtype)
        starts = [zero] * len(sizes)
        offset = number(d, at if base else first + at, zero)
        starts[dim] = d.body.binary("add", base, offset) if base else offset
        version = update_slice(d, version, fresh(d, sizes, version.dtype), starts)
        at += rng.choice((sizes[dim], sizes[dim], sizes[dim], 0, 1, -1, sizes[dim] + 1))
    return version


def _inner(d: Draft, forms: Sequence[Form], version: Value) -> tuple[str, Value]:
    """Lines that stand in a region, and the version that they make."""
    start = len(d.body.lines)
    made = inner(d, forms, version)
    lines = d.body.lines[start:]
    del d.body.lines[start:]
    kind = made.type
    return "\n  ".join([*lines, f"stablehlo.return {made.name} : {kind}"]), made


def inner(d: Draft, forms: Sequence[Form], version: Value) -> Value:
    """One of the forms, inside of another."""
    d.depth += 1
    made = d.rng.choice(forms)(d, version)
    d.depth -= 1
    return made


def branches(d: Draft, version: Value) -> Value:
    """`if` or `case`, of which one or more branches update."""
    rng = d.rng
    passes = f"stablehlo.return {version.name} : {version.type}"
    count = 2 if rng.random() < 0.7 else 3
    texts = [_inner(d, SIMPLE, version)[0] if rng.random() < 0.6 else passes for _ in range(count)]
    if all(text == passes for text in texts):
        texts[0] = _inner(d, SIMPLE, version)[0]
    regions = ", ".join(f"{{\n  {text}\n}}" for text in texts)
    if count == 2:
        name, flag = "if", d.flag()
    else:
        name, flag = "case", d.index((), "i32", count)
    return d.body.let(
        version.shape,
        version.dtype,
        f'"stablehlo.{name}"({flag.name}) ({regions}) : ({flag.type}) -> {{type}}',
    )


def chosen(d: Draft, version: Value) -> Value:
    """select(flag, updated, old), the flag one for all, for each row, or for each element."""
    rng, shape = d.rng, version.shape
    made = inner(d, SIMPLE, version)
    some = [i for i in range(len(shape)) if rng.random() < 0.4]
    flag = d.flag([shape[i] for i in some] if rng.random() < 0.5 else ())
    if flag.shape or rng.random() < 0.5:
        flag = d.body.broadcast(flag, shape, some if flag.shape else [])
    pair = (made, version) if d.rng.random() < 0.8 else (version, made)
    return d.body.select(flag, *pair)


def loop(d: Draft, version: Value) -> Value:
    """A few iterations that carry the slot and a counter, which is added to positions."""
    rng, body = d.rng, d.body
    dtype = rng.choice(("i32", "i64"))
    zero, limit = (d.constant(n, (), dtype) for n in (0, rng.randint(0, 3)))
    i = Value(f"%{body.fresh_name()}", (), dtype)
    carried = Value(f"%{body.fresh_name()}", version.shape, version.dtype)
    start = len(body.lines)
    if rng.random() < 0.6:
        sizes = _window(d, carried)
        starts = _starts(d, carried, sizes, dtype)
        dim = rng.randrange(len(sizes))
        starts[dim] = body.binary("add", starts[dim], i)
        made = update_slice(d, carried, fresh(d, sizes, carried.dtype), starts)
    else:
        made = inner(d, SIMPLE, carried)
    following = body.binary("add", i, d.constant(1, (), dtype))
    lines = body.lines[start:]
    del body.lines[start:]
    name = body.fresh_name()
    kinds = f"{i.type}, {carried.type}"
    body.lines.append(
        f"%{name}:2 = stablehlo.while({i.name} = {zero.name}, {carried.name} = {version.name}) : "
        f"{kinds}\n  cond {{\n  %{name}c = stablehlo.compare LT, {i.name}, {limit.name} : "
        f"({i.type}, {i.type}) -> tensor<i1>\n  stablehlo.return %{name}c : tensor<i1>\n  }} do {{"
        "\n  " + "\n  ".join(lines) + f"\n  stablehlo.return {following.name}, {made.name} : "
        f"{kinds}\n  }}"
    )
    return Value(f"%{name}#1", version.shape, version.dtype)


def scanned(d: Draft, version: Value) -> Value:
    """A scan: layers of one stack come in, and are stacked anew beside it."""
    rng, body = d.rng, d.body
    if len(version.shape) < 2 or version.shape[0] == 0:
        return inner(d, SIMPLE, version)
    layers, dtype = version.shape[0], rng.choice(("i32", "i64"))
    narrow = rng.choice((dtype, dtype, "i8", "i64"))
    empty = d.constant(0, version.shape, version.dtype)
    zero, limit = (d.constant(n, (), dtype) for n in (0, layers + rng.choice((0, 0, 0, 0, 1, -1))))
    i = Value(f"%{body.fresh_name()}", (), dtype)
    old, out, seen = (Value(f"%{body.fresh_name()}", version.shape, version.dtype) for _ in "012")
    start = len(body.lines)
    at = convert(d, i, narrow) if narrow != dtype else i
    starts = [at, *[number(d, 0, at)] * (len(version.shape) - 1)]
    sizes = [1, *version.shape[1:]]
    layer = dynamic_slice(d, old, starts, sizes)
    made = inner(d, SIMPLE, body.reshape(layer, version.shape[1:]))
    written = update_slice(d, out, body.reshape(made, sizes), starts)
    shown = rng.choice((seen, seen, seen, written, out))
    following = body.binary("add", i, d.constant(1, (), dtype))
    lines = body.lines[start:]
    del body.lines[start:]
    name = body.fresh_name()
    kinds = f"{i.type}, {old.type}, {old.type}, {old.type}"
    begin = (zero, version, empty, empty)
    carried = zip((i, old, out, seen), begin, strict=True)
    body.lines.append(
        f"%{name}:4 = stablehlo.while({', '.join(f'{c.name} = {b.name}' for c, b in carried)}) : "
        f"{kinds}\n  cond {{\n  %{name}c = stablehlo.compare LT, {i.name}, {limit.name} : "
        f"({i.type}, {i.type}) -> tensor<i1>\n  stablehlo.return %{name}c : tensor<i1>\n  }} do {{"
        "\n  " + "\n  ".join(lines) + f"\n  stablehlo.return {following.name}, {old.name}, "
        f"{written.name}, {shown.name} : {kinds}\n  }}"
    )
    stack, other = (Value(f"%{name}#{n}", version.shape, version.dtype) for n in (2, 3))
    if shown is seen:
        return stack
    # Both are read, so that neither is dead.
    return body.select(d.flag(), stack, body.barrier(other)) if rng.random() < 0.3 else stack


def stacked(d: Draft, version: Value) -> Value:
    """One layer is cut out, updated and written back, perhaps elsewhere."""
    rng, body = d.rng, d.body
    if len(version.shape) < 2 or version.shape[0] == 0:
        return inner(d, SIMPLE, version)
    dtype = rng.choice(("i32", "i64"))
    zero = d.constant(0, (), dtype)
    layer = scalar(d, version.shape[0], dtype) if rng.random() < 0.7 else zero
    starts = [layer, *[zero] * (len(version.shape) - 1)]
    sizes = [1, *version.shape[1:]]
    cut = dynamic_slice(d, version, starts, sizes)
    flat = body.reshape(cut, version.shape[1:])
    made = inner(d, SIMPLE, flat)
    if rng.random() < 0.1:
        starts[0] = scalar(d, version.shape[0], dtype)
    return update_slice(d, version, body.reshape(made, sizes), starts)


def turned(d: Draft, version: Value) -> Value:
    """transpose, update, transpose back, mostly to where it was."""
    rng, body, rank = d.rng, d.body, len(version.shape)
    order = list(range(rank))
    rng.shuffle(order)
    made = inner(d, SIMPLE, body.transpose(version, order))
    back = [order.index(i) for i in range(rank)]
    if rng.random() < 0.1:
        other = rng.sample(range(rank), rank)
        if tuple(made.shape[i] for i in other) == version.shape:
            back = other
    return body.transpose(made, back)


def viewed(d: Draft, version: Value) -> Value:
    """A reshape, bitcast or barrier before and after."""
    rng, body, shape = d.rng, d.body, version.shape
    kind = rng.randrange(3)
    if kind == 0:
        return body.barrier(inner(d, SIMPLE, body.barrier(version)))
    if kind == 1 and version.dtype not in ("i1", "i8"):
        width = bits_of(version.dtype)
        dtype = f"i{width}" if version.dtype in FLOATS else f"f{width}"
        seen = Value("", shape, dtype)
        if dtype == "i16":
            return inner(d, SIMPLE, version)
        made = inner(d, SIMPLE, body.op("bitcast_convert", [version], "", seen))
        return body.op("bitcast_convert", [made], "", version)
    at = rng.randint(0, len(shape))
    folded = [*shape[:at], 1, *shape[at:]]
    if rng.random() < 0.5 and len(shape) > 1:
        at = rng.randrange(len(shape) - 1)
        folded = [*shape[:at], shape[at] * shape[at + 1], *shape[at + 2 :]]
    made = inner(d, SIMPLE, body.reshape(version, folded))
    return body.reshape(made, shape)


def called(d: Draft, version: Value) -> Value:
    """A private function updates."""
    outer = d.body
    d.body = Body()
    d.body._names = outer._names
    first = len(d.drawers)
    own = d.argument(version.shape, version.dtype, lambda n: n.random(()))
    d.drawers.pop()
    made = inner(d, SIMPLE, own)
    name = outer.fresh_name()
    text = d.body.module([made]).replace("func.func @main", f"func.func private @{name}", 1)
    drawers, parameters = d.drawers[first:], d.body.arguments[1:]
    d.body = outer
    del d.drawers[first:]
    given = [version]
    for parameter, drawer in zip(parameters, drawers, strict=True):
        given.append(d.argument(parameter.shape, parameter.dtype, drawer))
    outer.functions.append(text)
    listed = ", ".join(v.name for v in given)
    types = ", ".join(v.type for v in given)
    text = f"call @{name}({listed}) : ({types}) -> {{type}}"
    return outer.let(version.shape, version.dtype, text)


SIMPLE: tuple[Form, ...] = (
    *(plain, plain, moved_row, joined, adjacent),
    *(masks.one_hot, masks.padded, masks.per_row, masks.constant),
    *(scatters.rows, scatters.rows, scatters.element_wise, scatters.wrapped, scatters.window),
    scatters.per_batch,
)
FORMS: dict[str, Form] = {
    "dynamic_update_slice": plain,
    "moved rows": moved_row,
    "scatter of rows": scatters.rows,
    "scatter of a wrapped row": scatters.wrapped,
    "element-wise scatter": scatters.element_wise,
    "scatter of a window": scatters.window,
    "scatter per batch row": scatters.per_batch,
    "scatter with batching dims": scatters.batching_dims,
    "scatter of a grid of rows": scatters.grid,
    "scatter of crossed runs": scatters.crossed,
    "scatter, combining": scatters.combining,
    "scatter, odd body": scatters.odd_body,
    "scatter of mixed rows": scatters.masked_rows,
    "one-hot select": masks.one_hot,
    "range select": masks.range_mask,
    "select per batch row": masks.per_row,
    "select of a box": masks.box,
    "constant mask": masks.constant,
    "one-hot sum": masks.one_hot_sum,
    "concatenate": joined,
    "concatenate, dynamic": joined_dynamic,
    "pad": masks.padded,
    "adjacent updates": adjacent,
    "if or case": branches,
    "select of versions": chosen,
    "while": loop,
    "scan": scanned,
    "stacked layers": stacked,
    "transposed": turned,
    "viewed": viewed,
    "call": called,
}
