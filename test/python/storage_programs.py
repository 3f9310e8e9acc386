"""Random chains of ops on slots, which test_storage_exact stores as other types.

A chain hands one slot through updates, views, loops, branches and calls, and reads some versions
on the way. Starts and positions are often out of range.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from update_programs import tensor

# Element types, with the unsigned integers that hold their bits.
ELEMENTS = {
    "f32": "u4",
    "f16": "u2",
    "bf16": "u2",
    "f8E4M3FN": "u1",
    "f8E5M2": "u1",
    "i16": "u2",
}
INDEX = "tensor<i32>"


@dataclass
class Module:
    """One public function under construction, and private ones that it calls."""

    rng: random.Random
    lines: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)
    slots: list[tuple[str, str]] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    count: int = 0

    def fresh(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def let(self, text: str) -> str:
        name = self.fresh()
        self.lines.append(f"{name} = {text}")
        return name

    def argument(self, kind: str, value: np.ndarray, mark: str = "") -> str:
        name = f"%a{len(self.arguments)}"
        self.arguments.append(f"{name}: {kind}{mark}")
        self.values.append(value)
        return name

    def index(self, extent: int) -> str:
        return self.argument(INDEX, np.array(self.rng.randint(-3, extent + 2), "i4"))

    def text(self) -> str:
        returned = [*self.slots, *self.results]
        types = [f'{t} {{kvlift.slot = "c{i}"}}' for i, (_, t) in enumerate(self.slots)]
        types += [t for _, t in self.results]
        body = "\n".join(self.lines)
        names, plain = ", ".join(n for n, _ in returned), ", ".join(t for _, t in returned)
        return (
            f"func.func @main({', '.join(self.arguments)}) -> ({', '.join(types)}) {{\n{body}\n"
            f"return {names} : {plain}\n}}\n" + "\n".join(self.private)
        )


@dataclass
class Version:
    """The newest version of a slot."""

    name: str
    shape: list[int]
    element: str

    @property
    def type(self) -> str:
        return tensor(self.shape, self.element)


def random_bits(rng: random.Random, shape: list[int], element: str) -> np.ndarray:
    """Any bits: many of them are NaNs."""
    dtype = np.dtype(ELEMENTS[element])
    raw = np.frombuffer(rng.randbytes(int(np.prod(shape)) * dtype.itemsize), dtype)
    plain = {"f32": "f4", "f16": "f2", "i16": "i2"}.get(element)
    return raw.reshape(shape).view(plain) if plain else raw.reshape(shape)


def window(module: Module, version: Version) -> list[int]:
    return [
        module.rng.choice([1, extent, module.rng.randint(1, extent)]) for extent in version.shape
    ]


def update_text(module: Module, version: Version, into: str) -> str:
    """A dynamic_update_slice of random rows; its operands are arguments of the function."""
    size = window(module, version)
    kind = tensor(size, version.element)
    rows = module.argument(kind, random_bits(module.rng, size, version.element))
    starts = [module.index(extent) for extent in version.shape]
    return (
        f"stablehlo.dynamic_update_slice {', '.join([into, rows, *starts])} : "
        f"({', '.join([version.type, kind, *[INDEX] * len(starts)])}) -> {version.type}"
    )


def update(module: Module, version: Version) -> Version:
    return Version(
        module.let(update_text(module, version, version.name)), version.shape, version.element
    )


def guarded(module: Module, version: Version) -> Version:
    """What simplify-updates makes of a scatter: rows that are out of range stay."""
    size = window(module, version)
    kind = tensor(size, version.element)
    rows = module.argument(kind, random_bits(module.rng, size, version.element))
    starts = [module.index(extent) for extent in version.shape]
    operands = ", ".join([version.name, *starts])
    types = ", ".join([version.type, *[INDEX] * len(starts)])
    sizes = ", ".join(map(str, size))
    old = module.let(f"stablehlo.dynamic_slice {operands}, sizes = [{sizes}] : ({types}) -> {kind}")
    mask, mask_type = predicate(module), "tensor<i1>"
    if module.rng.random() < 0.5:
        mask_type = tensor(size, "i1")
        mask = module.let(
            f"stablehlo.broadcast_in_dim {mask}, dims = [] : (tensor<i1>) -> {mask_type}"
        )
    new = module.let(f"stablehlo.select {mask}, {rows}, {old} : {mask_type}, {kind}")
    text = (
        f"stablehlo.dynamic_update_slice {', '.join([version.name, new, *starts])} : "
        f"({', '.join([version.type, kind, *[INDEX] * len(starts)])}) -> {version.type}"
    )
    return Version(module.let(text), version.shape, version.element)


def predicate(module: Module) -> str:
    return module.argument("tensor<i1>", np.array(module.rng.random() < 0.5))


def through_reshape(module: Module, version: Version) -> Version:
    """An update behind a reshape that moves the unit dims."""
    shape = [extent for extent in version.shape if extent != 1]
    for _ in range(module.rng.randint(0, 2)):
        shape.insert(module.rng.randint(0, len(shape)), 1)
    inside = Version("", shape, version.element)
    inside.name = module.let(
        f"stablehlo.reshape {version.name} : ({version.type}) -> {inside.type}"
    )
    inside = update(module, inside)
    back = module.let(f"stablehlo.reshape {inside.name} : ({inside.type}) -> {version.type}")
    return Version(back, version.shape, version.element)


def through_transpose(module: Module, version: Version) -> Version:
    order = list(range(len(version.shape)))
    module.rng.shuffle(order)
    inside = Version("", [version.shape[d] for d in order], version.element)
    inside.name = module.let(
        f"stablehlo.transpose {version.name}, dims = {order} : ({version.type}) -> {inside.type}"
    )
    inside = update(module, inside)
    inverse = [order.index(d) for d in range(len(order))]
    back = module.let(
        f"stablehlo.transpose {inside.name}, dims = {inverse} : ({inside.type}) -> {version.type}"
    )
    return Version(back, version.shape, version.element)


def through_bits(module: Module, version: Version) -> Version:
    """An update of the slot's bits as integers."""
    element = f"i{8 * np.dtype(ELEMENTS[version.element]).itemsize}"
    if element not in ELEMENTS:
        return update(module, version)
    inside = Version("", version.shape, element)
    inside.name = module.let(
        f"stablehlo.bitcast_convert {version.name} : ({version.type}) -> {inside.type}"
    )
    inside = update(module, inside)
    back = module.let(
        f"stablehlo.bitcast_convert {inside.name} : ({inside.type}) -> {version.type}"
    )
    return Version(back, version.shape, version.element)


