"""Files that the author brings in: later edits of outputs, project files, and what is from before.

`Imports.read` does all that takes time, on whatever thread asks; `write` only makes the entry. What a file says of
itself is kept as its claims, without secrets; a file that holds secrets is recorded by its hash and not kept.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..config import MEBIBYTE, Settings
from ..errors import InputError
from ..model import Basis, Json, Kind
from ..record import fidelity, files, imports, media, picture, projects
from ..record.files import Reading
from ..record.imports import BroughtFile, Claims, Source
from ..record.redact import Redactor
from ..store.ledger import Ledger
from ..store.objects import Prepared
from ..store.rows import OutputRow
from .book import Book
from .claims import said_by

LONGEST_NAME = 255
SECRETS = "not kept: it holds what looks like a password or key"


@dataclass(frozen=True, slots=True)
class Given:
    """A file as it was handed over. `uploaded`: through a browser, so that its time of last change is not known."""

    path: Path
    name: str
    uploaded: bool = False


@dataclass(frozen=True, slots=True)
class Parent:
    """What a file was made from, and how that is known."""

    digest: str
    basis: Basis = Basis.DECLARED
    method: str = "author"
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """All that an import entry says, and the objects that it names."""

    file: BroughtFile
    project: BroughtFile | None
    of: tuple[Source, ...]
    stage: str | None
    note: str | None
    source: str
    revises: int | None
    claims: Claims | None
    basis: Basis
    objects: tuple[Prepared, ...]


class Imports:
    """Reads files for one ledger. `directories` gives ComfyUI's folders, where outputs may still lie. Thread-safe."""

    def __init__(
        self, ledger: Ledger, settings: Settings, salt: bytes, directories: Callable[[], Mapping[str, str]]
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._salt = salt
        self._directories = directories

    def read(
        self,
        given: Given,
        *,
        basis: Basis,
        source: str,
        of: Sequence[Parent] = (),
        project: Given | None = None,
        stage: str | None = None,
        note: str | None = None,
        revises: int | None = None,
    ) -> Brought:
        """Read a file, its project file and the pictures of what it was made from.

        Raises InputError for a file that cannot be read, for one from before that the ledger knows already, and for
        a parent that the ledger does not hold; StorageError when the ledger refuses.
        """
        redactor = Redactor(self._salt, lambda class_type: None)
        reading = files.look(given.path)
        if basis is Basis.AFTER_THE_FACT:
            self._unknown(reading.facts.sha256, given.name)
        made: list[Prepared] = []
        said = said_by(reading, self._ledger.objects, redactor)
        made += said.objects
        shown, drawn = self._picture(reading, given.path)
        file = self._file(given, reading, shown, said.secrets, redactor, made)
        whole = None
        if project is not None:
            looked = files.look(project.path)
            secret = said_by(looked, self._ledger.objects, redactor).secrets
            its_picture, _ = self._picture(looked, project.path)
            whole = self._file(project, looked, its_picture, secret, redactor, made)
            if shown is None and its_picture is not None:
                shown, drawn = its_picture, "composite"
        sources = tuple(self._source(parent, shown, drawn, made) for parent in dict.fromkeys(of))
        note = None if note is None else redactor.text(note)
        return Brought(file, whole, sources, stage, note, source, revises, said.claims, basis, tuple(made))

    def write(self, book: Book, brought: Brought) -> dict[str, Json]:
        """Make the entry. Gives {"entry", "file", "sha256", "basis", "of", "stage", "note", "thumbnail", "problem"}.

        Raises InputError for something from before that was recorded meanwhile.
        """
        if brought.basis is Basis.AFTER_THE_FACT:
            self._unknown(brought.file.facts.sha256, brought.file.name)
        say = partial(
            imports.predicate,
            session=book.session,
            file=brought.file,
            basis=brought.basis,
            source=brought.source,
            project=brought.project,
            of=brought.of,
            stage=brought.stage,
            note=brought.note,
            revises=brought.revises,
            claims=brought.claims,
        )
        told: dict[str, Json] = {
            "file": brought.file.name,
            "sha256": brought.file.facts.sha256,
            "basis": brought.basis.value,
            "of": [each.shape() for each in brought.of],
            "stage": brought.stage,
        }
        entry = book.append(Kind.IMPORT, say, _once(brought.objects), **told)
        more = {"note": brought.note, "thumbnail": brought.file.thumbnail, "problem": brought.file.problem}
        return {"entry": entry, **told, **more}

    def reference(self, given: Given, redactor: Redactor, made: list[Prepared]) -> BroughtFile:
        """A file that an idea refers to, kept as imports are."""
        reading = files.look(given.path)
        shown, _ = self._picture(reading, given.path)
        secrets = said_by(reading, self._ledger.objects, redactor).secrets
        return self._file(given, reading, shown, secrets, redactor, made)

    def _unknown(self, digest: str, name: str) -> None:
        index = self._ledger.index
        made = index.outputs_by_digest(digest)
        if made:
            raise InputError(f"{name} is an output of recorded run {made[0].execution}: there is nothing to bring in")
        before = index.authored.from_before([digest])
        if before:
            raise InputError(f"{name} was brought in before")

    def _file(
        self,
        given: Given,
        reading: Reading,
        shown: bytes | None,
        secrets: bool,
        redactor: Redactor,
        made: list[Prepared],
    ) -> BroughtFile:
        facts, thumbnail = reading.facts, None
        if facts.media_type not in media.PICTURES and shown is not None:
            looked = picture.look(shown)
            facts = replace(facts, width=looked.width, height=looked.height, perceptual=looked.perceptual)
            thumbnail = looked.thumbnail
        else:
            thumbnail = reading.thumbnail
        small = None if thumbnail is None else self._ledger.objects.prepare(thumbnail, "image/webp")
        made += [] if small is None else [small]
        problem = SECRETS if secrets else self._keep(given.path, reading, made)
        return BroughtFile(
            redactor.text(given.name)[:LONGEST_NAME],
            facts,
            None if small is None else small.digest,
            facts.sha256 if problem is None else None,
            problem or reading.problem,
            given.uploaded,
        )

    def _keep(self, path: Path, reading: Reading, made: list[Prepared]) -> str | None:
        """Keep the bytes that were read; gives the reason when they are not kept."""
        facts, objects = reading.facts, self._ledger.objects
        if facts.size > self._settings.keep_limit_mib * MEBIBYTE:
            return f"not kept: larger than {self._settings.keep_limit_mib} MiB"
        if reading.data is not None:
            made.append(objects.prepare(reading.data, facts.media_type))
        else:
            made.append(objects.prepare_file(path, facts.media_type, expected=facts.sha256))
        return None

    @staticmethod
    def _picture(reading: Reading, path: Path) -> tuple[bytes | None, str]:
        """What stands for a file in comparisons, and what that is: the file, or the picture that it carries."""
        if reading.facts.media_type in media.PICTURES and reading.facts.width is not None:
            return reading.data, "file"
        return projects.composite(path, reading.facts.media_type), "composite"

    def _source(self, parent: Parent, shown: bytes | None, drawn: str, made: list[Prepared]) -> Source:
        index = self._ledger.index
        outputs = index.outputs_by_digest(parent.digest)
        brought = [row for row in index.authored.imports_by_digest(parent.digest) if row.sha256 == parent.digest]
        if not outputs and not brought:
            raise InputError(f"no output or import with SHA-256 {parent.digest} in this ledger")
        fresh = [row for row in outputs if not row.reused] or outputs
        small = [*(row.thumbnail for row in outputs), *(row.thumbnail for row in brought)]
        thumbnail = next((each for each in small if each is not None), None)
        whole = [*(row.kept for row in outputs), *(row.kept for row in brought)]
        data, kept = self._whole(parent.digest, fresh, whole, made)
        found = Source(
            parent.digest,
            fresh[-1].execution if fresh else None,
            None if fresh else brought[-1].entry,
            parent.basis,
            parent.method,
            thumbnail,
            kept,
            score=parent.score,
        )
        stand_in = "file"
        if data is None and thumbnail is not None:
            data, stand_in = self._ledger.objects.get(thumbnail), "thumbnail"
        if data is None or shown is None:
            return replace(found, problem="there is no picture of the earlier one" if data is None else "no picture")
        try:
            return replace(found, likeness=fidelity.alike(data, shown, stand_in=stand_in, shown=drawn))
        except InputError as error:
            return replace(found, problem=str(error))

    def _whole(
        self, digest: str, made_by: Sequence[OutputRow], kept: Sequence[str | None], made: list[Prepared]
    ) -> tuple[bytes | None, str | None]:
        """The bytes of an earlier picture, and the object that keeps them: as kept, else from where it was written."""
        objects = self._ledger.objects
        held = next((each for each in kept if each is not None), None)
        size = None if held is None else objects.size(held)
        if held is not None and size is not None and size < files.IN_MEMORY:
            data = objects.get(held)
            if data is not None:
                return self._drawn(data, objects.media_type(held) or ""), held
        folders = self._directories()
        for row in made_by:
            if row.file is None or row.file.type not in folders:
                continue
            path = Path(folders[row.file.type], row.file.subfolder, row.file.filename)
            try:
                reading = files.look(path, thumbnail=False)
            except InputError:
                continue
            if reading.facts.sha256 == digest and reading.data is not None:
                problem = self._keep(path, reading, made)
                return reading.data, digest if problem is None else None
        return None, None

    @staticmethod
    def _drawn(data: bytes, media_type: str) -> bytes | None:
        return data if media_type in media.PICTURES else projects.composite(io.BytesIO(data), media_type)


def _once(prepared: Sequence[Prepared]) -> list[Prepared]:
    return list({each.digest: each for each in prepared}.values())
