"""What a host holds: open files, memory, and how long its runs take."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import graphs
import machine

POOLED = 20  # open files of connections that the pool may not have needed yet when it was first looked at


@dataclass(frozen=True)
class Measured:
    """Open files, bytes of memory, and the median seconds of a run."""

    files: int
    memory: int
    seconds: float


def measured(host: machine.ForkedHost, runs: int, seed: int) -> Measured:
    """Queue runs one after another, wait for their record, and look."""
    taken = []
    for number in range(runs):
        began = time.monotonic()
        host.wait(host.submit(graphs.plain(color=(seed + number) & 0xFFFFFF, prefix=f"many-{seed}")))
        taken.append(time.monotonic() - began)
    if host.pack:
        host.settled()
    return Measured(_files(host.pid), _memory(host.pid), sorted(taken)[len(taken) // 2])


def _files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _memory(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
