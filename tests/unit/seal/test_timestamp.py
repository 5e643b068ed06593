"""Tokens of a real authority: what they say, and that only sound ones over this very note pass."""

from __future__ import annotations

import datetime
import hashlib
import subprocess
import time
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError, NetworkError
from comfy_provenance.provenance.seal import cms, timestamp
from comfy_provenance.provenance.seal.timestamp import Trust
from comfy_provenance.tests.authorities import (
    POLICY,
    TST_INFO,
    UTC,
    Authority,
    Pki,
    needs_openssl,
)
from comfy_provenance.tests.sm2 import SM2_ID, SM2_WITH_SM3, Sm2Authority, needs_sm2

pytestmark = needs_openssl

NOTE = b"comfy-provenance/0123456789abcdef\n7\nroot\n\n\xe2\x80\x94 a b\n"
DIGEST = hashlib.sha256(NOTE).digest()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def authority(pki: Pki) -> Authority:
    return Authority(pki)


@pytest.fixture(scope="module")
def roots(pki: Pki) -> timestamp.Roots:
    return timestamp.read_roots(pki.root.read_bytes())


def test_a_token_says_what_openssl_says_it_says(authority: Authority, roots: timestamp.Roots, tmp_path: Path) -> None:
    before = time.time_ns()
    asked = timestamp.request(NOTE)
    response = authority.reply(asked.der)
    after = time.time_ns()
    token = timestamp.token_of(response)
    checked = timestamp.check_answer(token, NOTE, asked, roots)
    assert checked.trust is Trust.TRUSTED and checked.reason is None
    said = checked.said
    assert (said.policy, said.imprint, said.nonce) == (POLICY, DIGEST.hex(), asked.nonce)
    assert said.accuracy_us == 1_000_000
    assert said.signer is not None and said.signer.startswith("CN=Test TSA")
    bounds = (said.gen_time_ns, said.accuracy_us)
    assert timestamp.earliest_ns(*bounds) <= after and before <= timestamp.latest_ns(*bounds)
    path = tmp_path / "token"
    path.write_bytes(token)
    shown = subprocess.run(
        ["openssl", "ts", "-reply", "-in", path, "-token_in", "-token_out", "-text"], capture_output=True, text=True
    ).stdout
    assert f"0x{said.serial.upper().zfill(2)}" in shown and said.nonce.upper() in shown.upper()


def test_a_token_is_the_bytes_that_stand_in_the_response(authority: Authority) -> None:
    response = authority.reply(timestamp.request(NOTE).der)
    token = timestamp.token_of(response)
    assert token in response
    assert timestamp.token_of(token) == token


def test_a_request_holds_a_digest_and_nothing_that_can_be_read(authority: Authority) -> None:
    asked = timestamp.request(NOTE)
    assert DIGEST in asked.der and NOTE not in asked.der and len(asked.der) < 80
    assert timestamp.request(NOTE).nonce != asked.nonce


def test_without_roots_nothing_is_called_trusted(authority: Authority) -> None:
    assert timestamp.check(authority.token(NOTE), NOTE).trust is Trust.UNCHECKED


def test_any_changed_byte_of_a_token_is_refused(authority: Authority, roots: timestamp.Roots) -> None:
    """Outside the signature lies only the framing and the certificates, which no change may turn into a good token
    that says something else."""
    token = authority.token(NOTE)
    good = timestamp.check(token, NOTE, roots).said
    for place in range(0, len(token), 3):
        changed = bytearray(token)
        changed[place] ^= 0x01
        try:
            checked = timestamp.check(bytes(changed), NOTE, roots)
        except IntegrityError:
            continue
        assert checked.trust is not Trust.TRUSTED or checked.said == good, place


@pytest.mark.parametrize("cut", [0, 1, 10, 100, 400])
def test_a_token_that_ends_early_is_refused(authority: Authority, cut: int) -> None:
    with pytest.raises(IntegrityError):
        timestamp.check(authority.token(NOTE)[:cut], NOTE)


