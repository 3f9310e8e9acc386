"""Each stateful model, imported and compared with PyTorch over three chained calls."""

from __future__ import annotations

import pytest
from running import assert_results, expected_results, export, interpreted
from stateful_models import CASES

from kvlift.frontends.torch_export import ImportedProgram, import_exported_program
from kvlift.pipelines import read_manifest


def marks(program: ImportedProgram) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The attributes of the arguments and of the results of the only function."""
    (func,) = list(program.module.body)
    arguments, results = (
        [{a.name: a.attr.value for a in attributes} for attributes in func.attributes[key]]
        for key in ("arg_attrs", "res_attrs")
    )
    return arguments, results


@pytest.mark.parametrize("name", CASES)
def test_chained_calls_equal_eager(name: str) -> None:
    case = CASES[name]
    exported = export(case)
    program = import_exported_program(exported)
    arguments, results = marks(program)
    slots = [r["kvlift.slot"] for r in results if "kvlift.slot" in r]
    assert sorted(slots) == sorted(case.slots)
    assert [a["kvlift.slot"] for a in arguments if "kvlift.slot" in a] == [
        a["kvlift.name"] for a in arguments if a["kvlift.name"] in slots
    ]
    manifest = read_manifest(program.module)
    got = interpreted(case, exported, str(program.module), manifest, program.values)
    for values, expected in zip(got, expected_results(case, manifest), strict=True):
        assert_results(values, expected, [r["kvlift.name"] for r in results], rtol=1e-6, atol=1e-6)
