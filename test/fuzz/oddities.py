"""Modules that are odd on purpose; most of them are valid."""

from __future__ import annotations

import random
from collections.abc import Callable

UPDATE = (
    "{result} = stablehlo.dynamic_update_slice {old}, %u, {at} : "
    "({kind}, {new}, tensor<i32>) -> {kind}"
)
SLOT, ROW, INDEX = "tensor<16xf32>", "tensor<1xf32>", "tensor<i32>"
ARGUMENTS = f"%c: {SLOT}, %u: {ROW}, %i: {INDEX}"


def write(result: str, old: str, at: str = "%i", kind: str = SLOT, new: str = ROW) -> str:
    return UPDATE.format(result=result, old=old, at=at, kind=kind, new=new)


def main(lines: list[str], returned: str = "%n", kinds: str = SLOT, head: str = ARGUMENTS) -> str:
    body = "\n  ".join([*lines, f"return {returned} : {kinds}"])
    return f"func.func @main({head}) -> ({kinds}) {{\n  {body}\n}}\n"


def recursion(rng: random.Random) -> str:
    """Functions that call each other in a circle, or themselves."""
    count = rng.choice((1, 2, 3, 40))
    texts = []
    for i in range(count):
        callee = f"@f{(i + 1) % count}"
        body = write("%m", "%c")
        call = f"%n = call {callee}(%m, %u, %i) : ({SLOT}, {ROW}, {INDEX}) -> {SLOT}"
        mark = "private " if rng.random() < 0.7 else ""
        texts.append(
            f"func.func {mark}@f{i}({ARGUMENTS}) -> {SLOT} {{\n  {body}\n  {call}\n  "
            f"return %n : {SLOT}\n}}\n"
        )
    call = f"%n = call @f0(%c, %u, %i) : ({SLOT}, {ROW}, {INDEX}) -> {SLOT}"
    return main([call]) + "".join(texts)


def declaration(rng: random.Random) -> str:
    marks = rng.choice(("", ' {kvlift.slot = "a"}', " {tf.aliasing_output = 0 : i32}"))
    call = f"%m = call @outside(%c) : ({SLOT}) -> {SLOT}"
    result = rng.choice(("", ' {kvlift.slot = "a"}'))
    return (
        f"func.func private @outside({SLOT}{marks}) -> ({SLOT}{result})\n"
        + main([call, write("%n", "%m")])
        + rng.choice(("", f"func.func private @unused({SLOT}{marks})\n"))
    )


def blocks(rng: random.Random) -> str:
    """Several blocks, a loop among them."""
    flag = f"%f = stablehlo.constant dense<true> : tensor<i1>\n  {write('%a', '%c')}"
    target = rng.choice(("^bb1", "^bb2"))
    return (
        f"func.func @main({ARGUMENTS}) -> {SLOT} {{\n  {flag}\n  cf.br ^bb1(%a : {SLOT})\n"
        f"^bb1(%x: {SLOT}):\n  {write('%b', '%x')}\n  %t = arith.constant true\n"
        f"  cf.cond_br %t, {target}(%b : {SLOT}), ^bb2(%x : {SLOT})\n"
        f"^bb2(%y: {SLOT}):\n  {write('%n', '%y')}\n  return %n : {SLOT}\n}}\n"
    )


def shapes(rng: random.Random) -> str:
    """Zero-sized, dynamic, huge, scalar and unranked shapes."""
    kind, new, rank = rng.choice((
        ("tensor<0xf32>", "tensor<0xf32>", 1),
        ("tensor<f32>", "tensor<f32>", 0),
        ("tensor<?xf32>", "tensor<1xf32>", 1),
        ("tensor<?x?xf32>", "tensor<?x?xf32>", 2),
        ("tensor<4x0x9xf32>", "tensor<4x0x1xf32>", 3),
        ("tensor<9223372036854775807xf32>", "tensor<1xf32>", 1),
        ("tensor<4294967296x4294967296x4294967296xf32>", "tensor<1x1x1xf32>", 3),
        ("tensor<*xf32>", "tensor<1xf32>", 1),
        (f"tensor<{'1x' * 40}f32>", f"tensor<{'1x' * 40}f32>", 40),
        (f"tensor<{'2x' * 200}f32>", f"tensor<{'1x' * 200}f32>", 200),
        ("tensor<?xf32, #stablehlo.bounds<8>>", "tensor<1xf32>", 1),
    ))  # fmt: skip
    places = ", ".join(["%i"] * rank)
    comma = ", " if rank else ""
    indices = ", ".join([INDEX] * rank)
    line = (
        f"%n = stablehlo.dynamic_update_slice %c, %u{comma}{places} : "
        f"({kind}, {new}{comma}{indices}) -> {kind}"
    )
    read = f"%z = stablehlo.reverse %c, dims = [] : {kind}"
    lines = [read, line] if rng.random() < 0.5 else [line]
    return main(lines, kinds=kind, head=f"%c: {kind}, %u: {new}, %i: {INDEX}")


