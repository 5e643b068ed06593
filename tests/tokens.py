"""Time-stamp tokens put together piece by piece, with keys of any kind and with whatever is to be wrong with them.

They need no authority and no other program. `changed` replaces one value inside any DER, so that what is bad is bad in
that one way; what stands outside the signature can be changed in a token that stays well signed.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from comfy_provenance.provenance.seal import der
from comfy_provenance.tests.authorities import TST_INFO, UTC, tst_info
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AT = datetime.datetime(2026, 11, 26, 12, tzinfo=UTC)
SHA1, SHA256, SHA512 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.3"
RSA_PSS = "1.2.840.113549.1.1.10"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
ESS_CERT, ESS_CERT_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"

# Where things stand: in a token, in the one signer's part of it, in a certificate, in what a token says.
SIGNED_DATA, CONTENT, CERTIFICATES, SIGNERS = (1, 0), (1, 0, 2), (1, 0, 3), (1, 0, 4)
SIGNER = (*SIGNERS, 0)
DIGEST_ALGORITHM, ATTRIBUTES, SIGNATURE = (*SIGNER, 2), (*SIGNER, 3), (*SIGNER, 5)
CERTIFICATE_VERSION, ISSUER, SUBJECT, KEY_ALGORITHM, EXTENSIONS = (0, 0, 0), (0, 3), (0, 5), (0, 6, 0, 0), (0, 7, 0)
VERSION, IMPRINT = (0,), (2,)

_SIGNING = {
    rsa.RSAPrivateKey: "1.2.840.113549.1.1.1",
    ec.EllipticCurvePrivateKey: "1.2.840.10045.4.3.2",
    ed25519.Ed25519PrivateKey: "1.3.101.112",
}
Attributes = Sequence[tuple[str, Sequence[bytes]]]


def changed(data: bytes, path: Sequence[int], change: Callable[[der.Node], bytes]) -> bytes:
    """The same DER with the value at a path, index by index, replaced by what `change` makes of it."""
    if not path:
        return change(der.read(data))
    node = der.read(data)
    pieces = [part.raw for part in der.parts(node)]
    pieces[path[0]] = changed(pieces[path[0]], path[1:], change)
    return der.write(node.tag, pieces)


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    body = bytearray()
    for arc in (40 * first + second, *rest):
        septets = [arc >> shift & 0x7F for shift in range(28, -1, -7)]
        while len(septets) > 1 and not septets[0]:
            del septets[0]
        body += bytes(septet | 0x80 for septet in septets[:-1]) + bytes(septets[-1:])
    return der.write(der.OID, [bytes(body)])


def sequence(*pieces: bytes) -> bytes:
    return der.write(der.SEQUENCE, pieces)


def octets(data: bytes) -> bytes:
    return der.write(der.OCTETS, [data])


def certificate(public: Any, extensions: Sequence[x509.ExtensionType] = ()) -> bytes:
    """A certificate for time-stamping over a public key of any kind, as DER, by an issuer whom nobody knows."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Made by hand")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(7)
        .not_valid_before(AT - datetime.timedelta(days=1))
        .not_valid_after(AT + datetime.timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)), None).public_bytes(Encoding.DER)


def said(note: bytes) -> bytes:
    """What a token over a note says."""
    return tst_info(hashlib.sha256(note).digest(), AT, nonce=None, accuracy_s=1)


def names_certificate(certificate: bytes, algorithm: str | None = None, name: str = "sha256") -> bytes:
    """SigningCertificateV2 (RFC 5816), or with `name` sha1 SigningCertificate (RFC 2634)."""
    stated = () if algorithm is None else (sequence(oid(algorithm)),)
    return sequence(sequence(sequence(*stated, octets(hashlib.new(name, certificate).digest()))))


def attributes_of(info: bytes, certificate: bytes, digest: str = "sha256") -> dict[str, list[bytes]]:
    """The signed attributes that a token needs, by their types."""
    return {
        CONTENT_TYPE: [oid(TST_INFO)],
        MESSAGE_DIGEST: [octets(hashlib.new(digest, info).digest())],
        ESS_CERT_V2: [names_certificate(certificate)],
    }


def token(
    info: bytes,
    key: Any,
    certificate: bytes,
    *,
    attributes: Attributes | None = None,
    others: Sequence[bytes] = (),
    digest: str = SHA256,
    signing: str | None = None,
) -> bytes:
    """A token that says `info`, well signed by a key. attributes: what is signed, if not `attributes_of`; others: more
    certificates; digest, signing: the algorithms that it names."""
    stated = list(attributes_of(info, certificate).items()) if attributes is None else attributes
    signed = [sequence(oid(kind), der.write(der.SET, values)) for kind, values in stated]
    issuer, serial = (der.parts(der.parts(der.read(certificate))[0])[place].raw for place in (3, 1))
    algorithm = signing or next((found for kind, found in _SIGNING.items() if isinstance(key, kind)), "1.2.3")
    signer = sequence(
        b"\x02\x01\x01",
        sequence(issuer, serial),
        sequence(oid(digest)),
        der.write(0xA0, signed),
        sequence(oid(algorithm)),
        octets(_signature(key, der.write(der.SET, signed), algorithm)),
    )
    data = sequence(
        b"\x02\x01\x03",
        der.write(der.SET, [sequence(oid(digest))]),
        sequence(oid(TST_INFO), der.write(0xA0, [octets(info)])),
        der.write(0xA0, [certificate, *others]),
        der.write(der.SET, [signer]),
    )
    return sequence(oid("1.2.840.113549.1.7.2"), der.write(0xA0, [data]))


def _signature(key: Any, data: bytes, algorithm: str) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return key.sign(data, pss if algorithm == RSA_PSS else padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hashes.SHA256()))
    return key.sign(data) if isinstance(key, ed25519.Ed25519PrivateKey) else b"nobody can check this"
