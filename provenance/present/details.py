"""Everything the ledger says about one run or one file, as plain values. Reads the ledger only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..canonical import parse_json
from ..errors import NotFound
from ..lineage.changes import finite
from ..lineage.restore import COMFYUI, Recorded
from ..lineage.sides import Sides, document, environment_of, stated
from ..model import Asset, FileFacts, Json
from ..store.ledger import Ledger
from ..store.rows import AssetRow, ExecutionRow, OutputRow
from . import authored, decisions, replays, signatures
from .refs import Ref
from .runs import Runs
from .times import Times


class Details:
    """Reads one ledger. Signatures are not checked here; `verify` does that."""

    def __init__(self, ledger: Ledger, runs: Runs, times: Times) -> None:
        self._ledger = ledger
        self._index = ledger.index
        self._runs = runs
        self._times = times

    def execution(self, execution: str) -> ExecutionRow:
        """The run of that id. Raises NotFound."""
        found = self._index.execution(execution)
        if found is None:
            raise NotFound(f"{execution} is no run of this ledger")
        return found

    def show(self, ref: Ref) -> dict[str, Json]:
        """A run, or bytes with every run that made or used them."""
        if ref.execution is not None:
            return self.run(self.execution(ref.execution))
        digest = ref.digest or ""
        made = self._index.outputs_by_digest(digest)
        used = self._index.assets_by_digest(digest)
        models = self._index.model_files(digest)
        makers = [row.execution for row in made if not row.reused]
        return {
            "sha256": digest,
            "outputs": [{"execution": row.execution, **_output(row)} for row in made],
            "used_by": list(dict.fromkeys(row.execution for row in used)),
            "models": [{"folder": file.folder, "name": file.name} for file in models],
            "imports": [authored.imported(row) for row in self._index.authored.imports_by_digest(digest)],
            "edits": [authored.imported(row) for row in self._index.authored.imports_of(digest)],
            "run": self.run(self.execution(makers[0])) if makers else None,
        }

    def run(self, run: ExecutionRow) -> dict[str, Json]:
        """Everything about one run. `finished` facts are null until its completion is recorded."""
        (line,) = self._runs.lines([run], full=True)
        submission = stated(self._ledger, run.submission)
        completion = {} if run.completion is None else stated(self._ledger, run.completion)
        outputs, inputs = self._index.outputs(run.id), self._index.assets(run.id)
        made = dict.fromkeys(row.sha256 for row in outputs if row.sha256 is not None)
        return {
            **line,
            "prompt_id": run.prompt_id,
            "session": run.session,
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "duration_ms": run.duration_ms,
            "parent": submission["parent"],
            "children": [child.id for child in self._index.children(run.id)],
            "outputs": [_output(row) for row in outputs],
            "inputs": self._inputs(inputs, completion.get("used", [])),
            "edits": [authored.imported(row) for row in self._index.authored.imports_of(*made)],
            "prompts": [_without(asdict(row), "execution", "ordinal") for row in self._index.prompts(run.id)],
            "models": [_without(asdict(row), "execution") for row in self._index.models(run.id)],
            "executed": completion.get("executed"),
            "cached": completion.get("cached"),
            "error": completion.get("error"),
            "observations": self._observations(run),
            "snapshot": submission["snapshot"],
            "packs": submission["packs"],
            "environment": self._index.environment_of(run),
            "redactions": submission["redactions"],
            "intents": [_without(asdict(row), "execution") for row in self._index.intents(run.id)],
            "decisions": decisions.listed(self._index.decisions.of([run.id])),
            "replay": self._replay(run.id),
            "replays": replays.repeated_by(self._index.replays.of_original(run.id)),
            "label": None if line["decision"] is None else line["decision"]["label"],
            "session_info": self._session(run.session),
            **signatures.of_run(self._ledger, self._times, run.id),
        }

    def recorded(self, run: ExecutionRow) -> Recorded:
        """What restoring the run needs. Raises IntegrityError when its snapshot is missing or damaged."""
        submission = stated(self._ledger, run.submission)
        prompt = document(self._ledger, run.prompt)
        return Recorded(
            execution=run.id,
            workflow=None if run.workflow is None else document(self._ledger, run.workflow),
            prompt=prompt,
            graph=parse_json(prompt),
            packs=submission["packs"],
            versions=versions_in(environment_of(self._ledger, run)),
            models=Sides(self._ledger, (run,), None).models(run.id),
            inputs=[_asset_value(row) for row in self._index.assets(run.id)],
            redactions=[{key: mark[key] for key in ("document", "path")} for mark in submission["redactions"]],
        )

    def _inputs(self, rows: Sequence[AssetRow], said: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
        """Files that were loaded, with the masks that were made of them, and how they came here where the author
        brought them in."""
        brought: dict[str, dict[str, Json]] = {}
        for row in self._index.authored.imports_by_digest(*(row.sha256 for row in rows if row.sha256 is not None)):
            brought[row.sha256] = {"entry": row.entry, "basis": row.basis}
        masks = [item.get("mask") for item in said] if len(said) == len(rows) else [None] * len(rows)
        return [
            {**_asset(row), "mask": mask, "brought_in": brought.get(row.sha256 or "")}
            for row, mask in zip(rows, masks, strict=True)
        ]

    def _replay(self, execution: str) -> dict[str, Json] | None:
        row = self._index.replays.one(execution)
        if row is None:
            return None
        return replays.detailed(row, None if row.entry is None else stated(self._ledger, row.entry))

    def _session(self, session: str) -> dict[str, Json]:
        events = self._index.sessions(session)
        first: dict[str, str] = {}
        for row in events:
            first.setdefault(row.event, row.recorded_at)
        surveys = [row.environment for row in events if row.environment is not None]
        return {
            "id": session,
            "host": stated(self._ledger, events[0].entry)["host"] if events else None,
            "started_at": first.get("start"),
            "stopped_at": first.get("stop"),
            "environment": surveys[-1] if surveys else None,
        }

    def _observations(self, run: ExecutionRow) -> Json:
        return None if run.observations is None else finite(parse_json(document(self._ledger, run.observations)))


def versions_in(environment: Json) -> dict[str, str]:
    """Node pack to version or commit, and ComfyUI's own, out of a survey; what it does not say is left out."""
    if not isinstance(environment, Mapping):
        return {}
    packs = environment.get("packs")
    named = dict(packs) if isinstance(packs, Mapping) else {}
    found = {str(name): _version(facts) for name, facts in {**named, COMFYUI: environment.get("comfyui")}.items()}
    return {name: version for name, version in found.items() if version is not None}


