"""How to get an earlier graph back, and what has drifted since. Pure: `Present` answers for the machine of today.

The graph is given exactly as recorded. Nothing in it is ever replaced to make it run here: what is missing or has
changed is reported, and the author decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ..model import Asset, Json, ModelRef
from ..record.graph import ApiGraph

COMFYUI = "ComfyUI"  # in `Recorded.versions` and `Present.versions`, the program itself
Kind = Literal["workflow", "prompt"]
NODES, MODELS, PACKS, INPUTS = CHECKS = ("nodes", "models", "packs", "inputs")

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger holds about one run.

    graph: the parsed API prompt. packs: class name to node pack, None for core. versions: pack name to version or
    commit at that time. redactions: {"document", "path"} of what was replaced by a marker before it was signed.
    """

    execution: str
    workflow: bytes | None
    prompt: bytes
    graph: Json
    packs: Mapping[str, str | None]
    versions: Mapping[str, str]
    models: Sequence[ModelRef]
    inputs: Sequence[Asset]
    redactions: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ModelHere:
    """A model file as it is now; sha256 is None while nobody has hashed this version of it."""

    size: int
    mtime_ns: int
    sha256: str | None


class Present(Protocol):
    """The machine of today. Methods are called only for what `checks` names."""

    def checks(self) -> Collection[str]:
        """Which of `CHECKS` can be answered here."""

    def node_classes(self) -> Collection[str]:
        """Names of all node classes that are installed."""

    def versions(self) -> Mapping[str, str]:
        """Node pack to version or commit, and `COMFYUI`."""

    def model(self, folder: str, name: str) -> ModelHere | None:
        """The model file of that name; None when it is not here."""

    def model_with_hash(self, folder: str, sha256: str) -> str | None:
        """Name of a model file in the folder that is known to have these bytes."""

    def model_of_that_name(self, folder: str, name: str) -> str | None:
        """Another file below the folder whose name ends in the same part, such as one that lies in a subfolder here."""

    def input_sha256(self, asset: Asset) -> str | None:
        """SHA-256 of the file that the input names today; None when it is not here."""

    def is_kept(self, digest: str) -> bool:
        """Whether the ledger holds a copy of these bytes."""


@dataclass(frozen=True, slots=True)
class Restored:
    """`data` is the recorded document, byte for byte: the UI workflow, or the API prompt of a run that had none.

    drift: {"nodes": [{"class_type", "pack", "version"}],
    "models": [{"folder", "name", "sha256", "state", "same_hash", "same_name"}], "packs": [{"name", "before", "after"}],
    "inputs": [{"node", "input", "name", "state", "kept"}], "redacted": [{"document", "path"}],
    "not_checked": [names of checks]}.
    """

    execution: str
    kind: Kind
    data: bytes
    drift: Mapping[str, Json]


def plan(recorded: Recorded, present: Present) -> Restored:
    """Give the recorded document and what has drifted.

    nodes: classes of the graph that are not installed. models: `missing`, `changed` (other bytes under the name) or
    `unverified` (cannot be told without hashing); `same_hash` is another name with the recorded bytes,
    `same_name` another file of that name in place of a missing one, bytes unknown. packs: those
    the graph used, and ComfyUI, with another version now; null where unknown or not installed. inputs: `missing` or
    `changed`; `kept` is the digest of a copy that can be put back. Not checked: whether a run would give the same
    result.
    """
    kind: Kind = "prompt" if recorded.workflow is None else "workflow"
    data = recorded.prompt if recorded.workflow is None else recorded.workflow
    return Restored(recorded.execution, kind, data, drift_of(recorded, present, kind))


def drift_of(recorded: Recorded, present: Present, kind: Kind) -> dict[str, Json]:
    """What has drifted, as `Restored.drift`; `redacted` speaks of the document of that kind."""
    able = set(present.checks())
    return {
        NODES: list(_nodes(recorded, present)) if NODES in able else [],
        MODELS: list(_models(recorded, present)) if MODELS in able else [],
        PACKS: list(_packs(recorded, present)) if PACKS in able else [],
        INPUTS: list(_inputs(recorded, present)) if INPUTS in able else [],
        "redacted": [dict(mark) for mark in recorded.redactions if mark.get("document") == kind],
        "not_checked": [name for name in CHECKS if name not in able],
    }


