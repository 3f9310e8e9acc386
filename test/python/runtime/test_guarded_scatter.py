"""IREE leaves rows alone that a combining scatter drops, to the last bit of a NaN."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import kvlift

pytest.importorskip("iree.compiler")

PROGRAM = """func.func @main(%s: tensor<4x2xELEMENT>, %i: tensor<3x1xi32>, %n: tensor<3x2xELEMENT>)
    -> tensor<4x2xELEMENT> {
  %0 = "stablehlo.scatter"(%s, %i, %n) <{scatter_dimension_numbers = #stablehlo.scatter<
      update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0],
      index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<ELEMENT>, %y: tensor<ELEMENT>):
    %z = stablehlo.add %x, %y : tensor<ELEMENT>
    stablehlo.return %z : tensor<ELEMENT>
  }) : (tensor<4x2xELEMENT>, tensor<3x1xi32>, tensor<3x2xELEMENT>) -> tensor<4x2xELEMENT>
  return %0 : tensor<4x2xELEMENT>
}"""


@pytest.mark.parametrize(
    ("element", "kind", "unsigned", "signalling"),
    [
        ("f32", np.float32, "u4", 0x7F812345),
        ("f16", np.float16, "u2", 0x7D23),
        ("bf16", ml_dtypes.bfloat16, "u2", 0x7F93),
    ],
)
def test_dropped_rows_keep_nans(element: str, kind: Any, unsigned: str, signalling: int) -> None:
    lifted = kvlift.lift(PROGRAM.replace("ELEMENT", element), state={"c": (0, 0)})
    slot = np.full((4, 2), signalling, unsigned)
    slot[:, 1] = np.array(-0.0, kind).view(unsigned)
    session = kvlift.compile(lifted, "iree:cpu").session(state={"c": slot.view(kind)})
    # Rows of NaNs at both edges stay; row 2 is summed up twice.
    session(np.array([[2], [-1], [4]], np.int32), np.ones((3, 2), kind))
    session(np.array([[-7], [9], [2]], np.int32), np.ones((3, 2), kind))
    found = np.asarray(session.state["c"])
    assert found.view(unsigned)[[0, 1, 3]].tobytes() == slot[[0, 1, 3]].tobytes()
    assert np.isnan(found[2, 0].astype(np.float32))
    assert found[2, 1].astype(np.float32) == 2
