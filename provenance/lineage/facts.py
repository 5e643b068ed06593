"""What the index knows of the things in a lineage, as plain values. One query per kind of thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

from ..model import FileRef, Json
from ..store.authored import ImportRow
from ..store.rows import AssetRow, ModelFile, OutputRow, PromptRow, RunFacts

DIGEST_PREFIX = "sha256:"


class Imports(Protocol):
    """What is asked about files that the author brought in."""

    def imports_by_digest(self, *digests: str) -> list[ImportRow]: ...


class Queries(Protocol):
    """The questions asked here; `store.index.Index` answers them."""

    @property
    def authored(self) -> Imports: ...
    def run_facts(self, *executions: str) -> list[RunFacts]: ...
    def outputs_by_digest(self, *digests: str) -> list[OutputRow]: ...
    def assets_by_digest(self, *digests: str) -> list[AssetRow]: ...
    def model_files(self, *digests: str) -> list[ModelFile]: ...
    def prompts(self, *executions: str) -> list[PromptRow]: ...


def describe(index: Queries, kinds: Mapping[str, str]) -> tuple[Mapping[str, Json], ...]:
    """A value per name, in the order given. kinds: name -> `execution`, `output`, `asset`, `prompt` or `model`.

    A run that repeats another has `replay_of`. A file is an `output` when any recorded run made or served its bytes,
    whatever it was called, and an `import` when none did and the author brought it in. `imports` tells each time that
    he did, and on what basis.
    """
    by_kind: dict[str, list[str]] = defaultdict(list)
    for name, kind in kinds.items():
        by_kind[kind].append(name)
    runs = by_kind["execution"]
    found = _executions(index, runs)
    found.update(_prompts(index, by_kind["prompt"], runs))
    found.update(_models(index, by_kind["model"]))
    found.update(_files(index, [*by_kind["output"], *by_kind["asset"]]))
    return tuple(found[name] for name in kinds)


def _executions(index: Queries, names: list[str]) -> dict[str, Mapping[str, Json]]:
    found: dict[str, Mapping[str, Json]] = {name: {"id": name, "kind": "execution", "known": False} for name in names}
    for row in index.run_facts(*names):
        found[row.id] = {
            "id": row.id,
            "kind": "execution",
            "known": True,
            "status": row.status,
            "submitted_at": row.submitted_at,
            "entry": row.entry,
            **({} if row.replay_of is None else {"replay_of": row.replay_of}),
        }
    return found


def _prompts(index: Queries, names: list[str], runs: list[str]) -> dict[str, Mapping[str, Json]]:
    found: dict[str, Mapping[str, Json]] = {name: {"id": name, "kind": "prompt"} for name in names}
    for row in index.prompts(*runs) if names else ():
        name = f"prompt:{row.execution}/{row.node}/{row.input}"
        if name in found:
            found[name] = {
                "id": name,
                "kind": "prompt",
                "execution": row.execution,
                "node": row.node,
                "input": row.input,
                "role": row.role,
                "source": row.source,
                "text": row.text,
            }
    return found


def _models(index: Queries, names: list[str]) -> dict[str, Mapping[str, Json]]:
    found: dict[str, Mapping[str, Json]] = {name: {"id": name, "kind": "model"} for name in names}
    for row in index.model_files(*_digests(names)):
        name = DIGEST_PREFIX + row.sha256
        found[name] = {"id": name, "kind": "model", "folder": row.folder, "name": row.name, "size": row.size}
    return found


def _files(index: Queries, names: list[str]) -> dict[str, Mapping[str, Json]]:
    made: dict[str, list[OutputRow]] = defaultdict(list)
    for row in index.outputs_by_digest(*_digests(names)):
        made[f"{DIGEST_PREFIX}{row.sha256}"].append(row)
    loaded: dict[str, AssetRow] = {}
    for asset in index.assets_by_digest(*_digests(name for name in names if name not in made)):
        loaded.setdefault(f"{DIGEST_PREFIX}{asset.sha256}", asset)
    brought: dict[str, list[ImportRow]] = defaultdict(list)
    for each in index.authored.imports_by_digest(*_digests(names)):
        brought[f"{DIGEST_PREFIX}{each.sha256}"].append(each)
    found: dict[str, Mapping[str, Json]] = {}
    for name in names:
        if name in made:
            found[name] = _output(name, made[name])
        elif name in brought:
            found[name] = _import(name, brought[name][-1])
        else:
            found[name] = _asset(name, loaded.get(name))
        if name in brought:
            found[name] = {**found[name], "imports": [_brought(row) for row in brought[name]]}
    return found


def _import(name: str, row: ImportRow) -> Mapping[str, Json]:
    facts = {member: getattr(row, member) for member in ("name", "size", "media_type", "thumbnail", "kept")}
    return {"id": name, "kind": "import", **facts}


def _brought(row: ImportRow) -> Mapping[str, Json]:
    told = ("entry", "basis", "name", "stage", "note", "claims", "recorded_at")
    return {member: getattr(row, member) for member in told}


def _output(name: str, rows: list[OutputRow]) -> Mapping[str, Json]:
    makers = [row for row in rows if not row.reused] or rows
    first = makers[0]
    return {
        "id": name,
        "kind": "output",
        "executions": list(dict.fromkeys(row.execution for row in makers)),
        "node": first.node,
        "file": _file(first.file),
        "size": first.size,
        "media_type": first.media_type,
        "width": first.width,
        "height": first.height,
        "thumbnail": first.thumbnail,
        "kept": next((row.kept for row in rows if row.kept is not None), None),
    }


def _asset(name: str, row: AssetRow | None) -> Mapping[str, Json]:
    if row is None:
        return {"id": name, "kind": "asset"}
    return {
        "id": name,
        "kind": "asset",
        "name": row.name,
        "file": _file(row.file),
        "size": row.size,
        "media_type": row.media_type,
        "kept": row.kept,
    }


def _file(file: FileRef | None) -> Json:
    return None if file is None else {"type": file.type, "subfolder": file.subfolder, "filename": file.filename}


def _digests(names: Iterable[str]) -> list[str]:
    return [name[len(DIGEST_PREFIX) :] for name in names]
