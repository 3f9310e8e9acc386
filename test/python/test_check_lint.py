"""The lint of the lit tests catches each way of checking nothing."""

import importlib.util
from pathlib import Path

import pytest

_PATH = Path(__file__).resolve().parents[1] / "check_lint.py"
_SPEC = importlib.util.spec_from_file_location("check_lint", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
check_lint = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(check_lint)

RUN = "// RUN: kvlift-opt %s | filecheck %s\n"
VERIFY = "// RUN: kvlift-opt %s --verify-diagnostics\n"

GOOD = {
    "plain": RUN + "// CHECK-LABEL: func @f\n// CHECK-NOT: add\n// CHECK-COUNT-2: mul\n",
    "not first": RUN + "// CHECK-NOT: a\n// CHECK: b\n",
    "prefixes": "// RUN: kvlift-opt %s | filecheck %s --check-prefixes=A,B\n// A: x\n// B-DAG: y\n",
    "two prefixes": (
        "// RUN: kvlift-opt %s 2>&1 | \\\n// RUN:   filecheck %s --check-prefix ERR\n// ERR: x\n"
    ),
    "prose": RUN + "// CHECKS that nothing breaks: a sentence.\n// NOTE: said.\n// CHECK: x\n",
    "expected": VERIFY + "// expected-error @below {{no}}\n// expected-note-re @+2 {{a{{.*}}}}\n",
    "expected in prose": RUN + "// CHECK: x\n// An expected-error comment is no prose.\n",
    "script": "# RUN: kvlift-opt --help | filecheck %s\n# CHECK: usage\n",
}

BAD = {
    "no run": ("// CHECK: x\n", 1, "no RUN line"),
    "no colon": (RUN + "// CHECK: a\n// CHECK func\n", 3, "without a colon"),
    "suffix, no colon": (RUN + "// CHECK: a\n// CHECK-NOT add\n", 3, "without a colon"),
    "own prefix, no colon": (
        "// RUN: kvlift-opt %s | filecheck %s --check-prefix=IR\n// IR: a\n// IR-NEXT b\n",
        3,
        "'IR-NEXT' without a colon",
    ),
    "unknown prefix": (RUN + "// CHECK: a\n// CHEKC: b\n", 3, "looks for 'CHEKC'"),
    "unknown suffix": (RUN + "// CHECK: a\n// CHECK-NETX: b\n", 3, "looks for 'CHECK-NETX'"),
    "unnamed default": (
        "// RUN: kvlift-opt %s | filecheck %s --check-prefix=IR\n// IR: a\n// CHECK: b\n",
        3,
        "looks for 'CHECK'",
    ),
    "nothing to check": (RUN + "func.func @f() { return }\n", 1, "prefix 'CHECK' must match"),
    "only not": (RUN + "\n// CHECK-NOT: a\n", 3, "prefix 'CHECK' must match"),
    "unverified": (RUN + "// CHECK: a\n// expected-error {{x}}\n", 3, "no RUN line has"),
    "misspelled": (VERIFY + "// expected-error @bellow {{x}}\n", 2, "misspelled"),
    "no braces": (VERIFY + "// expected-remark: x\n", 2, "misspelled"),
}


@pytest.mark.parametrize("name", GOOD)
def test_accepts(name: str) -> None:
    assert check_lint.check_text(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_rejects(name: str) -> None:
    text, line, message = BAD[name]
    problems = check_lint.check_text(text)
    assert [number for number, said in problems if message in said] == [line]


def test_prints_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.mlir"
    bad.write_text(BAD["no colon"][0])
    assert check_lint.main([str(bad)]) == 1
    assert capsys.readouterr().out.startswith(f"{bad}:3: ")


def test_the_tests_of_this_project_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_lint.main([]) == 0, capsys.readouterr().out
