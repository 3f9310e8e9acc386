"""Updates that branches lose, returned: what a program that mutates would leave behind.

Expected values are computed by numpy, which mutates; three calls, the state fed back, in the
StableHLO interpreter and on both runtimes.
"""

from __future__ import annotations

import numpy as np
import pytest

import kvlift
from interpreter import evaluate

# Two slots; the one in the inner branch is written through a transposed view.
PROGRAM = """
func.func private @put(%c: tensor<16xf32>, %x: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %c, %x, %i : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
  return
}
func.func @main(%c: tensor<16xf32>, %d: tensor<4x8xf32>, %x: tensor<1xf32>, %i: tensor<i32>, %which: tensor<i32>) -> tensor<1xf32> {
  %two = stablehlo.constant dense<2> : tensor<i32>
  %y = stablehlo.reshape %x : (tensor<1xf32>) -> tensor<1x1xf32>
  %0 = "stablehlo.case"(%which) ({
    func.call @put(%c, %x, %i) : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> ()
    stablehlo.return %x : tensor<1xf32>
  }, {
    %late = stablehlo.compare GT, %i, %two : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "stablehlo.if"(%late) ({
      %t = stablehlo.transpose %d, dims = [1, 0] : (tensor<4x8xf32>) -> tensor<8x4xf32>
      %1 = stablehlo.dynamic_update_slice %t, %y, %i, %two : (tensor<8x4xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<8x4xf32>
      stablehlo.return
    }, {
      stablehlo.return
    }) : (tensor<i1>) -> ()
    %n = stablehlo.negate %x : tensor<1xf32>
    %2 = stablehlo.dynamic_update_slice %c, %n, %two : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
    stablehlo.return %n : tensor<1xf32>
  }, {
    stablehlo.return %x : tensor<1xf32>
  }) : (tensor<i32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}
"""  # noqa: E501


def mutate(c: np.ndarray, d: np.ndarray, x: np.ndarray, i: int, which: int) -> np.ndarray:
    """What the program means; `c` and `d` are written."""
    if which == 0:
        c[i] = x[0]
        return x
    if which != 1:
        return x
    if i > 2:
        d[2, i] = x[0]
    c[2] = -x[0]
    return -x


def calls(which: int) -> list[list[np.ndarray]]:
    return [
        [np.array([0.5 + n], np.float32), np.array(position, np.int32), np.array(branch, np.int32)]
        for n, (position, branch) in enumerate([(1, which), (5, which), (7, 2 - which)])
    ]


def initial() -> tuple[np.ndarray, np.ndarray]:
    c = np.arange(16, dtype=np.float32)
    return c, -np.arange(32, dtype=np.float32).reshape(4, 8)


def expected(which: int) -> list[list[np.ndarray]]:
    c, d = initial()
    found = []
    for x, i, branch in calls(which):
        result = mutate(c, d, x, int(i), int(branch))
        found.append([result, c.copy(), d.copy()])
    return found


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_interpreter_gives_what_mutation_would_leave(which):
    lifted = kvlift.lift(PROGRAM, lost_updates="return")
    ties = {slot.argument: slot.result for slot in lifted.slots}
    assert ties.keys() == {0, 1}
    given = calls(which)
    inputs = [[*(initial() if n == 0 else (None, None)), *call] for n, call in enumerate(given)]
    results = evaluate(lifted.text(), inputs, carry=ties)
    for found, (result, new_c, new_d) in zip(results, expected(which), strict=True):
        np.testing.assert_array_equal(found[0], result)
        np.testing.assert_array_equal(found[ties[0]], new_c)
        np.testing.assert_array_equal(found[ties[1]], new_d)


@pytest.mark.parametrize("target", ["pjrt:cpu", "iree:cpu"])
def test_runtimes_keep_what_mutation_would_leave(target):
    pytest.importorskip("jax" if target == "pjrt:cpu" else "iree.compiler")
    program = kvlift.compile(kvlift.lift(PROGRAM, lost_updates="return"), target=target)
    for which in (0, 1, 2):
        c, d = initial()
        session = program.session(state={"arg0": c, "arg1": d})
        for call, (result, new_c, new_d) in zip(calls(which), expected(which), strict=True):
            np.testing.assert_array_equal(np.asarray(session(*call)).reshape(1), result)
            np.testing.assert_array_equal(np.asarray(session.state["arg0"]), new_c)
            np.testing.assert_array_equal(np.asarray(session.state["arg1"]), new_d)
