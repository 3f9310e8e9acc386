"""A fixed part of the exporters' programs, the whole way; `make exporters` runs all of them.

Each goes through a process of its own, and its expected values come from PyTorch, JAX or the
StableHLO interpreter.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "exporters"))

import exporters
import exporters_table
import reasons
import run_exporters
from examine import TARGETS, OnTarget, Report, SlotReport
from service import Service
from slot_forms import Nested, is_canonical

# Slots that end as rows written in place on both targets.
IN_PLACE = [
    "torch/index_copy",
    "torch/index_put_negative",
    "torch/int8_scale",
    "torch/paged",
    "torch/mutated_twice",
    "huggingface/llama_decode",
    "jax/at_mode_drop",
    "jax/at_mode_clip",
    "jax/at_negative",
    "jax/at_batch",
    "jax/at_swapped",
    "jax/dus_row",
    "jax/where_batch",
    "jax/where_active",
    "torch_xla/litert_slice_scatter",
    "jax/dus_stack",
    "torchax/torchax_static_cache",
    "torch_xla/torch_xla_index_copy",
    "torch_xla/torch_xla_index_put",
    "torch_xla/torch_xla_prefill",
]
# Programs with a reason of their own; their results must be right all the same.
EXCUSED = ["torch/recurrent", "torch/rolled", "jax/one_hot_product", "jax/concatenate_roll"]


@pytest.fixture(scope="module")
def runner():
    service = Service(run_exporters.inspect_example, run_exporters.SECONDS)
    yield lambda name: service(*name.split("/"))
    service.close()


@pytest.mark.parametrize("name", IN_PLACE)
def test_rows_are_written_in_place_and_results_are_equal(name, runner):
    report = runner(name)
    assert (report.refusal, report.errors, report.untied) == ("", {}, ())
    assert list(report.wrong.values()) == ["", ""]
    program = name.split("/")[1]
    slots = [s for s in report.slots if reasons.reason_for(program, s.name) is None]
    assert slots
    assert [s.name for s in slots if not exporters_table.is_good(s)] == []


@pytest.mark.parametrize("name", EXCUSED)
def test_other_programs_give_equal_results(name, runner):
    report = runner(name)
    assert (report.refusal, report.errors, report.untied) == ("", {}, ())
    assert list(report.wrong.values()) == ["", ""]


def test_a_wrong_result_would_be_found():
    """The comparison itself: an expected value that is off in one element."""
    import examine

    example = next(e for e in exporters.EXPORTERS["jax"]() if e.name == "at_row")
    prepared = example.prepare()
    expected = [list(call) for call in prepared.expected]
    expected[1][0] = expected[1][0].copy()
    expected[1][0][0, 0, 0, 0] += 1
    report = examine.report_on("at_row", dataclasses.replace(prepared, expected=expected))
    assert [w.split(":")[0] for w in report.wrong.values()] == ["c in call 2"] * 2


def test_which_forms_are_canonical():
    assert is_canonical(("dynamic_update_slice", "window scatter [0, 1]"))
    assert is_canonical((Nested("while", (("dynamic_update_slice",),)),))
    assert is_canonical((Nested("if", (("dynamic_update_slice",), ())),))
    assert not is_canonical(("transpose", "window scatter [0]", "transpose"))
    assert not is_canonical(("window scatter [1]",))
    assert not is_canonical((Nested("while", (("select",),)),))
    assert not is_canonical(())


def test_a_copy_on_one_target_is_not_in_place():
    good = OnTarget(("dynamic_update_slice",), "8x4xf32", "in_place", ())
    slot = SlotReport("c", "8x4xf32", ("select",), {"pjrt:cpu": good, "iree:cpu": good})
    assert exporters_table.is_good(slot)
    copied = dataclasses.replace(good, copies=("copy",))
    assert not exporters_table.is_good(
        dataclasses.replace(slot, targets={**slot.targets, "iree:cpu": copied})
    )
    assert not exporters_table.is_good(dataclasses.replace(slot, targets={"pjrt:cpu": good}))


def test_an_announced_copy_that_is_not_made_is_in_place_and_says_why():
    good = OnTarget(("dynamic_update_slice",), "8x4xf32", "in_place", ())
    announced = dataclasses.replace(good, verdict="copied: 128 bytes: it may be read late")
    slot = SlotReport("c", "8x4xf32", ("select",), {"pjrt:cpu": good, "iree:cpu": announced})
    assert exporters_table.is_good(slot)
    example = next(e for e in exporters.EXPORTERS["jax"]() if e.name == "at_row")
    table = exporters_table.write_table([("jax", example, Report("at_row", slots=(slot,)))])
    assert "| in place | in place (announced as a copy: it may be read late) |" in table


def test_what_lies_in_a_runtime_falls_short():
    copied = OnTarget(("dynamic_update_slice",), "8x4xf32", "copied: why", ("copy",))
    name = "arguments[0]"
    slot = SlotReport(name, "8x4xbf16", ("select",), dict.fromkeys(TARGETS, copied))
    example = next(e for e in exporters.EXPORTERS["jax"]() if e.name == "decoder_bf16")
    found = [("jax", example, Report("decoder_bf16", slots=(slot,)))]
    assert list(exporters_table.shortfalls(found)) == []
    assert exporters_table.count(found).short == 1
    short = exporters_table.write_table(found).partition("## Falls short")[2]
    assert "decoder_bf16 (arguments[0])" in short


def test_every_program_has_a_name_of_its_own():
    names = [e.name for make in exporters.EXPORTERS.values() for e in make()]
    assert len(names) == len(set(names)) > 120


def test_reasons_name_programs_that_exist():
    names = [e.name for make in exporters.EXPORTERS.values() for e in make()]
    for reason in (*reasons.REASONS, *reasons.RUNTIME_REASONS):
        for pattern in reason.slots:
            program = pattern.partition(":")[0]
            assert any(re.fullmatch(program, name) for name in names), pattern
