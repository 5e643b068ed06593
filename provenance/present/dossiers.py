"""Checks a dossier and tells the result. Needs neither a ledger nor what a ledger needs.

The container, the bag, the log, the proofs and the objects are checked by `verify.dossier`; the pages are made again
from the entries and compared here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from ..canonical import timestamp
from ..config import SOFTWARE, VERSION
from ..dossier.views import Views
from ..errors import InputError, ProvenanceError, StorageError
from ..model import Finding, Json
from ..seal.keys import PublicKey, public_from_pem
from ..seal.timestamp import Roots, read_roots
from ..verify.bounds import Bounds
from ..verify.dossier import Check, Dossier
from ..verify.policy import ERROR, Rejected, finding
from .seen import read_seen

Progress = Callable[[int, "int | None"], None]


def verify(
    path: Path,
    *,
    key: PublicKey | None = None,
    roots: Roots | None = None,
    since: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Json]:
    """What `docs/cli.md` says of `verify DOSSIER`. Raises InputError when the file cannot be read at all.

    since: checkpoints that somebody kept, as `seen.read_seen` reads them.
    """
    try:
        with path.open("rb") as file:
            try:
                dossier = Dossier(file)
            except Rejected as error:
                return _told((finding(error.code, str(error)),), None, None)
            kept = [read_seen(given, key or dossier.public) for given in since]
            check = Check(dossier, key, roots, kept)
            found = list(check.run(progress))
            if not any(each.severity == ERROR for each in found):  # else what changed is named already
                found += _views(dossier, check)
            return _told(found, dossier, check)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def read_key(path: Path) -> PublicKey:
    """A public key in PEM. Raises InputError."""
    return public_from_pem(_text(path).decode("ascii", "replace"))


def roots_of(paths: Iterable[str]) -> Roots | None:
    """Certificates that the reader trusts, from PEM files; None when there are no files. Raises InputError."""
    found = [read_roots(_text(Path(path))) for path in paths]
    return sum(found[1:], found[0]) if found else None


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _views(dossier: Dossier, check: Check) -> Iterator[Finding]:
    """Whether the pages and indexes are those that the entries make."""
    described = dossier.description
    if (described.software, described.version) != (SOFTWARE, VERSION):
        made = f"{described.software} {described.version}"
        yield finding("view-unchecked", f"the pages were made by {made}, not by this release, and are not compared")
        return
    views = Views(dossier, dossier.public, described, check.plain_report)
    payload = check.payload()
    count, size = sum(1 for _ in payload), sum(each.size for each in payload)
    try:
        tags = views.tags(count, size, lambda *told: None)
        again = itertools.chain(views.payload(payload), tags)
        for name, blocks in again:
            digest = sha256()
            for block in blocks:
                digest.update(block)
            if not dossier.has_file(name) or check.digest(name) != digest.hexdigest():
                yield finding("view-differs", f"{name} is not what the entries make of it")
    except StorageError:
        raise  # this machine's fault, not the dossier's
    except (ProvenanceError, LookupError, TypeError, ValueError, AttributeError) as error:
        yield finding("view-differs", f"the pages cannot be made from the entries: {type(error).__name__}: {error}")


def _told(found: Iterable[Finding], dossier: Dossier | None, check: Check | None) -> dict[str, Json]:
    findings = list(found)
    told: dict[str, Json] = {
        "ok": not any(each.severity == ERROR for each in findings),
        "findings": [
            {"severity": each.severity, "code": each.code, "entry": each.entry, "message": each.message}
            for each in findings
        ],
        "dossier": None,
    }
    if dossier is None or check is None or check.report is None:
        return told
    described, head = dossier.description, check.report.checkpoint
    size = dossier.log_size
    withheld = {entry for entries in described.withheld.values() for entry in entries}
    shown = dossier.entries()
    bounds = Bounds(check.report.anchors)
    covered = sum(bounds.of(entry).by is not None for entry in shown)
    told["dossier"] = {
        "sha256": check.identity,
        "signed": check.is_signed,
        "software": {"name": described.software, "version": described.version},
        "works": [{"execution": w.execution, "sha256": w.sha256, "name": w.name} for w in described.works],
        "key": {"fingerprint": check.public.fingerprint, "id": check.public.key_id},
        "checkpoint": None if head is None else {"origin": head.origin, "size": head.size, "root": head.root.hex()},
        "entries": {"log": size, "shown": len(shown), "withheld": len(withheld), "anchored": covered},
        "anchors": [
            {
                "entry": anchor.entry,
                "size": anchor.size,
                "authority": anchor.authority,
                "signer": anchor.signer,
                "gen_time": timestamp(anchor.gen_time_ns),
                "trust": anchor.trust.value,
            }
            for anchor in check.report.anchors
        ],
    }
    return told
