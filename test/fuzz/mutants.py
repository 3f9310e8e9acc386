"""Do the tests notice? Each mutant (wrong_lines.py) is one wrong line in the passes on updates.

A copy of the tree is built with each mutant in turn (ninja builds only what changed), and
random programs are compared with the interpreter until one differs; a mutant that lives through
all of them meets the lit tests. What survives both is a hole in the tests, or a line that does not
matter. The table goes to standard output.

    python test/fuzz/mutants.py [--folder build/mutants] [--only GuardedWrite] [--programs 6000]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from wrong_lines import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
CHUNK = 500


class Copy:
    """A copy of the tree that is built and tested."""

    def __init__(self, root: Path) -> None:
        self.root = root
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for name in listed.stdout.split("\n"):
            source, target = ROOT / name, root / name
            if name and source.is_file():
                text = source.read_bytes()
                if not target.is_file() or target.read_bytes() != text:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(text)
        self._configure()

    def _configure(self) -> None:
        nanobind = subprocess.run(
            [sys.executable, "-m", "nanobind", "--cmake_dir"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        subprocess.run(
            ["cmake", "-G", "Ninja", "-B", "build", "-S", ".", "-DSKBUILD=ON",
             f"-DPython_EXECUTABLE={sys.executable}", f"-Dnanobind_DIR={nanobind.stdout.strip()}"],
            cwd=self.root, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def build(self) -> bool:
        done = subprocess.run(
            ["ninja", "-C", "build", "-j2"], cwd=self.root, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            print(done.stdout[-2000:], file=sys.stderr)
            return False
        built = next((self.root / "build" / "python").glob("_core*.so"))
        # A new file: the old one may be mapped still.
        target = self.root / "python" / "kvlift" / built.name
        target.unlink(missing_ok=True)
        target.write_bytes(built.read_bytes())
        return True

    def differs_at(self, programs: int) -> int | None:
        """How many programs it took until one differed."""
        for first in range(0, programs, CHUNK):
            count = min(CHUNK, programs - first)
            command = [
                # Without the site: an editable installation of kvlift would come first.
                *(sys.executable, "-S", "test/fuzz/equivalence.py", "--first", str(first)),
                *("--count", str(count), "--processes", "1"),
            ]
            run = subprocess.run(
                command, cwd=self.root, env=self._environment(), capture_output=True, check=False
            )
            if run.returncode != 0:
                return first + count
        return None

    def lit_fails(self) -> bool:
        # Not `-m lit.main`, which runs nothing and says that all is well.
        run = subprocess.run(
            [Path(sys.executable).parent / "lit", "--max-failures=1", "test/Transforms",
             "test/Analysis"],
            cwd=self.root, env=self._environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        # Its columns are padded: `Passed :`.
        if not re.search("(Passed|Failed) *:", run.stdout):
            raise RuntimeError(f"lit ran no test: {run.stdout[-2000:]}{run.stderr[-2000:]}")
        return run.returncode != 0

    def _environment(self) -> dict[str, str]:
        from kvlift.host import find_library

        path = os.pathsep.join([str(self.root / "python"), *filter(None, sys.path)])
        tool = self.root / "build" / "tools" / "kvlift-opt" / "kvlift-opt"
        named = {"KVLIFT_OPT": str(tool), "KVLIFT_MLIR_LIBRARY": str(find_library())}
        return {**os.environ, **named, "PYTHONPATH": path}


def try_mutant(copy: Copy, mutant: Mutant, programs: int) -> str:
    path = copy.root / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return f"STALE: the text stands {text.count(mutant.old)} times in {mutant.file}"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        if not copy.build():
            return "STALE: it does not build"
        if at := copy.differs_at(programs):
            return f"killed by the first {at} programs"
        return "killed by lit" if copy.lit_fails() else "SURVIVED"
    finally:
        path.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="where to build; kept for the next time")
    parser.add_argument("--only", default="", help="mutants whose file or description has this")
    parser.add_argument("--programs", type=int, default=6000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        copy = Copy(folder.resolve())
        if not copy.build() or copy.differs_at(options.programs) or copy.lit_fails():
            print("the tests fail without a mutant")
            return 2
        print("| mutant | file | outcome |\n|---|---|---|", flush=True)
        alive = 0
        for mutant in MUTANTS:
            if options.only not in mutant.file + mutant.what:
                continue
            outcome = try_mutant(copy, mutant, options.programs)
            alive += not outcome.startswith("killed")
            name = Path(mutant.file).name
            print(f"| {mutant.what} | {name} | {outcome} |", flush=True)
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
