"""Programs that nobody here wrote accept a dossier, and refuse a changed copy of it."""

from __future__ import annotations

import email
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import urllib.request
import urllib.response
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.verify import layout
from comfy_provenance.tests.authorities import needs_openssl

FIXTURES = Path(__file__).with_name("fixtures")
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
UNIX = shutil.which("bash") and shutil.which("sha256sum") and shutil.which("base64")


def change(path: Path) -> None:
    """One bit of the file's middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


# BagIt


def test_bagit_accepts_the_bag_and_refuses_changed_ones(copied):
    bagit = pytest.importorskip("bagit")
    assert bagit.Bag(str(copied)).is_valid()
    change(next((copied / "data" / "objects").iterdir()))
    assert not bagit.Bag(str(copied)).is_valid()


@pytest.mark.parametrize("name", ["report.html", "verify.html", "bag-info.txt", "verify/README.md"])
def test_bagit_refuses_a_changed_page(copied, name):
    bagit = pytest.importorskip("bagit")
    change(copied / name)
    assert not bagit.Bag(str(copied)).is_valid()


# RO-Crate


def test_rocrate_reads_the_crate(unpacked):
    rocrate = pytest.importorskip("rocrate.rocrate")
    crate = rocrate.ROCrate(unpacked / "data")
    actions = crate.get_by_type("CreateAction")
    assert len(actions) == 11
    assert {action["instrument"]["name"] for action in actions} == {"ComfyUI"}
    for file in crate.data_entities:
        path = unpacked / "data" / file.id
        assert path.is_file()
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def offline(monkeypatch):
    """The one JSON-LD context that is needed comes from a file; any other request fails."""
    requests = pytest.importorskip("requests")
    data = (FIXTURES / "rocrate-context-1.1.jsonld").read_bytes()

    def send(self, request, **ignored):
        if request.url != CONTEXT:
            raise requests.exceptions.ConnectionError(f"offline: {request.url}")
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response.raw, response.headers["Content-Type"] = io.BytesIO(data), "application/ld+json"
        return response

    class Local(urllib.request.HTTPSHandler):
        def https_open(self, request):
            if request.full_url != CONTEXT:
                raise OSError(f"offline: {request.full_url}")
            headers = email.message_from_string("Content-Type: application/ld+json\n\n")
            answer = urllib.response.addinfourl(io.BytesIO(data), headers, request.full_url, 200)
            answer.msg = "OK"
            return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    monkeypatch.setattr(urllib.request, "_opener", urllib.request.build_opener(Local))


def issues(folder: Path):
    services = pytest.importorskip("rocrate_validator.services")
    from rocrate_validator.models import Severity

    settings = services.ValidationSettings(
        rocrate_uri=str(folder / "data"),
        profile_identifier="process-run-crate-0.5",
        requirement_severity=Severity.REQUIRED,
        no_cache=True,
    )
    return [(issue.check.identifier, issue.message) for issue in services.validate(settings).get_issues()]


def test_the_ro_crate_validator_finds_every_requirement_met(unpacked, offline):
    assert issues(unpacked) == []


def test_the_ro_crate_validator_refuses_a_changed_crate(copied, offline):
    path = copied / layout.CRATE
    crate = json.loads(path.read_text(encoding="utf-8"))
    for entity in crate["@graph"]:
        if entity["@type"] == "CreateAction":
            del entity["instrument"]
    path.write_text(json.dumps(crate), encoding="utf-8")
    assert issues(copied)


# W3C PROV


def test_prov_reads_the_document(unpacked):
    prov = pytest.importorskip("prov.model")
    document = prov.ProvDocument.deserialize(unpacked / layout.PROV, format="json")
    runs = list(document.get_records(prov.ProvActivity))
    assert len(runs) == 11
    assert list(document.get_records(prov.ProvDerivation))
    again = prov.ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    assert again == document


# DSSE and in-toto


def test_securesystemslib_and_in_toto_accept_every_entry(unpacked):
    from in_toto_attestation.v1.statement import Statement
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    pem = (unpacked / layout.PUBLIC_KEY).read_text(encoding="ascii")
    raw = bytes.fromhex(_raw(pem))
    entries = sorted((unpacked / "data" / "entries").iterdir())
    for path in entries:
        envelope = Envelope.from_dict(json.loads(path.read_bytes()))
        key = SSlibKey(next(iter(envelope.signatures)), "ed25519", "ed25519", {"public": raw.hex()})
        envelope.verify([key], 1)
        statement = Statement.copy_from_pb(_statement(envelope.payload))
        statement.validate()
    envelope.payload += b" "
    with pytest.raises(Exception):  # noqa: B017
        envelope.verify([key], 1)


def _raw(pem: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    return load_pem_public_key(pem.encode()).public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _statement(payload: bytes):
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2

    return json_format.Parse(payload, statement_pb2.Statement())


# sha256sum, openssl, ssh-keygen: the commands of verify/README, exactly as printed


def blocks(folder: Path, language: str) -> list[str]:
    text = (folder / layout.READMES[language]).read_text(encoding="utf-8")
    return re.findall(r"```\n(.*?)\n```", text, re.DOTALL)


def bash(folder: Path, command: str, **variables: str) -> str:
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC", **variables}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, env=environment, check=False
    )
    return done.stdout + done.stderr


def promised(folder: Path, language: str) -> list[str]:
    text = (folder / layout.READMES[language]).read_text(encoding="utf-8")
    return re.findall(r"(?:prints|应输出) `([^`]+)`", text)


needs_tools = pytest.mark.skipif(
    not UNIX or not shutil.which("ssh-keygen"), reason="no sha256sum, base64 or ssh-keygen"
)


@needs_tools
@needs_openssl
def test_two_who_check_at_once_are_not_in_each_others_way(copied):
    """Nor does anything stay behind, or lie where somebody else could put it first."""
    _, _, _, signatures, *_ = blocks(copied, "en")
    folder = copied.parent / "scratch"
    folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        said = [pool.submit(bash, copied, signatures, TMPDIR=str(folder)) for _ in range(2)]
    assert [each.result().rstrip("\n") for each in said] == [promised(copied, "en")[2]] * 2
    assert list(folder.iterdir()) == []


@needs_tools
@needs_openssl
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_commands_of_the_instructions_print_what_they_promise(made, copied, language):
    sums, fingerprint, whole, signatures, _, leaf, *tokens = blocks(copied, language)
    says = promised(copied, language)
    assert bash(copied, sums) == ""
    assert bash(copied, fingerprint).strip() == says[0]
    assert bash(copied, whole).strip() == says[1]
    assert bash(copied, signatures).rstrip("\n") == says[2]
    first, second = bash(copied, leaf).split("\n")[:2]
    assert first.split()[0] == second
    shutil.copy(made.roots, copied / "roots.pem")
    assert bash(copied, tokens[0]).count("Verification: OK") == 2


@needs_tools
@needs_openssl
def test_the_same_commands_refuse_changed_copies(made, copied):
    sums, _, whole, signatures, _, leaf, *tokens = blocks(copied, "en")
    entry = copied / layout.entry(0)
    entry.write_bytes(entry.read_bytes().replace(b'"sig":"', b'"sig":"A', 1).replace(b'=="}', b'="}', 1))
    assert "FAILED" in bash(copied, sums)
    assert "Signature Verification Failure" in bash(copied, signatures)
    first, second = bash(copied, leaf).split("\n")[:2]
    assert first.split()[0] != second
    tags = copied / layout.TAG_MANIFEST
    tags.write_bytes(tags.read_bytes().replace(b"a", b"b", 1))
    assert "Good" not in bash(copied, whole)
    shutil.copy(made.roots, copied / "roots.pem")
    command = tokens[0].split("openssl ts")[1]
    note = copied / re.search(r"-data (\S+)", command)[1]
    note.write_bytes(note.read_bytes().replace(b"1", b"2", 1))
    assert "Verification: OK" not in bash(copied, "openssl ts" + command)


@needs_tools
@needs_openssl
def test_openssl_refuses_a_token_under_another_root(copied, tmp_path):
    from comfy_provenance.tests.authorities import Pki

    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(Pki(folder, "Another Root").root, copied / "roots.pem")
    assert "Verification: OK" not in bash(copied, blocks(copied, "en")[6])


# Go's note and tlog


@pytest.fixture(scope="module")
def proofs(tmp_path_factory) -> Path:
    """The program of proofs.go."""
    go, modules = shutil.which("go"), Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")
    if go is None or not modules.is_dir():
        pytest.skip("no Go with golang.org/x/mod")
    folder = tmp_path_factory.mktemp("go")
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "cache")}
    program = folder / "proofs"
    source = Path(__file__).with_name("proofs.go")
    done = subprocess.run([go, "build", "-o", program, source], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


def test_go_accepts_every_proof(unpacked, proofs):
    done = subprocess.run([proofs, unpacked], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == len(list((unpacked / "data" / "entries").iterdir()))


@pytest.mark.parametrize("name", ["data/entries/00000009.dsse.json", "data/proofs/00000009.tlog-proof"])
def test_go_refuses_changed_entries_and_proofs(copied, proofs, name):
    change(copied / name)
    assert subprocess.run([proofs, copied], capture_output=True).returncode == 1


def test_the_payload_is_what_dsse_signs(unpacked):
    """Guards the shell in the instructions: the payload comes first in every envelope."""
    for path in (unpacked / "data" / "entries").iterdir():
        assert path.read_bytes().startswith(b'{"payload":"')
        dsse.read_unverified(path.read_bytes())
