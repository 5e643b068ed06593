"""A folder that the author edits in: what is saved there is brought in by itself, as later edits.

Polled on a thread of its own, off until the author names a folder. A file is taken once its size and time have stood
still from one look to the next, and again when it was saved again: each version is an entry, and names the one before.
What it was made from is found by its name, by the id that it carries, and by how it looks; such links are `inferred`.
A file that fits nothing is left alone. Files that were there before the folder was first watched count as looked at.

Not followed: links, folders that begin with a dot, and what lies deeper than `DEEPEST`.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, ProvenanceError
from ..model import Basis, FileFacts
from ..record import files, media, picture, projects
from ..record.likeness import score
from ..store.index import Index
from ..store.rows import OutputRow
from .imports import Given, Imports, Parent
from .statements import Stated

LOG = logging.getLogger("comfy-provenance")
MOST_FILES = 20_000
DEEPEST = 6
MOST_DISTANCE = 10  # bits of the likeness hash
NEWEST_RUNS = 500  # whose outputs' names are compared
SHORTEST_NAME = 4
PROJECTS = frozenset(
    {
        "image/vnd.adobe.photoshop", "image/x-xcf", "application/x-krita", "image/openraster", "application/pdf",
        "application/illustrator", "application/x-clip-studio", "application/x-procreate", "image/svg+xml",
    }
)  # fmt: skip
_UNFINISHED = (".tmp", ".part", ".crdownload", ".partial", "~")


@dataclass(frozen=True, slots=True)
class Seen:
    """One version of a file: size in bytes and time of last change."""

    size: int
    mtime_ns: int


class Watching:
    """Watches one folder. submit: hands a statement to the writer."""

    def __init__(
        self, folder: Path, every_s: float, imports: Imports, index: Index, submit: Callable[[Stated], object]
    ) -> None:
        self._folder = folder
        self._every_s = every_s
        self._imports = imports
        self._index = index
        self._submit = submit
        self._done: dict[Path, Seen] = {}
        self._waiting: dict[Path, Seen] = {}
        self._problem: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="provenance-watching", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End after the file in hand."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def status(self) -> dict[str, str | None]:
        """The folder, and why it cannot be watched right now, in one line."""
        return {"folder": str(self._folder), "problem": self._problem}

    def _run(self) -> None:
        first = True
        while not self._stopping.is_set():
            try:
                self.look(first=first)
                first = False
                self._problem = None
            except (OSError, ProvenanceError) as error:
                reason = f"the watched folder cannot be read: {error}"
                if reason != self._problem:
                    LOG.warning("%s", reason)
                self._problem = reason
            self._stopping.wait(self._every_s)

    def look(self, *, first: bool = False) -> None:
        """Look once: bring in what has settled since the last look. On the first look, what is there is only noted."""
        if not self._folder.is_dir():
            raise InputError(f"no folder {self._folder}")
        found = dict(self._listed())
        if first:
            self._done.update(found)
            return
        for path, seen in found.items():
            if self._done.get(path) == seen or self._stopping.is_set():
                continue
            if self._waiting.get(path) != seen:
                self._waiting[path] = seen
                continue
            del self._waiting[path]
            self._done[path] = seen
            try:
                self._bring(path, found)
            except InputError as error:  # this file only: saved again, it is looked at again
                LOG.info("not brought in: %s: %s", path.name, error)
        for path in self._done.keys() - found.keys():
            del self._done[path]

    def _listed(self) -> Iterator[tuple[Path, Seen]]:
        count, folders = 0, [(self._folder, 0)]
        while folders:
            folder, depth = folders.pop()
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
                        continue
                    if entry.is_dir(follow_symlinks=False) and depth < DEEPEST:
                        folders.append((Path(entry.path), depth + 1))
                    elif entry.is_file(follow_symlinks=False) and _wanted(entry.name):
                        count += 1
                        if count > MOST_FILES:
                            raise InputError(f"more than {MOST_FILES} files")
                        stat = entry.stat(follow_symlinks=False)
                        yield Path(entry.path), Seen(stat.st_size, stat.st_mtime_ns)

    def _bring(self, path: Path, found: dict[Path, Seen]) -> None:
        facts = self._facts(path)
        before = self._index.authored.imports_named(path.name, "folder")
        if self._index.outputs_by_digest(facts.sha256) or any(row.sha256 == facts.sha256 for row in before):
            return
        parents = self._parents(path, facts)
        if not parents and before:
            parents = [Parent(source.output, Basis.INFERRED, "earlier-version") for source in before[-1].sources]
        if not parents:
            return
        brought = self._imports.read(
            Given(path, path.name),
            basis=Basis.INFERRED,
            source="folder",
            of=parents,
            project=self._project(path, facts, found),
            revises=before[-1].entry if before else None,
        )
        self._submit(Stated(lambda book: self._imports.write(book, brought), Future()))

    @staticmethod
    def _facts(path: Path) -> FileFacts:
        try:
            facts = files.read(path)
        except ProvenanceError as error:
            raise InputError(str(error)) from error
        shown = None if facts.media_type in media.PICTURES else projects.composite(path, facts.media_type)
        if shown is None:
            return facts
        looked = picture.look(shown, thumbnail=False)
        return FileFacts(
            facts.sha256,
            facts.size,
            facts.mtime_ns,
            facts.media_type,
            looked.width,
            looked.height,
            None,
            looked.perceptual,
            looked.embedded_execution,
        )

    def _parents(self, path: Path, facts: FileFacts) -> list[Parent]:
        """What a file was made from, by the first means that finds something."""
        made = [row for row in self._index.outputs(facts.embedded_execution or "") if row.sha256 is not None]
        if len(made) == 1 and made[0].sha256 is not None:
            return [Parent(made[0].sha256, Basis.INFERRED, "embedded-id", _alike(facts, made[0]))]
        named = self._named(path.stem)
        if named is not None and named.sha256 is not None:
            return [Parent(named.sha256, Basis.INFERRED, "file-name", _alike(facts, named))]
        if facts.perceptual is not None:
            for row, _ in self._index.outputs_by_perceptual(facts.perceptual, MOST_DISTANCE):
                if row.sha256 is not None:
                    return [Parent(row.sha256, Basis.INFERRED, "perceptual", _alike(facts, row))]
        return []

    def _named(self, stem: str) -> OutputRow | None:
        """The newest output whose name the file's name begins with, as `ComfyUI_00012_` in `ComfyUI_00012_ final`."""
        runs = [row.id for row in self._index.page(NEWEST_RUNS)]
        fitting = [row for row in self._index.outputs(*runs) if row.file is not None and _begins(stem, _stem(row))]
        return max(fitting, key=lambda row: (len(_stem(row)), row.ordinal), default=None)

    @staticmethod
    def _project(path: Path, facts: FileFacts, found: dict[Path, Seen]) -> Given | None:
        """The project file beside an exported picture: of the same name, saved last."""
        if facts.media_type not in media.PICTURES:
            return None
        beside = [
            each
            for each in found
            if each.parent == path.parent and each.stem == path.stem and media.named_type(each.name) in PROJECTS
        ]
        latest = max(beside, key=lambda each: found[each].mtime_ns, default=None)
        return None if latest is None else Given(latest, latest.name)


def _stem(row: OutputRow) -> str:
    return "" if row.file is None else Path(row.file.filename).stem


def _begins(stem: str, name: str) -> bool:
    """Whether a file's name is an output's, or goes on after it with something that no counter goes on with."""
    rest = stem[len(name) :]
    return len(name) >= SHORTEST_NAME and stem.startswith(name) and not (name[-1].isalnum() and rest[:1].isalnum())


def _wanted(name: str) -> bool:
    kind = media.named_type(name)
    return kind in media.PICTURES or kind in PROJECTS


def _alike(facts: FileFacts, row: OutputRow) -> float | None:
    if facts.perceptual is None or row.perceptual is None:
        return None
    return score(facts.perceptual, row.perceptual)
