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
from kvlift.frontends.stablehlo import import_stablehlo
from kvlift.host import host
from kvlift.lifted_module import LiftedModule
from kvlift.pipelines import read_manifest
from kvlift.runtime.program import _backend

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


def judged(text: str, target: str, *passes: str) -> LiftedModule:
    """The module after these passes and the proof, without those that would help it."""
    module = import_stablehlo(text)
    check = f"kvlift-check-in-place{{target={target}}}"
    listed = ",".join([*passes, check, "kvlift-tie-state"])
    done, entries = host().run_pipeline(module._CAPIPtr, f"builtin.module({listed})")
    assert done, [entry.message for entry in entries]
    return LiftedModule(module, read_manifest(module))


def copied(lifted: LiftedModule, target: str) -> set[str | None]:
    executable = _backend(target).compile(lifted, lifted.manifest.function("main"))
    return {copy.slot for copy in executable.find_copies()}


@pytest.mark.parametrize(("target", "what", "evidence"), IN_PROGRAMS)
def test_the_named_program_is_copied_for_this_reason(target, what, evidence):
    chosen = PROGRAMS[evidence]
    pairs = ",".join(f"arg{a}:result{r}:{name}" for name, (a, r) in chosen.state.items())
    find = f"kvlift-find-state{{state={pairs}}}" if pairs else "kvlift-find-state"
    lifted = judged(chosen.text, target, find, "kvlift-order-updates")
    named = {slot.name for slot in lifted.slots if what in (slot.verdict or "")}
    assert named
    assert named <= copied(lifted, target)


def test_iree_reads_its_own_writes():
    """The compiler makes one move within the slot of it, whose ranges overlap."""
    with pytest.raises(AssertionError, match="would get wrong contents"):
        judged(SHIFTED, "iree:cpu")
    with pytest.raises(kvlift.KvliftError, match="reads other rows of the slot that it writes"):
        copied(judged(SHIFTED, "any"), "iree:cpu")


def test_the_named_tests_exist():
    named = {evidence for _, _, evidence, _ in FACTS if "::" in evidence}
    here = {f"test_target_facts.py::{name}" for name in globals() if name.startswith("test_")}
    assert named
    assert named <= here
