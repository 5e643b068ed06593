"""The story as W3C PROV-JSON. Pure. Entities are files by digest, activities are runs, the agent is a key's holder."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..canonical import statement_bytes
from ..model import Json
from .story import Output, Run, Stamp, Story

_BASIS = {"machine": "observed", "author": "declared", "inferred": "inferred", "after": "after-the-fact"}
_PREFIXES = {
    "run": "urn:comfy-provenance:run:",
    "sha256": "urn:comfy-provenance:sha256:",
    "idea": "urn:comfy-provenance:entry:",
    "key": "urn:comfy-provenance:key:",
    "record": "https://w3id.org/comfy-provenance/prov#",
}


def prov_json(story: Story) -> bytes:
    """The document. Only what shown entries state is in it."""
    return statement_bytes(_Document(story).value)


class _Document:
    def __init__(self, story: Story) -> None:
        self.value: dict[str, Any] = {"prefix": dict(_PREFIXES), "entity": {}, "activity": {}, "agent": {}}
        self._key = f"key:{story.origin.rpartition('/')[2]}"
        self.value["agent"][self._key] = {"record:fingerprint": story.fingerprint}
        for run in story.runs.values():
            self._run(run)
        for idea in story.ideas:
            name = f"idea:{idea.stamp.entry}"
            self.value["entity"][name] = {"prov:type": "record:idea", "prov:value": idea.text, **_stamp(idea.stamp)}
            self._relation("wasAttributedTo", {"prov:entity": name, "prov:agent": self._key})
        for edit in story.edits:
            name = self._file(edit.file.sha256, edit.file.media_type, edit.file.name, edit.stamp)
            for source in edit.of:
                self._file(source["output"], None, None, None)
                said = {"prov:generatedEntity": name, "prov:usedEntity": f"sha256:{source['output']}"}
                self._relation("wasDerivedFrom", {**said, **_stamp(edit.stamp)})

    def _run(self, run: Run) -> None:
        times = {"prov:startTime": run.started_at, "prov:endTime": run.ended.at if run.ended else None}
        name = f"run:{quote(run.id, safe='')}"
        said: dict[str, Json] = {key: value for key, value in times.items() if value is not None}
        self.value["activity"][name] = {**said, "record:status": run.status, **_stamp(run.submitted)}
        self._relation("wasAssociatedWith", {"prov:activity": name, "prov:agent": self._key})
        if run.parent is not None:
            parent = f"run:{quote(run.parent, safe='')}"
            self.value["activity"].setdefault(parent, {})
            informed = {"prov:informed": name, "prov:informant": parent}
            self._relation("wasInformedBy", {**informed, "record:relation": "revision_of"})
        for output in run.outputs:
            self._output(run, name, output)
        for used in run.inputs:
            if used.picture.sha256 is not None and run.ended is not None:
                entity = self._file(used.picture.sha256, used.picture.media_type, used.picture.name, run.ended)
                self._relation("used", {"prov:activity": name, "prov:entity": entity, **_stamp(run.ended)})
        for model in run.models:
            if model.sha256 is not None:
                entity = self._file(model.sha256, None, f"{model.folder}/{model.name}", run.ended)
                self._relation("used", {"prov:activity": name, "prov:entity": entity})
        for made, source, mark, score in run.derived:
            self._file(source, None, None, None)
            said = {"prov:generatedEntity": f"sha256:{made}", "prov:usedEntity": f"sha256:{source}"}
            how: dict[str, Json] = {"record:basis": _BASIS[mark], **({} if score is None else {"record:score": score})}
            self._relation("wasDerivedFrom", {**said, **how})

    def _output(self, run: Run, name: str, output: Output) -> None:
        picture = output.picture
        if picture.sha256 is None or run.ended is None:
            return
        entity = self._file(picture.sha256, picture.media_type, picture.name, run.ended)
        relation = "used" if output.reused else "wasGeneratedBy"
        reused = {"record:relation": "reused"} if output.reused else {}
        self._relation(relation, {"prov:entity": entity, "prov:activity": name, **reused, **_stamp(run.ended)})

    def _file(self, sha256: str | None, media_type: str | None, label: str | None, stamp: Stamp | None) -> str:
        name = f"sha256:{sha256}"
        known = self.value["entity"].setdefault(name, {})
        for key, value in (("prov:label", label), ("record:mediaType", media_type)):
            if value:
                known.setdefault(key, value)
        if stamp is not None:
            known.setdefault("record:entry", stamp.entry)
        return name

    def _relation(self, kind: str, said: dict[str, Json]) -> None:
        found = self.value.setdefault(kind, {})
        found[f"_:{kind}{len(found)}"] = said


def _stamp(stamp: Stamp) -> dict[str, Json]:
    return {"record:entry": stamp.entry, "record:basis": _BASIS[stamp.mark]}
