"""Every fact of the target model about a CPU target is seen in a program that is compiled here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "corpus"))

pytest.importorskip("jax")
pytest.importorskip("iree.compiler")

import check
import kvlift
import program
from kvlift import _core
from kvlift.lifting import LiftedModule, read_manifest
from kvlift.runtime.program import _backend, compile

FACTS = [fact for fact in _core.target_facts() if fact[0] in check.TARGETS]
PROGRAMS = {p.name: p for p in program.handwritten()}
IN_PROGRAMS = [(t, what, evidence) for t, what, evidence, _ in FACTS if "::" not in evidence]

# All rows but the last move down by one.
SHIFTED = """
!C = tensor<4x32x8xf32>
!N = tensor<4x31x8xf32>
!I = tensor<i32>
func.func @main(%c: !C {kvlift.slot = "c", tf.aliasing_output = 0 : i32})
    -> (!C {kvlift.slot = "c"}) {
  %z = stablehlo.constant dense<0> : !I
  %one = stablehlo.constant dense<1> : !I
  %s = stablehlo.slice %c [0:4, 0:31, 0:8] : (!C) -> !N
  %new = stablehlo.dynamic_update_slice %c, %s, %z, %one, %z : (!C, !N, !I, !I, !I) -> !C
  return %new : !C
}
"""


def marked(text: str) -> LiftedModule:
    """A module that carries its marks already, so that no pass keeps it from harm."""
    from kvlift.frontends.stablehlo import import_stablehlo

    module = import_stablehlo(text)
    return LiftedModule(module, read_manifest(module))


def copied(lifted: LiftedModule, target: str) -> set[str | None]:
    return {copy.slot for copy in compile(lifted, target).audit().copies}


@pytest.mark.parametrize(("target", "what", "evidence"), IN_PROGRAMS)
def test_the_named_program_is_copied_for_this_reason(target, what, evidence):
    chosen = PROGRAMS[evidence]
    lifted = kvlift.lift(chosen.text, state=chosen.state, lost_updates=chosen.lost_updates)
    named = {slot for slot, verdict in check.proof(lifted, target).items() if what in verdict}
    assert named
    assert named <= copied(lifted, target)


def test_iree_reads_its_own_writes():
    """The compiler makes one move within the slot of it, whose ranges overlap."""
    lifted = marked(SHIFTED)
    assert check.proof(lifted, "iree:cpu") == {"c": "refused"}
    with pytest.raises(kvlift.KvliftError, match="reads other rows of the slot that it writes"):
        _backend("iree:cpu").compile(lifted, lifted.manifest.function("main"))


def test_the_named_tests_exist():
    named = {evidence for _, _, evidence, _ in FACTS if "::" in evidence}
    here = {f"test_target_facts.py::{name}" for name in globals() if name.startswith("test_")}
    assert named
    assert named <= here
