"""kvlift survives any module: no crash, no hang, no error without words, nothing half done.

A seed makes a module, by damage to one of the tests' or the corpus' or on purpose (`oddities`), and
says what is done with it: one pass, some passes, or `kvlift.lift` with random options. After it:
- a failure says why, raises an error of kvlift's own, and leaves the module as it was;
- a success verifies, its text parses to the same module, and lifts of that settle;
- nothing takes more than 10 s of processor time, and the process lives.

    python test/fuzz/adversarial.py --count 100000 --processes 2 --save build/fuzz
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "corpus"))
sys.path.append(str(Path(__file__).parents[1] / "python"))
sys.path.append(str(Path(__file__).parent))

import generate
from batches import in_batches
from mutate import mutate
from mutate_ir import mutate_ir
from oddities import ODDITIES
from service import DiedError, Service

ROOT = Path(__file__).parents[2]
LONGEST = 10  # Seconds of processor time for one case.
BATCH = 40
PART = 1000  # After so many the command line says how it goes.
TIMEOUT = 300


@dataclass(frozen=True)
class Case:
    """A module and what is done with it.

    Attributes:
        origin: the function or file that it comes from.
        pipeline: the passes' text; empty for `kvlift.lift(options)`.
    """

    seed: int
    origin: str
    text: str
    pipeline: str
    options: tuple[tuple[str, Any], ...]
    unregistered: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `rejected` by the parser, `refused`, `done`, or a defect.

    `host` is a death of the host's parser, which a text can cause without kvlift.
    The defects are `died`, `slow`, `silent` (an error without text), `foreign` (an exception of
    another kind), `changed` (by a failure), `invalid`, `unstable` (does not parse to itself) and
    `again` (the third lift does something).
    """

    seed: int
    origin: str
    verdict: str
    detail: str = ""


DEFECTS = ("died", "slow", "silent", "foreign", "changed", "invalid", "unstable", "again")


@functools.cache
def sources() -> tuple[tuple[str, str], ...]:
    """The modules of all tests, by file, and some of the corpus' generator."""
    found = []
    for path in sorted((ROOT / "test").rglob("*.mlir")):
        text = path.read_text(errors="replace")
        for part in re.split(r"^// -----.*\n", text, flags=re.MULTILINE):
            lines = [line for line in part.split("\n") if not re.match(r"\s*//", line)]
            if "".join(lines).strip():
                found.append((path.name, "\n".join(lines)))
    found.extend(("generated", program.text) for program in generate.generated(80))
    return tuple(found)


@functools.cache
def passes() -> tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...]:
    """Every pass with its options and their values."""
    rows = (ROOT / "include" / "kvlift" / "Passes.inc").read_text().split("KVLIFT_PASS(")[1:]
    found = []
    for row in rows[1:] if "define" in rows[0] else rows:
        name = re.search(r'"(kvlift-[\w-]+)"', row)
        options = re.findall(r'PassOption\{"([\w-]+)",\s*"([^"]*)"', row)
        if name:
            found.append((name[1], tuple((key, tuple(v.split("|"))) for key, v in options)))
    return tuple(found)


def _pass_text(rng: random.Random, name: str, options: Any) -> str:
    chosen = []
    for key, values in options:
        if rng.random() < 0.5:
            value = rng.choice(values)
            if key == "state":
                value = f"arg{rng.randint(0, 3)}:result{rng.randint(0, 2)}:n"
            chosen.append(f"{key}={rng.choice(('', 'x', value)) if rng.random() < 0.03 else value}")
    return name + (f"{{{' '.join(chosen)}}}" if chosen else "")


def _pipeline(rng: random.Random) -> str:
    known = passes()
    style = rng.random()
    if style < 0.4:
        chosen = [rng.choice(known)]
    elif style < 0.7:
        chosen = [each for each in known if rng.random() < 0.8]
    else:
        chosen = [rng.choice(known) for _ in range(rng.randint(2, 6))]
    texts = [_pass_text(rng, name, options) for name, options in chosen]
    if rng.random() < 0.05:
        texts.insert(rng.randint(0, len(texts)), rng.choice(("canonicalize", "cse", "symbol-dce")))
    return f"builtin.module({','.join(texts)})"


def _options(rng: random.Random) -> tuple[tuple[str, Any], ...]:
    drawn: dict[str, Any] = {
        "target": rng.choice((None, None, "pjrt:cpu", "pjrt:cuda", "iree:cpu")),
        "lost_updates": rng.choice(("error", "return", "return", "ignore", "ignore")),
        "on_conflict": rng.choice(("error", "copy")),
        "require": rng.choice((None, None, None, "in_place")),
    }
    if rng.random() < 0.2:
        drawn["state"] = {"n": (rng.randint(0, 4), rng.randint(0, 3))}
    return tuple(drawn.items())


