"""`with_library.py FOLDER TOOL FILE`: runs the tool with the library in each place it is found in.

FOLDER/path holds the library's path; FOLDER becomes an installation with links to it.
"""

import os
import subprocess
import sys
from pathlib import Path

folder, tool, file = map(Path, sys.argv[1:])
library = (folder / "path").read_text()


def run(place: str, *arguments: str, **environment: str) -> None:
    clean = {k: v for k, v in os.environ.items() if k not in {"KVLIFT_MLIR_LIBRARY", "PATH"}}
    result = subprocess.run(
        [tool, file, *arguments],
        env=clean | {"PATH": "/nonexistent"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"{place}: {result.stdout or result.stderr}")


def install(prefix: Path) -> None:
    package = prefix / "lib/python3.11/site-packages/torch_mlir/_mlir_libs"
    package.mkdir(parents=True)
    (package / "libTorchMLIRAggregateCAPI.so").symlink_to(library)


run("option", f"--mlir-library={library}")
run("environment", KVLIFT_MLIR_LIBRARY=library)

install(folder)
run("beside the program")
(folder / "lib").rename(folder / "other-name")

install(folder / "venv")
(folder / "venv/bin").mkdir()
(folder / "venv/bin/python3").touch()
run("beside python3", PATH=f"/nonexistent:{folder}/venv/bin")
