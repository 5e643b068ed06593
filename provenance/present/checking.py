"""A whole check of a ledger: the verifier over its log, then the index against the entries."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from pathlib import Path

from ..canonical import parse_json, statement_bytes, timestamp
from ..errors import InputError, IntegrityError, ProvenanceError
from ..model import Finding, Json
from ..seal import checkpoint, dsse
from ..seal import timestamp as tokens
from ..seal.keys import PublicKey, public_from_pem
from ..seal.timestamp import Roots
from ..store.ledger import Ledger
from ..verify import verifier
from ..verify.bounds import Anchor, Bounds

Seen = checkpoint.Checkpoint | checkpoint.Fingerprint
VERIFIED = "verified.json"  # in the ledger's folder

Progress = Callable[[int, "int | None"], None]  # steps done, steps in all when known


def verify(
    ledger: Ledger,
    *,
    key: PublicKey | None = None,
    seen: Iterable[Seen] = (),
    roots: Roots | None = None,
    progress: Progress | None = None,
    resume: bool = False,
) -> dict[str, Json]:
    """{"ok", "entries", "resumed", "checkpoint": {"origin", "size", "root"} or null, "findings": [...],
    "time": `time_json`}.

    key: the key that must have signed; without it the key that the log's first entry states, so that only a log that
    was made anew under another key goes unnoticed. seen: checkpoints that were kept; nothing before them may have
    changed. roots: authorities that are trusted for time-stamps. `ok` is false when any finding is an error. Each entry
    is two steps of progress: one for the log, one for the index.

    resume: go on from where the last such check came, see `verifier.verify`; `resumed` says how many entries that were.
    How far it came is kept beside the ledger, in `VERIFIED`, which is worth as much as the folder is safe.
    """
    public, mark = key or stated_key(ledger), ledger.root / VERIFIED
    report = verifier.verify(
        ledger.reader(),
        public,
        seen=seen,
        roots=roots,
        progress=_half(progress, 0),
        verified=_marked(mark, public) if resume else None,
        reached=partial(_mark, mark) if resume else None,
    )
    index = check_index(ledger, progress=_half(progress, 1))
    head = report.checkpoint
    return {
        "ok": report.ok and index["ok"],
        "entries": report.entries,
        "released": report.released,
        "resumed": report.resumed,
        "checkpoint": None if head is None else checkpoint_json(head),
        "findings": [*_plain(report.findings), *index["findings"]],
        "time": time_json(report),
    }


def _marked(mark: Path, public: PublicKey) -> checkpoint.Checkpoint | None:
    """How far the last check that could be resumed came; None when there was none, or of another log."""
    try:
        said = parse_json(mark.read_bytes())
        found = checkpoint.Checkpoint(said["origin"], int(said["size"]), bytes.fromhex(said["root"]))
    except (OSError, InputError, KeyError, TypeError, ValueError):
        return None
    return found if found.origin == checkpoint.origin_of(public) and found.size > 0 else None


def _mark(mark: Path, head: checkpoint.Checkpoint) -> None:
    draft = mark.with_name(f"{mark.name}.{os.getpid()}")
    try:
        draft.write_bytes(statement_bytes(checkpoint_json(head)))
        draft.replace(mark)
    except OSError:  # a folder that may only be read: the next check begins at the beginning
        draft.unlink(missing_ok=True)


def time_json(report: verifier.Report) -> dict[str, Json]:
    """{"anchors": [{"entry", "size", "gen_time", "after", "by", "authority", "signer", "trust"}], "covered",
    "witnesses"}: what time-stamps and cosignatures of a log hold, and how many of its entries they bound."""
    return {
        "anchors": [anchor_json(anchor) for anchor in report.anchors],
        "covered": Bounds(report.anchors).covered,
        "witnesses": report.witnesses,
    }


def anchor_json(anchor: Anchor) -> dict[str, Json]:
    """One time-stamp: entries before place `size` existed by `by`, entries after place `entry` were made after `after`,
    if its authority is to be trusted."""
    return {
        "entry": anchor.entry,
        "size": anchor.size,
        "gen_time": timestamp(anchor.gen_time_ns),
        "after": timestamp(anchor.earliest_ns),
        "by": timestamp(anchor.latest_ns),
        "authority": anchor.authority,
        "signer": anchor.signer,
        "trust": anchor.trust.value,
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


@lru_cache(maxsize=8)
def read_roots(paths: tuple[str, ...]) -> Roots | None:
    """All certificates in these PEM files, as they were when first asked for; None for no files. Raises InputError."""
    found: Roots | None = None
    for path in paths:
        try:
            read = tokens.read_roots(Path(path).read_bytes())
        except OSError as error:
            raise InputError(f"cannot read the certificates in {path}: {error.strerror or error}") from error
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        found = read if found is None else found + read
    return found


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
