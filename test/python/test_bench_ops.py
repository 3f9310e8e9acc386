"""What the benchmark takes an op for, and what its table and plot make of the times."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import op_roles
from decoder_plots import spread
from decoders.model import Shape
from op_plots import COLORS
from op_tables import ops, own_limit, why
from op_times import OpTime

# Lines of an optimized module of XLA:CPU, with what they are there for in the decoder.
HLO = {
    "%copy_dot_fusion.5 = f32[512]{0} fusion(%w.qkv, %gain, %x), kind=kLoop": op_roles.PROJECTIONS,
    "%copy_dot_fusion.6 = f32[1408]{0} fusion(%w.up, %gain, %x), kind=kLoop": op_roles.GATE,
    "%ynn_fusion.7 = f32[512,8]{1,0} fusion(%w.down, %h), kind=kCustom": op_roles.DOWN,
    "%ynn_fusion.8 = f32[8192,8]{1,0} fusion(%w.head, %h), kind=kCustom": op_roles.HEAD,
    "%wrapped_gather = f32[8,1,512]{2,1,0} fusion(%w.head, %t), kind=kLoop": op_roles.REST,
    "%dynamic-update-slice_fusion.1 = f32[8,256,64]{2,1,0} fusion(%k)": op_roles.UPDATE,
    "%dynamic-slice_fusion.3 = f32[8,1,64]{2,1,0} fusion(%k, %p)": op_roles.UPDATE,
    "%dot.1 = f32[8,256,1]{2,1,0} dot(%k, %q), lhs_batch_dims={0}": op_roles.SCORES,
    "%dot.2 = f32[8,1,64]{2,1,0} dot(%s, %k), lhs_batch_dims={0}": op_roles.VALUES,
    "%subtract_exponential_fusion = f32[1,8,1,256]{3,2,1,0} fusion(%dot.1)": op_roles.SOFTMAX,
    "%select_divide_fusion.7 = f32[1,8,1,1]{3,2,1,0} fusion(%part)": op_roles.SOFTMAX,
    "%add_rsqrt_fusion.9 = f32[1,1]{1,0} fusion(%x)": op_roles.REST,
}
PARAMETERS = """
ENTRY %main {
  %w.qkv = f32[512,512]{1,0} parameter(0)
  %w.up = f32[1408,512]{1,0} parameter(1)
  %w.down = f32[512,1408]{1,0} parameter(2)
  %w.head = f32[8192,512]{1,0} parameter(3)
  %k = f32[8,256,64]{2,1,0} parameter(4)
"""

# Dispatches of IREE: whether they take a cache is in their operands.
STREAM = {
    "main_dispatch_5_matvec_512x512_f32": ("", op_roles.PROJECTIONS),
    "main_dispatch_22_matvec_1408x512_f32": ("", op_roles.GATE),
    "main_dispatch_24_matmul_8x512x1408_f32": ("", op_roles.DOWN),
    "main_dispatch_158_matmul_8x8192x512_f32": ("", op_roles.HEAD),
    "main_dispatch_15_batch_matmul_8x256x1x64_f32": ("cache", op_roles.SCORES),
    "main_dispatch_19_batch_matmul_8x1x64x256_f32": ("cache", op_roles.VALUES),
    "main_dispatch_10_slow_memcpy": ("cache", op_roles.UPDATE),
    "main_dispatch_16_reduction_8x256_f32": ("", op_roles.SOFTMAX),
    "main_dispatch_4_reduction_512_f32": ("", op_roles.REST),
}


def test_instructions_of_xla_are_told_by_types() -> None:
    known = op_roles.xla_ops(PARAMETERS + "\n".join(f"  {line}" for line in HLO), Shape(1, 256))
    for line, role in HLO.items():
        assert known[line.split()[0].strip("%")].role == role, line
    assert known["copy_dot_fusion.5"].kind == "copy_dot_fusion"


def test_dispatches_of_iree_are_told_by_names_and_operands() -> None:
    # One cache of batch 1 and capacity 256 has 8 * 256 * 64 * 4 bytes.
    cache = "rw %a[%c0 for %c524288] : !stream.resource<external>{%c524288}"
    other = "ro %b[%c0 for %c64] : !stream.resource<external>{%c64}"
    stream = "".join(
        f"stream.cmd.dispatch @main::@{name}(%c1_i32 : i32) {{\n  {cache if takes else other}\n}}\n"
        for name, (takes, _) in STREAM.items()
    )
    known = op_roles.iree_ops(stream, Shape(1, 256))
    assert {n: o.role for n, o in known.items()} == {n: role for n, (_, role) in STREAM.items()}
    assert known["main_dispatch_5_matvec_512x512_f32"].kind == "matvec_512x512_f32"


@pytest.mark.parametrize("shape", [Shape(1, 256), Shape(8, 2048)])
def test_roles_read_all_that_a_step_reads(shape: Shape) -> None:
    """But the gains of the norms: 17 rows."""
    read = sum(op_roles.bytes_read(role, shape) for role in op_roles.ROLES)
    assert shape.step_bytes - read == 17 * 512 * 4


def timed(*times: tuple[str, float], step: float = 20.0, limit: float = 10.0) -> list[OpTime]:
    return [OpTime("pjrt:cpu", 1, 32768, r, ["dot"], ms, step, limit) for r, ms in times]


def test_the_op_that_costs_most_beyond_its_bytes_is_named() -> None:
    """Scores take longest, but most of it is the memory's time: 450 of 1,193 MB."""
    scores, head = timed((op_roles.SCORES, 9.0), (op_roles.HEAD, 8.0))
    assert own_limit(scores) == pytest.approx(10 * 536.9 / 1192.6, rel=1e-3)
    sentence = why({row.role: row for row in (scores, head)})
    assert sentence.startswith("Batch 1, capacity 32768: 2.0 times the memory limit.")
    assert "10.0 ms above it: head (`dot`) 7.9, then scores" in sentence


def test_a_step_near_the_limit_needs_no_reason() -> None:
    (row,) = timed((op_roles.SCORES, 9.0), step=12.0)
    assert why({row.role: row}) == "Batch 1, capacity 32768: 1.2 times the memory limit."


def test_cells_have_share_and_multiple() -> None:
    table = ops("pjrt:cpu")([asdict(row) for row in timed((op_roles.SCORES, 9.0))])
    assert "| scores: query times keys | `dot` | 9.00 (45 %, 2.0x) |" in table
    assert ops("iree:cpu")([asdict(row) for row in timed((op_roles.SCORES, 9.0))]) == ""


def test_every_role_has_a_color() -> None:
    assert tuple(COLORS) == op_roles.ROLES


def test_labels_move_apart_as_little_as_can_be() -> None:
    assert spread([0.1, 0.5, 0.9], 0.2) == pytest.approx([0.1, 0.5, 0.9])
    assert spread([0.5, 0.5, 0.9], 0.2) == pytest.approx([0.4, 0.6, 0.9])
