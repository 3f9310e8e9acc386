"""The audit reports the copies that a compiled program makes, and no others."""

from __future__ import annotations

import pytest
import small_programs as programs

from kvlift.audit import AuditReport, Copy
from kvlift.audit.hlo import parse_text
from kvlift.runtime.program import compile

TARGETS = ("pjrt:cpu", "iree:cpu")
SLIDE = programs.WHOLE_VALUES["rolled"]


def found(lifted, target):
    return [(copy.slot, copy.op, copy.bytes) for copy in compile(lifted, target).audit().copies]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", ["f32", "f16", "i8"])
def test_row_updates_are_in_place(target, dtype):
    report = compile(programs.cache_program(dtype), target).audit()
    assert report.is_in_place
    assert str(report) == f"{target}: every slot is updated in place"


@pytest.mark.parametrize("target", TARGETS)
def test_reading_the_whole_slot_is_no_copy(target):
    assert found(programs.attention_program(batch=4), target) == []


@pytest.mark.parametrize("target", TARGETS)
def test_a_transposed_read_of_the_slot_is_reported(target):
    body = programs.UPDATE_THEN_READ.replace("multiply %c, %x : T", "transpose %n, dims = [1, 0]")
    body = body.rstrip() + " : (T) -> T"
    copies = found(programs.square_program(body), target)
    assert ("c", "transpose", 256) in copies


def test_xla_copies_slots_with_a_unit_dimension():
    """XLA:CPU makes the update of a [1, H, S, D] slot twice, and of an [H, S, D] slot once."""
    lifted = programs.attention_program(batch=1)
    copies = found(programs.as_is(lifted), "pjrt:cpu")
    assert copies
    assert set(copies) == {("c", "copy", 2 * 64 * 32 * 4)}
    assert found(lifted, "pjrt:cpu") == []
    assert found(lifted, "iree:cpu") == []


@pytest.mark.parametrize("dtype", ["bf16", "f8E4M3FN", "f8E5M2"])
def test_xla_converts_whole_slots_of_narrow_floats(dtype):
    """It knows no updates of such types, but those of their bits."""
    lifted = programs.cache_program(dtype)
    copies = found(programs.as_is(lifted), "pjrt:cpu")
    size = 4 * 2 * 16 * 8 * (2 if dtype == "bf16" else 1)
    assert {("k", "convert", size), ("v", "convert", size)} <= set(copies)
    assert found(lifted, "pjrt:cpu") == []


def test_iree_updates_bf16_slots_in_place():
    assert found(programs.cache_program("bf16"), "iree:cpu") == []


@pytest.mark.parametrize("target", TARGETS)
def test_a_slot_that_is_moved_as_a_whole_is_reported(target):
    lifted = programs.square_program(SLIDE)
    assert any(slot == "c" and size == 256 for slot, _, size in found(lifted, target))


@pytest.mark.parametrize("target", TARGETS)
def test_a_transpose_of_the_slot_is_reported(target):
    body = """
  %n = stablehlo.transpose %c, dims = [1, 0] : (T) -> T
  %o = stablehlo.add %x, %x : T"""
    ops = {op for _, op, _ in found(programs.square_program(body), target)}
    assert ops & {"transpose", "copy"}


@pytest.mark.parametrize("target", TARGETS)
def test_a_read_of_the_old_value_below_the_update_costs_nothing(target):
    # IREE follows textual order and would copy the slot twice; the lift moves the read up.
    lifted = programs.square_program(programs.UPDATE_THEN_READ)
    copies = compile(lifted, target).audit().copies
    assert copies == ()


@pytest.mark.parametrize("target", TARGETS)
def test_counters_are_not_reported(target):
    assert found(programs.counter_program(), target) == []


def test_report_names_slot_size_and_place():
    copies = (Copy("k", "copy", 256, "model.py:3:4"), Copy(None, "x", 1, "y"))
    report = AuditReport("pjrt:cpu", copies)
    assert not report.is_in_place
    assert str(report).splitlines() == [
        "pjrt:cpu: 2 slot-sized copies per call",
        "  copy of 256 bytes of slot k at model.py:3:4",
        "  x of 1 bytes of slot ? at y",
    ]


def test_hlo_text_is_read_with_tuples_and_metadata():
    entry, computations = parse_text("""
HloModule m
%body (p: bf16[4,8]) -> bf16[4,8] {
  %p = bf16[4,8]{1,0} parameter(0)
  ROOT %copy.1 = bf16[4,8]{1,0} copy(%p)
}
ENTRY %main (a: bf16[4,8], b: pred[]) -> (bf16[4,8], pred[]) {
  %a = bf16[4,8]{1,0} parameter(0)
  %b = pred[] parameter(1)
  %f = bf16[4,8]{1,0} fusion(%a), kind=kLoop, calls=%body, metadata={op_name="f/k" source_line=3}
  ROOT %t = (bf16[4,8]{1,0}, /*index=1*/pred[]) tuple(%f, %b)
}
""")
    assert list(computations) == ["body", "main"]
    assert [i.parameter for i in entry.instructions.values()] == [0, 1, None, None]
    fusion = entry.instructions["f"]
    assert (fusion.bytes, fusion.called, fusion.where) == (64, "body", "f/k")
    assert entry.root.operands == ("f", "b")
    with pytest.raises(ValueError, match="no entry computation"):
        parse_text("HloModule m")
