"""Programs that a runtime gets wrong on its own: the wrong result, and what kvlift makes of it.

The first half of each test notices when a runtime has been mended, so that a guard can go.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import raw_runtimes

import interpreter

pytest.importorskip("iree.runtime")
pytest.importorskip("iree.compiler")
pytest.importorskip("jax")

import kvlift

C, U, INDEX = "tensor<64x16xf32>", "tensor<1x16xf32>", "tensor<i32>"
SIGNATURE = f"{C}, {U}, {INDEX}"
REGION_ANALYSIS = {"xla_cpu_copy_insertion_use_region_analysis": True}


def function(
    results: str, body: str, *, types: str = f"{C}, {U}, {INDEX}", tie: bool = True
) -> str:
    """A function of %a0, %a1, ... whose first argument is tied to its first result."""
    arguments = [f"%a{i}: {each}" for i, each in enumerate(types.split(", "))]
    arguments[0] += " {tf.aliasing_output = 0 : i32}" if tie else ""
    return f"""func.func @main({", ".join(arguments)}) -> ({results}) {{
      %z = stablehlo.constant dense<0> : {INDEX}
      %one = stablehlo.constant dense<1> : {INDEX}
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      {body}
    }}"""


WRITES = f"({C}, {U}, {INDEX}, {INDEX}) -> {C}"
UPDATE = f"%new = stablehlo.dynamic_update_slice %a0, %a1, %a2, %z : {WRITES}"

# kvlift refuses these: the old value has no storage left once the slot was updated.
OLD_BESIDE_NEW_ON_IREE = {
    "as it is": function(f"{C}, {C}", f"{UPDATE}\n return %new, %a0 : {C}, {C}", tie=False),
    "reshaped": function(
        f"{C}, tensor<1024xf32>",
        f"""{UPDATE}
        %r = stablehlo.reshape %a0 : ({C}) -> tensor<1024xf32>
        return %new, %r : {C}, tensor<1024xf32>""",
        tie=False,
    ),
    "behind a barrier": function(
        f"{C}, {C}",
        f"""{UPDATE}
        %b = stablehlo.optimization_barrier %a0 : {C}
        return %new, %b : {C}, {C}""",
    ),
    "times one": function(
        f"{C}, {C}",
        f"""{UPDATE}
        %ones = stablehlo.constant dense<1.0> : {C}
        %same = stablehlo.multiply %a0, %ones : {C}
        return %new, %same : {C}, {C}""",
    ),
}

SUM = f"({C}, tensor<f32>) -> tensor<16xf32>"
# kvlift makes these right.
RIGHT_ON_IREE = {
    "a slot that is reversed": function(
        C, f"%new = stablehlo.reverse %a0, dims = [0] : {C}\n return %new : {C}"
    ),
    "a new whole value beside a reader of the old one": function(
        f"{C}, {C}",
        f"""%new = stablehlo.add %a0, %a1 : {C}
        %o = stablehlo.multiply %a0, %a1 : {C}
        return %new, %o : {C}, {C}""",
        types=f"{C}, {C}",
    ),
    "a reader before the update, and a dispatch that waits for neither": function(
        f"{C}, tensor<16xf32>, tensor<16xf32>",
        f"""%old = stablehlo.reduce(%a0 init: %zero) applies stablehlo.add across dimensions = [0]
            : {SUM}
        {UPDATE}
        %other = stablehlo.reduce(%a3 init: %zero) applies stablehlo.maximum
            across dimensions = [0] : {SUM}
        return %new, %old, %other : {C}, tensor<16xf32>, tensor<16xf32>""",
        types=f"{C}, {U}, {INDEX}, {C}",
    ),
}

OUT_OF_RANGE_ON_IREE = function(
    C,
    f"""%new = "stablehlo.scatter"(%a0, %a2, %a1) <{{
          scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1],
            scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>}}> ({{
          ^bb0(%x: tensor<f32>, %y: tensor<f32>): stablehlo.return %y : tensor<f32>
        }}) : ({C}, tensor<1x2xi32>, tensor<1xf32>) -> {C}
    return %new : {C}""",
    types=f"{C}, tensor<1xf32>, tensor<1x2xi32>",
)

STACK, LAYERS, ROW = "tensor<4x16x8xf32>", "tensor<2x16x8xf32>", "tensor<1x1x8xf32>"
# openxla/xla#49121: the start of the outer window is not moved into range when both are folded.
FOLDED_WINDOWS_ON_XLA = function(
    STACK,
    f"""%two = stablehlo.dynamic_slice %a0, %a2, %z, %z, sizes = [2, 16, 8]
          : ({STACK}, {INDEX}, {INDEX}, {INDEX}) -> {LAYERS}
        %set = stablehlo.dynamic_update_slice %two, %a1, %z, %one, %z
          : ({LAYERS}, {ROW}, {INDEX}, {INDEX}, {INDEX}) -> {LAYERS}
        %new = stablehlo.dynamic_update_slice %a0, %set, %a2, %z, %z
          : ({STACK}, {LAYERS}, {INDEX}, {INDEX}, {INDEX}) -> {STACK}
        return %new : {STACK}""",
    types=f"{STACK}, {ROW}, {INDEX}",
)

UNIT, SHORT = "tensor<1x64x16xf32>", "tensor<63x16xf32>"
# openxla/xla#49176: the rows move by one within the storage that they are read from.
SHIFTED_ON_XLA = function(
    UNIT,
    f"""%flat = stablehlo.reshape %a0 : ({UNIT}) -> {C}
        %set = stablehlo.dynamic_update_slice %flat, %a1, %a2, %z : {WRITES}
        %rows = stablehlo.slice %set [0:63, 0:16] : ({C}) -> {SHORT}
        %moved = stablehlo.dynamic_update_slice %set, %rows, %one, %z
          : ({C}, {SHORT}, {INDEX}, {INDEX}) -> {C}
        %new = stablehlo.reshape %moved : ({C}) -> {UNIT}
        return %new : {UNIT}""",
    types=f"{UNIT}, {U}, {INDEX}",
)

NESTED_LOOPS = function(
    STACK,
    f"""%n = stablehlo.constant dense<3> : {INDEX}
        %w:2 = stablehlo.while(%i = %z, %v = %a0) : {INDEX}, {STACK}
        cond {{
          %q = stablehlo.compare LT, %i, %n : ({INDEX}, {INDEX}) -> tensor<i1>
          stablehlo.return %q : tensor<i1>
        }} do {{
          %y:2 = stablehlo.while(%k = %z, %e = %v) : {INDEX}, {STACK}
          cond {{
            %q = stablehlo.compare LT, %k, %n : ({INDEX}, {INDEX}) -> tensor<i1>
            stablehlo.return %q : tensor<i1>
          }} do {{
            %at = stablehlo.add %k, %i : {INDEX}
            %set = stablehlo.dynamic_update_slice %e, %a1, %z, %at, %z
              : ({STACK}, tensor<4x1x8xf32>, {INDEX}, {INDEX}, {INDEX}) -> {STACK}
            %j = stablehlo.add %k, %one : {INDEX}
            stablehlo.return %j, %set : {INDEX}, {STACK}
          }}
          %j = stablehlo.add %i, %one : {INDEX}
          stablehlo.return %j, %y#1 : {INDEX}, {STACK}
        }}
        return %w#1 : {STACK}""",
    types=f"{STACK}, tensor<4x1x8xf32>",
)


