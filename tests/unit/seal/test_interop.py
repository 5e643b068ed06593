"""Independent eyes: other people's tools accept our envelopes and refuse a changed copy."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest
from comfy_provenance.provenance.model import Basis, Instant, Kind
from comfy_provenance.provenance.record import predicate, schema
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog

LOG = SimulatedLog(seed=1).session(runs=1)
KINDS = ["genesis", "session", "submission", "completion", "stop"]


def _mutated(payload: bytes) -> bytes:
    return payload.replace(b"Statement/v1", b"Statement/v2", 1)


@pytest.mark.parametrize("index", range(5), ids=KINDS)
def test_securesystemslib_verifies_every_entry_and_refuses_a_changed_one(index: int) -> None:
    library = pytest.importorskip("securesystemslib.dsse")
    signer = pytest.importorskip("securesystemslib.signer")
    errors = pytest.importorskip("securesystemslib.exceptions")
    raw = LOG.public.raw.hex()
    key = signer.SSlibKey(LOG.public.key_id, "ed25519", "ed25519", {"public": raw})
    envelope = library.Envelope.from_dict(json.loads(LOG.entries[index]))
    assert envelope.verify([key], 1) == {LOG.public.key_id: key}
    assert envelope.pae() == dsse.pae(envelope.payload)
    envelope.payload = _mutated(envelope.payload)
    with pytest.raises(errors.VerificationError):
        envelope.verify([key], 1)


def test_an_envelope_made_by_securesystemslib_is_byte_for_byte_ours() -> None:
    library = pytest.importorskip("securesystemslib.dsse")
    signer = pytest.importorskip("securesystemslib.signer")
    payload = dsse.open(LOG.entries[0], LOG.public)
    signature = signer.Signature(LOG.public.key_id, LOG.signer.sign(dsse.pae(payload)).hex())
    theirs = library.Envelope(payload, dsse.PAYLOAD_TYPE, {LOG.public.key_id: signature}).to_dict()
    written = json.dumps(theirs, separators=(",", ":"), sort_keys=True).encode()
    assert dsse.open(written, LOG.public) == payload


@pytest.mark.parametrize("index", range(5), ids=KINDS)
def test_in_toto_accepts_every_statement_and_refuses_a_changed_one(index: int) -> None:
    v1 = pytest.importorskip("in_toto_attestation.v1.statement")
    pb = pytest.importorskip("in_toto_attestation.v1.statement_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    payload = dsse.open(LOG.entries[index], LOG.public)
    v1.Statement.copy_from_pb(json_format.Parse(payload, pb.Statement())).validate()
    changed = json_format.Parse(_mutated(payload), pb.Statement())
    with pytest.raises(ValueError, match="statement type"):
        v1.Statement.copy_from_pb(changed).validate()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_an_envelope_and_refuses_a_changed_one(tmp_path: Path) -> None:
    claimed = dsse.read_unverified(LOG.entries[2])
    (tmp_path / "public.pem").write_text(LOG.public.pem, encoding="ascii")
    (tmp_path / "signature").write_bytes(claimed.signature)

    def verifies(data: bytes) -> bool:
        (tmp_path / "data").write_bytes(data)
        command = "openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in data -sigfile signature"
        done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True)
        return done.returncode == 0

    if not verifies(dsse.pae(claimed.payload)):
        version = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.strip()
        if not re.match(r"OpenSSL (1\.1\.1|[3-9])", version):
            pytest.skip(f"cannot verify Ed25519 with pkeyutl: {version}")
        pytest.fail("openssl refuses a genuine envelope")
    assert not verifies(dsse.pae(_mutated(claimed.payload)))


def _ssh_string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _ssh_signature(data: bytes, namespace: bytes) -> str:
    """What `ssh-keygen -Y sign` would write with our key (OpenSSH, PROTOCOL.sshsig)."""
    meant = _ssh_string(namespace) + _ssh_string(b"") + _ssh_string(b"sha512")
    signature = LOG.signer.sign(b"SSHSIG" + meant + _ssh_string(hashlib.sha512(data).digest()))
    public = base64.b64decode(LOG.public.openssh().split()[1])
    blob = b"SSHSIG" + (1).to_bytes(4, "big") + _ssh_string(public) + meant
    blob += _ssh_string(_ssh_string(b"ssh-ed25519") + _ssh_string(signature))
    lines = textwrap.wrap(base64.b64encode(blob).decode("ascii"), 70)
    return "\n".join(("-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""))


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_ssh_keygen_knows_the_key_by_its_openssh_line_and_refuses_changed_bytes(tmp_path: Path) -> None:
    """DSSE's signatures are not in SSH's form, but key and curve are: what our key signs, `-Y verify` takes."""
    (tmp_path / "allowed").write_text(f"author {LOG.public.openssh()}\n", encoding="ascii")
    (tmp_path / "envelope.sig").write_text(_ssh_signature(LOG.entries[2], b"file"), encoding="ascii")

    def verifies(data: bytes, namespace: str = "file", who: str = "author") -> bool:
        command = f"ssh-keygen -Y verify -f allowed -I {who} -n {namespace} -s envelope.sig"
        return subprocess.run(command.split(), cwd=tmp_path, input=data, capture_output=True).returncode == 0

    assert verifies(LOG.entries[2])
    for place in range(0, len(LOG.entries[2]), 97):
        changed = bytearray(LOG.entries[2])
        changed[place] ^= 1
        assert not verifies(bytes(changed)), place
    assert not verifies(LOG.entries[2], namespace="git")
    assert not verifies(LOG.entries[2], who="stranger")
    other = SimulatedLog(seed=2).public.openssh()
    (tmp_path / "allowed").write_text(f"author {other}\n", encoding="ascii")
    assert not verifies(LOG.entries[2])


def test_a_shell_and_openssl_are_enough_to_rebuild_what_was_signed() -> None:
    """The recipe in words: decode `payload`, put the DSSE header before it, verify `sig` over that."""
    document = json.loads(LOG.entries[1])
    payload = base64.standard_b64decode(document["payload"])
    header = f"DSSEv1 {len(document['payloadType'])} {document['payloadType']} {len(payload)} ".encode()
    LOG.public.verify(base64.standard_b64decode(document["signatures"][0]["sig"]), header + payload)


def test_text_in_any_script_survives_other_readers() -> None:
    v1 = pytest.importorskip("in_toto_attestation.v1.statement")
    pb = pytest.importorskip("in_toto_attestation.v1.statement_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    subject, said = predicate.intent(session="s", at=Instant(0, 0), text="水晶猫吊坠 😀 \u2028")
    payload = dsse.statement(subject, schema.predicate_type(Kind.INTENT), said)
    parsed = json_format.Parse(payload, pb.Statement())
    v1.Statement.copy_from_pb(parsed).validate()
    assert parsed.predicate["text"] == "水晶猫吊坠 😀 \u2028"
    assert parsed.predicate["basis"] == Basis.DECLARED.value