def test_a_token_over_other_bytes_is_refused(authority: Authority, roots: timestamp.Roots) -> None:
    with pytest.raises(IntegrityError, match="other bytes"):
        timestamp.check(authority.token(NOTE + b"x"), NOTE, roots)


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_tokens_made_elsewhere_may_use_longer_hashes(
    authority: Authority, roots: timestamp.Roots, tmp_path: Path, algorithm: str
) -> None:
    note = tmp_path / "note"
    note.write_bytes(NOTE)
    query = subprocess.run(["openssl", "ts", "-query", "-data", note, f"-{algorithm}", "-cert"], capture_output=True)
    token = timestamp.token_of(authority.reply(query.stdout))
    checked = timestamp.check(token, NOTE, roots)
    assert (checked.trust, checked.said.algorithm) == (Trust.TRUSTED, algorithm)


@pytest.fixture(scope="module")
def sm2(tmp_path_factory: pytest.TempPathFactory) -> Sm2Authority:
    return Sm2Authority(tmp_path_factory.mktemp("sm2"))


@needs_sm2
def test_an_sm2_token_is_read_and_never_called_checked(sm2: Sm2Authority) -> None:
    before = time.time_ns()
    token = sm2.token(NOTE)
    after = time.time_ns()
    for roots in (None, timestamp.read_roots(sm2.root.read_bytes())):
        checked = timestamp.check(token, NOTE, roots)
        assert (checked.trust, checked.reason) == (Trust.SIGNATURE_UNCHECKED, timestamp.NOT_CHECKED)
        assert (checked.said.algorithm, checked.said.signer, checked.said.nonce) == ("sm3", "CN=SM2 TSA", None)
        assert before - 10**9 < checked.said.gen_time_ns <= after


@needs_sm2
def test_openssl_checks_the_signature_of_an_sm2_token(sm2: Sm2Authority, tmp_path: Path) -> None:
    """What our own reading leaves out: the pieces that it finds are those that the authority signed."""
    token = sm2.token(NOTE)
    found = timestamp.by_hand(token)
    assert (found.digest, found.is_sm2) == ("sm3", True)
    for name, (start, size) in found.places.items():
        (tmp_path / name).write_bytes(token[start : start + size])
    attributes = (tmp_path / "attributes").read_bytes()
    (tmp_path / "attributes").write_bytes(b"\x31" + attributes[1:])
    command = [
        *("openssl", "pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", SM2_ID, "-certin"),
        *("-keyform", "DER", "-inkey", "signer", "-in", "attributes", "-sigfile", "signature"),
    ]
    assert b"Verified Successfully" in subprocess.run(command, cwd=tmp_path, capture_output=True).stdout
    (tmp_path / "attributes").write_bytes(b"\x31" + attributes[1:-1] + bytes([attributes[-1] ^ 1]))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode != 0


@needs_sm2
@pytest.mark.parametrize("what", ["content", "attributes", "signer"])
def test_an_sm2_token_with_a_changed_part_is_refused(sm2: Sm2Authority, what: str) -> None:
    token = bytearray(sm2.token(NOTE))
    start, size = timestamp.by_hand(bytes(token)).places[what]
    token[start + size - 1] ^= 1
    with pytest.raises(IntegrityError):
        timestamp.check(bytes(token), NOTE)


@needs_sm2
def test_an_sm2_token_over_other_bytes_is_refused(sm2: Sm2Authority) -> None:
    with pytest.raises(IntegrityError, match="other bytes"):
        timestamp.check(sm2.token(NOTE + b"x"), NOTE)


