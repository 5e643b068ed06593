"""What an execution ran, as the bytes that are stored, hashed and given back. Pure.

ComfyUI has parsed the graph before anyone can see it, so "as received" means: same values, same key order, integers
stay integers, 64-bit seeds intact (`canonical.snapshot_bytes`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..canonical import snapshot_bytes
from .redact import Redacted


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The three documents of a run. `workflow` is None for a run without a UI workflow, `extra` when there was none."""

    workflow: bytes | None
    prompt: bytes
    extra: bytes | None


def build(redacted: Redacted) -> Snapshot:
    """The bytes of a redacted graph.

    Raises InputError when a document cannot be written as JSON, for instance when it nests deeper than the
    interpreter allows.
    """
    return Snapshot(
        None if redacted.workflow is None else snapshot_bytes(redacted.workflow),
        snapshot_bytes(redacted.prompt),
        snapshot_bytes(redacted.extra) if redacted.extra else None,
    )
