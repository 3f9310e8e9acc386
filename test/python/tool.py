"""Finds and runs the kvlift-opt under test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def tool() -> str:
    """The kvlift-opt under test."""
    built = sorted(
        (Path(__file__).parents[2] / "build").glob("*/tools/kvlift-opt/kvlift-opt"),
        key=lambda path: path.stat().st_mtime,
    )
    beside = Path(sys.executable).with_name("kvlift-opt")
    found = os.environ.get("KVLIFT_OPT") or shutil.which("kvlift-opt", path=beside.parent)
    if not found and built:
        found = str(built[-1])
    if not found:
        pytest.fail(
            "kvlift-opt is not installed beside Python, not built and not named by KVLIFT_OPT"
        )
    return found


def run_pass(name: str, program: str, folder: Path) -> str:
    """The program after the pass; it verifies, or kvlift-opt fails."""
    source = folder / "in.mlir"
    source.write_text(program)
    run = subprocess.run(
        [tool(), str(source), f"--pass-pipeline=builtin.module({name})"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr + program
    return run.stdout