def elements(rng: random.Random) -> str:
    dtype = rng.choice((
        *("i1", "ui64", "i4", "ui2", "complex<f32>", "complex<f64>", "f8E5M2", "f8E4M3FN"),
        *("f8E3M4", "f4E2M1FN", "!quant.uniform<i8:f32, 2.0:15>", "f128", "index", "i7", "tf32"),
        "!quant.uniform<i8:f32:0, {0.1, 0.2}>",
    ))  # fmt: skip
    kind, new = f"tensor<16x{dtype}>", f"tensor<1x{dtype}>"
    if "{" in dtype:
        kind, new = f"tensor<2x{dtype}>", f"tensor<2x{dtype}>"
    return main([write("%n", "%c", kind=kind, new=new)], kinds=kind,
                head=f"%c: {kind}, %u: {new}, %i: {INDEX}")  # fmt: skip


def others(rng: random.Random) -> str:
    """Tokens, tuples, foreign types and ops."""
    kind = rng.choice(
        ("!stablehlo.token", "tuple<tensor<4xf32>>", "!torch.int", "!foreign.type", "none")
    )
    lines = [
        *rng.sample(
            [
                f'%x = "foreign.op"(%c) : ({SLOT}) -> {SLOT}',
                f'"foreign.sink"(%c, %k) : ({SLOT}, {kind}) -> ()',
                f'%y:2 = "foreign.region"(%c) ({{ ^bb0(%a: {SLOT}): "foreign.end"(%a) : ({SLOT}) '
                f"-> () }}) : ({SLOT}) -> ({SLOT}, {kind})",
                f"%z = stablehlo.tuple %c, %u : tuple<{SLOT}, {ROW}>\n  "
                f"%w = stablehlo.get_tuple_element %z[0] : (tuple<{SLOT}, {ROW}>) -> {SLOT}\n  "
                + write("%v", "%w"),
                f'%q = "stablehlo.custom_call"(%c) {{call_target_name = "x", has_side_effect = true'
                ", output_operand_aliases = [#stablehlo.output_operand_alias<"
                "output_tuple_indices = [], operand_index = 0, operand_tuple_indices = []>]} : "
                f"({SLOT}) -> {SLOT}",
            ],
            rng.randint(1, 3),
        ),
        write("%n", "%c"),
    ]
    return main(lines, "%n, %k", f"{SLOT}, {kind}", f"{ARGUMENTS}, %k: {kind}")


def nest(rng: random.Random) -> str:
    """`while` and `if` within each other, the slot carried or captured all the way down."""
    depth = rng.choice((1, 6, 30, 200))
    lines, ends, old = [], [], "%c"
    for i in range(depth):
        if rng.random() < 0.6:
            lines.append(
                f"%w{i}:2 = stablehlo.while(%i{i} = %i, %c{i} = {old}) : {INDEX}, {SLOT}\n cond {{"
                f"\n %t{i} = stablehlo.compare LT, %i{i}, %i : ({INDEX}, {INDEX}) -> tensor<i1>\n"
                f" stablehlo.return %t{i} : tensor<i1>\n }} do {{"
            )
            ends.append(f"stablehlo.return %i{i}, {{inner}} : {INDEX}, {SLOT}\n }}")
            old = f"%c{i}"
            ends[-1] += f"|%w{i}#1"
        else:
            lines.append(f'%w{i} = "stablehlo.if"(%p) ({{')
            ends.append(
                f"stablehlo.return {{inner}} : {SLOT}\n }}, {{\n stablehlo.return {old} : {SLOT}\n"
                f" }}) : (tensor<i1>) -> {SLOT}|%w{i}"
            )
    lines.append(write("%in", old))
    inner = "%in"
    for end in reversed(ends):
        text, _, made = end.partition("|")
        lines.append(text.replace("{inner}", inner))
        inner = made
    return main(lines, inner, SLOT, f"{ARGUMENTS}, %p: tensor<i1>")