def barrier(module: Module, version: Version) -> Version:
    name = module.let(f"stablehlo.optimization_barrier {version.name} : {version.type}")
    return Version(name, version.shape, version.element)


def loop(module: Module, version: Version) -> Version:
    i, carried, new, next_i, on = (module.fresh() for _ in range(5))
    inner = update_text(module, version, carried)
    zero, one, two = (module.let(f"stablehlo.constant dense<{n}> : {INDEX}") for n in (0, 1, 2))
    done = module.fresh()
    module.lines.append(
        f"""{done}:2 = stablehlo.while({i} = {zero}, {carried} = {version.name})
  : {INDEX}, {version.type}
cond {{
  {on} = stablehlo.compare LT, {i}, {two} : ({INDEX}, {INDEX}) -> tensor<i1>
  stablehlo.return {on} : tensor<i1>
}} do {{
  {new} = {inner}
  {next_i} = stablehlo.add {i}, {one} : {INDEX}
  stablehlo.return {next_i}, {new} : {INDEX}, {version.type}
}}"""
    )
    return Version(f"{done}#1", version.shape, version.element)


def branch(module: Module, version: Version) -> Version:
    new, on = module.fresh(), predicate(module)
    inner = update_text(module, version, version.name)
    name = module.let(
        f"""\"stablehlo.if\"({on}) ({{
  {new} = {inner}
  stablehlo.return {new} : {version.type}
}}, {{
  stablehlo.return {version.name} : {version.type}
}}) : (tensor<i1>) -> {version.type}"""
    )
    return Version(name, version.shape, version.element)


