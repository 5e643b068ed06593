"""Snapshot files: one run packed for another machine, and unpacked there with what is different (`verify.parcel`)."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ..canonical import parse_json, sha256_hex
from ..dossier.archive import Archive
from ..errors import InputError, NotFound
from ..lineage.restore import ModelHere, Present, Recorded, Restored, plain_name, plan
from ..model import Asset, FileFacts, FileRef, Json, Kind, ModelRef
from ..seal import checkpoint, merkle, tlog_proof
from ..seal.keys import PublicKey
from ..store.ledger import Ledger
from ..store.rows import ExecutionRow
from ..verify import parcel
from ..verify.parcel import Parcel, Said
from .details import versions_in

ENDING = ".provenance.zip"
LARGEST = 1 << 30
_KINDS = frozenset({Kind.SUBMISSION.value, Kind.COMPLETION.value, Kind.MODEL.value})


@dataclass(frozen=True, slots=True)
class Opened:
    """A snapshot file that was checked. `fingerprint` is of the key that signed; nothing vouches for whose it is."""

    parcel: Parcel
    said: Said
    restored: Restored

    def to_json(self) -> dict[str, Json]:
        """{"execution", "key", "origin", "entries", "recorded_at", "status", "kind", "sha256", "drift", "inputs"}."""
        completion = self.said.completion
        return {
            "execution": self.parcel.execution,
            "key": self.parcel.public.fingerprint,
            "origin": self.parcel.head.origin,
            "entries": list(self.said.entries),
            "recorded_at": self.said.recorded_at,
            "status": None if completion is None else completion["status"],
            "kind": self.restored.kind,
            "sha256": sha256_hex(self.restored.data),
            "drift": dict(self.restored.drift),
            "inputs": sum(1 for each in _inputs(self.said) if each.kept is not None and self.parcel.has(each.kept)),
        }


def pack(ledger: Ledger, run: ExecutionRow, *, inputs: bool = True) -> bytes:
    """A run as one file: its graph, models' fingerprints, the survey of the machine, kept inputs, small pictures, and
    the signed entries with proofs of their place. Raises IntegrityError for a damaged ledger.

    The outputs themselves are not in it, only their digests and small pictures.
    """
    index, reader = ledger.index, ledger.reader()
    chosen = _entries(ledger, run)
    note = reader.checkpoint()
    head = checkpoint.open(note, ledger.public)
    leaves = [leaf for _, _, leaf in reader.outline()][: head.size]
    files: dict[str, bytes] = {
        parcel.ABOUT: parcel.about(run.id),
        parcel.KEY: ledger.public.pem.encode("ascii"),
        parcel.HEAD: note,
    }
    for entry in sorted(chosen):
        proof = merkle.inclusion_proof(entry, head.size, leaves)
        files[parcel.entry_name(entry)] = index.entry(entry).envelope
        files[parcel.proof_name(entry)] = tlog_proof.write(entry, proof, note)
    for digest in _objects(ledger, run, inputs=inputs):
        data = ledger.objects.get(digest)
        if data is not None:
            files[parcel.object_name(digest)] = data
    out = io.BytesIO()
    archive = Archive(out)
    for name in sorted(files):
        archive.add(name, [files[name]])
    archive.close()
    return out.getvalue()


def name_of(execution: str) -> str:
    """A file name for a run's snapshot file."""
    plain = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in execution)[:8]
    return f"run-{plain}{ENDING}"


def opened(file: BinaryIO, present: Present | None, key: PublicKey | None = None) -> Opened:
    """Check a snapshot file and say what is different here. Raises Rejected for anything that does not hold.

    present: the machine of today, for which a copy in the file counts as kept; None leaves all unchecked.
    """
    found = Parcel(file)
    said = found.check(key)
    machine = _Elsewhere(found, present)
    return Opened(found, said, plan(_recorded(found, said), machine))


def documents(found: Opened) -> Iterator[tuple[str, bytes]]:
    """What is written when a snapshot file is unpacked: (name, bytes), names without folder but for `inputs/`."""
    snapshot = found.said.submission["snapshot"]
    for name in ("workflow", "prompt"):
        data = None if snapshot[name] is None else found.parcel.object(snapshot[name])
        if data is not None:
            yield f"{name}.json", data
    taken: dict[str, str] = {}
    for asset in _inputs(found.said):
        data = None if asset.kept is None else found.parcel.object(asset.kept)
        if data is not None and asset.kept is not None:
            name = plain_name(asset.name)
            name = name if taken.get(name, asset.kept) == asset.kept else f"{asset.kept[:8]}-{name}"
            if name not in taken:
                taken[name] = asset.kept
                yield f"inputs/{name}", data