def has_drifted(drift: Mapping[str, Json]) -> bool:
    """Whether anything was found; what could not be checked does not count."""
    return any(drift[name] for name in (*CHECKS, "redacted"))


def new_name(name: str, digest: str, is_taken: Callable[[str], bool]) -> str:
    """A file name for a kept input that is put back: `photo.png` becomes `photo (restored 1a2b3c4d).png`.

    The result has no folder, no character that a file system or a terminal could take amiss, and is not taken.
    """
    stem, ending = _parts(name)
    for length in (8, 16, 64):
        found = f"{stem} (restored {digest[:length]}){ending}"
        if not is_taken(found):
            return found
    number = 2
    while is_taken(f"{stem} (restored {digest} {number}){ending}"):
        number += 1
    return f"{stem} (restored {digest} {number}){ending}"


def plain_name(name: str) -> str:
    """A file name without folder and annotation, and without what a file system or a terminal could take amiss."""
    return "".join(_parts(name))


def _parts(name: str) -> tuple[str, str]:
    """Stem and ending, dot included, of a plain name."""
    plain = re.sub(r" \[(?:input|output|temp)\]\Z", "", name)
    plain = _UNSAFE.sub("_", re.split(r"[/\\]", plain)[-1]).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot or not stem or len(ending) > 12:
        stem, dot, ending = plain, "", ""
    stem = stem.encode()[:120].decode("utf-8", "ignore").rstrip(" .")  # file systems count bytes
    stem = "input" if not stem or _RESERVED.fullmatch(stem) else stem
    return stem, dot + ending


def _nodes(recorded: Recorded, present: Present) -> Iterator[dict[str, Json]]:
    graph = ApiGraph(recorded.graph)
    installed = present.node_classes()
    classes = {graph.class_type(node) for node in graph} | recorded.packs.keys()
    for class_type in sorted(classes - {""}):
        if class_type not in installed:
            pack = recorded.packs.get(class_type)
            version = None if pack is None else recorded.versions.get(pack)
            yield {"class_type": class_type, "pack": pack, "version": version}


def _models(recorded: Recorded, present: Present) -> Iterator[dict[str, Json]]:
    wanted = {(model.folder, model.name): model for model in recorded.models}
    for (folder, name), model in sorted(wanted.items()):
        here = present.model(folder, name)
        state = _model_state(model, here)
        if state is not None:
            same = None if model.sha256 is None else present.model_with_hash(folder, model.sha256)
            yield {
                "folder": folder,
                "name": name,
                "sha256": model.sha256,
                "state": state,
                "same_hash": None if same == name else same,
                "same_name": present.model_of_that_name(folder, name) if here is None and same is None else None,
            }


def _model_state(model: ModelRef, here: ModelHere | None) -> str | None:
    if here is None:
        return "missing"
    if model.sha256 is not None and here.sha256 is not None:
        return None if model.sha256 == here.sha256 else "changed"
    if model.size is not None and model.size != here.size:
        return "changed"
    untouched = (model.size, model.mtime_ns) == (here.size, here.mtime_ns)
    return None if untouched and model.sha256 is not None else "unverified"


def _packs(recorded: Recorded, present: Present) -> Iterator[dict[str, Json]]:
    now = present.versions()
    used = {pack for pack in recorded.packs.values() if pack is not None}
    for name in [COMFYUI, *sorted(used - {COMFYUI})]:
        before, after = recorded.versions.get(name), now.get(name)
        if before != after:
            yield {"name": name, "before": before, "after": after}


def _inputs(recorded: Recorded, present: Present) -> Iterator[dict[str, Json]]:
    for asset in recorded.inputs:
        before = None if asset.facts is None else asset.facts.sha256
        after = present.input_sha256(asset)
        if after is not None and before in (None, after):
            continue
        kept = asset.kept if asset.kept is not None and present.is_kept(asset.kept) else None
        yield {
            "node": asset.node,
            "input": asset.input,
            "name": asset.name,
            "state": "missing" if after is None else "changed",
            "kept": kept,
        }