def call(module: Module, version: Version) -> Version:
    """Two calls of one private function."""
    size = window(module, version)
    kind = tensor(size, version.element)
    starts = [module.index(extent) for extent in version.shape]
    types = ", ".join([version.type, kind, *[INDEX] * len(starts)])
    inner = [f"%s{i}" for i in range(len(starts))]
    callee = f"@update{len(module.private)}"
    parameters = ", ".join(
        [f"%c: {version.type}", f"%u: {kind}", *[f"{name}: {INDEX}" for name in inner]]
    )
    module.private.append(
        f"func.func private {callee}({parameters}) -> {version.type} {{\n"
        f"%n = stablehlo.dynamic_update_slice {', '.join(['%c', '%u', *inner])} : ({types}) -> "
        f"{version.type}\nreturn %n : {version.type}\n}}"
    )
    for _ in range(2):
        rows = module.argument(kind, random_bits(module.rng, size, version.element))
        operands = ", ".join([version.name, rows, *starts])
        name = module.let(f"func.call {callee}({operands}) : ({types}) -> {version.type}")
        version = Version(name, version.shape, version.element)
    return version


def scatter(module: Module, version: Version) -> Version:
    """Overwrites rows of one dim; the position of the others may be told to be 0."""
    rng, rank = module.rng, len(version.shape)
    dim = rng.randrange(rank)
    units = [d for d in range(rank) if version.shape[d] == 1 and d != dim and rng.random() < 0.5]
    told = sorted([dim, *units])
    windows = [d for d in range(rank) if d not in told]
    size = [2, *[version.shape[d] for d in windows]]
    kind = tensor(size, version.element)
    rows = module.argument(kind, random_bits(rng, size, version.element))
    columns = []
    for d in told:
        known = d != dim and rng.random() < 0.7
        positions = np.array(
            [[0], [0]] if known else [[rng.randint(-1, version.shape[d])] for _ in range(2)], "i4"
        )
        if known:
            columns.append(module.let("stablehlo.constant dense<0> : tensor<2x1xi32>"))
        else:
            columns.append(module.argument("tensor<2x1xi32>", positions))
    pieces = ", ".join(["tensor<2x1xi32>"] * len(told))
    at_type = f"tensor<2x{len(told)}xi32>"
    at = module.let(
        f"stablehlo.concatenate {', '.join(columns)}, dim = 1 : ({pieces}) -> {at_type}"
    )
    old, new, scalar = module.fresh(), module.fresh(), f"tensor<{version.element}>"
    name = module.let(
        f'"stablehlo.scatter"({version.name}, {at}, {rows}) <{{scatter_dimension_numbers = '
        f"#stablehlo.scatter<update_window_dims = {list(range(1, len(windows) + 1))}, "
        f"inserted_window_dims = {told}, scatter_dims_to_operand_dims = {told}, "
        f"index_vector_dim = 1>}}> ({{\n^bb0({old}: {scalar}, {new}: {scalar}):\n"
        f"stablehlo.return {new} : {scalar}\n}}) : ({version.type}, {at_type}, {kind}) -> "
        f"{version.type}"
    )
    return Version(name, version.shape, version.element)


def read_rows(module: Module, version: Version) -> None:
    size = window(module, version)
    kind = tensor(size, version.element)
    starts = [module.index(extent) for extent in version.shape]
    types = ", ".join([version.type, *[INDEX] * len(starts)])
    name = module.let(
        f"stablehlo.dynamic_slice {', '.join([version.name, *starts])}, sizes = {size} : "
        f"({types}) -> {kind}"
    )
    module.results.append((name, kind))


