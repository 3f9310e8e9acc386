"""`exits.py CODE COMMAND...` succeeds when the command ends with exactly this code."""

import subprocess
import sys

found = subprocess.run(sys.argv[2:], check=False).returncode
if found != int(sys.argv[1]):
    sys.exit(f"exit code {found}, not {sys.argv[1]}: {' '.join(sys.argv[2:])}")
