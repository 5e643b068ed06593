"""A process that has loaded what the embedded host needs and forks a host whenever it is asked.

Starting a host takes a fraction of a second this way, so that killing it hundreds of times is affordable. Each line of
standard input is {"arguments": [...], "log": path, "environment": {...}}, each line of standard output a process id.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("torch", "aiohttp", "sqlalchemy", "sqlite3", "cryptography.hazmat.primitives.asymmetric.ed25519")
NEEDED += ("jsonschema", "PIL.Image", "safetensors.torch", "sqlalchemy.dialects.sqlite")


def main() -> int:
    sys.path.insert(0, str(ROOT))
    serve = importlib.import_module("demo.serve")
    for name in NEEDED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended hosts leave nothing behind
    for line in sys.stdin:
        wish = json.loads(line)
        child = os.fork()
        if child == 0:
            return _become_host(serve, wish)
        print(child, flush=True)
    return 0


def _become_host(serve: object, wish: dict[str, object]) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(str(wish["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(wish["environment"])  # type: ignore[arg-type]
    return int(serve.main(wish["arguments"]))  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
