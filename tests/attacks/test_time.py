"""The author, a stranger or an authority lies about time: what a verifier finds, and what bounds nothing.

Tokens are forged with real keys and certificates, as somebody who runs an authority of his own could.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import time
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import IntegrityError
from comfy_provenance.provenance.seal import checkpoint, cosign, timestamp
from comfy_provenance.provenance.seal.keys import Signer as Key
from comfy_provenance.provenance.verify.bounds import Bounds
from comfy_provenance.provenance.verify.verifier import Report
from comfy_provenance.tests.authorities import UTC, Authority, Pki, Signer, needs_openssl, openssl
from comfy_provenance.tests.unit.verify.simulator import SECOND, START, SimulatedLog
from cryptography.x509.oid import ExtendedKeyUsageOID

pytestmark = needs_openssl

LONG = {"since": -3000, "until": 3000}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def signer(pki: Pki) -> Signer:
    return pki.signer(**LONG)


@pytest.fixture(scope="module")
def roots(pki: Pki) -> timestamp.Roots:
    return timestamp.read_roots(pki.root.read_bytes())


def begun() -> SimulatedLog:
    """genesis, start, intent (2), submission, completion (4)"""
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    log.intent()
    log.complete("e1", log.submit("e1"))
    return log


def clock(log: SimulatedLog, seconds: float = 0) -> datetime.datetime:
    """The log's own clock, some seconds later."""
    return datetime.datetime.fromtimestamp(log.now.wall_ns // SECOND + seconds, UTC)


def digest(log: SimulatedLog) -> bytes:
    return hashlib.sha256(log.note).digest()


def codes(report: Report) -> list[tuple[str, int | None]]:
    return [(each.code, each.entry) for each in report.findings]


def test_an_honest_anchor_bounds_both_sides(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    log = begun()
    at = clock(log, 1)
    anchor = log.anchor(pki.forge(digest(log), at=at, signer=signer), log.note)
    later = log.intent("another idea")
    report = log.verify(roots=roots)
    assert (report.findings, report.ok) == ((), True)
    bounds = Bounds(report.anchors)
    for entry in range(anchor):
        span = bounds.of(entry)
        assert span.after is None and span.by is not None and span.by.entry == anchor
        assert span.by.latest_ns == (int(at.timestamp()) + 2) * SECOND
    assert bounds.of(anchor) == dataclasses.replace(bounds.of(anchor), after=None, by=None)
    after = bounds.of(later).after
    assert after is not None and after.earliest_ns == (int(at.timestamp()) - 1) * SECOND
    assert bounds.of(later).by is None and bounds.covered == anchor


def test_without_roots_it_is_said_that_nobody_looked_at_the_authority(pki: Pki, signer: Signer) -> None:
    log = begun()
    log.anchor(pki.forge(digest(log), at=clock(log), signer=signer), log.note)
    report = log.verify()
    assert (codes(report), report.ok) == ([("anchor-unchecked", None)], True)
    assert [each.trust for each in report.anchors] == [timestamp.Trust.UNCHECKED]


def test_a_rogue_authority_that_brings_its_own_root_along(pki: Pki, roots: timestamp.Roots, tmp_path: Path) -> None:
    """The root has the trusted one's name, and stands in the token: it stays a stranger's."""
    rogue = Pki(tmp_path / "rogue", name=pki.name)
    log = begun()
    anchor = log.anchor(
        rogue.forge(digest(log), at=clock(log), signer=rogue.signer(**LONG), embed=(rogue.root,)), log.note
    )
    report = log.verify(roots=roots)
    assert codes(report) == [("anchor-untrusted", anchor)]
    assert Bounds(report.anchors).of(0).by is None
    own = timestamp.read_roots(rogue.root.read_bytes())
    assert log.verify(roots=own).findings == (), "the verifier chooses whom to trust"


def test_a_rogue_root_cannot_hide_behind_the_trusted_one_in_the_token(
    pki: Pki, roots: timestamp.Roots, tmp_path: Path
) -> None:
    rogue = Pki(tmp_path / "rogue")
    log = begun()
    embed = (rogue.root, pki.root)
    log.anchor(rogue.forge(digest(log), at=clock(log), signer=rogue.signer(**LONG), embed=embed), log.note)
    report = log.verify(roots=roots)
    assert Bounds(report.anchors).of(0).by is None and len(codes(report)) == 1


@pytest.mark.parametrize(
    ("usage", "critical"),
    [
        ((), True),
        ((ExtendedKeyUsageOID.TIME_STAMPING,), False),
        ((ExtendedKeyUsageOID.CODE_SIGNING,), True),
        ((ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING), True),
    ],
    ids=["no-usage", "not-critical", "code-signing", "two-usages"],
)
def test_a_certificate_that_is_not_for_time_stamping(
    pki: Pki, roots: timestamp.Roots, usage: tuple[object, ...], critical: bool
) -> None:
    log = begun()
    signer = pki.signer(usage=usage, critical=critical, **LONG)
    anchor = log.anchor(pki.forge(digest(log), at=clock(log), signer=signer), log.note)
    for chosen in (roots, None):
        report = log.verify(roots=chosen)
        assert (codes(report), report.anchors) == ([("anchor-token", anchor)], ())


def test_a_certificate_that_had_expired_by_the_token_time(pki: Pki, roots: timestamp.Roots) -> None:
    note = begun().note
    gone = pki.signer(since=-400, until=-30)
    with pytest.raises(IntegrityError, match="not valid at the token's time"):
        timestamp.check(pki.forge(hashlib.sha256(note).digest(), signer=gone), note, roots)


def test_a_certificate_that_has_expired_since_is_still_good(pki: Pki, roots: timestamp.Roots, tmp_path: Path) -> None:
    """Plain openssl refuses it now, and accepts it as of the token's time: so do we, without being asked."""
    note = begun().note
    gone = pki.signer(since=-400, until=-30)
    at = datetime.datetime.now(UTC) - datetime.timedelta(days=100)
    token = pki.forge(hashlib.sha256(note).digest(), at=at, signer=gone)
    assert timestamp.check(token, note, roots).trust is timestamp.Trust.TRUSTED
    (tmp_path / "note").write_bytes(note)
    (tmp_path / "token").write_bytes(token)
    verify = ["ts", "-verify", "-data", tmp_path / "note", "-in", tmp_path / "token", "-token_in", "-CAfile", pki.root]
    with pytest.raises(AssertionError, match="expired"):
        openssl(*verify)
    assert b"OK" in openssl(*verify, "-attime", int(at.timestamp()))


def test_bytes_that_are_no_token(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    log = begun()
    said = timestamp.read(pki.forge(digest(log), at=clock(log), signer=signer))
    anchor = log.anchor(b"no token", log.note, said=said)
    report = log.verify(roots=roots)
    assert (codes(report), report.anchors) == ([("anchor-token", anchor)], ())


def test_a_checkpoint_other_than_the_entry_says(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    log = begun()
    token = pki.forge(digest(log), at=clock(log), signer=signer)
    head = {"object": hashlib.sha256(log.note).hexdigest(), "size": 4, "root": "ab" * 32}
    anchor = log.anchor(token, log.note, checkpoint=head)
    report = log.verify(roots=roots)
    assert (codes(report), report.anchors) == ([("anchor-checkpoint", anchor)], ())


def test_a_token_of_another_writers_log(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    other = SimulatedLog(seed=2).session()
    log = begun()
    anchor = log.anchor(pki.forge(digest(other), at=clock(log), signer=signer), other.note)
    assert codes(log.verify(roots=roots)) == [("anchor-checkpoint", anchor)]


def test_a_good_token_moved_to_another_checkpoint(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    """Made long ago over an early checkpoint, and put beside a late one."""
    log = begun()
    early = pki.forge(digest(log), at=clock(log, -500_000), signer=signer)
    log.intent("made up afterwards")
    anchor = log.anchor(early, log.note)
    report = log.verify(roots=roots)
    assert (codes(report), report.anchors) == ([("anchor-imprint", anchor)], ())


def test_a_checkpoint_of_another_history_of_this_log(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    other, log = begun(), begun()
    other.intent("the first version")
    log.intent("the version that was put in its place")
    anchor = log.anchor(pki.forge(digest(other), at=clock(log), signer=signer), other.note)
    assert codes(log.verify(roots=roots)) == [("anchor-checkpoint", anchor)]


def test_a_checkpoint_that_covers_its_own_anchor(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    longer, log = begun(), begun()
    longer.intent("not yet there")
    anchor = log.anchor(pki.forge(digest(longer), at=clock(log), signer=signer), longer.note)
    assert codes(log.verify(roots=roots)) == [("anchor-checkpoint", anchor)]


@pytest.mark.parametrize(
    "change",
    [
        {"gen_time_ns": START - 86_400 * SECOND},
        {"nonce": "beef"},
        {"policy": "1.2.3"},
        {"accuracy_us": None},
        {"signer": "CN=somebody better known"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_entry_that_says_more_than_its_token(
    pki: Pki, signer: Signer, roots: timestamp.Roots, change: dict[str, object]
) -> None:
    log = begun()
    token = pki.forge(digest(log), at=clock(log), signer=signer)
    anchor = log.anchor(token, log.note, said=dataclasses.replace(timestamp.read(token), **change))
    report = log.verify(roots=roots)
    assert (codes(report), report.anchors) == ([("anchor-stated", anchor)], ())


def test_an_answer_with_another_nonce_is_no_answer(pki: Pki) -> None:
    note = begun().note
    asked, replayed = timestamp.request(note), timestamp.request(note)
    token = timestamp.token_of(Authority(pki).reply(replayed.der))
    assert timestamp.check_answer(token, note, replayed).trust is timestamp.Trust.UNCHECKED
    with pytest.raises(IntegrityError, match="another nonce"):
        timestamp.check_answer(token, note, asked)


def test_a_token_without_a_nonce_was_not_asked_for(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    log = begun()
    anchor = log.anchor(pki.forge(digest(log), at=clock(log), signer=signer), log.note, requested=True)
    assert codes(log.verify(roots=roots)) == [("anchor-stated", anchor)]


def test_a_token_that_is_older_than_one_it_covers(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    """An authority whose clock was set back, by whoever runs it."""
    log = begun()
    log.anchor(pki.forge(digest(log), at=clock(log), signer=signer), log.note)
    log.intent("later")
    second = log.anchor(pki.forge(digest(log), at=clock(log, -3600), signer=signer), log.note)
    report = log.verify(roots=roots)
    assert codes(report) == [("anchor-order", second)]
    assert len(report.anchors) == 1


def test_a_late_token_for_an_early_checkpoint_is_no_contradiction(
    pki: Pki, signer: Signer, roots: timestamp.Roots
) -> None:
    """As one that was fetched by hand and brought in later."""
    log = begun()
    early, early_digest, early_at = log.note, digest(log), clock(log)
    log.intent("later")
    first = log.anchor(pki.forge(digest(log), at=clock(log, 30), signer=signer), log.note)
    imported = log.anchor(pki.forge(early_digest, at=early_at, signer=signer), early)
    report = log.verify(roots=roots)
    assert report.findings == ()
    bounds = Bounds(report.anchors)
    assert bounds.of(0).by is not None and bounds.of(0).by.entry == imported
    assert bounds.of(5).by is not None and bounds.of(5).by.entry == first


def test_an_entry_backdated_after_an_anchor(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    log = begun()
    log.anchor(pki.forge(digest(log), at=clock(log), signer=signer), log.note)
    log.now = type(log.now)(log.now.wall_ns - 86_400 * SECOND, log.now.monotonic_ns)
    entry = log.intent("I thought of this yesterday")
    log.intent("and of this")
    report = log.verify(roots=roots)
    assert codes(report) == [("clock-back", entry), ("clock-anchor", entry)]
    after = Bounds(report.anchors).of(entry).after
    assert after is not None and after.earliest_ns > log.now.wall_ns, "the bound does not follow the writer's clock"


def test_entries_dated_into_the_future(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    log = begun()
    log.now = type(log.now)(log.now.wall_ns + 86_400 * SECOND, log.now.monotonic_ns)
    log.intent("tomorrow's idea")
    anchor = log.anchor(pki.forge(digest(log), at=clock(log, -86_400), signer=signer), log.note)
    assert codes(log.verify(roots=roots)) == [("clock-anchor", anchor)]


def test_a_token_or_its_checkpoint_left_out(pki: Pki, signer: Signer, roots: timestamp.Roots) -> None:
    for kept in ("token", "object"):
        log = begun()
        note, token = log.note, pki.forge(digest(log), at=clock(log), signer=signer)
        anchor = log.anchor(token, note)
        del log.objects[hashlib.sha256(note if kept == "token" else token).hexdigest()]
        report = log.verify(roots=roots)
        assert (codes(report), report.anchors) == ([("object-missing", anchor)], ())


def test_trusted_bounds_go_before_tighter_ones_of_nobody_in_particular(
    pki: Pki, signer: Signer, roots: timestamp.Roots, tmp_path: Path
) -> None:
    rogue = Pki(tmp_path / "rogue")
    log = begun()
    note, head = log.note, digest(log)
    log.anchor(rogue.forge(head, at=clock(log, -10), signer=rogue.signer(**LONG)), note)
    trusted = log.anchor(pki.forge(head, at=clock(log, 100), signer=signer), note)
    by = Bounds(log.verify(roots=roots).anchors).of(0).by
    assert by is not None and by.entry == trusted


WITNESS = Key.from_seed(b"\x07" * 32)
NAME = checkpoint.origin_of(WITNESS.public)


def test_a_witness_is_checked_like_everything_else() -> None:
    log = begun()
    at = int(time.time())
    signed = cosign.add(log.note, log.public, NAME, WITNESS, at)
    log.witness(signed, NAME, WITNESS.public, at)
    report = log.verify()
    assert (report.findings, report.witnesses) == ((), 1)


def test_false_witnesses() -> None:
    at = int(time.time())
    other_log = SimulatedLog(seed=2).session()
    ours, public = begun().note, begun().public
    cosigned = cosign.add(ours, public, NAME, WITNESS, at)
    elsewhere = cosign.add(other_log.note, other_log.public, NAME, WITNESS, at)
    cases = {
        "nobody cosigned": (ours, NAME, WITNESS.public, at, "witness-signature"),
        "another key": (cosigned, NAME, public, at, "witness-signature"),
        "another name": (cosigned, "somebody/else", WITNESS.public, at, "witness-signature"),
        "another time": (cosigned, NAME, WITNESS.public, at - 9, "witness-signature"),
        "another log": (elsewhere, NAME, WITNESS.public, at, "witness-checkpoint"),
    }
    for what, (note, name, public, stated, code) in cases.items():
        log = begun()
        entry = log.witness(note, name, public, stated)
        report = log.verify()
        assert (codes(report), report.witnesses) == ([(code, entry)], 0), what


def test_a_published_fingerprint_shows_a_rewritten_past() -> None:
    log = begun()
    kept = checkpoint.open_fingerprint(checkpoint.fingerprint(checkpoint.open(log.note, log.public)))
    log.intent("later")
    assert log.verify(seen=[kept]).findings == ()
    rewritten = SimulatedLog()
    rewritten.genesis()
    rewritten.event("start")
    rewritten.intent("another idea")
    rewritten.complete("e1", rewritten.submit("e1"))
    assert codes(rewritten.verify(seen=[kept])) == [("forked", None)]
    rewritten = SimulatedLog()
    rewritten.genesis()
    assert ("rolled-back", None) in codes(rewritten.verify(seen=[kept]))
