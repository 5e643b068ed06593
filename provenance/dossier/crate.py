"""The dossier's payload as a Process Run Crate 0.5 on RO-Crate 1.1: `ro-crate-metadata.json`. Pure.

No person or organisation is named as the agent of a run: the record knows a key, not who holds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import quote

from ..canonical import statement_bytes
from ..model import Json, Status
from ..shelf import Shelf
from ..verify import layout
from ..verify.layout import Listed
from .story import Model, Picture, Run, Story

_CONTEXT = "https://w3id.org/ro/crate/1.1/context"
_SHA256 = "https://w3id.org/ro/terms/workflow-run#sha256"
_PROCESS = "https://w3id.org/ro/wfrun/process/0.5"
_FORMATS = {
    ".json": "application/json",
    ".tlog-proof": "text/plain",
    ".pem": "application/x-pem-file",
}
_STATES = {
    Status.SUCCESS.value: "http://schema.org/CompletedActionStatus",
    Status.QUEUED.value: "http://schema.org/PotentialActionStatus",
}
_FAILED = "http://schema.org/FailedActionStatus"

_ABOUT = (
    "Signed entries of one log, with the objects they name and proofs of their places. It states what was recorded; "
    "it states nothing about authorship or rights."
)

Files = Iterable[Listed]  # the payload's files in the order of their names; read more than once
_MANY: dict[str, Json] = {"hasPart": [], "mentions": []}
_LISTS = re.compile(rb'"(?:hasPart|mentions)":\[\]')  # never inside a text: there a quotation mark is escaped


def blocks(story: Story, files: Files, kind: Callable[[str], str]) -> Iterator[bytes]:
    """The metadata file, one entity after the other, so that memory does not grow with their number.

    kind: the media type of an object, by its digest.
    """
    yield b'{"@context":' + statement_bytes([_CONTEXT, {"sha256": _SHA256}]) + b',"@graph":['
    yield from _heads(story, files)
    for entity in _entities(story, files, kind):
        yield b"," + statement_bytes(entity)
    yield b"]}"


def _entities(story: Story, files: Files, kind: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    yield {
        "@id": "#licence",
        "@type": "CreativeWork",
        "name": "No licence",
        "description": "This record grants no rights in the works that it is about.",
    }
    yield {"@id": _PROCESS, "@type": ["CreativeWork", "Profile"], "name": "Process Run Crate", "version": "0.5"}
    yield from _software(story)
    yield from _files(files, kind)
    yield from _elsewhere(story)
    for run in story.runs.values():
        yield _action(run)


def _heads(story: Story, files: Files) -> Iterator[bytes]:
    """The metadata file's own entity, and the root, which lists all files and all runs."""
    about = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": story.description.title or "Record of how a work came to be",
        "description": _ABOUT,
        "datePublished": _offset(story.last or "1970-01-01T00:00:00.000000Z"),
        "license": {"@id": "#licence"},
        "conformsTo": {"@id": _PROCESS},
    }
    before, between, after = _LISTS.split(statement_bytes({**root, **_MANY}))
    yield statement_bytes(about) + b"," + before
    yield from _references(b'"hasPart":[', (_path(each.name) for each in files))
    yield between
    yield from _references(b'"mentions":[', map(_run, story.runs))
    yield after


def _references(opening: bytes, names: Iterable[str]) -> Iterator[bytes]:
    yield opening
    before = b""
    for name in names:
        yield before + statement_bytes({"@id": name})
        before = b","
    yield b"]"


def _software(story: Story) -> Iterator[dict[str, Any]]:
    hosts = {(event.said["host"]["name"], event.said["host"]["version"]) for event in story.sessions}
    versions = sorted(str(version) for _, version in hosts if version)
    yield {
        "@id": "#comfyui",
        "@type": "SoftwareApplication",
        "name": "ComfyUI",
        "url": "https://github.com/comfyanonymous/ComfyUI",
        "softwareVersion": ", ".join(versions) or "not recorded",
        "version": ", ".join(versions) or "not recorded",
    }


def _files(files: Files, kind: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    for name, digest, size in files:
        found = layout.object_in(name)
        ending = name[name.rfind(".") :] if found is None and "." in name else ""
        yield {
            "@id": _path(name),
            "@type": "File",
            "name": _title(name),
            "encodingFormat": _FORMATS.get(ending, "text/plain") if found is None else kind(found),
            "contentSize": str(size),
            "sha256": digest,
        }


def _elsewhere(story: Story) -> Iterator[dict[str, Any]]:
    """Files that entries name by their digest alone."""
    done = Shelf[bool]()
    outputs = (each.picture for run in story.runs.values() for each in run.outputs)
    inputs = (each.picture for run in story.runs.values() for each in run.inputs)
    for picture in chain(outputs, inputs):
        name = _thing(picture)
        if name is not None and name.startswith("#") and name not in done:
            done[name] = True
            yield {"@id": name, "@type": "CreativeWork", "name": picture.name or "output", "sha256": picture.sha256}
    for run in story.runs.values():
        for model in run.models:
            name = _model(model)
            if name not in done:
                done[name] = True
                known = {"sha256": model.sha256} if model.sha256 else {}
                yield {"@id": name, "@type": "CreativeWork", "name": f"{model.folder}/{model.name}", **known}


def _action(run: Run) -> dict[str, Any]:
    results = [name for output in run.made if (name := _thing(output.picture))]
    loaded = [name for used in run.inputs if (name := _thing(used.picture))]
    loaded += map(_model, run.models)
    if run.prompt is not None:
        loaded.append(_path(layout.object_of(run.prompt)))
    said: dict[str, Json] = {
        "@id": _run(run.id),
        "@type": "CreateAction",
        "name": f"Run {run.number} ({run.status})",
        "description": f"Entry {run.submitted.entry} of the log",
        "instrument": {"@id": "#comfyui"},
        "object": [{"@id": name} for name in dict.fromkeys(loaded)],
        "result": [{"@id": name} for name in dict.fromkeys(results)],
        "actionStatus": {"@id": _STATES.get(run.status, _FAILED)},
        "startTime": _offset(run.started_at or run.submitted.at),
    }
    if run.ended is not None:
        said["endTime"] = _offset(run.ended.at)
    if run.error is not None:
        said["error"] = str(run.error.get("message") or "")
    return said


def _thing(picture: Picture) -> str | None:
    if picture.kept is not None:  # as a story has it: shown
        return _path(layout.object_of(picture.kept))
    return None if picture.sha256 is None else f"#sha256-{picture.sha256}"


def _model(model: Model) -> str:
    return f"#model-{quote(model.folder, safe='')}-{quote(model.name, safe='')}-{model.sha256 or 'unknown'}"


def _title(name: str) -> str:
    index = layout.entry_in(name)
    if index is not None:
        return f"Entry {index}, a DSSE envelope"
    return name.rpartition("/")[2]


def _path(name: str) -> str:
    return name.removeprefix("data/")


def _run(execution: str) -> str:
    return f"#run-{quote(execution, safe='')}"


def _offset(at: str) -> str:
    return at.removesuffix("Z") + "+00:00" if at.endswith("Z") else at
