"""Do the tests notice? Each mutant is one wrong line in the passes that rewrite updates.

A copy of the tree is built with each mutant in turn (ninja builds only what changed), and
random programs are compared with the interpreter until one differs; a mutant that lives through
all of them meets the lit tests. What survives both is a hole in the tests, or a line that does not
matter. The table goes to standard output.

    python test/fuzz/mutants.py [--folder build/mutants] [--only GuardedWrite] [--programs 6000]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHUNK = 500


@dataclass(frozen=True)
class Mutant:
    """The text `old`, which stands once in `file`, becomes `new`."""

    what: str
    file: str
    old: str
    new: str


_GUARD = "lib/Transforms/Updates/GuardedWrite.cpp"
_FACTS = "lib/Analysis/IndexArithmetic.cpp"
_SCATTER = "lib/Transforms/Updates/SimplifyScatter.cpp"
_WINDOWS = "lib/Transforms/Updates/ScatterWindows.cpp"
_MASK = "lib/Transforms/Updates/WindowMask.cpp"
_MASKED = "lib/Transforms/Updates/MaskedWrite.cpp"
_SELECT = "lib/Transforms/Updates/SimplifySelect.cpp"
MUTANTS = (
    Mutant("the range guard is dropped", _GUARD, "if (mask) {", "if (mask && !mask) {"),
    Mutant(
        "row 0 is out of range",
        _GUARD,
        'build.compare("GE", value, build.splat(type, 0))',
        'build.compare("GT", value, build.splat(type, 0))',
    ),
    Mutant(
        "the row behind the last is in range",
        _GUARD,
        'build.compare("LT", value, build.splat(type, extent))',
        'build.compare("LE", value, build.splat(type, extent))',
    ),
    Mutant(
        "rows before the first are moved to it",
        _GUARD,
        "clamp(position, -count, extent)",
        "clamp(position, 0, extent)",
    ),
    Mutant(
        "the window may end one row behind",
        _GUARD,
        "clamp(row, 0, extent - count)",
        "clamp(row, 0, extent - count + 1)",
    ),
    Mutant(
        "the shift has the wrong sign",
        _GUARD,
        'build.binary("stablehlo.subtract", row, start)',
        'build.binary("stablehlo.subtract", start, row)',
    ),
    Mutant(
        "constant rows before the first are cut one short",
        _GUARD,
        "std::max<int64_t>(-start, 0)",
        "std::max<int64_t>(-start - 1, 0)",
    ),
    Mutant("every row is known to be in range", _GUARD, "if (start.isInRange)", "if (start.base)"),
    Mutant(
        "narrow index types may wrap around in the guard",
        _GUARD,
        "!canHold(index, 2 * slot[dim])",
        "!canHold(index, 1)",
    ),
    Mutant(
        "the interval of a sum is too small",
        _FACTS,
        "checkedAdd(a.range.high, b.range.high)",
        "checkedAdd(a.range.high, b.range.low)",
    ),
    Mutant(
        "overflow is not looked for",
        _FACTS,
        "*low < all.low || *high > all.high",
        "*low > *high || all.low > all.high",
    ),
    Mutant(
        "facts survive a conversion that wraps around",
        _FACTS,
        "if (a.isAffine && !holds)",
        "if (a.isAffine && !holds && a.wrap)",
    ),
    Mutant(
        "the interval of a minimum is one too small",
        _FACTS,
        "std::min(a.range.high, b.range.high)}",
        "std::min(a.range.high, b.range.high) - 1}",
    ),
    Mutant(
        "the interval of a maximum is one too small",
        _FACTS,
        "{std::max(a.range.low, b.range.low),",
        "{std::max(a.range.low, b.range.low) + 1,",
    ),
    Mutant(
        "a remainder by what it can be is taken for none",
        _FACTS,
        "a.range.isWithin(0, *divisor)",
        "a.range.isWithin(0, *divisor + 1)",
    ),
    Mutant("overlapping rows in another order", _WINDOWS, "if (!keepsOrder())", "if (!rowLimit)"),
    Mutant(
        "of repeated rows the first counts",
        _WINDOWS,
        "part.low[u] = part.high[u] - 1;",
        "part.high[u] = part.low[u] + 1;",
    ),
    Mutant(
        "two dims of the update change places",
        _SCATTER,
        "build.transpose(build.reshape(update, shape), order)",
        "build.reshape(build.transpose(build.reshape(update, shape), "
        "invertPermutation(order)), turned)",
    ),
    Mutant(
        "negative rows wrap around at the wrong extent",
        _WINDOWS,
        "*start.wrap < map.extent(dim)",
        "*start.wrap < 0",
    ),
    Mutant(
        "windows across the edge are written in part",
        _WINDOWS,
        "if (mayCrossEdge(facts, map, dim, part))",
        "if (mayCrossEdge(facts, map, dim, part) && !rowLimit)",
    ),
    Mutant(
        "the row behind the last is known to be in range",
        _SCATTER,
        "fact.range.isWithin(0, plan.map.extent(dim))",
        "fact.range.isWithin(0, plan.map.extent(dim) + 1)",
    ),
    Mutant("an offset is lost", _SCATTER, "start.offset = fact.offset;", "start.offset = 0;"),
    Mutant(
        "a comparison is not turned with its operands",
        _MASK,
        'direction[0] == \'L\' ? "G" : "L"',
        'direction[0] == \'L\' ? "L" : "G"',
    ),
    Mutant(
        "greater is taken for greater or equal",
        _MASK,
        "bound.offset += isNext;",
        "bound.offset += isNext && isLow && isHigh;",
    ),
    Mutant(
        "the branches of an if are exchanged",
        "lib/Transforms/Updates/SimplifyBranch.cpp",
        "data = isSwapped ? build.select",
        "data = !isSwapped ? build.select",
    ),
    Mutant(
        "the sides of a select are exchanged",
        _SELECT,
        "data = masked.chosen ? build.select",
        "data = !masked.chosen ? build.select",
    ),
    Mutant(
        "any transpose undoes a transpose",
        "lib/Transforms/Updates/SimplifyViews.cpp",
        'return !op.is("stablehlo.transpose") ||',
        "return op ||",
    ),
    Mutant(
        "rows that stand elsewhere count as kept",
        "lib/Transforms/Updates/SimplifyConcatenate.cpp",
        "slice.starts[i].number != (i == dim ? begin : 0)",
        "!slice.starts[i].number || (i != dim && *slice.starts[i].number != 0 * begin)",
    ),
    Mutant("the window of a single row is empty", _MASK, "++high->offset;", "high->offset += 0;"),
    Mutant(
        "any two bounds are of one position",
        _MASK,
        "if (!isSameBase(first.base, last.base))",
        "if (!first.base.value != !last.base.value)",
    ),
    Mutant(
        "positions may differ along their own dim",
        _MASK,
        "if (window.varies(dim) && !isWhole)",
        "if (window.varies(dim) && isWhole && !hasRows)",
    ),
    Mutant(
        "what is added to a bound is taken off",
        _MASK,
        "bound.offset += *number;",
        "bound.offset -= *number;",
    ),
    Mutant(
        "no one-hot row is a one-hot row",
        _MASK,
        'chosen = chosen == (direction == "NE");',
        'chosen = chosen == (direction == "EQ");',
    ),
    Mutant(
        "a flag that does not hold writes",
        _MASKED,
        "place = flag.wanted ? build.select",
        "place = !flag.wanted ? build.select",
    ),
    Mutant(
        "what a flag drops goes to the first row",
        _MASKED,
        "build.splat(place.type(), -window.dims[dim].count)",
        "build.splat(place.type(), 1 - window.dims[dim].count)",
    ),
    Mutant(
        "a pad that put the rows elsewhere is taken off",
        _MASKED,
        'pad.attribute("edge_padding_low").asI64Array() == low &&',
        'pad.attribute("edge_padding_low").asI64Array() &&',
    ),
    Mutant(
        "a box with holes is a box",
        "lib/Transforms/Updates/ConstantMask.cpp",
        "box.elementCount() == count",
        "box.elementCount() >= count",
    ),
    Mutant(
        "a mask may be padded with anything",
        "lib/Transforms/Updates/ConstantMask.cpp",
        "splatOf(pad.operand(1)) != !chosen",
        "!splatOf(pad.operand(1))",
    ),
    Mutant(
        "a transpose is turned the wrong way round",
        "lib/Transforms/Updates/Spread.cpp",
        "places = invertPermutation(permutationOf(op));",
        "places = permutationOf(op);",
    ),
    Mutant(
        "the flags of an update are read at the first row",
        _SELECT,
        "isAlong ? starts[mask.dims[i]]",
        "isAlong && starts.empty() ? starts[mask.dims[i]]",
    ),
    Mutant(
        "what counts from a row on counts from the first",
        "lib/Transforms/Updates/LeadingScatter.cpp",
        "fact.wrap || fact.offset != 0 ||",
        "fact.wrap ||",
    ),
    Mutant(
        "the inputs of a scatter share one update",
        "lib/Transforms/Updates/SplitScatter.cpp",
        "scatter.operand(inputs + 1 + i)",
        "scatter.operand(inputs + 1)",
    ),
    Mutant(
        "adjacent updates change places",
        "lib/Transforms/Updates/MergeUpdates.cpp",
        "data = joint->isBehind ?",
        "data = !joint->isBehind ?",
    ),
    Mutant(
        "the index behind the last is in range on IREE",
        "lib/Transforms/Guards/PlanGuard.cpp",
        "isWithin(0, plan.last[c] + 1)",
        "isWithin(0, plan.last[c] + 2)",
    ),
)


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
            command = [
                # Without the site: an editable installation of kvlift would come first.
                *(sys.executable, "-S", "test/fuzz/equivalence.py", "--first", str(first)),
                *("--count", str(CHUNK), "--processes", "1"),
            ]
            run = subprocess.run(
                command, cwd=self.root, env=self._environment(), capture_output=True, check=False
            )
            if run.returncode != 0:
                return first + CHUNK
        return None

    def lit_fails(self) -> bool:
        tests = ["test/Transforms", "test/Analysis"]
        run = subprocess.run(
            [sys.executable, "-m", "lit.main", "-q", *tests],
            cwd=self.root, env=self._environment(), capture_output=True, check=False,
        )  # fmt: skip
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
