"""``benchmarks`` is run from the root of the repository and never installed: the tests find it the same way."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
