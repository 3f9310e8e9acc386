"""Rejects lit tests that cannot fail: `python test/check_lint.py [FILE...]`.

filecheck skips what it does not take for a directive, so a misspelled one checks nothing. Prints
`file:line: message` for each problem and exits with 1 when there is one.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SUFFIXES = {".mlir", ".test"}
SKIPPED_FOLDERS = {"python", "Inputs", "corpus", "exporters", "fuzz"}

DIRECTIVE = r"(?:-(?:NEXT|SAME|NOT|DAG|LABEL|EMPTY|COUNT-\d+))?"
# Words with a colon that are not meant for filecheck.
OTHER_WORDS = {"RUN", "COM", "NOTE", "REQUIRES", "UNSUPPORTED", "XFAIL", "DEFINE", "REDEFINE"}
COMMENT = re.compile(r"(?://|^\s*#)\s*(.*)")
RUN = re.compile(r"(?://|#)\s*RUN:\s*(.*)")
PREFIX_OPTION = re.compile(r"--?check-prefix(?:es)?[= ](\S+)")
EXPECTED = re.compile(r"expected-(?:error|warning|remark|note)")
WHOLE_EXPECTED = re.compile(
    r"expected-(?:error|warning|remark|note)(?:-re)? *"
    r"(?:@(?:[+-]\d+|above|below|unknown))? *\{\{.*\}\}\s*$"
)

Problem = tuple[int, str]


def run_commands(lines: list[str]) -> list[str]:
    """Returns the RUN commands, with lines that end in a backslash joined."""
    commands: list[str] = []
    continued = False
    for line in lines:
        match = RUN.search(line)
        if not match:
            continue
        text = match[1].rstrip()
        if continued:
            commands[-1] = commands[-1][:-1] + text
        else:
            commands.append(text)
        continued = text.endswith("\\")
    return commands


def named_prefixes(commands: list[str]) -> set[str]:
    """Returns the prefixes that the filecheck calls look for."""
    prefixes: set[str] = set()
    for command in commands:
        for call in re.findall(r"\bfilecheck\b([^|;&]*)", command):
            named = PREFIX_OPTION.findall(call)
            prefixes.update(prefix for group in named for prefix in group.split(","))
            if not named:
                prefixes.add("CHECK")
    return prefixes


def directive_problems(lines: list[str], prefixes: set[str]) -> Iterator[Problem]:
    """Finds directives that filecheck would skip, and checks that cannot fail."""
    words = "|".join(map(re.escape, sorted(prefixes | {"CHECK"}, key=len, reverse=True)))
    without_colon = re.compile(rf"(?:{words}){DIRECTIVE}(?![-\w:])")
    known = re.compile(rf"({words})({DIRECTIVE}):")
    fenced: set[str] = set()
    first_not: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        comment = COMMENT.search(line)
        if not comment:
            continue
        text = comment[1]
        if match := without_colon.match(text):
            yield number, f"'{match[0]}' without a colon checks nothing"
        word = re.match(r"([A-Z][A-Z0-9_]*(?:-[A-Za-z0-9_]+)*)\s*:", text)
        if not word or word[1] in OTHER_WORDS:
            continue
        match = known.match(text)
        if not match or match[1] not in prefixes:
            yield number, f"no filecheck of this file looks for '{word[1]}'"
        elif match[2] != "-NOT":
            fenced.add(match[1])
        else:
            first_not.setdefault(match[1], number)
    for prefix in sorted(prefixes - fenced):
        yield first_not.get(prefix, 1), f"no check with the prefix '{prefix}' must match"


def expectation_problems(lines: list[str], commands: list[str]) -> Iterator[Problem]:
    """Finds expected diagnostics that nobody compares."""
    verified = any(re.search(r"--?verify-diagnostics", command) for command in commands)
    for number, line in enumerate(lines, 1):
        comment = COMMENT.search(line)
        if not comment or RUN.search(line) or not EXPECTED.match(comment[1]):
            continue
        if not verified:
            yield number, "an expected diagnostic, but no RUN line has --verify-diagnostics"
        elif not WHOLE_EXPECTED.match(comment[1]):
            yield number, "this expected diagnostic is misspelled and expects nothing"


def check_text(text: str) -> list[Problem]:
    """Returns the problems of one test as line numbers and messages."""
    lines = text.splitlines()
    commands = run_commands(lines)
    if not commands:
        return [(1, "no RUN line")]
    problems = list(directive_problems(lines, named_prefixes(commands)))
    problems += expectation_problems(lines, commands)
    return sorted(problems)


def lit_tests(root: Path) -> list[Path]:
    """Returns the files that lit runs."""
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix in SUFFIXES and not SKIPPED_FOLDERS & set(path.relative_to(root).parts)
    )


def main(arguments: list[str]) -> int:
    """Checks the files named, or all tests; returns the exit code."""
    failed = False
    for path in map(Path, arguments) if arguments else lit_tests(ROOT):
        for number, message in check_text(path.read_text()):
            failed = True
            print(f"{path}:{number}: {message}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
