"""From a ledger and an author's choices to what a dossier shows: entries, objects, and what is left out. Reads only.

Decided from the entries' own bytes; the index only says where to look. Memory grows with some 34 bytes per entry of the
log, and with what is left out.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from ..canonical import parse_json
from ..model import Json, Kind
from ..seal import checkpoint, dsse
from ..shelf import Numbers, Shelf
from ..store.ledger import Ledger
from ..verify.description import Description, Work
from . import scope
from .index_links import IndexLinks
from .marks import Marks
from .options import Options, Progress
from .withholding import Secrets, can_be_guessed

LARGEST_SEARCHED = 64 << 20  # bytes; larger objects are left out where a text is withheld
_AT_ONCE = 500
_DIGEST = "sha256:"
_ALWAYS = frozenset((Kind.GENESIS.value, Kind.GAP.value, Kind.RELEASE.value))
_OF_RUNS = frozenset((Kind.SUBMISSION.value, Kind.COMPLETION.value, Kind.DECISION.value))
_BOUNDS = frozenset((Kind.ANCHOR.value, Kind.WITNESS.value))


@dataclass(frozen=True, slots=True)
class Selection:
    """What a dossier shows. checkpoint: the note it is made under. leaves: 32 bytes per entry of the log. objects: by
    digest."""

    description: Description
    checkpoint: bytes
    leaves: bytes
    entries: Numbers
    objects: Shelf[bool]


def choose(ledger: Ledger, works: Sequence[Work], options: Options, progress: Progress) -> Selection:
    """Decide what belongs in the dossier."""
    return _Choice(ledger, works, options, progress).selection()


class _Choice:
    def __init__(self, ledger: Ledger, works: Sequence[Work], options: Options, progress: Progress) -> None:
        self._ledger = ledger
        self._reader = ledger.reader()
        self._works = works
        self._options = options
        self._progress = progress
        self._note = self._reader.checkpoint()
        self._size = checkpoint.open(self._note, ledger.public).size
        self._secrets = Secrets()
        self._withheld: dict[str, set[int]] = {}
        self._left_out: dict[str, set[str]] = {}
        texts = ("prompts", "ideas", "reasons", "inputs")
        self._reason = next((name for name in texts if name in options.withhold), "chosen")

    def selection(self) -> Selection:
        leaves, kinds = self._outline()
        imports = (self._said(index) for index, kind in kinds.items() if kind == Kind.IMPORT.value)
        links = IndexLinks(self._ledger.index, imports)
        path = scope.path(links, self._works)
        runs = self._runs(links, path)
        of_runs = self._of_runs(runs)
        shown = self._others(kinds, runs, of_runs)
        if self._options.leaves_out:
            self._gather(shown, runs, path)
            self._without_secrets(shown)
        shown.update(self._bounds(kinds, shown))
        objects = self._objects(shown)
        return Selection(self._description(), self._note, bytes(leaves), Numbers(shown), objects)

    def _outline(self) -> tuple[bytearray, Marks]:
        """All leaf hashes, and the kinds of entries that are not of runs alone."""
        leaves, kinds = bytearray(), Marks(self._size)
        for index, kind, leaf in self._reader.outline():
            if index >= self._size:
                break
            leaves += leaf
            if kind not in _OF_RUNS:
                kinds[index] = kind
        return leaves, kinds

    def _runs(self, links: IndexLinks, path: Shelf[bool]) -> Shelf[bool]:
        runs = Shelf[bool]()
        if self._options.scope == "ledger":
            runs.update((run.id, True) for run in self._ledger.index.iterate())
            return runs
        if self._options.scope == "path":
            return path
        fresh = list(path)
        while fresh:  # what the author compared with a run of the tree belongs to it, first canvases too
            grown = scope.tree(links, fresh)
            new = [run for run in grown if run not in runs]
            runs.update(dict.fromkeys(new, True))
            said = self._ledger.index.decisions.of(new)
            fresh = [str(other["execution"]) for row in said for other in row.over if other["execution"] not in runs]
        return runs

    def _of_runs(self, runs: Iterable[str]) -> Marks:
        found = Marks(self._size)
        for some in _portions(runs):
            found.update((entry, kind) for entry, kind in self._about(some) if entry < self._size)
        return found

    def _about(self, runs: Sequence[str]) -> Iterator[tuple[int, str]]:
        """The entries about these runs, with their kinds."""
        for run in self._ledger.index.executions(runs):
            yield run.submission, Kind.SUBMISSION.value
            if run.completion is not None:
                yield run.completion, Kind.COMPLETION.value
        yield from ((row.entry, Kind.DECISION.value) for row in self._ledger.index.decisions.of(runs))

    def _others(self, kinds: Mapping[int, str], runs: Shelf[bool], of_runs: Marks) -> Marks:
        """The entries of runs, and those of other kinds that speak of them or frame them."""
        shown = Marks(self._size)
        shown.update(of_runs)
        first, last = min(of_runs, default=0), max(of_runs, default=0)
        sessions = {self._session(index) for index, kind in of_runs.items() if kind == Kind.SUBMISSION.value}
        names = self._names(runs)
        for index, kind in kinds.items():
            if kind in _BOUNDS:
                continue
            said = self._said(index) if kind not in _ALWAYS else {}
            near = said.get("session") in sessions and (kind != Kind.RECORDING.value or first <= index <= last)
            belongs = {
                Kind.SESSION.value: first <= index <= last or near,
                Kind.MODEL.value: self._mentions(said, names),
                Kind.RECORDING.value: near,
                Kind.INTENT.value: said.get("execution") in runs
                or (said.get("execution") is None and (near or first <= index <= last)),
            }
            if kind in _ALWAYS or belongs.get(kind, self._mentions(said, names)):
                shown[index] = kind
                if kind == Kind.IMPORT.value:
                    names[f"{_DIGEST}{said['file']['sha256']}"] = True
        return shown

    def _names(self, runs: Iterable[str]) -> Shelf[bool]:
        """By which these runs may be spoken of: their ids, what they made, their models; and the works."""
        names = Shelf[bool]()
        for some in _portions(runs):
            models = (row.sha256 for row in self._ledger.index.models(*some) if row.sha256)
            digests = dict.fromkeys(chain(self._made(some), models))
            names.update((name, True) for name in (*some, *map(_DIGEST.__add__, digests)))
        names.update((f"{_DIGEST}{work.sha256}", True) for work in self._works if work.sha256)
        return names

    def _made(self, runs: Iterable[str]) -> Iterator[str]:
        """Digests of what these runs made."""
        for some in _portions(runs):
            yield from (row.sha256 for row in self._ledger.index.outputs(*some) if row.sha256)

    @staticmethod
    def _mentions(said: Json, names: Container[str]) -> bool:
        """Whether an entry speaks of one of these runs, or of one of these bytes."""
        waiting = [said]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                if item in names or (len(item) == 64 and _DIGEST + item in names):
                    return True
            elif isinstance(item, dict):
                waiting.extend(item.values())
            elif isinstance(item, list):
                waiting.extend(item)
        return False

    # what is withheld

    def _gather(self, shown: Mapping[int, str], runs: Shelf[bool], path: Container[str]) -> None:
        """Read all that is shown and note what the author's choices make of it."""
        choice, made, total = self._options, Shelf[bool](), len(shown)
        if not choice.withhold.isdisjoint(("inputs", "projects")):
            made.update((digest, True) for digest in self._made(runs))
        for done, (index, kind) in enumerate(shown.items()):
            self._progress("choose", done, total)
            said = self._said(index)
            execution = said.get("execution") if kind in _OF_RUNS else None
            if index in choice.entries or execution in choice.runs:
                self._withhold("chosen", index)
            elif "candidates" in choice.withhold and execution is not None and execution not in path:
                self._withhold("candidates", index)
            if "prompts" in choice.withhold:
                self._prompts(index, kind, said)
            if "ideas" in choice.withhold and kind == Kind.INTENT.value:
                self._withhold("ideas", index)
                self._secrets.add_texts((said.get("text"), said.get("title")))
            if "reasons" in choice.withhold and kind == Kind.DECISION.value and said.get("reason"):
                self._withhold("reasons", index)
                self._secrets.add_texts((said["reason"],))
            for name, facts in self._inputs(kind, said):
                if (facts.get("sha256") in choice.files) or (
                    name in choice.withhold and facts.get("sha256") not in made
                ):
                    self._leave_out("chosen" if facts["sha256"] in choice.files else name, facts)
            # A recording shows what was on the screen, prompts among it.
            screen = kind == Kind.RECORDING.value and not choice.withhold.isdisjoint(("recordings", "prompts"))
            if screen and said.get("chunk"):
                self._left_out.setdefault("recordings", set()).add(said["chunk"]["sha256"])
        for index, kind in shown.items():
            if kind == Kind.SUBMISSION.value and self._secrets:
                self._documents(self._said(index))

    def _prompts(self, index: int, kind: str, said: Mapping[str, Json]) -> None:
        if kind == Kind.SUBMISSION.value:
            self._withhold("prompts", index)
            self._secrets.digests.update(digest for digest in said["snapshot"].values() if digest)
        elif kind == Kind.COMPLETION.value:
            self._withhold("prompts", index)
            self._secrets.add_texts(version["text"] for version in said["prompts"])
            files = (*said["outputs"], {"sha256": said["observations"]})
            self._secrets.digests.update(facts["sha256"] for facts in files if facts["sha256"])

    def _documents(self, said: Mapping[str, Json]) -> None:
        """Snapshots of shown runs in which a withheld text stands."""
        for digest in said["snapshot"].values():
            data = None if digest is None else self._reader.object(digest)
            if data is not None and self._secrets.touch(parse_json(data)):
                self._secrets.digests.add(digest)

    def _inputs(self, kind: str, said: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
        if kind == Kind.COMPLETION.value:
            yield from (("inputs", facts) for facts in said["used"])
        elif kind == Kind.INTENT.value:
            yield from (("inputs", facts) for facts in said.get("references", ()))
        elif kind == Kind.IMPORT.value and said.get("project"):
            yield "projects", said["project"]

    def _leave_out(self, name: str, facts: Mapping[str, Json]) -> None:
        digest = facts["sha256"]
        if digest is None:
            return
        kept = facts.get("kept")
        data = None if kept is None else self._reader.object(kept)
        self._left_out.setdefault(name, set()).update(d for d in (kept, facts.get("thumbnail")) if d)
        if can_be_guessed(facts, data):
            self._secrets.digests.add(digest)

    def _withhold(self, name: str, index: int) -> None:
        if not any(index in entries for entries in self._withheld.values()):
            self._withheld.setdefault(name, set()).add(index)

    def _without_secrets(self, shown: Marks) -> None:
        """Leave the entries that may be shown. One that holds a secret is withheld for the secret's reason."""
        gone = {index for entries in self._withheld.values() for index in entries}
        for index in shown:
            if index not in gone and self._secrets and self._secrets.touch(self._payload(index)):
                self._withhold(self._reason, index)
                gone.add(index)
        for index in gone:
            del shown[index]

    # what is left

    def _bounds(self, kinds: Mapping[int, str], shown: Mapping[int, str]) -> dict[int, str]:
        """The anchors and cosignatures that say most about when a shown entry was made: of each authority and each
        cosigner the nearest on both sides."""
        frames: dict[str, dict[int, int]] = {}
        for index, kind in kinds.items():
            if kind in _BOUNDS:
                said = self._said(index)
                who = said["authority"]["name"] if kind == Kind.ANCHOR.value else said["witness"]["public_key"]
                proved = said.get("signature") != "unchecked"  # else it may not stand in another's place
                frames.setdefault(f"{kind} {proved} {who}", {})[index] = said["checkpoint"]["size"]
        found = dict[int, str]()
        for each in frames.values():
            found.update(self._nearest(each, kinds, shown))
        return found

    @staticmethod
    def _nearest(frames: Mapping[int, int], kinds: Mapping[int, str], shown: Mapping[int, str]) -> dict[int, str]:
        """Those of the frames, each an entry and how many entries it covers, that are nearest to a shown entry."""
        found = dict[int, str]()
        after = sorted(frames)
        covering = sorted((size, index) for index, size in frames.items())
        place = over = 0
        for entry in shown:
            while place < len(after) and after[place] < entry:
                place += 1
            while over < len(covering) and covering[over][0] <= entry:
                over += 1
            near = [size for size, _ in covering[over : over + 1]]
            before = [frames[after[place - 1]]] if place else []
            wanted = {*near, *before}
            found.update(
                (index, kinds[index]) for size, index in covering[max(0, over - 8) : over + 8] if size in wanted
            )
            if place:
                found[after[place - 1]] = kinds[after[place - 1]]
        return found

    def _objects(self, shown: Mapping[int, str]) -> Shelf[bool]:
        """Digests of the objects that shown entries name and that are not left out."""
        from ..verify import statements

        hidden = {digest for digests in self._left_out.values() for digest in digests}
        found, present = Shelf[bool](), Shelf[bool]()
        total = len(shown)
        for done, index in enumerate(shown):
            self._progress("choose", done, total)
            statement = statements.read(self._reader.entry(index), self._ledger.public)
            found.update((named.digest, True) for named in statements.objects(statement))
        kept = (digest for digest in found if digest not in hidden and digest not in self._secrets.digests)
        present.update((digest, True) for digest in kept if self._may_be_shown(digest))
        self._left_out = {name: {each for each in digests if each in found} for name, digests in self._left_out.items()}
        return present

    def _may_be_shown(self, digest: str) -> bool:
        """Whether an object is there, and holds none of the withheld texts; the entry that names it may say so."""
        size = self._ledger.objects.size(digest)
        if size is None or not self._secrets:
            return size is not None
        data = self._reader.object(digest) if size <= LARGEST_SEARCHED else None
        if data is not None and not self._secrets.inside(data):
            return True
        self._left_out.setdefault(self._reason, set()).add(digest)
        return False

    def _description(self) -> Description:
        works = []
        for work in self._works:
            tainted = work.sha256 in self._secrets.digests
            name = None if work.name is None or self._secrets.touch(work.name) else work.name
            works.append(Work(work.execution, None if tainted else work.sha256, name))
        return Description(
            tuple(works),
            self._options.scope,
            self._options.language,
            {name: tuple(sorted(entries)) for name, entries in sorted(self._withheld.items())},
            {name: tuple(sorted(digests)) for name, digests in sorted(self._left_out.items()) if digests},
            self._options.title,
        )

    # reading

    def _payload(self, index: int) -> Json:
        return dsse.parse_strict(dsse.read_unverified(self._reader.entry(index)).payload)

    def _said(self, index: int) -> Mapping[str, Json]:
        predicate: Mapping[str, Json] = self._payload(index)["predicate"]
        return predicate

    def _session(self, index: int) -> str | None:
        session: str | None = self._said(index)["session"]
        return session


def _portions(runs: Iterable[str]) -> Iterator[list[str]]:
    """Runs, as many as are asked about at once."""
    remaining = iter(runs)
    while some := list(islice(remaining, _AT_ONCE)):
        yield some
