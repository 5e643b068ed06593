"""Writes a dossier of one or several works. Reads the ledger; writes one file, or leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..dossier import bag, choose
from ..dossier.disclosed import Disclosed
from ..dossier.options import Options, Progress, split
from ..errors import InputError, StorageError
from ..lineage.summary import one_line
from ..model import Json
from ..seal import keys
from ..seal.keys import Signer
from ..store import place
from ..store.ledger import Ledger
from ..verify.description import Work
from .refs import Resolver

Asked = tuple[tuple[Work, ...], Options]
_MEMBERS = ("refs", "scope", "language", "withhold", "title")


def options(
    resolver: Resolver,
    *,
    scope: str = "tree",
    language: str = "en",
    withhold: Iterable[str] = (),
    title: str | None = None,
) -> Options:
    """The choices, with REFs among `withhold` resolved. Raises InputError, NotFound, Ambiguous."""
    categories, entries, refs = split(withhold)
    named = [resolver.resolve(ref) for ref in refs]
    runs = frozenset(ref.execution for ref in named if ref.execution is not None)
    files = frozenset(ref.digest for ref in named if ref.digest is not None)
    return Options(scope, language, categories, runs, files, entries, title)


def works(resolver: Resolver, refs: Sequence[str]) -> tuple[Work, ...]:
    """What the REFs name, each once. Raises InputError for none, NotFound, Ambiguous."""
    if not refs:
        raise InputError("name at least one run or file")
    found = (resolver.resolve(ref) for ref in refs)
    return tuple(dict.fromkeys(Work(ref.execution, ref.digest, ref.name) for ref in found))


def export(
    ledger: Ledger, named: Sequence[Work], chosen: Options, path: Path, signer: Signer | None, progress: Progress
) -> dict[str, Json]:
    """{"file", "sha256", "entries": {"shown", "withheld"}, "objects", "bytes", "signed"}; `sha256` names the dossier.

    An existing file is replaced once the new one is whole. Raises InputError, StorageError, IntegrityError for a
    damaged ledger, and whatever `progress` raises to stop it.
    """
    selection = choose.choose(ledger, named, chosen, progress)
    partial = path.with_name(f".{path.name[:100]}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            shown = Disclosed(ledger, selection)
            identity = bag.write(file, selection, shown, ledger.public, signer, progress)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {one_line(str(path), 120)}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    withheld = selection.description.withheld
    return {
        "file": str(path),
        "sha256": identity,
        "entries": {
            "shown": len(selection.entries),
            "withheld": {name: len(entries) for name, entries in withheld.items()},
        },
        "objects": len(selection.objects),
        "bytes": path.stat().st_size,
        "signed": signer is not None,
    }


def signer_of(ledger: Ledger) -> Signer | None:
    """The ledger's key, where the ledger's own note says it lies and it can be read; else None."""
    note = place.read(ledger.root)
    if note is None:
        return None
    with contextlib.suppress(StorageError):
        signer = keys.load(Path(note.key))
        return signer if signer.public == ledger.public else None
    return None


def asked(resolver: Resolver, body: Mapping[str, Json]) -> Asked:
    """Works and choices as a client sends them. Raises InputError, NotFound, Ambiguous."""
    for name in body:
        if name not in _MEMBERS:
            raise InputError(f"unknown member: {name[:80]!r}")
    refs, hidden = body.get("refs"), body.get("withhold", [])
    if not isinstance(refs, list) or not all(isinstance(ref, str) for ref in refs):
        raise InputError("refs must be a list of runs or digests")
    if not isinstance(hidden, list) or not all(isinstance(word, str) for word in hidden):
        raise InputError("withhold must be a list")
    title = body.get("title")
    if title is not None and (not isinstance(title, str) or len(title) > 200):
        raise InputError("title must be a text of at most 200 characters, or null")
    scope, language = body.get("scope", "tree"), body.get("language", "en")
    chosen = options(resolver, scope=scope, language=language, withhold=hidden, title=title or None)
    return works(resolver, refs), chosen
