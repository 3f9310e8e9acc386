"""Its folder is on the path of the tests, which share `interpreter`; so are the torch models."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "frontends"))
