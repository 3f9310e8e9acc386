"""The model table of docs/torch-models.md by kvlift's own torch route, and Hugging Face models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models_table import source
from running import expected_results, export, passed_leaves, steps_of
from stateful_models import CASES, Case

import huggingface
from example import Example, Prepared


def models() -> list[Example]:
    """The small stateful models, one per way in which PyTorch programs keep state."""
    return [
        Example(name, source(case), lambda case=case: prepare(case, export))
        for name, case in CASES.items()
    ]


def hugging_face() -> list[Example]:
    """Real architectures with few layers and random weights."""
    return [
        Example(
            name,
            says,
            lambda name=name, case=case: prepare(case, huggingface.export, _tolerance(name)),
        )
        for name, (says, case) in huggingface.cases().items()
    ]


def _tolerance(name: str) -> float:
    """Rows in a narrow type are rounded from sums that the runtimes order differently."""
    return {"bf16": 2e-2, "f16": 4e-3}.get(name.rsplit("_", 1)[-1], 1e-4)


def prepare(case: Case, exporter: Callable[[Case], Any], tolerance: float = 2e-5) -> Prepared:
    """Exports one model, imports it, and calls it in PyTorch."""
    from kvlift.frontends.torch_export import import_exported_program
    from kvlift.pipelines import read_manifest
    from kvlift.runtime.values import as_array

    exported = exporter(case)
    imported = import_exported_program(exported)
    function = read_manifest(imported.module).function()
    users = [a.index for a in function.arguments if a.name not in imported.values]
    passed = passed_leaves(exported)
    calls = []
    for leaves in steps_of(case):
        given = dict(zip(users, (leaves[i] for i in passed), strict=True))
        calls.append(
            [
                as_array(given[a.index], a.name) if a.index in given else None
                for a in function.arguments
            ]
        )
    results = {r.slot: r.index for r in function.results if r.slot is not None}
    ties = {a.index: results[a.slot] for a in function.arguments if a.slot is not None}
    told = {}
    for output, argument in case.feed_back:
        index, result = users[passed.index(argument)], len(case.slots) + output
        ties[index] = result
        # A cache that the caller carries need not show an update; one that grows is no slot.
        if None not in function.arguments[index].type.shape:
            told[f"carried_{argument}"] = (index, result)
    expected = [
        [as_array(value, "result") for value in call]
        for call in expected_results(case, read_manifest(imported.module))
    ]
    return Prepared(
        imported.module, calls, expected, ties, imported.values, told, tolerance=tolerance
    )
