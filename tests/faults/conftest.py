"""Hosts for tests that break things around them."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "comfyui"):  # importlib mode adds no path for the modules beside the tests
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from fixtures import bench, host, make_host, nursery, page, patience, short_pauses  # noqa: E402, F401
