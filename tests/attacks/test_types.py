"""Entries that are well signed and stand in their place, with a member of another type than it can have.

The attacker holds the key. Without the schemas, which would name all of these, each check has to look for itself: it
names the entry where it needs the member, and never ends in an error of its own.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.model import Basis, FileFacts, Kind
from comfy_provenance.provenance.record import imports, schema
from comfy_provenance.provenance.seal import checkpoint, cosign, dsse
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.verify.policy import CODES
from comfy_provenance.tests import tokens
from comfy_provenance.tests.attacks.test_authored import bring, film, made_of
from comfy_provenance.tests.unit.verify.simulator import SECOND, START, SimulatedLog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

WITNESS = Signer.from_seed(b"\x07" * 32)
Path = tuple[str | int, ...]


@cache
def everything() -> SimulatedLog:
    """A sound log with entries of all kinds that the checks look into."""
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    log.complete("e1", log.submit("e1"))
    log.intent()
    log.intent(revises=log.tree.size - 1)
    log.decide("e1", over=[{"execution": "e1", "output": None}])
    repeat = log.submit("e2", replay={"of": "e1", "known": True, "sheet": None, "basis": "declared"})
    log.replay("e2", "e1", log.complete("e2", repeat))
    name, at = checkpoint.origin_of(WITNESS.public), START // SECOND
    log.witness(cosign.add(log.note, log.public, name, WITNESS, at), name, WITNESS.public, at)
    bring(log)
    edit = FileFacts(sha256_hex(b"edit"), 3, START, "image/png")
    bring(log, Basis.DECLARED, edit, of=[imports.Source(made_of("e1"), "e1", None, Basis.DECLARED, "author")])
    film(log)
    log.release(made_of("e1"))
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    log.anchor(tokens.token(tokens.said(log.note), key, tokens.certificate(key.public_key())), log.note)
    assert log.found() == [("anchor-unchecked", None)]
    return log


def changed(index: int, path: Path, value: Any) -> SimulatedLog:
    """The same log up to an entry, with a member of that one replaced; a value of `...` takes it out."""
    whole, log = everything(), SimulatedLog()
    statement = json.loads(dsse.read_unverified(whole.entries[index]).payload)
    holder = statement["predicate"]
    for step in path[:-1]:
        holder = holder[step]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(value)
    log.objects = whole.objects
    log.entries = [*whole.entries[:index], dsse.seal(dsse.statement_bytes(statement), log.signer)]
    log.rebuild_tree()
    return log


def members(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where all values inside a value stand."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inside:
        yield (*path, step)
        yield from members(each, (*path, step))


def of_kind(kind: Kind) -> int:
    """The first entry of a kind."""
    uri = schema.predicate_type(kind).encode()
    return next(at for at, entry in enumerate(everything().entries) if uri in dsse.read_unverified(entry).payload)


@pytest.mark.parametrize("value", [..., [], {}, "x", -1], ids=repr)
def test_no_member_of_any_type_ends_a_check(value: Any) -> None:
    tried = set()
    for index, entry in enumerate(everything().entries):
        statement = json.loads(dsse.read_unverified(entry).payload)
        for path in members(statement["predicate"]):
            if (statement["predicateType"], path) not in tried:
                tried.add((statement["predicateType"], path))
                report = changed(index, path, value).verify(schema_check=None)
                assert {found.code for found in report.findings} <= CODES.keys(), (index, path)
    assert len(tried) > 250


NEEDED = [
    (Kind.SESSION, ("recorded_at",), "2026-13-01T00:00:00.000000Z"),
    (Kind.SUBMISSION, ("snapshot",), []),
    (Kind.COMPLETION, ("used",), [1]),
    (Kind.COMPLETION, ("outputs", 0, "sha256"), []),
    (Kind.COMPLETION, ("outputs", 0, "pixels"), {}),
    (Kind.DECISION, ("over",), [1]),
    (Kind.INTENT, ("revises",), []),
    (Kind.IMPORT, ("file",), "old.png"),
    (Kind.IMPORT, ("file", "sha256"), None),
    (Kind.IMPORT, ("project",), []),
    (Kind.RECORDING, ("event",), "again"),
    (Kind.RECORDING, ("recording",), 7),
    (Kind.WITNESS, ("checkpoint",), None),
    (Kind.WITNESS, ("checkpoint", "object"), ...),
    (Kind.WITNESS, ("witness",), {"name": "somebody"}),
    (Kind.ANCHOR, ("checkpoint", "object"), ...),
    (Kind.ANCHOR, ("checkpoint", "size"), "7"),
    (Kind.ANCHOR, ("token",), None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value"), NEEDED, ids=lambda each: str(getattr(each, "value", each)))
def test_a_member_that_a_check_needs_is_named(kind: Kind, path: Path, value: Any) -> None:
    index = of_kind(kind)
    found = changed(index, path, value).found(schema_check=None)
    assert ("predicate-malformed", index) in found


@pytest.mark.parametrize(
    ("path", "value"),
    [(("chunk",), None), (("chunk", "size"), "7"), (("previous", "entry"), []), (("chunk", "sha256"), 7)],
    ids=str,
)
def test_a_step_of_a_recording_that_cannot_be_followed_is_named(path: Path, value: Any) -> None:
    index = of_kind(Kind.RECORDING) + 1
    assert ("predicate-malformed", index) in changed(index, path, value).found(schema_check=None)


def test_a_clock_beyond_the_year_2262_is_a_clock() -> None:
    """Nanoseconds since 1970 fit into 64 bits until then."""
    index = of_kind(Kind.INTENT)
    assert changed(index, ("recorded_at",), "9999-12-31T23:59:59.999999Z").verify(schema_check=None).ok
