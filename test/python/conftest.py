"""Its folder is on the path of the tests, which share `interpreter`; so are the torch models."""

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "frontends"))

# Tests compile what they test; those of the cache turn it on.
os.environ["KVLIFT_CACHE_LIMIT"] = "0"