def read_file(path: Path) -> io.BytesIO:
    """A snapshot file, in memory. Raises InputError, NotFound."""
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path.name} is larger than {LARGEST >> 20} MiB")
        return io.BytesIO(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"{path} is not there") from error
    except OSError as error:
        raise InputError(f"cannot read {path.name}: {error.strerror or error}") from error


class _Elsewhere:
    """Today's machine, on which the copies in a snapshot file count as kept."""

    def __init__(self, found: Parcel, present: Present | None) -> None:
        self._found = found
        self._present = present

    def checks(self) -> Collection[str]:
        return () if self._present is None else self._present.checks()

    def node_classes(self) -> Collection[str]:
        return () if self._present is None else self._present.node_classes()

    def versions(self) -> Mapping[str, str]:
        return {} if self._present is None else self._present.versions()

    def model(self, folder: str, name: str) -> ModelHere | None:
        return None if self._present is None else self._present.model(folder, name)

    def model_with_hash(self, folder: str, sha256: str) -> str | None:
        return None if self._present is None else self._present.model_with_hash(folder, sha256)

    def model_of_that_name(self, folder: str, name: str) -> str | None:
        return None if self._present is None else self._present.model_of_that_name(folder, name)

    def input_sha256(self, asset: Asset) -> str | None:
        return None if self._present is None else self._present.input_sha256(asset)

    def is_kept(self, digest: str) -> bool:
        return self._found.has(digest)


def _entries(ledger: Ledger, run: ExecutionRow) -> set[int]:
    """Genesis, the survey of the machine, the run's own entries and those that fingerprint its models."""
    survey = ledger.index.environment_of(run)
    surveys = [row.entry for row in ledger.index.sessions(run.session) if row.environment == survey]
    own = {each.index for each in ledger.index.entries_of(run.id) if each.kind in _KINDS}
    return {0, *own, *(surveys[:1] if survey is not None else ())}


def _objects(ledger: Ledger, run: ExecutionRow, *, inputs: bool) -> Iterator[str]:
    index = ledger.index
    yield from (digest for digest in (run.workflow, run.prompt, run.extra, run.observations) if digest is not None)
    survey = index.environment_of(run)
    if survey is not None:
        yield survey
    yield from (row.thumbnail for row in index.outputs(run.id) if row.thumbnail is not None)
    if inputs:
        yield from (row.kept for row in index.assets(run.id) if row.kept is not None)


def _recorded(found: Parcel, said: Said) -> Recorded:
    snapshot = said.submission["snapshot"]
    prompt = found.object(snapshot["prompt"]) or b"{}"
    survey = None if said.environment is None else found.object(said.environment)
    completion = said.completion or {"models": (), "used": ()}
    return Recorded(
        execution=found.execution,
        workflow=None if snapshot["workflow"] is None else found.object(snapshot["workflow"]),
        prompt=prompt,
        graph=parse_json(prompt),
        packs=said.submission["packs"],
        versions=versions_in(None if survey is None else parse_json(survey)),
        models=[_model(item, said) for item in completion["models"]],
        inputs=_inputs(said),
        redactions=[{key: mark[key] for key in ("document", "path")} for mark in said.submission["redactions"]],
    )


def _model(item: Mapping[str, Json], said: Said) -> ModelRef:
    names = ("node", "input", "folder", "name", "size", "mtime_ns", "sha256")
    model = ModelRef(*(item[name] for name in names))
    version = (model.folder, model.name, model.size or 0, model.mtime_ns or 0)
    known = model.sha256 or said.models.get(version)
    return replace(model, sha256=known, mtime_ns=None)  # times mean nothing on another machine


def _inputs(said: Said) -> list[Asset]:
    return [_asset(item) for item in (said.completion or {"used": ()})["used"]]


def _asset(item: Mapping[str, Json]) -> Asset:
    file = None if item["file"] is None else FileRef(*(item["file"][key] for key in ("type", "subfolder", "filename")))
    sha256 = item["sha256"]
    facts = None if sha256 is None else FileFacts(sha256, item["size"] or 0, 0, item["media_type"] or "")
    return Asset(item["node"], item["input"], item["name"], file, facts, item["kept"], item["problem"])
