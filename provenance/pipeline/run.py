"""What the pipeline holds about one run from its submission to its completion."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from ..hosting import Host
from ..model import Asset, Instant, Json, ModelRef
from ..record import redact
from ..record.graph import ApiGraph
from ..record.redact import Redactor

CLASSES_REMEMBERED = 512


class HostView:
    """A host's answers about node classes, asked once per run: combo lists may cost a folder scan each."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.node_inputs = lru_cache(CLASSES_REMEMBERED)(host.node_inputs)
        self.node_outputs = lru_cache(CLASSES_REMEMBERED)(host.node_outputs)
        self.is_output_node = lru_cache(CLASSES_REMEMBERED)(host.is_output_node)

    def widget_names(self, class_type: str) -> tuple[str, ...] | None:
        """Names of the inputs that have a widget, in order; None for an unknown class."""
        return redact.widget_names(self.node_inputs(class_type))


@dataclass(slots=True)
class Run:
    """One recorded run. The writer fills the first part; the reading side owns the second.

    `execution` is the id in the ledger, `stamp` the one the host knows it by (they differ only when a client repeated
    a prompt id of an earlier session). `repeats`: it repeats a run that the ledger holds.
    """

    execution: str
    stamp: str
    submission: int
    prompt_document: str
    graph: ApiGraph
    targets: tuple[str, ...]
    parent: str | None
    accepted: Instant
    host: HostView
    redactor: Redactor
    repeats: bool = False

    assets: tuple[Asset, ...] = ()
    models: tuple[ModelRef, ...] = ()
    observed: list[dict[str, Json]] = field(default_factory=list)
