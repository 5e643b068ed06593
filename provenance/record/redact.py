"""Secrets never enter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """One replaced value: which document (`prompt`, `workflow`, `extra`), where (JSON pointer), what stands there."""

    document: str
    path: str
    marker: str