def test_a_token_that_calls_its_signature_sm2_proves_nothing(authority: Authority, roots: timestamp.Roots) -> None:
    token = authority.token(NOTE)
    ecdsa, sm2 = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex(SM2_WITH_SM3)
    at = token.rindex(ecdsa)
    changed = token[:at] + sm2 + token[at + len(ecdsa) :]
    assert timestamp.check(changed, NOTE, roots).trust is Trust.SIGNATURE_UNCHECKED


def test_a_digest_that_cannot_be_made_is_told() -> None:
    with pytest.raises(IntegrityError, match="md5 digests cannot be made here"):
        cms.digest("md5", NOTE)


@needs_sm2
def test_an_sm2_token_is_no_answer_to_a_request(sm2: Sm2Authority) -> None:
    with pytest.raises(IntegrityError, match="SM2"):
        timestamp.check_answer(sm2.token(NOTE), NOTE, timestamp.request(NOTE))


def test_an_unsorted_certificate_set_is_accepted(pki: Pki, roots: timestamp.Roots) -> None:
    """As DigiCert's are: openssl writes its `certs` in the order of the file."""
    others = [pki.signer() for _ in range(3)]
    accepted = []
    for order in (others, others[::-1]):
        unsorted = Authority(pki, chain=tuple(each.certificate for each in order))
        token = unsorted.token(NOTE)
        accepted.append(cms.with_sorted_certificates(token) != token)
        assert timestamp.check(token, NOTE, roots).trust is Trust.TRUSTED
    assert any(accepted), "neither order was unsorted"


def test_sorting_leaves_what_is_signed_alone(authority: Authority) -> None:
    token = authority.token(NOTE)
    before, after = (cms.signed_data(each, TST_INFO) for each in (token, cms.with_sorted_certificates(token)))
    assert (before.content, before.attributes, before.signature) == (after.content, after.attributes, after.signature)


def test_an_authority_that_rejects_says_why() -> None:
    with pytest.raises(NetworkError, match="rejection: not this month"):
        timestamp.token_of(bytes.fromhex("3017301502010230100c0e") + b"not this month")


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x30\x00", b"\x30\x03\x02\x01\x00", b"\x30\x80\x00\x00"])
def test_what_is_no_response_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        timestamp.token_of(data)


def test_roots_are_those_that_sign_themselves(pki: Pki) -> None:
    inside = pki.signer().certificate.read_bytes()
    found = timestamp.read_roots(pki.root.read_bytes() + inside)
    assert (len(found.roots), len(found.others)) == (1, 1)
    for data in (inside, b"no pem", b""):
        with pytest.raises(InputError):
            timestamp.read_roots(data)


def test_a_time_in_whole_seconds_may_have_been_cut() -> None:
    second = 1_000_000_000
    assert timestamp.latest_ns(7 * second, None) == 9 * second
    assert timestamp.latest_ns(7 * second, 500_000) == 8 * second + second // 2
    assert timestamp.latest_ns(7 * second + 250_000_000, 1_000) == 7 * second + 251_000_000
    assert timestamp.earliest_ns(7 * second, None) == 6 * second


@pytest.mark.parametrize(
    ("text", "fraction_ns"),
    [(b"20261126120000Z", 0), (b"20261126120000.25Z", 250_000_000), (b"20261126120000.000001Z", 1_000)],
)
def test_times_are_read_with_their_fractions(pki: Pki, text: bytes, fraction_ns: int) -> None:
    at = datetime.datetime(2026, 11, 26, 12, tzinfo=UTC)
    token = pki.forge(DIGEST, at=text)
    assert timestamp.read(token).gen_time_ns == int(at.timestamp()) * 10**9 + fraction_ns


@pytest.mark.parametrize(
    "text", [b"2611261200Z", b"20261126120000", b"20261326120000Z", b"20261126120000.Z", b"2026112612000\xb2Z"]
)
def test_other_times_are_refused(pki: Pki, text: bytes) -> None:
    with pytest.raises(IntegrityError, match="time"):
        timestamp.read(pki.forge(DIGEST, at=text))
