"""What an op of a compiled decode step is there for: read from names and types that runtimes give.

XLA's instructions are looked up in the optimized HLO, IREE's dispatches in the stream dialect; both
name the dims of a product, which say what weight or cache it reads, and so how many bytes.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from decoders.model import HEAD_DIM, HEADS, HIDDEN, LAYERS, VOCABULARY, WIDTH, Shape

PROJECTIONS = "query, key, value, output projections"
GATE, DOWN, HEAD = "gate and up projections", "down projections", "head"
SCORES, VALUES = "scores: query times keys", "scores times values"
SOFTMAX, UPDATE = "mask and softmax", "update of the caches"
REST, BETWEEN = "norms, rotary, sums", "between ops: threads, host"
# In the order of tables and plots.
ROLES = (PROJECTIONS, GATE, DOWN, HEAD, SCORES, VALUES, SOFTMAX, UPDATE, REST, BETWEEN)

_WEIGHT_BYTES = {
    PROJECTIONS: 4 * LAYERS * 4 * WIDTH * WIDTH,
    GATE: 4 * LAYERS * 2 * WIDTH * HIDDEN,
    DOWN: 4 * LAYERS * WIDTH * HIDDEN,
    HEAD: 4 * WIDTH * VOCABULARY,
}


def bytes_read(role: str, shape: Shape) -> int:
    """What a role has to read in a step: weights and caches; the rest is small."""
    if role in (SCORES, VALUES):
        return shape.cache_bytes // 2
    return _WEIGHT_BYTES.get(role, 0)


@dataclass(frozen=True)
class Op:
    """What a runtime calls an op, without its number, and what it is there for."""

    kind: str
    role: str


def _product_with_weight(result: set[int], operands: set[int]) -> str:
    """By the number of columns that come out, and of those that go in."""
    if VOCABULARY in result:
        return HEAD
    if HIDDEN in result:
        return GATE
    return DOWN if HIDDEN in operands else PROJECTIONS


_INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%([\w.-]+) = (\S+) ([\w-]+)\((.*?)\)", re.MULTILINE)


def xla_ops(hlo: str, shape: Shape) -> dict[str, Op]:
    """The instructions of an optimized module's entry by name."""
    found = _INSTRUCTION.findall(hlo[hlo.index("\nENTRY") :])
    types = {name: made for name, made, _, _ in found}
    return {
        name: Op(
            re.sub(r"[.\d]+$", "", name),
            _xla_role(
                name, made, [types.get(o, "") for o in re.findall(r"%([\w.-]+)", ins)], shape
            ),
        )
        for name, made, _, ins in found
    }


def _xla_role(name: str, made: str, taken: list[str], shape: Shape) -> str:
    is_product = "dot" in name or name.startswith("ynn_fusion")
    cache = f"{shape.capacity},{HEAD_DIM}]"
    result = _dims(made)
    if any(cache in each for each in taken) and is_product:
        return SCORES if shape.capacity in result else VALUES
    if cache in made or any(cache in each for each in taken):
        return UPDATE
    weights = [each for each in taken if _is_weight(_dims(each))]
    if weights and is_product:
        return _product_with_weight(set(result), {d for each in weights for d in _dims(each)})
    sizes = {d for each in (made, *taken) for d in _dims(each)}
    return SOFTMAX if _is_score(sizes, result, shape) else REST


def _dims(made: str) -> list[int]:
    """`f32[8,256]{1,0}` -> [8, 256]."""
    found = re.search(r"\[([\d,]*)\]", made)
    return [int(d) for d in found[1].split(",") if d] if found else []


def _is_weight(dims: list[int]) -> bool:
    return len(dims) == 2 and min(dims) >= WIDTH


def _is_score(sizes: set[int], result: list[int], shape: Shape) -> bool:
    """Whether it works on [batch, heads, capacity], or on what sums of it have left."""
    is_left = result[:2] == [shape.batch, HEADS] and math.prod(result) <= shape.capacity * HEADS
    return shape.capacity in sizes - {WIDTH, HIDDEN, VOCABULARY} or is_left


_DISPATCH = re.compile(r"stream\.cmd\.dispatch @\w+::@(\w+)[^{]*\{(.*?)\n\s*\}", re.DOTALL)


def iree_ops(stream: str, shape: Shape) -> dict[str, Op]:
    """The dispatches of a module in the stream dialect by name."""
    cache = f"!stream.resource<external>{{%c{shape.cache_bytes // (2 * LAYERS)}}}"
    touching = {name for name, operands in _DISPATCH.findall(stream) if cache in operands}
    return {
        name: Op(re.sub(r"^.*?_dispatch_\d+_", "", name), _iree_role(name, name in touching, shape))
        for name, _ in _DISPATCH.findall(stream)
    }


def _iree_role(name: str, touches_cache: bool, shape: Shape) -> str:
    """`main_dispatch_15_batch_matmul_8x256x1x64_f32`: products have rows, columns, summed last."""
    sizes = re.search(r"_(\d+(?:x\d+)*)_", name.partition("_dispatch_")[2].partition("_")[2])
    dims = [int(d) for d in sizes[1].split("x")] if sizes else []
    if re.search(r"matmul|matvec|vecmat|mmt4d|contract", name):
        if touches_cache:
            return VALUES if dims[-1] == shape.capacity else SCORES
        return _product_with_weight(set(dims[:-1]), set(dims[-1:]))
    if touches_cache:
        return UPDATE
    return SOFTMAX if shape.capacity in dims or dims[:1] == [shape.batch * HEADS] else REST