def _version(facts: Json) -> str | None:
    if not isinstance(facts, Mapping):
        return None
    parts = [str(facts[name])[:12] for name in ("version", "commit") if facts.get(name)]
    if facts.get("modified"):
        parts.append("modified")
    return " ".join(parts) or None


def _output(row: OutputRow) -> dict[str, Json]:
    file = row.file
    return {
        "node": row.node,
        "key": row.key,
        "ordinal": row.place,
        "file": None if file is None else f"{file.subfolder}/{file.filename}".lstrip("/"),
        "type": None if file is None else file.type,
        **_members(row, ("sha256", "size", "media_type", "width", "height", "pixels", "perceptual")),
        **_members(row, ("thumbnail", "kept", "reused", "made_by", "problem")),
    }


def _asset(row: AssetRow) -> dict[str, Json]:
    file = row.file
    return {
        **_members(row, ("node", "input", "name")),
        "file": None if file is None else f"{file.subfolder}/{file.filename}".lstrip("/"),
        "type": None if file is None else file.type,
        **_members(row, ("sha256", "size", "media_type", "pixels", "perceptual", "kept", "problem")),
    }


def _asset_value(row: AssetRow) -> Asset:
    facts = None if row.sha256 is None else FileFacts(row.sha256, row.size or 0, 0, row.media_type or "")
    return Asset(row.node, row.input, row.name, row.file, facts, row.kept, row.problem)


def _members(row: Any, names: Sequence[str]) -> dict[str, Json]:
    return {name: getattr(row, name) for name in names}


def _without(members: dict[str, Json], *names: str) -> dict[str, Json]:
    return {name: value for name, value in members.items() if name not in names}
