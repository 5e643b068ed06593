"""Content Credentials in files, read by the c2pa library; and the certificate that signs them."""

from __future__ import annotations

import datetime
import io
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import InputError, StorageError
from comfy_provenance.provenance.record import credentials, label
from comfy_provenance.provenance.seal import certificate, content
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from PIL import Image

NOW = datetime.datetime.now(datetime.timezone.utc)  # the library holds certificates against the machine's clock
RECORD = {"v": 1, "execution": "e1", "ledger": "w3id.org/x", "key": "SHA256:x", "entry": 3, "leaf": "ab" * 32}
ALGORITHMS = {
    "ed25519": "-algorithm ED25519",
    "P-256": "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    "rsa": "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
}
KINDS = ["image/png", "image/jpeg", "image/webp"]

pytestmark = pytest.mark.skipif(not content.available(), reason="c2pa-python is not installed or does not load here")


@pytest.fixture(scope="module")
def signer() -> certificate.Credential:
    return certificate.parse(certificate.made(NOW))


def picture(media_type: str, color: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), color).save(out, media_type.partition("/")[2].upper())
    return out.getvalue()


BLUE = picture("image/png", "blue")


def parent(name: str, data: bytes | None = None) -> credentials.Parent:
    return credentials.Parent(name, "image/png", data or picture("image/png", "red"))


def sign(claim: credentials.Claim, data: bytes, signer: certificate.Credential) -> bytes:
    sources = zip(credentials.ingredients(claim), (each.data for each in claim.parents), strict=True)
    return content.signed(data, claim.media_type, credentials.manifest(claim), list(sources), signer)


def assertions(found: content.Finding | None) -> dict:
    assert found is not None
    return {each["label"]: each["data"] for each in found.manifest["assertions"]}


