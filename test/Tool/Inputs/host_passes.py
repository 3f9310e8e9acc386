"""`host_passes.py TOOL FILE`: the host knows each of its passes that --show-passes lists.

A pass may belong under func.func, and may then want options: what counts is that it is found.
"""

import subprocess
import sys

tool, path = sys.argv[1:]
listing = subprocess.run([tool, "--show-passes"], capture_output=True, text=True, check=True).stdout
names = listing.partition("the library's passes")[2].splitlines()[1:]


def is_found(pipeline: str) -> bool:
    result = subprocess.run(
        [tool, path, f"--pass-pipeline=builtin.module({pipeline})"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "unknown pass" not in result.stderr and "host refuses" not in result.stderr


if len(names) < 10:
    sys.exit(f"only {len(names)} passes are listed")
lost = [n for n in map(str.strip, names) if not (is_found(n) or is_found(f"func.func({n})"))]
if lost:
    sys.exit(f"the host does not know {', '.join(lost)}")
