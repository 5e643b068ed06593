"""Signed data (CMS, RFC 5652) as time-stamp tokens use it: one signer, signed attributes, content inside. Pure.

`check_signature` says that the content was signed with the certificate that the token carries. Whether that
certificate means anything is another question, and not asked here. SM2 signatures and signatures over SM3 (GB/T 32918,
32905) are read as far as their digests, and not checked: `can_check` tells.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from ..errors import IntegrityError
from . import der

TST_INFO = "1.2.840.113549.1.9.16.1.4"
MOST_CERTIFICATES = 20

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_ESS_CERT = "1.2.840.113549.1.9.16.2.12"  # SHA-1, RFC 2634
_ESS_CERT_V2 = "1.2.840.113549.1.9.16.2.47"  # RFC 5816
_RSA_PSS = "1.2.840.113549.1.1.10"
_SM3 = "1.2.156.10197.1.401"
_SM2 = ("1.2.156.10197.1.501", "1.2.156.10197.1.301", "1.2.156.10197.1.301.1")  # with SM3; as the key is named
_HASHES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": ("sha256", hashes.SHA256()),
    "2.16.840.1.101.3.4.2.2": ("sha384", hashes.SHA384()),
    "2.16.840.1.101.3.4.2.3": ("sha512", hashes.SHA512()),
    _SM3: ("sm3", hashes.SM3()),
}
HASH_NAMES = {oid: name for oid, (name, _) in _HASHES.items()}
# Signature algorithms that name their own hash; the others (plain RSA) take that of the digest.
_NAMED_HASHES = {
    "1.2.840.113549.1.1.11": "2.16.840.1.101.3.4.2.1",
    "1.2.840.113549.1.1.12": "2.16.840.1.101.3.4.2.2",
    "1.2.840.113549.1.1.13": "2.16.840.1.101.3.4.2.3",
    "1.2.840.10045.4.3.2": "2.16.840.1.101.3.4.2.1",
    "1.2.840.10045.4.3.3": "2.16.840.1.101.3.4.2.2",
    "1.2.840.10045.4.3.4": "2.16.840.1.101.3.4.2.3",
}


@dataclass(frozen=True, slots=True)
class SignedData:
    """One signed content. signer: the certificate that the signer info names, None when it is not inside."""

    content: bytes
    certificates: tuple[x509.Certificate, ...]
    signer: x509.Certificate | None
    digest_algorithm: str
    attributes: der.Node
    signature_algorithm: str
    signature: bytes


def signed_data(token: bytes, content_type: str) -> SignedData:
    """Take signed data apart. Raises IntegrityError unless it is of that content type and has exactly one signer with
    signed attributes. Not checked: the signature."""
    fields = _fields(token)
    kind, explicit = _exactly(der.parts(fields[2], der.SEQUENCE), 2)
    if der.oid(kind) != content_type:
        raise IntegrityError("the signed content is not a time-stamp")
    (octets,) = _exactly(der.parts(explicit, 0xA0), 1)
    if octets.tag != der.OCTETS:
        raise IntegrityError("the signed content is not in one piece")
    certificates = tuple(_certificate(node) for part in fields[3:-1] if part.tag == 0xA0 for node in der.parts(part))
    (info,) = _exactly(der.parts(fields[-1], der.SET), 1)
    _, who, algorithm, attributes, signing, signature = _exactly(der.parts(info, der.SEQUENCE)[:6], 6)
    if attributes.tag != 0xA0 or signature.tag != der.OCTETS:
        raise IntegrityError("the signer has no signed attributes")
    return SignedData(
        content=octets.body,
        certificates=certificates,
        signer=_named(certificates, who),
        digest_algorithm=_algorithm(algorithm),
        attributes=attributes,
        signature_algorithm=_algorithm(signing),
        signature=signature.body,
    )


def digest(name: str, data: bytes) -> bytes:
    """A digest by a name out of `HASH_NAMES`. Raises IntegrityError for one that this machine cannot make."""
    known = dict(_HASHES.values())
    try:
        hasher = hashes.Hash(known[name])
    except (KeyError, UnsupportedAlgorithm) as error:
        raise IntegrityError(f"{name} digests cannot be made here") from error
    hasher.update(data)
    return hasher.finalize()


def can_check(signed: SignedData) -> bool:
    """Whether `check_signature` knows this kind of signature: not SM2, and not over SM3."""
    return not is_sm2(signed) and signed.digest_algorithm != _SM3


def is_sm2(signed: SignedData) -> bool:
    """Whether the signature is said to be an SM2 one."""
    return signed.signature_algorithm in _SM2


def check_content(signed: SignedData) -> x509.Certificate:
    """The certificate that the token carries of the signer it names, after checking that the signed attributes are
    about this content (RFC 5652 section 5.6) and name that certificate by its digest (RFC 2634, RFC 5816). Raises
    IntegrityError. Not checked: the signature over those attributes.
    """
    signer = signed.signer
    if signer is None:
        raise IntegrityError("the token does not carry its signer's certificate")
    name, _ = _hash(signed.digest_algorithm)
    attributes = _attributes(signed.attributes)
    if attributes.get(_CONTENT_TYPE, _NOTHING).body != _OID_OF_TST_INFO:
        raise IntegrityError("the signature is over another type of content")
    if not hmac.compare_digest(attributes.get(_MESSAGE_DIGEST, _NOTHING).body, digest(name, signed.content)):
        raise IntegrityError("the signature is over other content")
    _check_named(attributes, signer)
    return signer


def check_signature(signed: SignedData, signer: x509.Certificate) -> None:
    """Check that the signed attributes were signed with the key of this certificate. Raises IntegrityError, also for
    algorithms not known here."""
    data = der.write(der.SET, [signed.attributes.body])  # signed with the tag of a SET, RFC 5652 section 5.4
    try:
        _verify(signer, signed, data)
    except InvalidSignature as error:
        raise IntegrityError("the token's signature does not verify under the certificate it carries") from error
    except (UnsupportedAlgorithm, ValueError) as error:
        raise IntegrityError(f"the token's signature cannot be checked here: {error}") from error


def with_sorted_certificates(token: bytes) -> bytes:
    """The same signed data with its certificates in the order of DER (X.690 section 11.6), which real authorities do
    not keep and strict readers ask for. The signature does not cover them."""
    kind, explicit = _exactly(der.parts(der.read(token), der.SEQUENCE), 2)
    fields = [
        der.write(0xA0, sorted(node.raw for node in der.parts(part))) if place and part.tag == 0xA0 else part.raw
        for place, part in enumerate(_fields(token))
    ]
    return der.write(der.SEQUENCE, [kind.raw, der.write(explicit.tag, [der.write(der.SEQUENCE, fields)])])


_NOTHING = der.Node(0, b"", b"")
_OID_OF_TST_INFO = bytes.fromhex("2a864886f70d0109100104")


def _fields(token: bytes) -> list[der.Node]:
    """version, digestAlgorithms, encapContentInfo, certificates [0]?, crls [1]?, signerInfos."""
    outer = der.parts(der.read(token), der.SEQUENCE)
    kind, explicit = _exactly(outer, 2)
    if der.oid(kind) != _SIGNED_DATA:
        raise IntegrityError("not signed data")
    (content,) = _exactly(der.parts(explicit, 0xA0), 1)
    fields = der.parts(content, der.SEQUENCE)
    if not 4 <= len(fields) <= 6:
        raise IntegrityError("signed data has the wrong number of parts")
    return fields


def _certificate(node: der.Node) -> x509.Certificate:
    try:
        found = x509.load_der_x509_certificate(node.raw)
        found.issuer.public_bytes(), found.subject.rfc4514_string()  # which the library reads when they are asked for
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise IntegrityError("the token carries a certificate that cannot be read") from error
    return found


def _named(certificates: tuple[x509.Certificate, ...], who: der.Node) -> x509.Certificate | None:
    if len(certificates) > MOST_CERTIFICATES:
        raise IntegrityError(f"the token carries more than {MOST_CERTIFICATES} certificates")
    issuer, serial = _exactly(der.parts(who, der.SEQUENCE), 2)
    for each in certificates:
        if each.issuer.public_bytes() == issuer.raw and each.serial_number == der.integer(serial):
            return each
    return None


def _algorithm(node: der.Node) -> str:
    found = der.parts(node, der.SEQUENCE)
    if not found:
        raise IntegrityError("an algorithm has no name")
    return der.oid(found[0])


def _attributes(node: der.Node) -> dict[str, der.Node]:
    """Attribute to its one value. RFC 5652 section 11: these attributes have exactly one, and stand once."""
    found: dict[str, der.Node] = {}
    for attribute in der.parts(node):
        kind, values = _exactly(der.parts(attribute, der.SEQUENCE), 2)
        name = der.oid(kind)
        if name in found:
            raise IntegrityError("a signed attribute stands twice")
        inside = der.parts(values, der.SET)
        found[name] = inside[0] if len(inside) == 1 else _NOTHING
    return found


def _check_named(attributes: dict[str, der.Node], signer: x509.Certificate) -> None:
    """ESSCertID: without it, another certificate over the same key could be put in the signer's place."""
    encoded = signer.public_bytes(Encoding.DER)
    for name, default in ((_ESS_CERT_V2, "sha256"), (_ESS_CERT, "sha1")):
        if name in attributes:
            (first, *_) = (*der.parts(attributes[name], der.SEQUENCE), _NOTHING)
            (inner, *_) = (*der.parts(first), _NOTHING)  # the signer's comes first
            (head, *rest) = (*der.parts(inner), _NOTHING)
            if name == _ESS_CERT_V2 and head.tag == der.SEQUENCE:
                default, _ = _hash(der.oid((*der.parts(head), _NOTHING)[0]))
                head = (*rest, _NOTHING)[0]
            named = hashlib.sha1(encoded).digest() if default == "sha1" else digest(default, encoded)  # noqa: S324
            if head.body != named:
                raise IntegrityError("the signed attributes name another certificate than the signer's")
            return
    raise IntegrityError("the signed attributes do not name the signer's certificate")


def _hash(oid: str) -> tuple[str, hashes.HashAlgorithm]:
    try:
        return _HASHES[oid]
    except KeyError:
        raise IntegrityError(f"hash algorithm {oid} is not known here") from None


def _verify(signer: x509.Certificate, signed: SignedData, data: bytes) -> None:
    key, algorithm = signer.public_key(), signed.signature_algorithm
    _, hashed = _hash(_NAMED_HASHES.get(algorithm, signed.digest_algorithm))
    if isinstance(key, rsa.RSAPublicKey):
        if algorithm == _RSA_PSS:
            pss = padding.PSS(padding.MGF1(hashed), padding.PSS.AUTO)
            key.verify(signed.signature, data, pss, hashed)
        else:
            key.verify(signed.signature, data, padding.PKCS1v15(), hashed)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signed.signature, data, ec.ECDSA(hashed))
    elif isinstance(key, Ed25519PublicKey):
        key.verify(signed.signature, data)
    else:
        raise IntegrityError("the signer's kind of key is not known here")


def _exactly(found: list[der.Node], count: int) -> list[der.Node]:
    if len(found) != count:
        raise IntegrityError("signed data lacks a part or has one too many")
    return found
