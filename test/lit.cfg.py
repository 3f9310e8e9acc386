"""Configures the lit suites: `lit -v test`.

The tool is the one that KVLIFT_OPT names, else the newer one of the development build's and the
one installed beside this Python.
"""

# lit puts `config` and `lit_config` here.
# ruff: noqa: F821

import os
import sys
from pathlib import Path

import lit.formats

root = Path(__file__).resolve().parent.parent
python_bin = Path(sys.executable).parent


def find_tool() -> Path:
    """Returns the kvlift-opt to test."""
    if named := os.environ.get("KVLIFT_OPT"):
        return Path(named).resolve()
    candidates = [python_bin / "kvlift-opt", root / "build/dev/tools/kvlift-opt/kvlift-opt"]
    found = [candidate for candidate in candidates if candidate.is_file()]
    if not found:
        lit_config.fatal(f"no kvlift-opt; looked for {', '.join(map(str, candidates))}")
    return max(found, key=lambda tool: tool.stat().st_mtime)


config.name = "kvlift"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["python", "Inputs", "corpus", "exporters", "fuzz"]
config.test_source_root = str(root / "test")
config.test_exec_root = str(root / "build" / "lit")

# Names stand alone in RUN lines: not in paths, options or longer names.
for name, tool in {
    "kvlift-opt": find_tool(),
    "filecheck": python_bin / "filecheck",
    "python": Path(sys.executable),
}.items():
    config.substitutions.append((rf"(?<![-\w./=]){name}(?![-\w./=])", str(tool)))

# `%exits 1 command` wants exactly this exit code; `not` takes any but 0.
config.substitutions.append(("%exits", f"{sys.executable} {root / 'test/Tool/Inputs/exits.py'}"))

# The Python beside the tool brings the MLIR library.
config.environment["PATH"] = f"{python_bin}{os.pathsep}{os.environ.get('PATH', '')}"
if library := os.environ.get("KVLIFT_MLIR_LIBRARY"):
    config.environment["KVLIFT_MLIR_LIBRARY"] = library
