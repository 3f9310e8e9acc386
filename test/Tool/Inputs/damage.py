"""`damage.py TOOL FILE`: cuts a binary module short and flips bytes in it.

Each time the tool must end with 0 or 1, never by a signal; when it fails it says why and prints
nothing else. A file cut short must never pass.
"""

import random
import subprocess
import sys
from pathlib import Path

tool, path = sys.argv[1:]
whole = Path(path).read_bytes()
chance = random.Random(0)


def run(data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([tool, "-"], input=data, capture_output=True, check=False)


def check(what: str, data: bytes, codes: set[int]) -> None:
    result = run(data)
    if result.returncode not in codes:
        sys.exit(f"{what}: exit code {result.returncode}: {result.stderr!r}")
    if result.returncode == 1 and (result.stdout or b"error: " not in result.stderr):
        sys.exit(f"{what}: printed {result.stdout!r}, said {result.stderr!r}")


if run(whole).returncode != 0:
    sys.exit("the whole file does not pass")
for length in sorted({4, 5, 8, len(whole) - 1, *range(12, len(whole), 7)}):
    check(f"cut to {length} bytes", whole[:length], {1})
for _ in range(40):
    at = chance.randrange(4, len(whole))
    flipped = whole[:at] + bytes([chance.randrange(256)]) + whole[at + 1 :]
    check(f"byte {at} is {flipped[at]}", flipped, {0, 1})
