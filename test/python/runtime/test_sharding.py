"""Programs that four (virtual) devices run together, in processes that have them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("sharded_programs.py")


@pytest.mark.parametrize("check", ["shardy", "gspmd", "exported", "carried", "refused"])
def test_four_devices(check):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    child = subprocess.run(
        [sys.executable, PROGRAMS, check],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-4000:]
