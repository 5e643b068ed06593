"""What a saved file carries beside its pixels, when the author asks for it: the AI label, then the Content Credential.

The credential comes last, because it is bound to every other byte. Used on the thread that runs the node and by the
command line. Whatever cannot be put in is left out, and said: the file is saved all the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config import MEBIBYTE
from ..errors import ProvenanceError
from ..hosting import Host
from ..model import Clock, Json
from ..record import assets, credentials, label, media, models
from ..record.graph import ApiGraph
from ..seal import certificate, content

MOST_PARENTS = 20
LARGEST_PARENT = 64 * MEBIBYTE
NOT_WANTED, DONE, KEPT = "not wanted", "put in", "was there"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the author asks for. producer: what the AI label names as the producer, in the author's words."""

    credentials: bool = False
    label: bool = False
    producer: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The file's final bytes, and for the label and the credential what became of them: `not wanted`, `put in`,
    `was there` (a label is never replaced), or why it is not in the file."""

    data: bytes
    label: str
    credential: str
    signer: str | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """What was asked for and is not in the file, one line each."""
        told = (("the AI label", self.label), ("the Content Credential", self.credential))
        return tuple(f"{what} is not in the file: {said}" for what, said in told if said not in _FINE)

    def to_json(self) -> dict[str, Json]:
        """As it stands in observations and answers; a member called credential would be taken for a secret."""
        return {"label": self.label, "c2pa": self.credential, "signer": self.signer}


_FINE = frozenset({NOT_WANTED, DONE, KEPT})


def finish(data: bytes, claim: credentials.Claim, wishes: Wishes, number: str, secrets: Path, clock: Clock) -> Finished:
    """Put in what is asked for. number: the producer's own number of the content, for the label. Raises nothing of
    ours; what fails is told in the result."""
    label_said = NOT_WANTED
    if wishes.label:
        data, label_said = _label(data, claim.media_type, label.Label(wishes.producer, number))
    if not wishes.credentials:
        return Finished(data, label_said, NOT_WANTED)
    if claim.media_type not in credentials.SUPPORTED:
        return Finished(data, label_said, f"{claim.media_type} is not supported")
    try:
        now = datetime.datetime.fromtimestamp(clock().wall_ns / 1e9, datetime.timezone.utc)
        signer = certificate.open_or_make(secrets, now)
        sources = zip(credentials.ingredients(claim), (parent.data for parent in claim.parents), strict=True)
        signed = content.signed(data, claim.media_type, credentials.manifest(claim), list(sources), signer)
    except ProvenanceError as error:
        return Finished(data, label_said, str(error))
    return Finished(signed, label_said, DONE, f"{signer.holder} ({'local, not verified' if signer.local else 'own'})")


def _label(data: bytes, media_type: str, wanted: label.Label) -> tuple[bytes, str]:
    try:
        if label.of(data, media_type) is not None:
            return data, KEPT
        return label.labelled(data, media_type, wanted), DONE
    except ProvenanceError as error:
        return data, str(error)


def claim_of_node(
    host: Host, prompt: Json, node: str, name: str, media_type: str, record: Mapping[str, Json] | None
) -> credentials.Claim:
    """What is known, while a node runs, of the file that it is about to save: the models and the files above it in the
    graph. Reads those files: tens of milliseconds for a few pictures."""
    graph = ApiGraph(prompt)
    above = {node, *graph.upstream_of([node])}
    named = models.find(graph, host.node_inputs, host.model_folders(), host.model_extensions())
    used = dict.fromkeys(Path(model.name).name for model in named if model.node in above and model.size is not None)
    found = (each for each in assets.find(graph, host.node_inputs, host.directories()) if each.node in above)
    parents = tuple(_parents(Path(each.path) for each in found))
    return credentials.Claim(name, media_type, tuple(used), parents, record)


def _parents(paths: Iterator[Path]) -> Iterator[credentials.Parent]:
    for path in list(dict.fromkeys(paths))[:MOST_PARENTS]:
        parent = parent_of(path)
        if parent is not None:
            yield parent


def parent_of(path: Path) -> credentials.Parent | None:
    """A file as an ingredient; None for one that cannot be read, is very large, or is of a kind that C2PA lacks."""
    try:
        if path.stat().st_size > LARGEST_PARENT:
            return None
        data = path.read_bytes()
    except OSError:  # it may be gone by now; the record says what was loaded
        return None
    kind = media.media_type(data[: media.HEAD], path.name)
    return credentials.Parent(path.name, kind, data) if kind in credentials.SUPPORTED else None
