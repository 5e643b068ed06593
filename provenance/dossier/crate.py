"""The dossier's payload as a Process Run Crate 0.5 on RO-Crate 1.1: `ro-crate-metadata.json`. Pure.

No person or organisation is named as the agent of a run: the record knows a key, not who holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ..canonical import statement_bytes
from ..model import Json, Status
from ..verify import layout
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

Files = Mapping[str, tuple[str, int]]


def metadata(story: Story, files: Files, kinds: Mapping[str, str]) -> Iterator[bytes]:
    """The metadata file, one entity after the other, so that memory does not grow with their number.

    files: SHA-256 and size of each payload file; kinds: media type of each object by digest.
    """
    yield b'{"@context":' + statement_bytes([_CONTEXT, {"sha256": _SHA256}]) + b',"@graph":['
    before = b""
    for entity in _entities(story, files, kinds):
        yield before + statement_bytes(entity)
        before = b","
    yield b"]}"


def _entities(story: Story, files: Files, kinds: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    yield from _heads(story, files)
    yield from _software(story)
    yield from _files(files, kinds)
    yield from _elsewhere(story, files)
    for run in story.runs.values():
        yield from _action(run, files)


def _heads(story: Story, files: Files) -> Iterator[dict[str, Any]]:
    yield {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    last = max((run.submitted.at for run in story.runs.values()), default="1970-01-01T00:00:00.000000Z")
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": story.description.title or "Record of how a work came to be",
        "description": _ABOUT,
        "datePublished": _offset(last),
        "license": {"@id": "#licence"},
        "conformsTo": {"@id": _PROCESS},
        "hasPart": [{"@id": _path(name)} for name in sorted(files)],
        "mentions": [{"@id": _run(run.id)} for run in story.runs.values()],
    }
    yield {
        "@id": "#licence",
        "@type": "CreativeWork",
        "name": "No licence",
        "description": "This record grants no rights in the works that it is about.",
    }
    yield {"@id": _PROCESS, "@type": ["CreativeWork", "Profile"], "name": "Process Run Crate", "version": "0.5"}


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


def _files(files: Files, kinds: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for name, (digest, size) in sorted(files.items()):
        found = layout.object_in(name)
        ending = name[name.rfind(".") :] if found is None and "." in name else ""
        kind = _FORMATS.get(ending, "text/plain") if found is None else kinds[found]
        yield {
            "@id": _path(name),
            "@type": "File",
            "name": _title(name),
            "encodingFormat": kind,
            "contentSize": str(size),
            "sha256": digest,
        }


def _elsewhere(story: Story, files: Files) -> Iterator[dict[str, Any]]:
    """Files that entries name by their digest alone."""
    done = set()
    pictures = [o.picture for run in story.runs.values() for o in run.outputs]
    pictures += [i.picture for run in story.runs.values() for i in run.inputs]
    for picture in pictures:
        name = _thing(picture, files)
        if name is not None and name.startswith("#") and name not in done:
            done.add(name)
            yield {"@id": name, "@type": "CreativeWork", "name": picture.name or "output", "sha256": picture.sha256}
    for run in story.runs.values():
        for model in run.models:
            name = _model(model)
            if name not in done:
                done.add(name)
                known = {"sha256": model.sha256} if model.sha256 else {}
                yield {"@id": name, "@type": "CreativeWork", "name": f"{model.folder}/{model.name}", **known}


def _action(run: Run, files: Files) -> Iterator[dict[str, Any]]:
    results = [name for output in run.made if (name := _thing(output.picture, files))]
    loaded = [name for used in run.inputs if (name := _thing(used.picture, files))]
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
    yield said


def _thing(picture: Picture, files: Files) -> str | None:
    if picture.kept is not None and layout.object_of(picture.kept) in files:
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
