"""`make soak` in short: what ten thousand steps show, three hundred may not contradict."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_three_hundred_steps_equal_eager_and_stay_in_place():
    child = subprocess.run(
        [sys.executable, str(ROOT / "bench/soak.py"), "--steps", "300", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    found = {each["target"]: each for each in json.loads(child.stdout)}
    for target in ("pjrt:cpu", "iree:cpu"):
        assert found[target]["steps"] == 300
        assert found[target]["wrong"] == found[target]["moved"] == 0