def draw(seed: int) -> Case:
    rng = random.Random(seed)
    if rng.random() < 0.2:
        make = rng.choice(ODDITIES)
        origin, text = make.__name__, make(rng)
        if rng.random() < 0.2 and len(text) < 20_000:
            text = mutate(rng, text, [each for _, each in sources()])
    else:
        origin, text = rng.choice(sources())
        style = rng.random()
        if style < 0.55:
            text = mutate_ir(rng, text, _context(True))
        if style > 0.45:
            text = mutate(rng, text, [each for _, each in sources()])
    pipeline = "" if rng.random() < 0.5 else _pipeline(rng)
    return Case(seed, origin, text, pipeline, _options(rng), rng.random() < 0.5)


def check(seeds: list[int]) -> list[Outcome]:
    """May abort: run it in a child process."""
    return [run(draw(seed)) for seed in seeds]


def run(case: Case) -> Outcome:
    begin = time.process_time()
    verdict, detail = _run(case)
    spent = time.process_time() - begin
    if spent > LONGEST and verdict not in DEFECTS:
        verdict, detail = "slow", f"{spent:.1f} s"
    return Outcome(case.seed, case.origin, verdict, detail)


def _context(unregistered: bool) -> Any:
    from kvlift.host import new_context

    context = new_context()
    context.allow_unregistered_dialects = unregistered
    return context


def _run(case: Case) -> tuple[str, str]:
    import kvlift
    from kvlift.frontends.stablehlo import import_stablehlo

    context = _context(case.unregistered)
    try:
        module = import_stablehlo(case.text, context=context)
    except kvlift.SourceError as error:
        return _worded("rejected", "\n".join(str(error).split("\n")[1:]))
    before = _text(module)
    if not _parses(before, case):
        return "rejected", "the host cannot read what it writes"
    try:
        after = _apply(module, case)
    except kvlift.LiftError as error:
        if _text(module) != before:
            return "changed", str(error)
        return _worded("refused", str(error))
    except Exception as error:
        return "foreign", f"{type(error).__name__}: {error}"
    return _judge(after, case, context)


def _parses(text: str, case: Case) -> bool:
    from torch_mlir import ir

    try:
        return _text(ir.Module.parse(text, _context(case.unregistered))) == text
    except ir.MLIRError:
        return False


def _apply(module: Any, case: Case) -> Any:
    import kvlift
    from kvlift.host import diagnostics_from_core, host

    if not case.pipeline:
        return kvlift.lift(module, **dict(case.options)).module
    done, entries = host().run_pipeline(module._CAPIPtr, case.pipeline)
    if not done:
        errors = [entry for entry in diagnostics_from_core(entries) if entry.severity == "error"]
        raise kvlift.LiftError("" if errors else "no error", tuple(errors))
    return module


def _judge(module: Any, case: Case, context: Any) -> tuple[str, str]:
    """Of a success."""
    from torch_mlir import ir

    import kvlift

    try:
        module.operation.verify()
    except ir.MLIRError as error:
        return "invalid", str(error)
    text = _text(module)
    try:
        # In a new context: resources get other names beside those of the same name.
        read = ir.Module.parse(text, _context(case.unregistered))
    except ir.MLIRError as error:
        return "unstable", str(error)
    if _text(read) != text:
        return "unstable", "the text parses to another module"
    if case.pipeline:
        return "done", ""
    # What was told of state, or returned, is in the marks now. Of a dead select the first lift may
    # make an update that is lost.
    options = {key: value for key, value in case.options if key != "state"}
    options["lost_updates"] = "ignore"
    if re.search("copied: [0-9]+ bytes: its old value", text):
        return "done", ""  # The next lift does not know the copy for one.
    try:
        kvlift.lift(read, **options)
        # Reads that the first lift moved before an update are simplified by the second one.
        second = _text(read)
        kvlift.lift(read, **options)
    except kvlift.LiftError as error:
        return "again", str(error)
    return ("done", "") if _text(read) == second else ("again", "the third lift changes it")


def _text(module: Any) -> str:
    """Generic, with locations: nothing is left out."""
    return str(module.operation.get_asm(print_generic_op_form=True, enable_debug_info=True))


def _worded(verdict: str, message: str) -> tuple[str, str]:
    """Whether each error of a message says something."""
    errors = re.findall(r"error:(.*)", message)
    if not message.strip() or message.strip() == "no error" or not all(e.strip() for e in errors):
        return "silent", message
    return verdict, ""


