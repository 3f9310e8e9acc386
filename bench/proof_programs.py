"""Programs that are hard on the proof: what `lift_time.py` measures order and proof with."""

from __future__ import annotations

from collections.abc import Callable

TENSOR = "tensor<8x64xf32>"
ROW = "tensor<1x64xf32>"
DEPTH = 6


class Program:
    """A function over slots, written op by op."""

    def __init__(self, slots: int) -> None:
        """Starts with the constants that all programs use."""
        self.slots = slots
        self.values = 0
        self.lines = [
            "%zero = stablehlo.constant dense<0> : tensor<i32>",
            "%one = stablehlo.constant dense<1> : tensor<i32>",
        ]

    def op(self, text: str) -> str:
        """Adds an op; its result gets a name."""
        self.values += 1
        self.lines.append(f"%v{self.values} = stablehlo.{text}")
        return f"%v{self.values}"

    def update(self, old: str) -> str:
        """The old value with the row written."""
        return self.op(
            f"dynamic_update_slice {old}, %row, %at, %zero : "
            f"({TENSOR}, {ROW}, tensor<i32>, tensor<i32>) -> {TENSOR}"
        )

    def add(self, a: str, b: str, kind: str = TENSOR) -> str:
        """The sum of two values."""
        return self.op(f"add {a}, {b} : {kind}")

    def adds(self, value: str, other: str, count: int) -> str:
        """The same value added that often."""
        for _ in range(count):
            value = self.add(value, other)
        return value

    def loop(self, versions: list[str], value: str, depth: int, count: int) -> list[str]:
        """A loop that carries everything, with as many loops inside of it as depth says."""
        kinds = ", ".join([TENSOR] * (len(versions) + 1) + ["tensor<i32>"])
        inner = [f"%w{depth}_{i}" for i in range(len(versions) + 2)]
        pairs = ", ".join(
            f"{a} = {b}" for a, b in zip(inner, [*versions, value, "%zero"], strict=True)
        )
        self.lines += [
            f"%r{depth}:{len(inner)} = stablehlo.while({pairs}) : {kinds} cond {{",
            f"%c{depth} = stablehlo.compare LT, {inner[-1]}, %at : "
            "(tensor<i32>, tensor<i32>) -> tensor<i1>",
            f"stablehlo.return %c{depth} : tensor<i1> }} do {{",
        ]
        carried, value = [], inner[-2]
        for version in inner[: len(versions)]:
            value = self.adds(value, version, count)
            carried.append(self.update(version))
        if depth:
            results = self.loop(carried, value, depth - 1, count)
            carried, value = results[: len(versions)], results[len(versions)]
        step = self.add(inner[-1], "%one", "tensor<i32>")
        self.lines.append(f"stablehlo.return {', '.join([*carried, value, step])} : {kinds} }}")
        return [f"%r{depth}#{i}" for i in range(len(inner))]

    def text(self, versions: list[str], value: str) -> str:
        """The module that returns these."""
        slots = range(self.slots)
        mark = '{{kvlift.slot = "s{}"}}'
        arguments = ", ".join(f"%s{i}: {TENSOR} {mark.format(i)}" for i in slots)
        results = ", ".join([*(f"{TENSOR} {mark.format(i)}" for i in slots), TENSOR])
        body = "\n".join(self.lines)
        kinds = ", ".join([TENSOR] * (self.slots + 1))
        return (
            f"func.func @main({arguments}, %x: {TENSOR}, %row: {ROW}, %at: tensor<i32>) -> "
            f"({results}) {{\n{body}\nreturn {', '.join([*versions, value])} : {kinds}\n}}"
        )


def early_reads(ops: int, slots: int) -> str:
    """Sums that read all old versions, then updates."""
    program, value, versions = Program(slots), "%x", []
    for slot in range(slots):
        value = program.adds(value, f"%s{slot}", ops // slots)
        versions.append(program.update(f"%s{slot}"))
    return program.text(versions, value)


def late_slices(ops: int, slots: int) -> str:
    """Rows of old versions, used together with the new ones."""
    program, value, versions = Program(slots), "%x", []
    for slot in range(slots):
        old, new = f"%s{slot}", program.update(f"%s{slot}")
        versions.append(new)
        for _ in range(ops // slots // 4):
            rows = [
                program.op(f"slice {each} [0:1, 0:64] : ({TENSOR}) -> {ROW}") for each in (old, new)
            ]
            row = program.add(*rows, ROW)
            value = program.op(
                f"dynamic_update_slice {value}, {row}, %zero, %zero : "
                f"({TENSOR}, {ROW}, tensor<i32>, tensor<i32>) -> {TENSOR}"
            )
    return program.text(versions, value)


def nested_loops(ops: int, slots: int) -> str:
    """Loops six deep that carry all slots, each with its share of the ops."""
    program = Program(slots)
    versions = [f"%s{slot}" for slot in range(slots)]
    results = program.loop(versions, "%x", DEPTH - 1, ops // DEPTH // slots)
    return program.text(results[:slots], results[slots])


def conflicts(ops: int, slots: int) -> str:
    """Every old version is needed after all updates."""
    program, value, versions = Program(slots), "%x", []
    for slot in range(slots):
        row = program.op(f"slice {value} [0:1, 0:64] : ({TENSOR}) -> {ROW}")
        new = program.op(
            f"dynamic_update_slice %s{slot}, {row}, %at, %zero : "
            f"({TENSOR}, {ROW}, tensor<i32>, tensor<i32>) -> {TENSOR}"
        )
        versions.append(new)
        value = program.adds(value, new, ops // slots)
    for slot in range(slots):
        value = program.add(value, f"%s{slot}")
    return program.text(versions, value)


PROGRAMS: dict[str, tuple[Callable[[int, int], str], int]] = {
    "updates below their readers": (early_reads, 160),
    "the same with 2,000 slots": (early_reads, 2000),
    "slices to be pinned": (late_slices, 160),
    "loops six deep": (nested_loops, 160),
    "160 conflicts, copied": (conflicts, 160),
}
