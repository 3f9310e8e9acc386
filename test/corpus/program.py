"""One program of the corpus, and where programs come from: `handwritten/*.mlir`, and a generator.

A handwritten file holds several modules, split by `// -----`. The comment lines at the head of a
module say what the runner must know:

    // name: dus-row
    // ties: 0:0, 1:1          argument:result of each slot that must be found
    // inputs: 2=0..15         the values that an integer argument takes
    // state: pos=3:1          a pair that provenance cannot find, as `kvlift.lift(state=...)`
    // lost-updates: return
    // refused: old version    the lift may refuse it with this pattern
    // unsupported: iree:cpu   a target that cannot compile it
    // tolerance: 1e-6         for ops that runtimes round differently (exp, tanh)

Other comment lines are prose. All else is data: small natural numbers, so that every sum is exact
in every type and no negative zero arises; then results are compared bit for bit.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import ml_dtypes
import numpy as np

HANDWRITTEN = Path(__file__).parent / "handwritten"
STEPS = 3
_DTYPES = {
    "f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16,
    "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8,
    "ui8": np.uint8, "ui16": np.uint16, "ui32": np.uint32, "i1": np.bool_,
}  # fmt: skip
_KEYS = (
    "name",
    "ties",
    "inputs",
    "state",
    "lost-updates",
    "refused",
    "tolerance",
    "unsupported",
)


@dataclass(frozen=True)
class Program:
    """A module with a public `main`, and what is known about it.

    Attributes:
        name: unique in the corpus.
        group: the file it stands in, or `generated`.
        text: the module, never seen by kvlift before.
        ties: argument to result of every piece of state.
        inputs: the smallest and largest value of an integer argument, by its index.
        state: the pairs that the lift is told.
        lost_updates: the lift's policy.
        refused: a pattern of the lift's refusal, if it may refuse.
        unsupported: the target whose compiler cannot take it.
        tolerance: the largest relative difference of float results that are no slots.
    """

    name: str
    group: str
    text: str
    ties: tuple[tuple[int, int], ...]
    inputs: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    state: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    lost_updates: str = "error"
    refused: str = ""
    tolerance: float = 0.0
    unsupported: str = ""

    @property
    def is_risky(self) -> bool:
        """Whether it scatters: IREE writes rows that are out of range wherever they fall."""
        return "stablehlo.scatter" in self.text


def handwritten(folder: Path = HANDWRITTEN) -> list[Program]:
    """The programs of all files, in the order of the files' names and places."""
    found = []
    for path in sorted(folder.glob("*.mlir")):
        for part in path.read_text().split("// -----\n"):
            found.append(_parse(part, path.stem))
    return found


def _parse(part: str, group: str) -> Program:
    facts = dict(re.findall(rf"^// ({'|'.join(_KEYS)}): (.*)$", part, re.MULTILINE))
    inputs = re.findall(r"(\d+)=(-?\d+)\.\.(-?\d+)", facts.get("inputs", ""))
    state = re.findall(r"(\w+)=(\d+):(\d+)", facts.get("state", ""))
    return Program(
        name=facts["name"],
        group=group,
        text=part,
        ties=tuple((int(a), int(r)) for a, r in re.findall(r"(\d+):(\d+)", facts["ties"])),
        inputs={int(a): (int(low), int(high)) for a, low, high in inputs},
        state={name: (int(a), int(r)) for name, a, r in state},
        lost_updates=facts.get("lost-updates", "error"),
        refused=facts.get("refused", ""),
        tolerance=float(facts.get("tolerance", "0")),
        unsupported=facts.get("unsupported", ""),
    )


def arguments(program: Program) -> list[tuple[tuple[int, ...], str]]:
    """Shape and element type of every argument of `main`."""
    aliases = dict(re.findall(r"^(!\w+) = (tensor<[^>]*>)", program.text, re.MULTILINE))
    head = re.search(r"func\.func (?:public )?@main\((.*?)\)\s*->", program.text, re.DOTALL)
    assert head, f"{program.name} has no main with results"
    types = re.findall(r"%\w+\s*:\s*(!\w+|tensor<[^>]*>)", head[1])
    return [_type(aliases.get(name, name)) for name in types]


def _type(text: str) -> tuple[tuple[int, ...], str]:
    *extents, dtype = text.removeprefix("tensor<").removesuffix(">").split("x")
    return tuple(int(e) for e in extents), dtype


def draw_calls(program: Program) -> list[list[np.ndarray]]:
    """The arguments of each of the chained calls; a slot's are only used in the first."""
    rng = np.random.default_rng(random.Random(program.name).getrandbits(32))
    types = arguments(program)
    return [
        [_draw(rng, shape, dtype, program.inputs.get(a)) for a, (shape, dtype) in enumerate(types)]
        for _ in range(STEPS)
    ]


def _draw(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: str, bounds: tuple[int, int] | None
) -> np.ndarray:
    low, high = bounds or ((0, 1) if dtype in ("i1", "bf16") else (0, 3))
    return rng.integers(low, high, size=shape, endpoint=True).astype(_DTYPES[dtype])