def outcomes(seeds: Iterable[int], processes: int = 1) -> Iterator[Outcome]:
    """The outcomes of all cases, in the order of the seeds."""

    def died(seed: int, reason: str) -> Outcome:
        parser = Service(parse, TIMEOUT)
        try:
            return Outcome(seed, parser(seed), "died", reason)
        except DiedError:
            return Outcome(seed, "?", "host", reason)
        finally:
            parser.close()

    return in_batches(check, list(seeds), BATCH, processes, TIMEOUT, died)


def parse(seed: int) -> str:
    """Nothing of kvlift's; gives the origin. May abort: run it in a child process."""
    from torch_mlir import ir

    case = draw(seed)
    with contextlib.suppress(ir.MLIRError):
        ir.Module.parse(case.text, _context(case.unregistered))
    return case.origin


TOOL_FAILURE = re.compile(r"ended the process|without saying why|made invalid IR")


def tool_defects(tool: str, seeds: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Runs cases through kvlift-opt, 30 in one file; a batch that goes wrong, one by one."""
    todo = list(seeds)
    for start in range(0, len(todo), 30):
        batch = todo[start : start + 30]
        rng = random.Random(batch[0])
        pipeline, flags = _pipeline(rng), ["--allow-unregistered-dialect"] * rng.randint(0, 1)
        if not _tool_problem(tool, batch, pipeline, flags):
            continue
        for seed in batch:
            if problem := _tool_problem(tool, [seed], pipeline, flags):
                yield seed, f"{pipeline} {' '.join(flags)}: {problem}"


def _tool_problem(tool: str, seeds: list[int], pipeline: str, flags: list[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.mlir"
        text = "\n// -----\n".join(draw(seed).text for seed in seeds)
        path.write_text(text, errors="surrogateescape")
        command = [tool, path, f"--pass-pipeline={pipeline}", "--split-input-file", *flags]
        try:
            child = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return f"no end in {TIMEOUT} s"
    said = child.stderr.decode(errors="replace")
    if child.returncode not in (0, 1) or TOOL_FAILURE.search(said):
        return f"exit code {child.returncode}: {said[-500:]}"
    if child.returncode == 1 and not re.search(r"error: \S", said):
        return "it failed without an error"
    return ""


def table(found: Iterable[Outcome]) -> str:
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    makers = {make.__name__ for make in ODDITIES}
    for each in found:
        group = each.origin if each.origin in makers else "damaged"
        counts[group][each.verdict] += 1
    heads = ("rejected", "host", "refused", "done", *DEFECTS)
    lines = ["| modules | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for group, row in sorted(counts.items()):
        lines.append(f"| {group} | " + " | ".join(str(row[head]) for head in heads) + " |")
    total = sum(counts.values(), collections.Counter())
    lines.append("| all | " + " | ".join(str(total[head]) for head in heads) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--save", type=Path, help="a folder for the modules that failed")
    parser.add_argument("--tool", help="also run the modules through this kvlift-opt")
    parser.add_argument("--show", action="store_true", help="print the first case and stop")
    options = parser.parse_args()
    if options.show:
        case = draw(options.first)
        print(f"// {case.origin}: {case.pipeline or dict(case.options)}\n{case.text}")
        return 0
    begin = time.monotonic()
    seeds = range(options.first, options.first + options.count)
    found: list[Outcome] = []
    for start in range(0, len(seeds), PART):
        found.extend(outcomes(seeds[start : start + PART], options.processes))
        bad_so_far = sum(each.verdict in DEFECTS for each in found)
        print(f"{len(found)} modules, {bad_so_far} bad", file=sys.stderr, flush=True)
    print(table(found))
    bad = [(each.seed, f"{each.verdict}: {each.detail}") for each in found]
    bad = [b for b, each in zip(bad, found, strict=True) if each.verdict in DEFECTS]
    if options.tool:
        bad.extend((seed, f"kvlift-opt: {why}") for seed, why in tool_defects(options.tool, seeds))
    for seed, why in bad:
        case = draw(seed)
        print(f"seed {seed}, {case.origin}, {case.pipeline or dict(case.options)}: {why}")
        if options.save:
            options.save.mkdir(parents=True, exist_ok=True)
            head = "".join(f"// {line}\n" for line in f"{case}\n{why}".split("\n"))
            (options.save / f"adversarial-{seed}.mlir").write_text(
                head[:2000] + case.text, errors="surrogateescape"
            )
    print(f"{len(found)} modules, {len(bad)} bad, {time.monotonic() - begin:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
