"""A StableHLO program while it is drawn: `emit.Body`, and the values that its arguments take."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import ml_dtypes
import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "corpus"))

from emit import Body, Value

Numbers = np.random.Generator
Drawer = Callable[[Numbers], np.ndarray]

FLOATS = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64}
INTEGERS = {
    "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "ui8": np.uint8, "ui32": np.uint32,
}  # fmt: skip
SLOT_DTYPES = ("f32", "f32", "f32", "f16", "bf16", "i8", "i32", "i1", "f64")
# NaNs with payloads and both signs, quiet and signaling, zeros, infinities, a denormal.
_SPECIAL = (
    0x7FC12345, 0xFF812345, 0x7F817FA1, 0xFFC00000, 0x80000000, 0, 0x7F800000, 0xFF800000, 1,
)  # fmt: skip


def bits_of(dtype: str) -> int:
    return 1 if dtype == "i1" else int(dtype.lstrip("uibf"))


def random_data(numbers: Numbers, shape: Sequence[int], dtype: str) -> np.ndarray:
    """Random bits, many of them special numbers; bf16 as its bits."""
    width = bits_of(dtype)
    if width == 1:
        return numbers.integers(0, 2, shape).astype(np.bool_)
    unsigned = np.dtype(f"u{width // 8}")
    raw = numbers.integers(0, np.iinfo(unsigned).max, shape, unsigned, endpoint=True)
    if dtype in FLOATS:
        special = np.array(_SPECIAL, "u8")
        special = special << (width - 32) if width >= 32 else special >> (32 - width)
        chosen = special.astype(unsigned)[numbers.integers(0, len(special), shape)]
        raw = np.where(numbers.random(shape) < 0.4, chosen, raw)
    plain = {"bf16": unsigned, **{k: v for k, v in FLOATS.items() if k != "bf16"}}
    return np.asarray(raw).view(plain.get(dtype, INTEGERS.get(dtype, unsigned)))


def random_indices(
    numbers: Numbers, shape: Sequence[int], dtype: str, extent: int, count: int
) -> np.ndarray:
    """Mostly at and around the edges of a dim of which `count` rows are written."""
    kind = np.iinfo(INTEGERS[dtype])
    near = [0, 1, extent - count, extent - count + 1, extent - 1, extent, -1, -count, 1 - count]
    far = [kind.min, kind.max, kind.min + 1, kind.max - 1, kind.max - count, kind.max - count + 1]
    far += [-extent, -extent - 1, 1 << 31, (1 << 31) - 1, -(1 << 31), 1 << 30]
    total = prod(shape)
    style = numbers.random()
    values = []
    for _ in range(total):
        if style < 0.35:
            value = int(numbers.integers(0, max(1, extent - count + 1)))
        else:
            pick = numbers.random()
            value = int(
                numbers.choice(near) if pick < 0.5
                else far[int(numbers.integers(len(far)))] if pick < 0.65
                else numbers.integers(-count - 1, extent + 2)
            )  # fmt: skip
        values.append(((value - kind.min) % (1 << kind.bits)) + kind.min)
    return np.array(values, INTEGERS[dtype]).reshape(tuple(shape))


@dataclass
class Draft:
    """A program's text so far.

    Attributes:
        drawers: makes the value of each argument.
        slots: the arguments that are slots, with the name that marks them.
        used: the names of the update forms that were drawn, outermost only.
        depth: how many forms stand around the one that is drawn now.
    """

    rng: random.Random
    body: Body = field(default_factory=Body)
    drawers: list[Drawer] = field(default_factory=list)
    slots: dict[int, str] = field(default_factory=dict)
    depth: int = 0

    def argument(self, shape: Sequence[int], dtype: str, drawer: Drawer) -> Value:
        self.drawers.append(drawer)
        return self.body.argument(shape, dtype)

    def data(self, shape: Sequence[int], dtype: str) -> Value:
        fixed = tuple(shape)
        return self.argument(fixed, dtype, lambda n: random_data(n, fixed, dtype))

    def index(self, shape: Sequence[int], dtype: str, extent: int, count: int = 1) -> Value:
        fixed = tuple(shape)
        return self.argument(fixed, dtype, lambda n: random_indices(n, fixed, dtype, extent, count))

    def flag(self, shape: Sequence[int] = ()) -> Value:
        fixed = tuple(shape)
        return self.argument(fixed, "i1", lambda n: n.integers(0, 2, fixed).astype(np.bool_))

    def slot(self, shape: Sequence[int], dtype: str) -> Value:
        value = self.data(shape, dtype)
        self.slots[len(self.drawers) - 1] = f"s{len(self.slots)}"
        return value

    def constant(self, values: object, shape: Sequence[int], dtype: str) -> Value:
        """Integers, as nested lists or one number for all."""
        text = str(values).lower() if dtype != "i1" else _truth(values)
        if dtype in FLOATS:
            text = f"{values}.0"
        if prod(shape) == 0:
            text = ""
        return self.body.let(shape, dtype, f"stablehlo.constant dense<{text}> : {{type}}")

    def index_type(self) -> str:
        longest = max((e for value in self.body.arguments[:1] for e in value.shape), default=0)
        if longest > 60 and self.rng.random() < 0.5:
            # What i8 can hardly count. The interpreter takes large unsigned positions for negative.
            return self.rng.choice(("i8", "i8", "i16"))
        if longest <= 60 and self.rng.random() < 0.06:
            return self.rng.choice(("i8", "i16", "ui32", "ui8"))
        return self.rng.choice(("i32", "i64"))

    def text(self, results: Sequence[Value], finals: dict[str, str]) -> str:
        """The module; `finals` has the slot's name for each result that is its last version."""
        arguments = ", ".join(
            f"{value.name}: {value.type}" + _mark(self.slots.get(i))
            for i, value in enumerate(self.body.arguments)
        )
        types = ", ".join(value.type for value in results)
        marked = ", ".join(value.type + _mark(finals.get(value.name)) for value in results)
        names = ", ".join(value.name for value in results)
        lines = "\n  ".join([*self.body.lines, f"return {names} : {types}"])
        main = f"func.func @main({arguments}) -> ({marked}) {{\n  {lines}\n}}"
        return "\n".join([main, *self.body.functions, ""])

    def draw_values(self, numbers: Numbers) -> list[np.ndarray]:
        return [drawer(numbers) for drawer in self.drawers]


def _mark(name: str | None) -> str:
    return f' {{kvlift.slot = "{name}"}}' if name else ""


def _truth(values: object) -> str:
    return str(bool(values)).lower() if isinstance(values, int) else str(values).lower()