def long_chain(rng: random.Random) -> str:
    count = rng.choice((100, 1000, 10000))
    lines, old = [], "%c"
    for i in range(count):
        lines.append(write(f"%v{i}", old))
        if i % 7 == 3:
            lines.append(f"%r{i} = stablehlo.negate %v{i} : {SLOT}")
        old = f"%v{i}"
    if rng.random() < 0.3:  # Every version is read at the very end.
        reads = [f"%e{i} = stablehlo.negate %v{i} : {SLOT}" for i in range(0, count, 50)]
        lines.extend(reads)
        return main(lines, f"{old}, %e0", f"{SLOT}, {SLOT}")
    return main(lines, old)


def many_uses(rng: random.Random) -> str:
    """One op that takes a slot a thousand times, and the next version among them."""
    count = rng.choice((2, 100, 1000))
    kinds = ", ".join([SLOT] * count)
    names = ["%c"] * count
    if rng.random() < 0.5:
        names[rng.randrange(count)] = "%n"
    total = f"tensor<{16 * count}xf32>"
    read = f"%r = stablehlo.concatenate {', '.join(names)}, dim = 0 : ({kinds}) -> {total}"
    barrier = f"%b:{count} = stablehlo.optimization_barrier {', '.join(names)} : {kinds}"
    lines = [write("%n", "%c"), rng.choice((read, barrier))]
    if lines[1] is barrier:
        return main([*lines, write("%m", f"%b#{count - 1}")], "%m")
    return main(lines, "%n, %r", f"{SLOT}, {total}")


def swap_slots(rng: random.Random) -> str:
    """Slots that change places, in one loop or on the way out."""
    count = rng.choice((2, 3, 30))
    head = ", ".join(f"%c{i}: {SLOT}" for i in range(count)) + f", %u: {ROW}, %i: {INDEX}"
    order = rng.sample(range(count), count)
    lines = [write(f"%n{i}", f"%c{i}") for i in range(count)]
    kinds = ", ".join([SLOT] * count)
    if rng.random() < 0.5:
        return main(lines, ", ".join(f"%n{i}" for i in order), kinds, head)
    carried = ", ".join(f"%x{i} = %n{i}" for i in range(count))
    lines.append(
        f"%w:{count} = stablehlo.while({carried}) : {kinds}\n cond {{\n "
        "%t = stablehlo.constant dense<false> : tensor<i1>\n stablehlo.return %t : tensor<i1>\n "
        f"}} do {{\n stablehlo.return {', '.join(f'%x{i}' for i in order)} : {kinds}\n }}"
    )
    return main(lines, ", ".join(f"%w#{i}" for i in range(count)), kinds, head)


