"""Seeded damage to MLIR text: most of it still parses badly, some of it is another program."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

TOKEN = re.compile(r'"[^"\n]*"|[%@!#^]?[\w.$-]+(?:#\d+)?|\n|[^\S\n]+|.', re.DOTALL)
NUMBERS = (
    *("0", "1", "-1", "2", "7", "2147483647", "-2147483648", "4294967296"),
    *("9223372036854775807", "-9223372036854775808", "99999999999999999999999999", "1000000"),
)
ELEMENTS = (
    *("f32", "f16", "bf16", "f64", "i1", "i8", "i32", "i64", "ui8", "ui32", "index", "i7"),
    *("complex<f32>", "f8E4M3FN", "i128", "!quant.uniform<i8:f32, 0.5:3>", "none", "tuple<>"),
)
TYPES = (
    *("tensor<f32>", "tensor<*xf32>", "tensor<0xf32>", "tensor<?xf32>", "!stablehlo.token"),
    *("tuple<tensor<4xf32>, tensor<i32>>", "i32", "index", "memref<4xf32>", "vector<4xf32>"),
    *("tensor<4x!stablehlo.token>", "none", "!torch.vtensor<[4],f32>", "() -> ()"),
)
MARKS = (
    *('kvlift.slot = "a"', 'kvlift.slot = "b"', 'kvlift.slot = ""', "kvlift.slot = 3 : i32"),
    *("kvlift.slot", "kvlift.slot = [1, 2]", 'kvlift.slot = "a\\00\\FF\\22 {}"', "kvlift.kind"),
    *("tf.aliasing_output = 0 : i32", "tf.aliasing_output = 1 : i32", "tf.aliasing_output"),
    *("tf.aliasing_output = -1 : i32", "tf.aliasing_output = 99 : i64", "kvlift.name = 7"),
    *('tf.aliasing_output = "0"', "tf.aliasing_output = 4294967296 : i64", 'kvlift.kind = "x"'),
    *('kvlift.kind = "user_input"', 'kvlift.kind = "buffer"', 'kvlift.name = "n"'),
    *('kvlift.verdict = "in_place"', "kvlift.verdict = unit", "kvlift.initial = 3 : i32"),
    *("kvlift.initial = dense<0.0> : tensor<4xf32>", 'kvlift.initial = "no"'),
    *("jax.buffer_donor = true", 'mhlo.sharding = "{replicated}"', "iree.abi.output = 0 : index"),
)
OPERANDS = re.compile(r"%[\w.$-]+(?:#\d+)?")
MARK = re.compile(r"(?:kvlift|tf|jax)\.\w+(?: = (?:\"[^\"]*\"|[^,}]*))?")
VALUE_TYPE = re.compile(r"((?:tensor|tuple)<[^<>]*>|![A-Z]\w*)(?= *[,)])")

Mutation = Callable[[random.Random, str, list[str]], str]


def _tokens(rng: random.Random, text: str, change: Callable[[list[str], int], None]) -> str:
    tokens = TOKEN.findall(text)
    solid = [i for i, token in enumerate(tokens) if not token.isspace()]
    if solid:
        change(tokens, rng.choice(solid))
    return "".join(tokens)


def delete_token(rng: random.Random, text: str, others: list[str]) -> str:
    return _tokens(rng, text, lambda tokens, i: tokens.__setitem__(i, ""))


def double_token(rng: random.Random, text: str, others: list[str]) -> str:
    return _tokens(rng, text, lambda tokens, i: tokens.__setitem__(i, f"{tokens[i]} {tokens[i]}"))


def swap_tokens(rng: random.Random, text: str, others: list[str]) -> str:
    def change(tokens: list[str], i: int) -> None:
        j = rng.randrange(len(tokens))
        tokens[i], tokens[j] = tokens[j], tokens[i]

    return _tokens(rng, text, change)


def other_token(rng: random.Random, text: str, others: list[str]) -> str:
    def change(tokens: list[str], i: int) -> None:
        tokens[i] = rng.choice(TOKEN.findall(rng.choice(others)) or [" "])

    return _tokens(rng, text, change)


def _replace(rng: random.Random, text: str, pattern: str, new: Callable[[str], str]) -> str:
    places = list(re.finditer(pattern, text))
    if not places:
        return text
    place = rng.choice(places)
    return text[: place.start()] + new(place[0]) + text[place.end() :]


def number(rng: random.Random, text: str, others: list[str]) -> str:
    return _replace(rng, text, r"(?<![\w%.])-?\d+(?![\w.])", lambda _: rng.choice(NUMBERS))


def nudge(rng: random.Random, text: str, others: list[str]) -> str:
    """An index that is off by a little."""
    return _replace(
        rng, text, r"(?<![\w%.])-?\d+(?![\w.])", lambda n: str(int(n) + rng.choice((-1, 1, 2)))
    )


def extent(rng: random.Random, text: str, others: list[str]) -> str:
    """One shape, everywhere that it stands."""
    found = re.findall(r"tensor<[\dx?]*x", text)
    if not found:
        return text
    old = rng.choice(found)
    parts = old.removeprefix("tensor<").split("x")[:-1]
    at = rng.randrange(len(parts))
    parts[at] = rng.choice(("?", "0", "1", "2", "3", *NUMBERS))
    if rng.random() < 0.2:
        parts *= 3
    return text.replace(old, "tensor<" + "x".join(parts) + "x", -1 if rng.random() < 0.6 else 1)


def element(rng: random.Random, text: str, others: list[str]) -> str:
    old = rng.choice(("f32", "i32", "f16", "bf16", "i64", "i8"))
    new = rng.choice(ELEMENTS)
    if rng.random() < 0.5:
        return re.sub(rf"\b{old}\b", new, text)
    return _replace(rng, text, rf"\b{old}\b", lambda _: new)


def whole_type(rng: random.Random, text: str, others: list[str]) -> str:
    found = re.findall(r"tensor<[^<>]*>", text)
    if not found:
        return text
    old = rng.choice(found)
    return text.replace(old, rng.choice(TYPES), -1 if rng.random() < 0.5 else 1)


def operand(rng: random.Random, text: str, others: list[str]) -> str:
    """A value used where another was."""
    names = OPERANDS.findall(text)
    return _replace(rng, text, OPERANDS.pattern, lambda _: rng.choice(names))


def delete_line(rng: random.Random, text: str, others: list[str]) -> str:
    lines = text.split("\n")
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def double_line(rng: random.Random, text: str, others: list[str]) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    lines.insert(rng.choice((at, rng.randrange(len(lines)))), lines[at])
    return "\n".join(lines)


def rename_double(rng: random.Random, text: str, others: list[str]) -> str:
    """A line again, its results under new names: dead or chained updates."""
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    found = re.match(r"\s*(%[\w.]+)", lines[at])
    if found:
        again = lines[at].replace(found[1], f"{found[1]}_again", 1)
        lines.insert(at + 1, again)
        if rng.random() < 0.5:
            name = re.escape(found[1])
            rest = "\n".join(lines[at + 2 :])
            rest = re.sub(rf"{name}(?![\w.])", f"{found[1]}_again", rest)
            lines[at + 2 :] = rest.split("\n")
    return "\n".join(lines)


def swap_lines(rng: random.Random, text: str, others: list[str]) -> str:
    lines = text.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return "\n".join(lines)


def foreign_lines(rng: random.Random, text: str, others: list[str]) -> str:
    """Lines of another module."""
    lines, theirs = text.split("\n"), rng.choice(others).split("\n")
    at = rng.randrange(len(theirs))
    place = rng.randrange(len(lines) + 1)
    lines[place:place] = theirs[at : at + rng.randint(1, 6)]
    return "\n".join(lines)


def truncate(rng: random.Random, text: str, others: list[str]) -> str:
    return text[: rng.randrange(len(text) + 1)]


def symbol(rng: random.Random, text: str, others: list[str]) -> str:
    names = re.findall(r"@[\w.$-]+", text) or ["@main"]
    old, new = rng.choice(names), rng.choice([*names, '@"a b"', "@" + "n" * 500, '@""'])
    if rng.random() < 0.5:
        return re.sub(re.escape(old) + r"(?![\w.$-])", lambda _: new, text)
    return _replace(rng, text, re.escape(old) + r"(?![\w.$-])", lambda _: new)


def visibility(rng: random.Random, text: str, others: list[str]) -> str:
    word = rng.choice(("", "private ", "public ", "nested "))
    return _replace(rng, text, r"func\.func (private |public )?", lambda _: f"func.func {word}")


def add_mark(rng: random.Random, text: str, others: list[str]) -> str:
    """A mark on an argument or result, right or wrong."""
    mark = rng.choice(MARKS)
    return _replace(rng, text, VALUE_TYPE.pattern, lambda kind: f"{kind} {{{mark}}}")


def change_mark(rng: random.Random, text: str, others: list[str]) -> str:
    found = MARK.findall(text)
    return _replace(rng, text, MARK.pattern, lambda _: rng.choice([*MARKS, *found, *found]))


def move_mark(rng: random.Random, text: str, others: list[str]) -> str:
    """A mark onto another argument or result."""
    dictionaries = re.findall(r" \{(?:kvlift|tf)\.[^{}]*\}", text)
    if not dictionaries:
        return add_mark(rng, text, others)
    chosen = rng.choice(dictionaries)
    if rng.random() < 0.7:
        text = text.replace(chosen, "", 1)
    return _replace(rng, text, VALUE_TYPE.pattern, lambda kind: kind + chosen)


def any_byte(rng: random.Random, text: str, others: list[str]) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice('\x00\x01\x7f\u00e9\u2028"{}<>()\\%@#') + text[at:]


# What keeps a module's syntax comes more often.
MUTATIONS: tuple[Mutation, ...] = (
    *(delete_token, double_token, swap_tokens, other_token, any_byte, truncate),
    *(number, nudge, nudge, extent, extent, element, element, whole_type),
    *(operand, operand, operand, operand, delete_line, double_line, swap_lines, foreign_lines),
    *(rename_double, rename_double, rename_double, symbol, visibility),
    *(add_mark, add_mark, add_mark, change_mark, move_mark, move_mark),
)


def mutate(rng: random.Random, text: str, others: list[str]) -> str:
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 6))):
        text = rng.choice(MUTATIONS)(rng, text, others)
    return text