def draw(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def draw_for(program: str) -> list[np.ndarray]:
    """Arguments for a program of whole values, or of a slot, a row, its number, another value."""
    if "%a2" not in program:
        return draw((64, 16), (64, 16))
    slot, row, other = draw((64, 16), (1, 16), (64, 16))
    return [slot, row, np.array(5, np.int32), *([other] if "%a3" in program else [])]


def expected(program: str, arguments: list[np.ndarray]) -> list[np.ndarray]:
    return interpreter.evaluate(program, [arguments])[0]


def is_right(found: list[np.ndarray], wanted: list[np.ndarray]) -> bool:
    """A runtime may sum in another order; a row that is not the right one differs by far more."""
    pairs = zip(found, wanted, strict=True)
    return all(np.allclose(one, other, rtol=1e-5, atol=1e-5) for one, other in pairs)


def lift_and_call(program: str, target: str, arguments: list[np.ndarray]) -> list[np.ndarray]:
    """The results of one call through kvlift, the slot's new value first."""
    compiled = kvlift.compile(kvlift.lift(program), target)
    (slot,) = compiled.manifest.function().slots
    with compiled.session(state={slot.name: arguments[0]}) as session:
        out: Any = session(*arguments[1:])
        others = out if isinstance(out, tuple) else () if out is None else (out,)
        return [session.state[slot.name], *others]


@pytest.mark.parametrize("name", OLD_BESIDE_NEW_ON_IREE)
def test_iree_returns_the_new_value_as_the_old_one(name):
    program = OLD_BESIDE_NEW_ON_IREE[name]
    arguments = draw_for(program)
    wanted = expected(program, arguments)
    assert not is_right(raw_runtimes.evaluate("iree:cpu", program, arguments), wanted)
    with pytest.raises(kvlift.KvliftError, match="old"):
        lift_and_call(program, "iree:cpu", arguments)


@pytest.mark.parametrize("name", RIGHT_ON_IREE)
def test_iree_lets_readers_see_the_new_value(name):
    program = RIGHT_ON_IREE[name]
    arguments = draw_for(program)
    wanted = expected(program, arguments)
    assert not is_right(raw_runtimes.evaluate("iree:cpu", program, arguments), wanted)
    assert is_right(lift_and_call(program, "iree:cpu", arguments), wanted)


def test_iree_writes_positions_that_are_out_of_range():
    """Column 17 of 16 is column 1 of the next row: still inside of the buffer."""
    arguments = [*draw((64, 16), (1,)), np.array([[3, 17]], np.int32)]
    wanted = expected(OUT_OF_RANGE_ON_IREE, arguments)
    np.testing.assert_array_equal(wanted[0], arguments[0])
    assert not is_right(raw_runtimes.evaluate("iree:cpu", OUT_OF_RANGE_ON_IREE, arguments), wanted)
    assert is_right(lift_and_call(OUT_OF_RANGE_ON_IREE, "iree:cpu", arguments), wanted)


def test_iree_hands_out_the_slot_as_a_result():
    """A reshape of the new value is a view of the slot, which the next call changes."""
    program = function(
        f"{C}, tensor<1024xf32>",
        f"""{UPDATE}
        %r = stablehlo.reshape %new : ({C}) -> tensor<1024xf32>
        return %new, %r : {C}, tensor<1024xf32>""",
        tie=False,
    )
    arguments = draw_for(program)
    wanted = expected(program, arguments)
    late = raw_runtimes.evaluate("iree:cpu", program, arguments, read_late=True)
    assert not is_right(late[1:], wanted[1:])
    compiled = kvlift.compile(kvlift.lift(program), "iree:cpu")
    (slot,) = compiled.manifest.function().slots
    with compiled.session(state={slot.name: arguments[0]}) as session:
        kept = session(*arguments[1:])
        session(*(np.zeros_like(a) for a in arguments[1:]))
        assert is_right([kept], wanted[1:])


def test_xla_folds_windows_without_moving_them_into_range():
    arguments = [*draw((4, 16, 8), (1, 1, 8)), np.array(3, np.int32)]
    wanted = expected(FOLDED_WINDOWS_ON_XLA, arguments)
    assert not is_right(raw_runtimes.evaluate("pjrt:cpu", FOLDED_WINDOWS_ON_XLA, arguments), wanted)
    assert is_right(lift_and_call(FOLDED_WINDOWS_ON_XLA, "pjrt:cpu", arguments), wanted)


def test_xla_reads_the_rows_that_it_moves_after_it_has_written_them():
    arguments = [*draw((1, 64, 16), (1, 16)), np.array(5, np.int32)]
    wanted = expected(SHIFTED_ON_XLA, arguments)
    assert not is_right(raw_runtimes.evaluate("pjrt:cpu", SHIFTED_ON_XLA, arguments), wanted)
    assert is_right(lift_and_call(SHIFTED_ON_XLA, "pjrt:cpu", arguments), wanted)


def test_iree_refuses_in_each_call_to_move_rows_onto_each_other():
    arguments = [*draw((1, 64, 16), (1, 16)), np.array(5, np.int32)]
    with pytest.raises(RuntimeError, match="ranges overlap"):
        raw_runtimes.evaluate("iree:cpu", SHIFTED_ON_XLA, arguments)
    with pytest.raises(kvlift.CompileError, match="reads other rows of the slot"):
        lift_and_call(SHIFTED_ON_XLA, "iree:cpu", arguments)


def test_xla_loses_copies_that_loops_need_with_the_option_that_others_need():
    arguments = draw((4, 16, 8), (4, 1, 8))
    wanted = expected(NESTED_LOOPS, arguments)
    raw = raw_runtimes.evaluate("pjrt:cpu", NESTED_LOOPS, arguments, REGION_ANALYSIS)
    assert not is_right(raw, wanted)
    assert is_right(lift_and_call(NESTED_LOOPS, "pjrt:cpu", arguments), wanted)


def test_pjrt_takes_arguments_of_a_wrong_type():
    """It compares bytes; a session compares types."""
    program = function(f"{C}", f"{UPDATE}\n return %new : {C}")
    slot, row, at = draw_for(program)
    bits = row.view(np.int32)
    found = raw_runtimes.evaluate("pjrt:cpu", program, [slot, bits, at])
    assert is_right(found, expected(program, [slot, row, at]))
    with pytest.raises(kvlift.SessionError, match="i32"):
        lift_and_call(program, "pjrt:cpu", [slot, bits, at])