def scatters(rng: random.Random) -> str:
    """Dimension numbers and bodies that nobody writes."""
    pick = lambda: rng.choice(("[]", "[0]", "[1]", "[0, 1]", "[1, 0]", "[2]", "[-1]", "[0, 0]"))  # noqa: E731
    indices = rng.choice(("tensor<1xi32>", "tensor<2xi64>", "tensor<0xi32>", "tensor<i32>",
                          "tensor<1x1xui8>", "tensor<2x2xi32>", "tensor<?x1xi32>"))  # fmt: skip
    update = rng.choice(("tensor<4xf32>", "tensor<1x4xf32>", "tensor<8x4xf32>", "tensor<f32>",
                         "tensor<2x4xf32>", "tensor<0x4xf32>", "tensor<?x4xf32>"))  # fmt: skip
    body = rng.choice((
        "stablehlo.return %y : tensor<f32>",
        "stablehlo.return %x : tensor<f32>",
        "%z = stablehlo.constant dense<1.0> : tensor<f32>\n stablehlo.return %z : tensor<f32>",
        "%z = stablehlo.reduce(%c init: %x) applies stablehlo.add across dimensions = [0, 1] : "
        "(tensor<8x4xf32>, tensor<f32>) -> tensor<f32>\n stablehlo.return %z : tensor<f32>",
        "stablehlo.return %outer : tensor<f32>",
    ))  # fmt: skip
    batching = ""
    if rng.random() < 0.2:
        batching = f"input_batching_dims = {pick()}, scatter_indices_batching_dims = {pick()}, "
    numbers = (
        f"update_window_dims = {pick()}, inserted_window_dims = {pick()}, {batching}"
        f"scatter_dims_to_operand_dims = {pick()}, index_vector_dim = {rng.choice((0, 1, 2, -1))}"
    )
    if rng.random() < 0.8:
        windows, inserted, scattered, at, indices, update = rng.choice((
            ([1], [0], [0], 1, "tensor<2x1xi32>", "tensor<2x4xf32>"),
            ([1], [0], [0], 1, "tensor<2xi64>", "tensor<2x4xf32>"),
            ([0], [0], [0], 0, "tensor<1xi32>", "tensor<4xf32>"),
            ([0, 1], [], [], 0, "tensor<0xi32>", "tensor<8x4xf32>"),
            ([0, 1], [], [1, 0], 0, "tensor<2xi8>", "tensor<1x4xf32>"),
            ([], [0, 1], [0, 1], 2, "tensor<3x4x2xi32>", "tensor<3x4xf32>"),
            ([1], [0], [0], 1, "tensor<?x1xi32>", "tensor<?x4xf32>"),
            ([1], [0], [0], 1, "tensor<0x1xui32>", "tensor<0x4xf32>"),
            ([0, 1], [], [0], 1, "tensor<1xi32>", "tensor<8x4x1xf32>"),
        ))  # fmt: skip
        numbers = (
            f"update_window_dims = {windows}, inserted_window_dims = {inserted}, "
            f"scatter_dims_to_operand_dims = {scattered}, index_vector_dim = {at}"
        )
    kind = "tensor<8x4xf32>"
    line = (
        f'%n = "stablehlo.scatter"(%c, %i, %u) <{{scatter_dimension_numbers = '
        f"#stablehlo.scatter<{numbers}>}}> ({{ ^bb0(%x: tensor<f32>, %y: tensor<f32>):\n {body}\n"
        f" }}) : ({kind}, {indices}, {update}) -> {kind}"
    )
    head = f"%c: {kind}, %u: {update}, %outer: tensor<f32>"
    if "?" in indices or rng.random() < 0.6:
        return main([line], kinds=kind, head=f"{head}, %i: {indices}")
    rank = indices.count("x")
    maker = rng.choice((
        f"%i = stablehlo.iota dim = {rng.randint(0, max(0, rank - 1))} : {indices}",
        f"%i = stablehlo.constant dense<{rng.choice((0, 1, 127))}> : {indices}",
        f"%k = stablehlo.constant dense<1> : tensor<9223372036854775807xi32>\n  "
        f"%s = stablehlo.slice %k [0:1] : (tensor<9223372036854775807xi32>) -> tensor<1xi32>\n  "
        f"%t = stablehlo.reshape %s : (tensor<1xi32>) -> tensor<i32>\n  "
        f"%b = stablehlo.broadcast_in_dim %t, dims = [] : (tensor<i32>) -> {indices}\n  "
        f"%i = stablehlo.add %b, %b : {indices}",
    ))  # fmt: skip
    return main([maker, line], kinds=kind, head=head)


def names(rng: random.Random) -> str:
    """Long, foreign, empty and repeated names."""
    name = rng.choice(
        ("x" * 100_000, "\\FF\\FE", "", "a\\22b", "\u043a\u044d\u0448", "\\00", "a:b,c{d}", "%c")
    )
    other = rng.choice((name, "k"))
    which = rng.choice(("slot", "name", "kind"))
    head = (
        f'%c: {SLOT} {{kvlift.{which} = "{name}"}}, %d: {SLOT} {{kvlift.{which} = "{other}"}}, '
        f"%u: {ROW}, %i: {INDEX}"
    )
    text = main([write("%n", "%c"), write("%m", "%d")], "%n, %m", f"{SLOT}, {SLOT}", head)
    function = rng.choice(("@main", '@"' + name + '"', "@" + "f" * 10_000))
    return text.replace("@main", function)


def marks(rng: random.Random) -> str:
    """Marks that contradict each other, on arguments, results, functions and the module."""
    from mutate import MARKS

    def some() -> str:
        chosen = {mark.partition(" ")[0]: mark for mark in rng.sample(MARKS, rng.randint(0, 3))}
        return f" {{{', '.join(chosen.values())}}}" if chosen else ""

    count = rng.randint(1, 4)
    head = ", ".join(f"%c{i}: {SLOT}{some()}" for i in range(count))
    head += f", %u: {ROW}{some()}, %i: {INDEX}{some()}"
    lines = [write(f"%n{i}", f"%c{rng.randrange(count)}") for i in range(count)]
    returned = [rng.choice((f"%n{i}", f"%c{i}", f"%n{rng.randrange(count)}")) for i in range(count)]
    kinds = ", ".join(f"{SLOT}{some()}" for _ in range(count))
    plain = ", ".join([SLOT] * count)
    text = "\n  ".join([*lines, f"return {', '.join(returned)} : {plain}"])
    extra = rng.choice(("", f" attributes{some()}"))
    extra = "" if extra == " attributes" else extra
    module = f"func.func @main({head}) -> ({kinds}){extra} {{\n  {text}\n}}\n"
    outer = some()
    return f"module attributes{outer} {{\n{module}}}\n" if outer else module


