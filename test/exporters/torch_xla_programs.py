"""What torch_xla and litert-torch emit, by hand: neither installs beside this project's torch.

`handwritten/*.mlir` cites their sources; the module of the OpenXLA thread of September 2024 is the
example of this repository. The StableHLO interpreter gives the expected values.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from example import Example, Prepared
from interpreter import evaluate
from program import Program, draw_calls, handwritten

HERE = Path(__file__).parent
THREAD = HERE.parents[1] / "examples" / "thread-2024.mlir"


def programs() -> list[Example]:
    """All programs of the folder, and the thread's."""
    made = [
        Example(
            p.name, re.search(r"^// says: (.*)$", p.text, re.MULTILINE)[1], lambda p=p: prepare(p)
        )
        for p in handwritten(HERE / "handwritten")
    ]
    return [*made, Example("thread_2024", "torchtune's KVCache, its updates lost", _thread)]


def prepare(program: Program) -> Prepared:
    """Parses one program and interprets it."""
    calls, ties = draw_calls(program), dict(program.ties)
    given = [
        [None if number and a in ties else value for a, value in enumerate(call)]
        for number, call in enumerate(calls)
    ]
    return Prepared(_parsed(program.text), calls, evaluate(program.text, given, carry=ties), ties)


def _thread() -> Prepared:
    """The thread's module returns no cache: the interpreter runs one that does."""
    text = THREAD.read_text()
    cache = "tensor<5x1x10x8xf32>"
    whole = re.sub(r"-> (tensor<5x1x1x8xf32>) \{", rf"-> (\1, {cache}, {cache}) {{", text, count=1)
    whole = whole.replace(
        "return %output : tensor<5x1x1x8xf32>\n}",
        f"return %output, %keys, %values : tensor<5x1x1x8xf32>, {cache}, {cache}\n}}",
    )
    program = Program("thread_2024", "torch_xla", whole, ((0, 1), (1, 2)), {2: (0, 9)})
    prepared = prepare(program)
    return Prepared(
        _parsed(text), prepared.calls, prepared.expected, prepared.ties, lost_updates="return"
    )


def _parsed(text: str) -> Any:
    from kvlift.frontends.stablehlo import import_stablehlo

    return import_stablehlo(text)
