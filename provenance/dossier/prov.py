"""The story as W3C PROV-JSON. Pure. Entities are files by digest, activities are runs, the agent is a key's holder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from ..canonical import statement_bytes
from ..model import Json
from ..shelf import Shelf
from .story import Output, Run, Stamp, Story

_BASIS = {"machine": "observed", "author": "declared", "inferred": "inferred", "after": "after-the-fact"}
_PREFIXES = {
    "run": "urn:comfy-provenance:run:",
    "sha256": "urn:comfy-provenance:sha256:",
    "idea": "urn:comfy-provenance:entry:",
    "key": "urn:comfy-provenance:key:",
    "record": "https://w3id.org/comfy-provenance/prov#",
}

Said = Mapping[str, Json]
_File = tuple[str, "str | None", "str | None", "int | None"]  # digest, media type, label, entry


def blocks(story: Story) -> Iterator[bytes]:
    """The document, piece by piece. Only what shown entries state is in it."""
    document = _Document(story)
    before = b"{"
    for name, members in document.sections():
        opening = before + statement_bytes(name) + b":{"
        for member, said in members:
            yield opening + statement_bytes(member) + b":" + statement_bytes(said)
            opening, before = b",", b"},"
    yield b"}}"


class _Document:
    def __init__(self, story: Story) -> None:
        self._story = story
        self._key = f"key:{story.origin.rpartition('/')[2]}"

    def sections(self) -> Iterator[tuple[str, Iterable[tuple[str, Json]]]]:
        """Every kind of statement with its statements; one without any is left out by who writes them."""
        yield "activity", self._activities()
        yield "agent", [(self._key, {"record:fingerprint": self._story.fingerprint})]
        yield "entity", self._entities()
        yield "prefix", _PREFIXES.items()
        for kind, relations in (
            ("used", self._used()),
            ("wasAssociatedWith", self._associated()),
            ("wasAttributedTo", self._attributed()),
            ("wasDerivedFrom", self._derived()),
            ("wasGeneratedBy", self._generated()),
            ("wasInformedBy", self._informed()),
        ):
            yield kind, ((f"_:{kind}{number}", each) for number, each in enumerate(relations))

    def _activities(self) -> Iterator[tuple[str, Said]]:
        elsewhere = Shelf[bool]()
        for run in self._story.runs.values():
            times = {"prov:startTime": run.started_at, "prov:endTime": run.ended.at if run.ended else None}
            said: Said = {key: value for key, value in times.items() if value is not None}
            yield _run(run.id), {**said, "record:status": run.status, **_stamp(run.submitted)}
            if run.parent is not None and run.parent not in self._story.runs:
                elsewhere[run.parent] = True
        yield from ((_run(parent), {}) for parent in elsewhere)

    def _entities(self) -> Iterator[tuple[str, Said]]:
        for idea in self._story.ideas:
            yield _idea(idea.stamp), {"prov:type": "record:idea", "prov:value": idea.text, **_stamp(idea.stamp)}
        known = Shelf[_File]()
        for file in self._files():
            known[file[0]] = _merged(known.get(file[0], file), file)
        for digest, media_type, label, entry in known.values():
            facts = {"prov:label": label or None, "record:mediaType": media_type or None, "record:entry": entry}
            yield f"sha256:{digest}", {key: value for key, value in facts.items() if value is not None}

    def _files(self) -> Iterator[_File]:
        """Every file as it is named, what is said first before what is said later."""
        for run in self._story.runs.values():
            for output in run.outputs:
                if output.picture.sha256 is not None and run.ended is not None:
                    yield output.picture.sha256, output.picture.media_type, output.picture.name, run.ended.entry
            for used in run.inputs:
                if used.picture.sha256 is not None and run.ended is not None:
                    yield used.picture.sha256, used.picture.media_type, used.picture.name, run.ended.entry
            for model in run.models:
                if model.sha256 is not None:
                    yield model.sha256, None, f"{model.folder}/{model.name}", run.ended.entry if run.ended else None
            yield from ((source, None, None, None) for _, source, _, _ in run.derived)
        for edit in self._story.edits:
            yield str(edit.file.sha256), edit.file.media_type, edit.file.name, edit.stamp.entry
            yield from ((source["output"], None, None, None) for source in edit.of)

    # relations

    def _used(self) -> Iterator[Said]:
        for run in self._story.runs.values():
            yield from (_of_output(run, output) for output in run.outputs if output.reused and _is_told(run, output))
            for used in run.inputs:
                if used.picture.sha256 is not None and run.ended is not None:
                    entity = f"sha256:{used.picture.sha256}"
                    yield {"prov:activity": _run(run.id), "prov:entity": entity, **_stamp(run.ended)}
            for model in run.models:
                if model.sha256 is not None:
                    yield {"prov:activity": _run(run.id), "prov:entity": f"sha256:{model.sha256}"}

    def _generated(self) -> Iterator[Said]:
        for run in self._story.runs.values():
            yield from (_of_output(run, output) for output in run.made if _is_told(run, output))

    def _associated(self) -> Iterator[Said]:
        for execution in self._story.runs:
            yield {"prov:activity": _run(execution), "prov:agent": self._key}

    def _attributed(self) -> Iterator[Said]:
        for idea in self._story.ideas:
            yield {"prov:entity": _idea(idea.stamp), "prov:agent": self._key}

    def _derived(self) -> Iterator[Said]:
        for run in self._story.runs.values():
            for made, source, mark, score in run.derived:
                said = {"prov:generatedEntity": f"sha256:{made}", "prov:usedEntity": f"sha256:{source}"}
                scored = {} if score is None else {"record:score": score}
                yield {**said, "record:basis": _BASIS[mark], **scored}
        for edit in self._story.edits:
            for origin in edit.of:
                ends = {
                    "prov:generatedEntity": f"sha256:{edit.file.sha256}",
                    "prov:usedEntity": f"sha256:{origin['output']}",
                }
                yield {**ends, **_stamp(edit.stamp)}

    def _informed(self) -> Iterator[Said]:
        for run in self._story.runs.values():
            if run.parent is not None:
                informed = {"prov:informed": _run(run.id), "prov:informant": _run(run.parent)}
                yield {**informed, "record:relation": "revision_of"}


def _is_told(run: Run, output: Output) -> bool:
    return output.picture.sha256 is not None and run.ended is not None


def _of_output(run: Run, output: Output) -> Said:
    reused = {"record:relation": "reused"} if output.reused else {}
    stamp = {} if run.ended is None else _stamp(run.ended)
    return {"prov:entity": f"sha256:{output.picture.sha256}", "prov:activity": _run(run.id), **reused, **stamp}


def _merged(was: _File, now: _File) -> _File:
    """What was said of a file before, and what only this says."""
    digest, media_type, label, entry = was
    return digest, media_type or now[1], label or now[2], now[3] if entry is None else entry


def _run(execution: str) -> str:
    return f"run:{quote(execution, safe='')}"


def _idea(stamp: Stamp) -> str:
    return f"idea:{stamp.entry}"


def _stamp(stamp: Stamp) -> Said:
    return {"record:entry": stamp.entry, "record:basis": _BASIS[stamp.mark]}