@pytest.mark.parametrize("media_type", KINDS)
def test_a_generated_picture_says_so_and_leads_to_the_record(media_type: str, signer: certificate.Credential) -> None:
    claim = credentials.Claim("cat", media_type, models=["sd.safetensors"], record=RECORD)
    data = picture(media_type)
    made = sign(claim, data, signer)
    with Image.open(io.BytesIO(data)) as old, Image.open(io.BytesIO(made)) as new:
        assert old.tobytes() == new.tobytes()
    found = content.read(made, media_type)
    said = assertions(found)
    (action,) = said["c2pa.actions.v2"]["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert said["c2pa.ai-disclosure"] == {"modelType": "c2pa.types.model", "modelName": "sd.safetensors"}
    assert said[credentials.RECORD] == RECORD
    assert len(made) - len(data) < 20_000  # no thumbnail


def test_a_local_certificate_is_valid_and_never_trusted(signer: certificate.Credential) -> None:
    made = sign(credentials.Claim("cat", "image/png"), picture("image/png"), signer)
    found = content.read(made, "image/png")
    assert found is not None
    assert (found.state, found.codes) == ("Valid", ("signingCredential.untrusted",))
    assert found.manifest["signature_info"]["issuer"] == certificate.MADE_HERE
    assert "not verified" in certificate.MADE_HERE


def test_one_parent_is_opened_and_edited_and_its_own_credential_comes_along(signer: certificate.Credential) -> None:
    before = sign(credentials.Claim("a", "image/png", ["sd"]), picture("image/png", "red"), signer)
    claim = credentials.Claim("b", "image/png", ["sd"], [parent("a.png", before)])
    found = content.read(sign(claim, picture("image/png"), signer), "image/png")
    opened, edited = assertions(found)["c2pa.actions.v2"]["actions"]
    assert (opened["action"], edited["action"]) == ("c2pa.opened", "c2pa.edited")
    assert edited["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert found is not None
    (ingredient,) = found.manifest["ingredients"]
    assert (ingredient["title"], ingredient["relationship"]) == ("a.png", "parentOf")
    assert ingredient["active_manifest"]


def test_several_parents_are_inputs_of_a_created_file(signer: certificate.Credential) -> None:
    claim = credentials.Claim(
        "c", "image/png", ["sd"], [parent("a.png"), parent("b.png", picture("image/png", "blue"))]
    )
    found = content.read(sign(claim, picture("image/png"), signer), "image/png")
    (action,) = assertions(found)["c2pa.actions.v2"]["actions"]
    assert action["action"] == "c2pa.created"
    assert found is not None
    assert [each["relationship"] for each in found.manifest["ingredients"]] == ["inputTo", "inputTo"]
    assert len(action["parameters"]["ingredients"]) == 2


def test_no_model_no_claim_of_a_model(signer: certificate.Credential) -> None:
    said = assertions(
        content.read(sign(credentials.Claim("x", "image/png"), picture("image/png"), signer), "image/png")
    )
    assert "c2pa.ai-disclosure" not in said
    (action,) = said["c2pa.actions.v2"]["actions"]
    assert action["digitalSourceType"].endswith("/algorithmicMedia")


@pytest.mark.parametrize("media_type", KINDS)
def test_every_mutated_copy_is_found(media_type: str, signer: certificate.Credential) -> None:
    """Every byte that was in the file before it was signed, one at a time; and every word that the credential says."""
    data = picture(media_type)
    made = sign(credentials.Claim("x", media_type, ["sd"], record=RECORD), data, signer)
    head = next(at for at in range(len(data) + 1) if at == len(data) or data[at] != made[at])
    tail = next(at for at in range(len(data) - head + 1) if at == len(data) - head or data[-1 - at] != made[-1 - at])
    words = [made.index(word) for word in (b"trainedAlgorithmicMedia", b"c2pa.types.model", RECORD["leaf"].encode())]
    for at in [*range(0, head, 3), *range(len(made) - tail, len(made), 3), *words]:
        changed = bytearray(made)
        changed[at] ^= 0x20
        try:
            found = content.read(bytes(changed), media_type)
        except InputError:
            continue
        assert found is None or found.state == "Invalid", at


def test_a_video_carries_label_and_credential() -> None:
    signer = certificate.parse(certificate.made(NOW))
    video = (Path(__file__).parent / "tiny.mp4").read_bytes()  # three frames, made for this test with PyAV
    labelled = label.labelled(video, "video/mp4", label.Label("studio"))
    made = sign(credentials.Claim("x", "video/mp4", ["wan"], record=RECORD), labelled, signer)
    found = content.read(made, "video/mp4")
    assert found is not None
    assert (found.state, found.codes) == ("Valid", ("signingCredential.untrusted",))
    assert assertions(found)[credentials.RECORD] == RECORD
    assert label.of(made, "video/mp4") == label.Label("studio").text()
    changed = bytearray(made)
    changed[made.index(b"mdat") + 40] ^= 1
    broken = content.read(bytes(changed), "video/mp4")
    assert broken is not None
    assert broken.state == "Invalid"


def test_a_label_that_is_there_is_bound_and_one_that_is_put_in_later_breaks_it(signer: certificate.Credential) -> None:
    labelled = label.labelled(picture("image/png"), "image/png", label.Label("me"))
    made = sign(credentials.Claim("x", "image/png"), labelled, signer)
    assert label.of(made, "image/png") == label.Label("me").text()
    later = label.labelled(
        sign(credentials.Claim("x", "image/png"), picture("image/png"), signer), "image/png", label.Label("me")
    )
    found = content.read(later, "image/png")
    assert found is not None
    assert found.state == "Invalid"


def test_a_key_that_is_not_the_certificates_gives_no_file(signer: certificate.Credential) -> None:
    other = certificate.parse(certificate.made(NOW))
    wrong = certificate.Credential("ed25519", other.chain, "x", True, signer.key)
    with pytest.raises(InputError, match="credential"):
        sign(credentials.Claim("x", "image/png"), picture("image/png"), wrong)


def test_a_certificate_that_has_expired_signs_nothing() -> None:
    expired = certificate.parse(certificate.made(NOW - datetime.timedelta(days=366 * certificate.YEARS)))
    with pytest.raises(InputError, match=r"could not be made: .*not valid at time of signing"):
        sign(credentials.Claim("x", "image/png"), picture("image/png"), expired)


def test_a_manifest_that_no_reader_accepts_gives_no_file(signer: certificate.Credential) -> None:
    """Without an action that says how the file began."""
    manifest = {"format": "image/png", "claim_generator_info": [{"name": "x"}], "assertions": []}
    with pytest.raises(InputError, match=r"does not hold: .*assertion\.action\.malformed"):
        content.signed(picture("image/png"), "image/png", manifest, [], signer)


def test_without_the_library_it_is_said_what_to_install(
    signer: certificate.Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    assert not content.available()
    with pytest.raises(InputError, match="pip install"):
        sign(credentials.Claim("x", "image/png"), picture("image/png"), signer)


def test_a_file_without_a_credential_has_none() -> None:
    assert content.read(picture("image/png"), "image/png") is None


def test_the_certificate_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = certificate.open_or_make(tmp_path, NOW)
    assert certificate.open_or_make(tmp_path, NOW) == first
    assert first.local
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / certificate.FILE).stat().st_mode) == 0o600


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(("kind", "algorithm"), [("ed25519", "ed25519"), ("P-256", "es256"), ("rsa", "ps256")])
def test_an_authors_own_certificate_is_used_as_it_is(tmp_path: Path, kind: str, algorithm: str) -> None:
    """A root and a leaf made with openssl, as an author would get them from somebody."""
    for name in ("root", "leaf"):
        openssl(tmp_path, f"genpkey {ALGORITHMS[kind]} -out {name}.key")
    openssl(tmp_path, "req -x509 -new -key root.key -subj /O=Studio/CN=Root -days 30 -out root.pem")
    openssl(tmp_path, "req -new -key leaf.key -subj /O=Studio/CN=Author -out leaf.csr")
    (tmp_path / "leaf.ext").write_text(
        "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    signing = "-CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile leaf.ext"
    openssl(tmp_path, f"x509 -req -in leaf.csr {signing} -out leaf.pem")
    parts = [(tmp_path / name).read_bytes() for name in ("leaf.key", "leaf.pem", "root.pem")]
    (tmp_path / certificate.FILE).write_bytes(b"".join(parts))
    own = certificate.open_or_make(tmp_path, NOW)
    assert (own.algorithm, own.holder, own.local) == (algorithm, "Author", False)
    found = content.read(sign(credentials.Claim("x", "image/png"), picture("image/png"), own), "image/png")
    assert found is not None
    assert found.manifest["signature_info"]["issuer"] == "Studio"


def openssl(folder: Path, command: str) -> None:
    subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("damage", ["no key", "no certificate", "other key", "nothing"])
def test_an_unusable_certificate_file_is_told_and_not_replaced(tmp_path: Path, damage: str) -> None:
    one, other = certificate.made(NOW), certificate.made(NOW)
    cut = one.index(b"-----BEGIN CERT")
    data = {"no key": one[cut:], "no certificate": one[:cut], "other key": other[:cut] + one[cut:], "nothing": b""}[
        damage
    ]
    (tmp_path / certificate.FILE).write_bytes(data)
    with pytest.raises(InputError, match=certificate.FILE):
        certificate.open_or_make(tmp_path, NOW)
    assert (tmp_path / certificate.FILE).read_bytes() == data


def test_what_else_stands_in_the_file_is_passed_over() -> None:
    """`openssl ecparam -genkey` writes the curve before the key."""
    made = certificate.made(NOW)
    curve = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    assert certificate.parse(curve + made) == certificate.parse(made)


@pytest.mark.parametrize("key", [ed448.Ed448PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())])
def test_a_key_that_c2pa_does_not_know_is_told(key: ed448.Ed448PrivateKey | ec.EllipticCurvePrivateKey) -> None:
    authority = ed448.Ed448PrivateKey.generate()
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .sign(authority, None)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(InputError, match="Ed25519, ECDSA or RSA-PSS"):
        certificate.parse(private + leaf.public_bytes(Encoding.PEM))


def test_of_two_processes_that_make_a_certificate_the_first_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, late = certificate.made(NOW), certificate.made(NOW)

    def made(now: datetime.datetime) -> bytes:
        (tmp_path / certificate.FILE).write_bytes(first)  # while this process still thinks
        return late

    monkeypatch.setattr(certificate, "made", made)
    assert certificate.open_or_make(tmp_path, NOW) == certificate.parse(first)


def test_a_certificate_file_that_cannot_be_written_or_read_gives_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        certificate.open_or_make(tmp_path / "file", NOW)
    (tmp_path / certificate.FILE).mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        certificate.open_or_make(tmp_path, NOW)