def globals_(rng: random.Random) -> str:
    """Globals that are stored, loaded, missing, of odd types, used by circles of calls."""
    dtype, number = rng.choice((
        *(("f32", "0.0"), ("f32", "0.0"), ("bf16", "1.5"), ("i1", "true"), ("f8E5M2", "1.0")),
        *(("complex<f32>", "(1.0,2.0)"), ("i4", "3"), ("i128", "7"), ("ui8", "255"), ("i24", "1")),
    ))  # fmt: skip
    kind = rng.choice((f"tensor<16x{dtype}>",) * 5 + (f"tensor<1152921504606846976x{dtype}>",))
    new = f"tensor<1x{dtype}>"
    start = rng.choice((f"dense<{number}> : {kind}",) * 3 + ("", "3 : i32"))
    name = "@missing" if rng.random() < 0.05 else "@g"
    is_mutable = rng.random() < 0.85
    if rng.random() < 0.6:
        value = f"({start})" if start else ""
        word = "mutable " if is_mutable else ""
        text = f"ml_program.global private {word}@g{value} : {kind}\n"
        load = f"%g = ml_program.global_load {name} : {kind}"
        store = f"ml_program.global_store {name} = %n : {kind}"
    else:
        parts = ['sym_name = "g"', 'sym_visibility = "private"', f"type = {kind}"]
        parts += [f"initial_value = {start}"] * bool(start) + ["is_mutable"] * is_mutable
        text = f'"util.global"() {{{", ".join(parts)}}} : () -> ()\n'
        load = f'%g = "util.global.load"() {{global = {name}}} : () -> {kind}'
        store = f'"util.global.store"(%n) {{global = {name}}} : ({kind}) -> ()'
    lines = [load, write("%n", "%g", kind=kind, new=new), store]
    head = f"%c: {kind}, %u: {new}, %i: {INDEX}, %p: tensor<i1>"
    if rng.random() < 0.3:
        lines.append(
            f"%m = call @main(%c, %u, %i, %p) : ({kind}, {new}, {INDEX}, tensor<i1>) -> {kind}"
        )
    if rng.random() < 0.3:
        lines.append(
            f'%q = "stablehlo.if"(%p) ({{\n {store}\n stablehlo.return %n : {kind}\n}}, {{\n '
            f"stablehlo.return %c : {kind}\n}}) : (tensor<i1>) -> {kind}"
        )
        return text + main(lines, "%q", kind, head)
    return text + main(lines, kinds=kind, head=head)


def empty(rng: random.Random) -> str:
    return rng.choice((
        "module {}",
        "module {\n module {\n }\n}",
        "func.func @main() {\n return\n}",
        f"func.func @main(%c: {SLOT}) -> {SLOT} {{\n return %c : {SLOT}\n}}",
        f"func.func @main(%c: {SLOT}, %d: {SLOT}) -> ({SLOT}, {SLOT}) {{\n"
        f" return %c, %c : {SLOT}, {SLOT}\n}}",
        f"module @a {{\n module @b {{\n{main([write('%n', '%c')])} }}\n}}",
        '"builtin.module"() ({\n}) : () -> ()',
        "func.func private @main()",
    ))  # fmt: skip


def composite(rng: random.Random) -> str:
    version = rng.choice(("", ", version = 1 : i32"))
    name = rng.choice(("@part", "@part", "@main", "@missing"))
    line = (
        f'%n = stablehlo.composite "x.y" %c, %u, %i {{decomposition = {name}{version}}} : '
        f"({SLOT}, {ROW}, {INDEX}) -> {SLOT}"
    )
    part = main([write("%n", "%c")]).replace("func.func @main", "func.func private @part")
    return main([line]) + part


ODDITIES: tuple[Callable[[random.Random], str], ...] = (
    *(recursion, declaration, blocks, shapes, elements, others, nest, long_chain, many_uses),
    *(swap_slots, scatters, scatters, scatters, names, marks, marks, marks, globals_, empty),
    composite,
)
