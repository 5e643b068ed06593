"""How much memory a waiting event holds on to, so that a queue can be bounded in bytes."""

from __future__ import annotations

from ..model import Accepted, Finished, Observation


def weight(event: object) -> int:
    """Bytes of an event's graph, report or tensors; 0 for events that are small by nature."""
    if isinstance(event, Accepted | Finished):
        return len(event.frozen)
    return tensor_bytes(event) if isinstance(event, Observation) else 0


def tensor_bytes(observation: Observation) -> int:
    """Bytes of the tensors that an observation carries."""
    return sum(int(getattr(tensor, "nbytes", 0)) for tensor in observation.tensors.values())
