"""Writing and checking a dossier take no more memory for more runs. Measured in allocations, not in time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("memory_inside.py")
BYTES = 2048  # for each run more; 5 to 6 KB when runs, names and digests were held


def test_memory_does_not_grow_with_the_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, encoding="utf-8", timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    few, many = json.loads(done.stdout)
    assert few["ok"] and many["ok"]
    for part in ("writing", "checking"):
        assert (many[part] - few[part]) / (many["runs"] - few["runs"]) < BYTES, (part, few, many)
