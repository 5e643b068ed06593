"""Long tests: `make soak`. They use the hosts of `tests/faults` and the ledgers of `tests/attacks`."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
for folder in (TESTS / "attacks", TESTS / "faults", TESTS / "comfyui"):  # importlib mode adds no path for these
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from fixtures import bench, host, make_host, nursery, page, patience, short_pauses  # noqa: E402, F401
