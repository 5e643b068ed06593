"""Detached signatures in OpenSSH's form (PROTOCOL.sshsig), as `ssh-keygen -Y verify` reads them. Pure.

What is signed begins with `SSHSIG`, what DSSE signs with `DSSEv1 `, and a note with an origin that holds a slash: the
same key can serve all three.
"""

from __future__ import annotations

import hashlib
import textwrap

from ..errors import IntegrityError
from .dsse import decode_base64, encode_base64
from .keys import PublicKey, Signer

_MAGIC = b"SSHSIG"
_TYPE = b"ssh-ed25519"
_HASH = b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_COLUMNS = 70


def sign(data: bytes, namespace: str, signer: Signer) -> bytes:
    """A detached signature over these bytes, in armor. namespace: what the signature is for, checked with it."""
    return _armored(signer.public, namespace, signer.sign(_signed(data, namespace)))


def verify(signature: bytes, data: bytes, namespace: str, public: PublicKey) -> None:
    """Check a signature that `sign` made. Raises IntegrityError, also for the same signature in another spelling."""
    lines = signature.decode("ascii", "replace").split("\n")
    blob = decode_base64("".join(lines[1:-2]))
    raw = blob[-64:]
    if len(blob) < 64 or _armored(public, namespace, raw) != signature:
        raise IntegrityError(f"not an SSH signature of key {public.key_id[:16]} for {namespace}")
    public.verify(raw, _signed(data, namespace))


def allowed_signers(public: PublicKey, name: str) -> str:
    """A line for the file that `ssh-keygen -Y verify -f` takes, with its newline."""
    return f"{name} {public.openssh()}\n"


def _signed(data: bytes, namespace: str) -> bytes:
    parts = (namespace.encode(), b"", _HASH, hashlib.sha512(data).digest())
    return _MAGIC + b"".join(map(_string, parts))


def _armored(public: PublicKey, namespace: str, raw: bytes) -> bytes:
    key = _string(_TYPE) + _string(public.raw)
    parts = (key, namespace.encode(), b"", _HASH, _string(_TYPE) + _string(raw))
    blob = _MAGIC + (1).to_bytes(4, "big") + b"".join(map(_string, parts))
    lines = [_BEGIN, *textwrap.wrap(encode_base64(blob), _COLUMNS), _END, ""]
    return "\n".join(lines).encode()


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
