"""The certificate that signs Content Credentials: the author's own, or one made here that says so. I/O: one file.

`content-credentials.pem` holds the private key and then the chain, leaf first. An author who has a certificate puts it
there. Otherwise a leaf under a root of its own is made, once: readers then find the signature valid and its signer
untrusted, which is the truth. Its private root signs this one leaf and is thrown away.
"""

from __future__ import annotations

import contextlib
import datetime
import re
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..errors import InputError, StorageError
from .keys import write_private

FILE = "content-credentials.pem"
MADE_HERE = "Made locally by comfy-provenance; identity not verified"
YEARS = 10
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\s*", re.DOTALL)
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, slots=True)
class Credential:
    """What signs. algorithm: as C2PA names it. holder: the leaf's common name. local: made here, so nobody vouches."""

    algorithm: str
    chain: bytes
    holder: str
    local: bool
    key: bytes = field(repr=False)


def open_or_make(folder: Path, now: datetime.datetime) -> Credential:
    """The credential in that folder, made when there is none. Raises StorageError, InputError for an unusable file."""
    path = folder / FILE
    if not path.exists():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # a fast first run comes before the ledger is open
            with contextlib.suppress(FileExistsError):  # another process was faster
                write_private(path, made(now))
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}") from error
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    return parse(data)


def parse(data: bytes) -> Credential:
    """Read key and chain. Raises InputError. Not checked: whether anybody trusts the chain, or it has expired."""
    key = b""
    chain: list[bytes] = []
    for match in _PEM.finditer(data):
        if match[1] == b"CERTIFICATE":
            chain.append(match[0])
        elif match[1].endswith(b"PRIVATE KEY"):
            key = match[0]
    try:
        leaf = x509.load_pem_x509_certificate(chain[0])
        private = load_pem_private_key(key, None)
        public = private.public_key()
        fits = public == leaf.public_key()
    except (IndexError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"{FILE} must hold a private key without passphrase and a certificate chain") from error
    if not fits:
        raise InputError(f"the private key in {FILE} is not that of its first certificate")
    plain = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    issued_by, holder = _name(leaf.issuer, NameOID.ORGANIZATION_NAME), _name(leaf.subject, NameOID.COMMON_NAME)
    return Credential(_algorithm(public), b"".join(chain), holder, issued_by == MADE_HERE, plain)


def made(now: datetime.datetime) -> bytes:
    """A new key and a chain of two certificates that name nobody, as PEM."""
    root_key, leaf_key = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    root_name, leaf_name = _subject("comfy-provenance local root"), _subject("comfy-provenance local signer")
    root = (
        _certificate(root_name, root_name, root_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(root_key, None)
    )
    leaf = (
        _certificate(leaf_name, root_name, leaf_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, None)
    )
    key = leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)


def _certificate(
    subject: x509.Name, issuer: x509.Name, public: ed25519.Ed25519PublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, MADE_HERE), (NameOID.COMMON_NAME, name))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _name(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _algorithm(public: object) -> str:
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        return _CURVES[public.curve.name]
    if isinstance(public, rsa.RSAPublicKey):
        return "ps256"
    raise InputError("Content Credentials are signed with Ed25519, ECDSA or RSA-PSS keys only")
