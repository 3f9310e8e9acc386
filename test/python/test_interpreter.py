"""The tests' own way to the StableHLO interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from interpreter import InterpreterError, evaluate

ADD = """
func.func @main(%a: tensor<2xTYPE>, %b: tensor<2xTYPE>) -> tensor<2xTYPE> {
  %0 = stablehlo.add %a, %b : tensor<2xTYPE>
  return %0 : tensor<2xTYPE>
}
"""


@pytest.mark.parametrize(
    ("element", "dtype"), [("f32", np.float32), ("i64", np.int64), ("ui8", np.uint8)]
)
def test_results_are_carried_from_call_to_call(element: str, dtype: type) -> None:
    a, b = np.array([1, 2], dtype), np.array([3, 4], dtype)
    (first,), (second,) = evaluate(ADD.replace("TYPE", element), [[a, b], [None, b]], carry={0: 0})
    np.testing.assert_array_equal(first, [4, 6])
    np.testing.assert_array_equal(second, [7, 10])
    assert second.dtype == dtype


def test_bf16_travels_as_bits() -> None:
    bits = np.array([0x3F80, 0x4000], np.uint16)  # 1.0, 2.0
    ((total,),) = evaluate(ADD.replace("TYPE", "bf16"), [[bits, bits]])
    np.testing.assert_array_equal(total, np.array([0x4000, 0x4080], np.uint16))


def test_a_program_with_dynamic_extents_gets_each_calls_own() -> None:
    program = ADD.replace("2xTYPE", "?xf32")
    calls = [[np.ones(n, np.float32)] * 2 for n in (2, 5)]
    assert [r.shape for (r,) in evaluate(program, calls)] == [(2,), (5,)]


def test_failure_has_the_childs_words() -> None:
    with pytest.raises(InterpreterError, match=r"(?s)exit code 1.*unregistered"):
        evaluate('func.func @main() { "no.such"() : () -> () return }', [[]])


def test_abort_of_the_interpreter_is_an_error() -> None:
    program = """
    func.func @main(%a: tensor<f32>) -> tensor<f32> {
      %0 = math.absf %a : tensor<f32>
      return %0 : tensor<f32>
    }"""
    with pytest.raises(InterpreterError, match=r"(?s)exit code -6.*Unsupported op"):
        evaluate(program, [[np.float32(1)]])


def test_time_limit() -> None:
    with pytest.raises(InterpreterError, match="no answer in"):
        evaluate(ADD.replace("TYPE", "f32"), [[np.ones(2, np.float32)] * 2], timeout=0.01)
