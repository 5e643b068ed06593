"""What the shown entries tell about a work, as frozen values: report, crate and PROV are written from nothing else.

Runs, and what the author said of them, may be many: they lie on shelves, and are read when they are asked for.

Every value carries the stamp of the entry that states it. Nothing here is guessed: what an entry calls declared,
inferred or after the fact keeps that basis, as its mark.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..model import Finding, Json, Status
from ..shelf import Lists
from ..verify.bounds import Bounds
from ..verify.description import Description, Work

MARKS = {"observed": "machine", "declared": "author", "inferred": "inferred", "after-the-fact": "after"}


class Stamp(NamedTuple):
    """Where a thing stands: entry, hex leaf hash, the writer's own clock, and how it is known.

    mark: `machine`, `author`, `inferred` or `after`.
    """

    entry: int
    leaf: str
    at: str
    mark: str


class Picture(NamedTuple):
    """A file that was made, used or brought in. `thumbnail` and `kept` are objects that the dossier shows."""

    sha256: str | None
    name: str | None
    size: int | None
    media_type: str | None
    width: int | None = None
    height: int | None = None
    thumbnail: str | None = None
    kept: str | None = None
    problem: str | None = None


class Output(NamedTuple):
    """An output of a run."""

    picture: Picture
    node: str
    reused: bool


class Input(NamedTuple):
    """A file that a run loaded. mask: the object that shows what of it was masked, and the share covered."""

    picture: Picture
    node: str
    mask: Mapping[str, Json] | None


class Text(NamedTuple):
    """One prompt input of a run. `text` is None where it was not seen."""

    node: str
    input: str
    role: str
    source: str
    text: str | None


class Model(NamedTuple):
    """A model file that a run named. fingerprint: the stamp of the entry that states its digest later."""

    folder: str
    name: str
    sha256: str | None
    size: int | None


class Judgement(NamedTuple):
    """One thing that the author said about a run."""

    stamp: Stamp
    output: str | None
    decision: str
    rating: int | None
    reason: str | None
    label: str | None
    over: tuple[str, ...] = ()


class Run(NamedTuple):
    """One execution. `number` counts the shown runs in the order in which they were submitted, from 1.

    ended: None for a run that is open, or whose completion is not shown. prompt: the object with the graph as queued.
    """

    id: str
    number: int
    submitted: Stamp
    ended: Stamp | None
    status: str
    session: str
    parent: str | None
    parent_mark: str | None
    prompt: str | None
    workflow: str | None
    texts: tuple[Text, ...] = ()
    models: tuple[Model, ...] = ()
    outputs: tuple[Output, ...] = ()
    inputs: tuple[Input, ...] = ()
    derived: tuple[tuple[str, str, str, float | None], ...] = ()  # output, source, mark, score
    error: Mapping[str, Json] | None = None
    duration_ms: float | None = None
    started_at: str | None = None
    replay_of: str | None = None
    redacted: int = 0
    judgements: tuple[Judgement, ...] = ()

    @property
    def made(self) -> tuple[Output, ...]:
        """Its outputs that are new."""
        return tuple(output for output in self.outputs if not output.reused)

    @property
    def succeeded(self) -> bool:
        """Whether it ended as it should."""
        return self.status == Status.SUCCESS.value

    @property
    def verdict(self) -> Judgement | None:
        """The author's last keep or reject that still stands."""
        last = None
        for said in self.judgements:
            if said.decision in ("keep", "reject"):
                last = said
            elif said.decision == "clear":
                last = None
        return last

    @property
    def rating(self) -> int | None:
        """The author's last rating that still stands."""
        last = None
        for said in self.judgements:
            last = said.rating if said.decision == "rate" else None if said.decision == "clear" else last
        return last

    @property
    def label(self) -> str | None:
        """The label of the branch that leads here."""
        labels = [said.label for said in self.judgements if said.decision == "label"]
        return labels[-1] if labels else None


@dataclass(frozen=True, slots=True)
class Idea:
    """A version of the author's idea."""

    stamp: Stamp
    title: str | None
    text: str
    execution: str | None
    revises: int | None
    references: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """A file that the author brought in. of: what it was made from: (picture, digest, run, mark, likeness)."""

    stamp: Stamp
    file: Picture
    project: Picture | None
    of: tuple[Mapping[str, Json], ...]
    stage: str | None
    note: str | None
    claims: Mapping[str, Json] | None


@dataclass(frozen=True, slots=True)
class Event:
    """Anything else that an entry states: its kind and its predicate."""

    stamp: Stamp
    kind: str
    said: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Story:
    """All of it. Runs in the order of submission; `path` are the ids of those that lead to the works, in that order.

    first, last: the first and the last time of a submission. statements: what the author said of runs, and of which, in
    the order of the entries. makers: which runs made the bytes of a digest.
    """

    description: Description
    origin: str
    size: int
    root: str
    short: str  # of the checkpoint, to be compared with what was published elsewhere
    pem: str
    fingerprint: str
    shown: int
    runs: Mapping[str, Run]
    path: Collection[str]
    first: str | None
    last: str | None
    statements: Mapping[str, tuple[str, Judgement]]
    makers: Lists[str]
    ideas: tuple[Idea, ...]
    edits: tuple[Edit, ...]
    fingerprints: tuple[Event, ...]
    anchors: tuple[Event, ...]
    witnesses: tuple[Event, ...]
    sessions: tuple[Event, ...]
    gaps: tuple[Event, ...]
    releases: tuple[Event, ...]
    recordings: tuple[Event, ...]
    replays: tuple[Event, ...]
    others: tuple[Event, ...]
    findings: tuple[Finding, ...]
    bounds: Bounds
    unproved: Collection[int]  # entries of anchors whose token has a signature of a kind that is not checked here
    leaves: Mapping[int, str]  # of withheld entries

    @property
    def withheld(self) -> int:
        """How many entries are left out by choice."""
        return len({entry for entries in self.description.withheld.values() for entry in entries})

    @property
    def elsewhere(self) -> int:
        """How many entries of the log are about other things."""
        return self.size - self.shown - self.withheld

    @property
    def candidates(self) -> Iterator[Run]:
        """Runs that do not lead to the works."""
        return (run for run in self.runs.values() if run.id not in self.path)

    @property
    def tokens(self) -> tuple[Event, ...]:
        """Anchors whose token's signature holds."""
        return tuple(event for event in self.anchors if event.stamp.entry not in self.unproved)

    @property
    def on_path(self) -> Iterable[Run]:
        """Runs that lead to the works, in the order in which they were submitted; to be read as often as one likes."""
        return _Leading(self)

    def made_by(self, work: Work) -> tuple[Run, ...]:
        """Runs that made a work's bytes, or the run that the work is; none where the dossier withholds which it is."""
        if work.execution is not None:
            return (self.runs[work.execution],) if work.execution in self.runs else ()
        return tuple(self.runs[each] for each in dict.fromkeys(self.makers[work.sha256])) if work.sha256 else ()

    def picture(self, work: Work) -> Picture | None:
        """The work's file as far as it is shown."""
        for edit in self.edits:
            if work.sha256 is not None and edit.file.sha256 == work.sha256:
                return edit.file
        pictures = [output.picture for run in self.made_by(work) for output in run.made]
        mine = [picture for picture in pictures if work.sha256 in (None, picture.sha256)]
        return next((each for each in mine if each.kept), next(iter(mine), None))


class _Leading:
    def __init__(self, story: Story) -> None:
        self._story = story

    def __iter__(self) -> Iterator[Run]:
        return (self._story.runs[execution] for execution in self._story.path)
