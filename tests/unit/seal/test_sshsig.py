"""Signatures in OpenSSH's form: one spelling each, good for one key, one purpose and these very bytes.

What `ssh-keygen` makes of them is in `tests/dossier/test_outside_programs.py`.
"""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.errors import IntegrityError
from comfy_provenance.provenance.seal import sshsig
from comfy_provenance.provenance.seal.keys import Signer

SIGNER, OTHER = Signer.from_seed(b"\x01" * 32), Signer.from_seed(b"\x02" * 32)
DATA, FOR = b"tagmanifest", "dossier@comfy-provenance"
SIGNATURE = sshsig.sign(DATA, FOR, SIGNER)


def test_a_signature_is_good_for_its_key_its_purpose_and_its_bytes() -> None:
    sshsig.verify(SIGNATURE, DATA, FOR, SIGNER.public)
    for data, namespace, public in (
        (DATA + b"x", FOR, SIGNER.public),
        (DATA, "file", SIGNER.public),
        (DATA, FOR, OTHER.public),
    ):
        with pytest.raises(IntegrityError):
            sshsig.verify(SIGNATURE, data, namespace, public)


def test_every_changed_byte_is_found() -> None:
    for place in range(len(SIGNATURE)):
        changed = bytearray(SIGNATURE)
        changed[place] ^= 0x01
        with pytest.raises(IntegrityError):
            sshsig.verify(bytes(changed), DATA, FOR, SIGNER.public)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\n\n\n",
        SIGNATURE[:100],
        SIGNATURE.replace(b"\n", b"\r\n"),
        SIGNATURE.rstrip(b"\n"),
        SIGNATURE + b"\n",
        b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
        b"\xff" * 300,
    ],
    ids=["nothing", "lines", "cut", "crlf", "no-last-line", "one-more-line", "short", "no-text"],
)
def test_no_other_spelling_is_taken(signature: bytes) -> None:
    with pytest.raises(IntegrityError):
        sshsig.verify(signature, DATA, FOR, SIGNER.public)
