"""From the bytes that a dossier shows to its story. Pure over a reader; the same bytes give the same story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from ..errors import IntegrityError, NotFound
from ..model import Json, Kind, Status
from ..record.schema import PREFIX
from ..seal import checkpoint, dsse
from ..seal.keys import PublicKey
from ..seal.merkle import leaf_hash
from ..seal.timestamp import Trust
from ..shelf import Lists, Shelf
from ..verify import verifier
from ..verify.bounds import Bounds
from ..verify.description import Description
from ..verify.verifier import Report
from . import runs, scope
from .story import (
    MARKS,
    Edit,
    Event,
    Idea,
    Input,
    Judgement,
    Model,
    Output,
    Picture,
    Run,
    Stamp,
    Story,
    Text,
)

_DIGEST = "sha256:"


class Shown(Protocol):
    """What a dossier shows: a `verify.Reader`, the places of its entries, and hashes of all the others."""

    def checkpoint(self) -> bytes: ...
    def entry(self, index: int) -> bytes: ...
    def object(self, digest: str) -> bytes | None: ...
    def has(self, digest: str) -> bool: ...
    def head(self, digest: str, size: int) -> bytes: ...
    def leaf(self, index: int) -> bytes | None: ...
    def entries(self) -> Iterable[int]: ...  # in their order


def tell(shown: Shown, public: PublicKey, description: Description, report: Report | None = None) -> Story:
    """Read everything that is shown. Raises IntegrityError for a checkpoint or an entry that cannot be read.

    report: what `verifier.verify` said of it with this key, no roots and no checkpoints seen earlier, where that was
    asked already and no entry was wrong.
    """
    return _Telling(shown, public, description).story(report)


class _Telling:
    def __init__(self, shown: Shown, public: PublicKey, description: Description) -> None:
        self._shown = shown
        self._public = public
        self._description = description
        self._runs = runs.runs()
        self._statements = runs.statements()
        self._ideas: list[Idea] = []
        self._edits: list[Edit] = []
        self._events: dict[str, list[Event]] = defaultdict(list)

    def story(self, known: Report | None) -> Story:
        head = checkpoint.open(self._shown.checkpoint(), self._public)
        count = 0
        for index in self._shown.entries():
            self._entry(index)
            count += 1
        for execution, said in self._statements.values():
            run = self._runs.get(execution)
            if run is not None:
                self._runs[execution] = run._replace(judgements=(*run.judgements, said))
        links = _Links(self._runs, self._edits)
        leads, path = scope.path(links, self._description.works), Shelf[bool]()
        path.update((execution, True) for execution in self._runs if execution in leads)
        left_out = {digest for digests in self._description.left_out.values() for digest in digests}
        report = known or verifier.verify(
            self._shown, self._public, excerpt=verifier.Excerpt(self._shown.leaf, left_out), schema_check=None
        )
        events = {kind: tuple(found) for kind, found in self._events.items()}
        return Story(
            description=self._description,
            origin=head.origin,
            size=head.size,
            root=head.root.hex(),
            short=checkpoint.fingerprint(head),
            pem=self._public.pem,
            fingerprint=self._public.fingerprint,
            shown=count,
            runs=self._runs,
            path=path,
            first=links.first,
            last=links.last,
            statements=self._statements,
            makers=links.made_of,
            ideas=tuple(self._ideas),
            edits=tuple(self._edits),
            fingerprints=events.pop(Kind.MODEL.value, ()),
            anchors=events.pop(Kind.ANCHOR.value, ()),
            witnesses=events.pop(Kind.WITNESS.value, ()),
            sessions=events.pop(Kind.SESSION.value, ()),
            gaps=events.pop(Kind.GAP.value, ()),
            releases=events.pop(Kind.RELEASE.value, ()),
            recordings=events.pop(Kind.RECORDING.value, ()),
            replays=events.pop(Kind.REPLAY.value, ()),
            others=tuple(event for found in events.values() for event in found),
            findings=report.findings,
            bounds=Bounds(report.anchors),
            unproved={each.entry for each in report.anchors if each.trust is Trust.SIGNATURE_UNCHECKED},
            leaves={
                entry: leaf.hex()
                for entries in self._description.withheld.values()
                for entry in entries
                if (leaf := self._shown.leaf(entry)) is not None
            },
        )

    # entries

    def _entry(self, index: int) -> None:
        try:
            envelope = self._shown.entry(index)
        except NotFound as error:
            raise IntegrityError(f"entry {index} is not there") from error
        statement = dsse.parse_strict(dsse.read_unverified(envelope).payload)
        kind = str(statement["predicateType"]).removeprefix(PREFIX).partition("/")[0]
        said: Mapping[str, Json] = statement["predicate"]
        mark = MARKS.get(str(said.get("basis", "observed")), "machine")
        stamp = Stamp(index, leaf_hash(envelope).hex(), str(said["recorded_at"]), mark)
        match kind:
            case Kind.SUBMISSION.value:
                self._submission(stamp, said)
            case Kind.COMPLETION.value:
                self._completion(stamp, said)
            case Kind.DECISION.value:
                self._judgement(stamp, said)
            case Kind.INTENT.value:
                references = tuple(self._picture(file) for file in said.get("references", ()))
                idea = (said["title"], said["text"], said["execution"], said.get("revises"))
                self._ideas.append(Idea(stamp, *idea, references))
            case Kind.IMPORT.value:
                project = None if said["project"] is None else self._picture(said["project"])
                known = (tuple(said["of"]), said["stage"], said["note"], said["claims"])
                self._edits.append(Edit(stamp, self._picture(said["file"]), project, *known))
            case _:
                self._events[kind].append(Event(stamp, kind, said))

    def _submission(self, stamp: Stamp, said: Mapping[str, Json]) -> None:
        parent, replay = said["parent"], said.get("replay")
        execution = said["execution"]
        self._runs[execution] = Run(
            id=execution,
            number=len(self._runs) + 1,
            submitted=stamp,
            ended=None,
            status=Status.QUEUED.value,
            session=said["session"],
            parent=None if parent is None else parent["execution"],
            parent_mark=None if parent is None else MARKS.get(parent["basis"], "author"),
            prompt=self._object(said["snapshot"]["prompt"]),
            workflow=self._object(said["snapshot"]["workflow"]),
            replay_of=None if replay is None else replay["of"],
            redacted=len(said["redactions"]),
        )

    def _completion(self, stamp: Stamp, said: Mapping[str, Json]) -> None:
        run = self._runs.get(said["execution"])
        if run is None:  # its submission is not shown
            return
        derived = [edge for edge in said["edges"] if edge["relation"] == "derived_from"]
        self._runs[run.id] = run._replace(
            ended=stamp,
            status=said["status"],
            texts=tuple(map(_text, said["prompts"])),
            models=tuple(map(_model, said["models"])),
            outputs=tuple(Output(self._picture(o), o["node"], o["reused"]) for o in said["outputs"]),
            inputs=tuple(Input(self._picture(a), a["node"], a.get("mask")) for a in said["used"]),
            derived=tuple(map(_derivation, derived)),
            error=said["error"],
            duration_ms=said["timings"]["duration_ms"],
            started_at=said["timings"]["started_at"],
        )

    def _judgement(self, stamp: Stamp, said: Mapping[str, Json]) -> None:
        over = tuple(other["execution"] for other in said.get("over", ()))
        members = (said["output"], said["decision"], said["rating"], said["reason"], said["label"])
        self._statements[str(stamp.entry)] = said["execution"], Judgement(stamp, *members, over)

    def _picture(self, facts: Mapping[str, Json]) -> Picture:
        file = facts.get("file")
        name = facts.get("name") if file is None else file["filename"]
        return Picture(
            facts["sha256"],
            name,
            facts["size"],
            facts["media_type"],
            facts.get("width"),
            facts.get("height"),
            self._object(facts.get("thumbnail")),
            self._object(facts.get("kept")),
            facts.get("problem"),
        )

    def _object(self, digest: str | None) -> str | None:
        return digest if digest is not None and self._shown.has(digest) else None


class _Links:
    """Answers of the shown entries alone. made_of: which runs made the bytes of a digest. first, last: of the times of
    submission."""

    def __init__(self, shelf: Mapping[str, Run], edits: Iterable[Edit]) -> None:
        self._runs = shelf
        self._sources = Lists[str]()
        self.made_of = Lists[str]()
        self.first: str | None = None
        self.last: str | None = None
        for run in self._runs.values():
            at = run.submitted.at
            self.first, self.last = min(self.first or at, at), max(self.last or at, at)
            for output in run.made:
                if output.picture.sha256:
                    self.made_of.add(output.picture.sha256, run.id)
            for made, source, _, _ in run.derived:
                self._sources.add(made, source)
        for edit in edits:
            for origin in edit.of:
                self._sources.add(edit.file.sha256 or "", str(origin["output"]))

    def makers(self, digest: str) -> Iterator[str]:
        return self.made_of[digest]

    def made(self, execution: str) -> list[str]:
        run = self._runs.get(execution)
        return [output.picture.sha256 for output in run.made if output.picture.sha256] if run else []

    def sources(self, digest: str) -> Iterator[str]:
        return self._sources[digest]

    def parent(self, execution: str) -> str | None:
        run = self._runs.get(execution)
        return run.parent if run is not None and run.parent in self._runs else None


def _text(said: Mapping[str, Json]) -> Text:
    return Text(*(said[name] for name in ("node", "input", "role", "source", "text")))


def _model(said: Mapping[str, Json]) -> Model:
    return Model(said["folder"], said["name"], said["sha256"], said["size"])


def _derivation(edge: Mapping[str, Json]) -> tuple[str, str, str, float | None]:
    made, source = (_bare(edge[end]) for end in ("from", "to"))
    return made, source, MARKS.get(edge["basis"], "inferred"), edge["score"]


def _bare(name: str) -> str:
    return name.removeprefix(_DIGEST)
