"""What a REF means. The one place where a text becomes a run or a digest.

A REF is, in this order: the id of an execution; a SHA-256 (64 hex digits, with or without `sha256:`); a file, whose
bytes are hashed; a prefix of an execution's id, at least 4 characters; the name of a recorded output as ComfyUI gives
it, such as `output/sub/x.png` or `sub/x.png`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ..errors import Ambiguous, InputError, NotFound
from ..lineage.summary import one_line
from ..model import FileRef
from ..store.index import Index
from ..store.rows import OutputRow
from .disk import sha256_of

SHORTEST_PREFIX = 4
_NAMED = 5  # candidates in a message
_LONGEST = 4096
_FILE_TYPES = ("output", "temp", "input")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class Ref:
    """What was meant: one run, or bytes. For bytes, `name` is the last part of the file name they were named by."""

    text: str
    execution: str | None = None
    digest: str | None = None
    name: str | None = None

    @property
    def node(self) -> str:
        """How lineage calls it: the run's id, or `sha256:<hex>`."""
        return self.execution if self.execution is not None else f"sha256:{self.digest}"


class Resolver:
    """Resolves REFs against one index.

    disk: look for files on this machine. It must be off for whatever comes over the network. directories: ComfyUI's
    `output`, `temp` and `input` folders, for names such as `output/x.png`.
    """

    def __init__(self, index: Index, *, disk: bool = False, directories: Mapping[str, str] | None = None) -> None:
        self._index = index
        self._disk = disk
        self._directories = dict(directories or {})

    def resolve(self, text: str) -> Ref:
        """Give what the text names. Raises NotFound or Ambiguous with one clear line, InputError for a file that
        cannot be read."""
        if not text or len(text) > _LONGEST or "\0" in text:
            raise NotFound("an empty or overlong reference names nothing")
        if self._index.has_execution(text):
            return Ref(text, execution=text)
        digest = _DIGEST.fullmatch(text)
        if digest is not None:
            return self._known(text, digest.group(1).lower(), None)
        path = self._file(text) if self._disk else None
        if path is not None:
            return self._known(text, sha256_of(path), path.name)
        if len(text) >= SHORTEST_PREFIX:
            found = self._index.resolve_execution(text, _NAMED + 1)
            if len(found) > 1:
                raise Ambiguous(f"{one_line(text)} names several runs: {_some(found)}")
            if found:
                return Ref(text, execution=found[0])
        named = self._by_name(text)
        if named is not None and named.sha256 is not None:
            return Ref(text, digest=named.sha256, name=named.file.filename if named.file else None)
        raise NotFound(self._nothing(text))

    def run(self, text: str) -> str:
        """The one run that the text names: the run itself, or the run that made those bytes.

        Among several runs that made the same bytes, one that wrote them under the given name is meant, and a replay
        only where no other run made them. Raises as `resolve`, and Ambiguous when several runs remain.
        """
        ref = self.resolve(text)
        if ref.execution is not None:
            return ref.execution
        made = [row for row in self._index.outputs_by_digest(ref.digest or "") if not row.reused]
        named = [row for row in made if row.file is not None and row.file.filename == ref.name]
        makers = list(dict.fromkeys(row.execution for row in named or self._index.replays.set_aside(made)))
        if not makers:
            raise NotFound(f"{one_line(text)} was not made by a recorded run")
        if len(makers) > 1:
            raise Ambiguous(f"{one_line(text)} was made by several runs: {_some(makers)}")
        return makers[0]

    def made(self, text: str) -> str:
        """The SHA-256 of the one output, or file brought in, that the text names; a run stands for its only file.

        Raises as `resolve`, NotFound for what was neither made nor brought in, Ambiguous for a run of several files.
        """
        ref = self.resolve(text)
        if ref.execution is not None:
            rows = self._index.outputs(ref.execution)
            found = list(dict.fromkeys(row.sha256 for row in rows if row.file is not None and row.sha256 is not None))
            if len(found) > 1:
                raise Ambiguous(f"run {one_line(text)} made several files: name one of {_some(found)}")
            if not found:
                raise NotFound(f"run {one_line(text)} made no file")
            return found[0]
        digest = ref.digest or ""
        if not self._index.outputs_by_digest(digest) and not self._index.authored.imports_by_digest(digest):
            raise NotFound(f"{one_line(text, 120)} was neither made by a recorded run nor brought in")
        return digest

    def _known(self, text: str, digest: str, name: str | None) -> Ref:
        index = self._index
        known = (index.outputs_by_digest, index.assets_by_digest, index.model_files, index.authored.imports_by_digest)
        if any(find(digest) for find in known):
            return Ref(text, digest=digest, name=name)
        shown = one_line(text, 120)
        if name is None:
            raise NotFound(f"{shown} is not in this ledger")
        raise NotFound(f"{shown} is not in this ledger: no run made or used these bytes (sha256 {digest[:16]}…)")

    def _file(self, text: str) -> Path | None:
        for path in self._places(text):
            try:
                if path.is_file():
                    return path
                if path.is_dir() and (path.is_absolute() or "/" in text or "\\" in text):
                    raise InputError(f"{one_line(text, 120)} is a folder")
            except (OSError, ValueError):  # a name that this system cannot even ask about names no file
                continue
        return None

    def _places(self, text: str) -> Iterable[Path]:
        yield Path(text)
        kind, _, rest = text.replace("\\", "/").partition("/")
        if rest and kind in self._directories and not PurePath(rest).is_absolute():
            yield Path(self._directories[kind]) / rest
        if "output" in self._directories and not PurePath(text).is_absolute():
            yield Path(self._directories["output"]) / text

    def _by_name(self, text: str) -> OutputRow | None:
        parts = [part for part in text.replace("\\", "/").split("/") if part]
        if not parts or ".." in parts:
            return None
        typed = [parts] if parts[0] in _FILE_TYPES else []
        for kind, *rest in (*typed, ["output", *parts]):
            if rest:
                row = self._index.latest_output_at(FileRef(kind, "/".join(rest[:-1]), rest[-1]))
                if row is not None:
                    return row
        return None

    def _nothing(self, text: str) -> str:
        shown = one_line(text, 120)
        if len(text) < SHORTEST_PREFIX:
            return f"{shown} names nothing: give at least {SHORTEST_PREFIX} characters of an execution's id"
        return f"{shown} names no run, output or SHA-256 in this ledger"


def _some(names: Sequence[str]) -> str:
    listed = ", ".join(one_line(name, 64) for name in names[:_NAMED])
    return f"{listed}, …" if len(names) > _NAMED else listed