def read_part(module: Module, version: Version) -> None:
    begins = [module.rng.randint(0, extent - 1) for extent in version.shape]
    ends = [module.rng.randint(b, e) for b, e in zip(begins, version.shape, strict=True)]
    kind = tensor([e - b for b, e in zip(begins, ends, strict=True)], version.element)
    parts = ", ".join(f"{b}:{e}" for b, e in zip(begins, ends, strict=True))
    name = module.let(f"stablehlo.slice {version.name} [{parts}] : ({version.type}) -> {kind}")
    module.results.append((name, kind))


def read_all(module: Module, version: Version) -> None:
    name = module.let(f"stablehlo.reverse {version.name}, dims = [0] : {version.type}")
    module.results.append((name, version.type))


def read_product(module: Module, version: Version) -> None:
    """A product over random dims of the whole slot, which may want another order of them."""
    rng, dims = module.rng, list(range(len(version.shape)))
    rng.shuffle(dims)
    batches = rng.randint(0, len(dims) - 1)
    batch, summed = dims[:batches], dims[batches : rng.randint(batches + 1, len(dims))]
    free = sorted(set(dims) - set(batch) - set(summed))
    by = [version.shape[d] for d in batch] + [version.shape[d] for d in summed] + [2]
    other = module.argument(tensor(by, version.element), random_bits(rng, by, version.element))
    result = tensor([version.shape[d] for d in batch + free] + [2], version.element)
    name = module.let(
        f"stablehlo.dot_general {version.name}, {other}, batching_dims = {batch} x "
        f"{list(range(batches))}, contracting_dims = {summed} x "
        f"{list(range(batches, batches + len(summed)))} : "
        f"({version.type}, {tensor(by, version.element)}) -> {result}"
    )
    module.results.append((name, result))


def convert(module: Module, version: Version) -> None:
    if version.element not in ("bf16", "f16"):
        return
    wide = tensor(version.shape, "f32")
    name = module.let(f"stablehlo.convert {version.name} : ({version.type}) -> {wide}")
    module.results.append((name, wide))


def show(module: Module, version: Version) -> None:
    module.results.append((version.name, version.type))


Step = Callable[[Module, Version], Version]
Reader = Callable[[Module, Version], None]

# A slot with only these can have its dims in another order.
PLAIN_STEPS: tuple[Step, ...] = (update, guarded, through_bits, barrier, loop, branch, call)
STEPS = (*PLAIN_STEPS, through_reshape, through_transpose, scatter)
PLAIN_READS: tuple[Reader, ...] = (read_rows, read_part, read_product)
READS = (*PLAIN_READS, read_all, show, convert)


def draw_module(rng: random.Random, slots: int, *, for_products: bool = False) -> Module:
    """A function with that many slots; argument i is slot i, and so is result i.

    `for_products` draws nothing that keeps a slot from another order of dims, and ends each chain
    with a product that may want one.
    """
    steps, reads = (PLAIN_STEPS, PLAIN_READS) if for_products else (STEPS, READS)
    module = Module(rng)
    versions = []
    for i in range(slots):
        element = rng.choice(list(ELEMENTS))
        extents = [1, 4, 5] if for_products else [1, 1, 4, 5, 7]
        shape = [rng.choice(extents) for _ in range(rng.randint(3 if for_products else 2, 4))]
        shape[rng.randrange(len(shape))] = 64
        version = Version("", shape, element)
        value = random_bits(rng, shape, element)
        version.name = module.argument(version.type, value, f' {{kvlift.slot = "c{i}"}}')
        versions.append(version)
    for version in versions:
        for _ in range(rng.randint(1, 4)):
            if rng.random() < 0.4:
                rng.choice(reads)(module, version)
            version = rng.choice(steps)(module, version)
        if for_products:
            read_product(module, version)
        module.slots.append((version.name, version.type))
    return module
