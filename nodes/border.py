"""The border between a generation and our observing of it.

This is the only place in `nodes/` that catches everything: a mistake of ours must never fail, change or delay
somebody's image. It guards our own code alone; what a stock node raises passes by it untouched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .port import Port


@contextmanager
def guarded(port: Port, doing: str) -> Iterator[None]:
    """Run our own code; should it fail, report one line through the port and go on."""
    try:
        yield
    except Exception as error:
        port.problem(f"{doing}: {type(error).__name__}: {error}")
