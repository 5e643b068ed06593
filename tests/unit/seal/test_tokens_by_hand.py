"""Tokens that no program makes: each bad in one way, well signed where that is not the way, and each refused for it."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from comfy_provenance.provenance.errors import IntegrityError, NetworkError
from comfy_provenance.provenance.seal import der, timestamp
from comfy_provenance.provenance.seal.timestamp import Trust
from comfy_provenance.tests import tokens
from comfy_provenance.tests.authorities import tst_info
from comfy_provenance.tests.tokens import changed
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

NOTE = b"comfy-provenance/0123456789abcdef\n7\nroot\n"
INFO = tokens.said(NOTE)
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
CERTIFICATE = tokens.certificate(KEY.public_key())
TOKEN = tokens.token(INFO, KEY, CERTIFICATE)
RSA = rsa.generate_private_key(65537, 2048)
NULL = b"\x05\x00"
SAN, BASIC = (x509.ObjectIdentifier(dotted) for dotted in ("2.5.29.17", "2.5.29.19"))

Change = Callable[[der.Node], bytes]


def tagged(tag: int) -> Change:
    return lambda node: der.write(tag, [node.body])


def with_more(*more: bytes) -> Change:
    return lambda node: der.write(node.tag, [node.body, *more])


def instead(data: bytes) -> Change:
    return lambda node: data


def only(count: int) -> Change:
    return lambda node: der.write(node.tag, [part.raw for part in der.parts(node)[:count]])


def twice(node: der.Node) -> bytes:
    return der.write(node.tag, [node.body, node.body])


def signed_by(key: Any, **how: Any) -> bytes:
    return tokens.token(INFO, key, tokens.certificate(key.public_key()), **how)


def saying(path: tuple[int, ...], change: Change) -> bytes:
    """A token whose own words are changed, and then signed."""
    return tokens.token(changed(INFO, path, change), KEY, CERTIFICATE)


def at(time: bytes, accuracy: bytes = b"") -> bytes:
    """A token of some moment, with an accuracy in DER."""
    info = tst_info(hashlib.sha256(NOTE).digest(), time, nonce=None, accuracy_s=None)
    return tokens.token(changed(info, (), with_more(accuracy)), KEY, CERTIFICATE)


def holding(path: tuple[int, ...], change: Change) -> bytes:
    """A token by a signer whose certificate is changed, and named as it then is."""
    return tokens.token(INFO, KEY, changed(CERTIFICATE, path, change))


def extended(kind: x509.ObjectIdentifier, value: bytes) -> bytes:
    """A token by a signer whose certificate has one more extension, of any bytes."""
    more = x509.UnrecognizedExtension(kind, value)
    return tokens.token(INFO, KEY, tokens.certificate(KEY.public_key(), [more]))


def stating(**attributes: list[bytes] | None) -> bytes:
    """A token with other signed attributes, well signed."""
    stated: dict[str, list[bytes] | None] = {**tokens.attributes_of(INFO, CERTIFICATE)}
    stated.update({getattr(tokens, name): values for name, values in attributes.items()})
    kept = [(kind, values) for kind, values in stated.items() if values is not None]
    return tokens.token(INFO, KEY, CERTIFICATE, attributes=kept)


@pytest.mark.parametrize(
    "token",
    [
        TOKEN,
        signed_by(ec.generate_private_key(ec.SECP256R1())),
        signed_by(RSA),
        signed_by(RSA, signing=tokens.RSA_PSS),
        stating(ESS_CERT_V2=[tokens.names_certificate(CERTIFICATE, tokens.SHA512, "sha512")]),
        stating(ESS_CERT_V2=None, ESS_CERT=[tokens.names_certificate(CERTIFICATE, None, "sha1")]),
    ],
    ids=["ed25519", "ecdsa", "rsa", "rsa-pss", "named-by-sha512", "named-by-sha1"],
)
def test_signatures_and_names_of_every_kind_in_use_are_checked(token: bytes) -> None:
    assert timestamp.check(token, NOTE).trust is Trust.UNCHECKED
    spoiled = changed(token, tokens.SIGNATURE, lambda node: der.write(node.tag, [node.body[:-1], b"\x00"]))
    with pytest.raises(IntegrityError, match="does not verify"):
        timestamp.check(spoiled if spoiled != token else changed(token, tokens.SIGNATURE, twice), NOTE)


FORM = {
    "no signed data": (changed(TOKEN, (0,), instead(tokens.oid("1.2.3"))), "not signed data"),
    "something after it": (TOKEN + NULL, "followed by more"),
    "something beside it": (changed(TOKEN, (), with_more(NULL)), "one too many"),
    "too few parts": (changed(TOKEN, tokens.SIGNED_DATA, only(3)), "wrong number of parts"),
    "too many parts": (changed(TOKEN, tokens.SIGNED_DATA, with_more(NULL, NULL)), "wrong number of parts"),
    "another content": (changed(TOKEN, (*tokens.CONTENT, 0), instead(tokens.oid("1.2.3"))), "not a time-stamp"),
    "content in pieces": (changed(TOKEN, (*tokens.CONTENT, 1, 0), tagged(0x24)), "not in one piece"),
    "no signer": (changed(TOKEN, tokens.SIGNERS, instead(b"\x31\x00")), "lacks a part"),
    "two signers": (changed(TOKEN, tokens.SIGNERS, twice), "one too many"),
    "no signed attributes": (changed(TOKEN, tokens.ATTRIBUTES, tagged(0xA1)), "no signed attributes"),
    "signature in pieces": (changed(TOKEN, tokens.SIGNATURE, tagged(0x24)), "no signed attributes"),
    "an algorithm without a name": (changed(TOKEN, tokens.DIGEST_ALGORITHM, instead(b"\x30\x00")), "has no name"),
    "an endless name": (
        changed(TOKEN, (*tokens.DIGEST_ALGORITHM, 0), instead(der.write(der.OID, [b"\x81" * 3000, b"\x01"]))),
        "no object identifier",
    ),
    "no certificate": (changed(TOKEN, tokens.CERTIFICATES, instead(b"\xa0\x00")), "does not carry its signer"),
    "too many certificates": (tokens.token(INFO, KEY, CERTIFICATE, others=[CERTIFICATE] * 20), "more than 20"),
    "no certificate at all": (tokens.token(INFO, KEY, CERTIFICATE, others=[NULL]), "cannot be read"),
    "larger than any token": (bytes(timestamp.LARGEST_TOKEN + 1), "larger than"),
}  # fmt: skip
CERTIFICATES = {
    "of a version to come": (holding(tokens.CERTIFICATE_VERSION, instead(b"\x02\x01\x05")), "cannot be read"),
    "whose subject is empty": (holding(tokens.SUBJECT, instead(b"\x30\x02\x31\x00")), "cannot be read"),
    "whose subject is no text": (holding((*tokens.SUBJECT, 0, 0, 1), tagged(0x03)), "cannot be read"),
    "whose issuer is no name": (holding((*tokens.ISSUER, 0, 0), instead(NULL)), "cannot be read"),
    "over a key of no known kind": (holding(tokens.KEY_ALGORITHM, instead(tokens.oid("1.2.3"))), "cannot be checked"),
    "over a key that only agrees on keys": (signed_by(x25519.X25519PrivateKey.generate()), "not known here"),
    "that says a thing twice": (holding(tokens.EXTENSIONS, twice), "not certified for time-stamping"),
    "with a name of no known kind": (extended(SAN, b"\x30\x02\xa3\x00"), "not certified for time-stamping"),
    "with an extension that is none": (extended(BASIC, b"\x30\x80"), "not certified for time-stamping"),
}  # fmt: skip
OTHER = tokens.certificate(ed25519.Ed25519PrivateKey.from_private_bytes(b"\x02" * 32).public_key())
SIGNED = {
    "over another type of content": (stating(CONTENT_TYPE=[tokens.oid("1.2.3")]), "another type of content"),
    "over no type of content": (stating(CONTENT_TYPE=[]), "another type of content"),
    "over other content": (stating(MESSAGE_DIGEST=[tokens.octets(bytes(32))]), "over other content"),
    "over content of two digests": (stating(MESSAGE_DIGEST=[tokens.octets(bytes(32))] * 2), "over other content"),
    "that says a thing twice": (
        tokens.token(INFO, KEY, CERTIFICATE, attributes=[*tokens.attributes_of(INFO, CERTIFICATE).items()] * 2),
        "stands twice",
    ),
    "that names no certificate": (stating(ESS_CERT_V2=None), "do not name the signer"),
    "that names nothing": (stating(ESS_CERT_V2=[b"\x30\x00"]), "name another certificate"),
    "that names another one": (stating(ESS_CERT_V2=[tokens.names_certificate(OTHER)]), "name another certificate"),
    "that names it by a broken hash": (
        stating(ESS_CERT_V2=[tokens.names_certificate(CERTIFICATE, tokens.SHA1, "sha1")]),
        "not known here",
    ),
    "by a broken hash": (tokens.token(INFO, KEY, CERTIFICATE, digest=tokens.SHA1), "not known here"),
}  # fmt: skip
WORDS = {
    "of a version to come": (saying(tokens.VERSION, instead(b"\x02\x01\x02")), "version"),
    "of a version that never ends": (saying(tokens.VERSION, instead(der.write(2, [b"\x7f" * 3000]))), "no integer"),
    "without its time": (saying((), only(4)), "lacks a part"),
    "over a digest of no known kind": (saying((*tokens.IMPRINT, 0, 0), instead(tokens.oid(tokens.SHA1))), "imprint"),
    "over a digest that is cut": (saying((*tokens.IMPRINT, 1), instead(tokens.octets(bytes(20)))), "imprint"),
    "over two digests": (saying(tokens.IMPRINT, with_more(tokens.octets(bytes(32)))), "imprint"),
    "with an accuracy of no known unit": (at(b"20261126120000Z", tokens.sequence(b"\x82\x01\x01")), "accuracy"),
    "with an accuracy below nothing": (at(b"20261126120000Z", tokens.sequence(b"\x02\x01\xff")), "accuracy"),
    "that may be of any century": (
        at(b"20261126120000Z", tokens.sequence(der.write(2, [b"\x7f" * 3000]))), "before 1970 or after 9999"
    ),
    "from before there were any": (at(b"19691231235959Z"), "before 1970 or after 9999"),
    "from the last second of the calendar": (at(b"99991231235959Z"), "before 1970 or after 9999"),
}  # fmt: skip
BAD = {
    f"{what} {name}": case
    for what, cases in (("a token:", FORM), ("a certificate", CERTIFICATES), ("a signature", SIGNED), ("words", WORDS))
    for name, case in cases.items()
}


@pytest.mark.parametrize("flaw", BAD)
def test_it_is_refused_and_named(flaw: str) -> None:
    token, why = BAD[flaw]
    with pytest.raises(IntegrityError, match=why):
        timestamp.check(timestamp.token_of(token), NOTE)


def test_milliseconds_and_microseconds_of_an_accuracy_are_counted() -> None:
    said = timestamp.read(at(b"20261126120000Z", tokens.sequence(b"\x02\x01\x02", b"\x80\x01\x03", b"\x81\x01\x04")))
    assert said.accuracy_us == 2_003_004


def test_what_is_said_of_a_signer_who_is_not_inside() -> None:
    assert timestamp.read(changed(TOKEN, tokens.CERTIFICATES, instead(b"\xa0\x00"))).signer is None


def test_a_response_that_grants_and_gives_nothing() -> None:
    with pytest.raises(IntegrityError, match="holds none"):
        timestamp.token_of(tokens.sequence(tokens.sequence(b"\x02\x01\x00")))


@pytest.mark.parametrize("status", [b"", b"\x02\x01\x09", b"\x02\x01\x03"], ids=["none", "unknown", "waiting"])
def test_a_refusal_without_words_is_one(status: bytes) -> None:
    with pytest.raises(NetworkError, match=r"refused: (status -1|status 9|waiting)$"):
        timestamp.token_of(tokens.sequence(tokens.sequence(status)))


def test_a_status_that_never_ends_is_no_response() -> None:
    with pytest.raises(IntegrityError, match="no integer"):
        timestamp.token_of(tokens.sequence(tokens.sequence(der.write(2, [b"\x7f" * 3000]))))


def test_roots_from_several_files_are_taken_together_and_once() -> None:
    one, other = (timestamp.Roots((x509.load_der_x509_certificate(data),)) for data in (CERTIFICATE, OTHER))
    both = one + other + one
    assert both.roots == one.roots + other.roots
    assert (timestamp.Roots((), one.roots) + timestamp.Roots((), one.roots)).others == one.roots


@pytest.mark.parametrize("days", [-2, 2])
def test_a_certificate_is_good_at_its_own_time_only(days: int) -> None:
    """It is valid for one day before and after the noon of the other tokens."""
    moment = tokens.AT + datetime.timedelta(days=days)
    with pytest.raises(IntegrityError, match="not valid at the token's time"):
        timestamp.check(at(moment.strftime("%Y%m%d%H%M%SZ").encode()), NOTE)


def test_a_digest_of_a_kind_that_cannot_be_made_here_is_over_nothing() -> None:
    """As SM3 is where the machine's OpenSSL was built without it."""
    said = dataclasses.replace(timestamp.read(TOKEN), algorithm="md4")
    with pytest.raises(IntegrityError, match="md4 digests cannot be made here"):
        timestamp.is_over(said, NOTE)
