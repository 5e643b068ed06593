"""A whole check of a ledger: the verifier over its log, then the index against the entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import InputError, IntegrityError, ProvenanceError
from ..model import Finding, Json
from ..seal import checkpoint, dsse
from ..seal.keys import PublicKey, public_from_pem
from ..store.ledger import Ledger
from ..verify import verifier

Progress = Callable[[int, "int | None"], None]  # steps done, steps in all when known


def verify(ledger: Ledger, *, key: PublicKey | None = None, progress: Progress | None = None) -> dict[str, Json]:
    """{"ok", "entries", "checkpoint": {"origin", "size", "root"} or null, "findings": [...]}.

    key: the key that must have signed; without it the key that the log's first entry states, so that only a log that
    was made anew under another key goes unnoticed. `ok` is false when any finding is an error. Each entry is two
    steps of progress: one for the log, one for the index.
    """
    report = verifier.verify(ledger.reader(), key or stated_key(ledger), progress=_half(progress, 0))
    index = check_index(ledger, progress=_half(progress, 1))
    head = report.checkpoint
    return {
        "ok": report.ok and index["ok"],
        "entries": report.entries,
        "checkpoint": None if head is None else checkpoint_json(head),
        "findings": [*_plain(report.findings), *index["findings"]],
    }


def check_index(ledger: Ledger, *, progress: Progress | None = None) -> dict[str, Json]:
    """{"ok", "findings"}: whether the index says what the entries say. Signatures are not looked at."""
    try:
        findings = list(ledger.check_index(progress))
    except IntegrityError as error:
        findings = [Finding("error", "index-unreadable", str(error))]
    return {"ok": not any(found.severity == "error" for found in findings), "findings": _plain(findings)}


def stated_key(ledger: Ledger) -> PublicKey:
    """The key that the log's first entry states; the one stored beside it when that entry cannot be read."""
    try:
        statement = dsse.parse_strict(dsse.read_unverified(ledger.reader().entry(0)).payload)
        return public_from_pem(statement["predicate"]["public_key"])
    except (ProvenanceError, KeyError, TypeError, AttributeError):
        return ledger.public


def read_key(path: Path) -> PublicKey:
    """A public key in PEM. Raises InputError."""
    try:
        return public_from_pem(path.read_text(encoding="ascii"))
    except OSError as error:
        raise InputError(f"cannot read the key {path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, InputError) as error:
        raise InputError(f"{path} is no Ed25519 public key in PEM") from error


def checkpoint_json(head: checkpoint.Checkpoint) -> dict[str, Json]:
    """A tree head with its root in hex."""
    return {"origin": head.origin, "size": head.size, "root": head.root.hex()}


def _half(progress: Progress | None, half: int) -> Progress | None:
    """Progress of the first or second of two passes over the same entries."""
    if progress is None:
        return None
    return lambda done, total: progress(done + half * (total or 0), None if total is None else 2 * total)


def _plain(findings: Iterable[Finding]) -> list[dict[str, Json]]:
    return [
        {"severity": found.severity, "code": found.code, "entry": found.entry, "message": found.message}
        for found in findings
    ]
