"""Time-stamp tokens as `verify.html` checks them: every kind of key, chains, and nothing that our own check refuses."""

from __future__ import annotations

import datetime
import hashlib
import json
import random
import subprocess
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import IntegrityError
from comfy_provenance.provenance.model import SignedHead, system_clock
from comfy_provenance.provenance.record import attested
from comfy_provenance.provenance.seal import timestamp
from comfy_provenance.tests.authorities import Authority, Pki, has_openssl, openssl, tst_info
from comfy_provenance.tests.dossier.test_verify_page import needs_node, node
from comfy_provenance.tests.sm2 import SM2_WITH_SM3, Sm2Authority, has_sm2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

pytestmark = [needs_node, pytest.mark.skipif(not has_openssl(), reason="no OpenSSL 3 to run an authority with")]

SCRIPT = Path(__file__).with_name("check_tokens.mjs")
NOTE = b"comfy-provenance/0123456789abcdef\n7\nroot\n\n\xe2\x80\x94 a b\n"
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc)
TRUST = {"trusted": "trusted", "unchecked": "fits", "refused": "elsewhere", "signature-unchecked": "not-here"}


def case(token: bytes, roots: bytes | None = None, note: bytes = NOTE, said: bytes | None = None, **stated):
    """One question; what is stated is what the token says, or another one."""
    _, body = attested.anchor(
        session="session", at=system_clock(), checkpoint=SignedHead("0" * 64, 1, "0" * 64), token="0" * 64,
        said=timestamp.read(said or token), authority="Authority", url=None, requested=False,
    )  # fmt: skip
    says = {**body, **stated}
    return {
        "token": token.hex(), "note": note.hex(), "stated": says, "roots": None if roots is None else roots.decode(),
    }  # fmt: skip


def in_node(tmp_path: Path, cases, slow=False):
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"cases": list(cases), "slow": slow}), encoding="utf-8")
    done = subprocess.run([node(), SCRIPT, job], capture_output=True, text=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Chain:
    """A root, an authority below it and a signer below that, with keys of one kind."""

    def __init__(self, folder: Path, make, hash_, *, pss=False, authority_may=True, usage=None, critical=True) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        keys = [make() for _ in range(3)]
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Root", "Middle", "Signer")]
        made = []
        for place, (key, name) in enumerate(zip(keys, names, strict=True)):
            above = max(0, place - 1)
            builder = (
                x509.CertificateBuilder().subject_name(name).issuer_name(names[above]).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(NOW - 30 * DAY)
                .not_valid_after(NOW + 30 * DAY)
                .add_extension(x509.BasicConstraints(place == 0 or (place == 1 and authority_may), None), critical=True)
            )  # fmt: skip
            if place == 2:
                purposes = [ExtendedKeyUsageOID.TIME_STAMPING] if usage is None else usage
                builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
            padding = {}
            if pss:
                from cryptography.hazmat.primitives.asymmetric import padding as pads

                padding = {"rsa_padding": pads.PSS(pads.MGF1(hash_), pads.PSS.DIGEST_LENGTH)}
            made.append(builder.sign(keys[above], hash_, **padding))
        self.root, self.middle, self.signer = (each.public_bytes(Encoding.PEM) for each in made)
        (folder / "signer.pem").write_bytes(self.signer)
        (folder / "middle.pem").write_bytes(self.middle)
        (folder / "key").write_bytes(keys[2].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self._how = ["-md", hash_.name, *(["-keyopt", "rsa_padding_mode:pss"] if pss else [])]

    def token(self, *, embed=True, at=None) -> bytes:
        info = tst_info(hashlib.sha256(NOTE).digest(), at or NOW, nonce=None, accuracy_s=1)
        extra = ["-certfile", self.folder / "middle.pem"] if embed else []
        return openssl(
            "cms", "-sign", "-cades", "-binary", "-nodetach", "-nosmimecap", "-outform", "DER",
            "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-signer", self.folder / "signer.pem", *extra,
            "-inkey", self.folder / "key", *self._how, stdin=info,
        )  # fmt: skip


def rsa_key():
    return rsa.generate_private_key(65537, 2048)


KINDS = {
    "RSA SHA-256": (rsa_key, hashes.SHA256(), {}),
    "RSA SHA-384": (rsa_key, hashes.SHA384(), {}),
    "RSA SHA-512": (rsa_key, hashes.SHA512(), {}),
    "RSA-PSS SHA-256": (rsa_key, hashes.SHA256(), {"pss": True}),
    "P-256 SHA-256": (lambda: ec.generate_private_key(ec.SECP256R1()), hashes.SHA256(), {}),
    "P-384 SHA-384": (lambda: ec.generate_private_key(ec.SECP384R1()), hashes.SHA384(), {}),
    "P-521 SHA-512": (lambda: ec.generate_private_key(ec.SECP521R1()), hashes.SHA512(), {}),
}


@pytest.fixture(scope="module")
def other_root(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("other"), "Other Root").root.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key_is_checked_up_to_the_root_that_was_chosen(tmp_path, other_root, kind):
    make, hash_, more = KINDS[kind]
    chain = Chain(tmp_path / "chain", make, hash_, **more)
    token, bare = chain.token(), chain.token(embed=False)
    changed = bytearray(token)
    start, size = timestamp.by_hand(token).places["signature"]
    changed[start + size - 3] ^= 1
    cases = [
        case(token), case(token, chain.root), case(token, other_root), case(bare, chain.root),
        case(bare, chain.root + chain.middle), case(token, chain.middle), case(bytes(changed), chain.root, said=token),
    ]  # fmt: skip
    wanted = ["fits", "trusted", "elsewhere", "elsewhere", "trusted", "elsewhere", "anchor-token"]
    assert in_node(tmp_path, cases) == wanted
    assert in_node(tmp_path, cases[:1], slow=True) == ["not-here"]


def test_a_root_that_the_token_brings_along_makes_nobody_trusted(tmp_path, other_root):
    chain = Chain(tmp_path / "chain", KINDS["P-256 SHA-256"][0], hashes.SHA256())
    (chain.folder / "middle.pem").write_bytes(chain.middle + chain.root)
    assert in_node(tmp_path, [case(chain.token(), other_root), case(chain.token())]) == ["elsewhere", "fits"]


def test_an_authority_that_may_not_issue_is_not_followed(tmp_path):
    chain = Chain(tmp_path / "chain", KINDS["P-256 SHA-256"][0], hashes.SHA256(), authority_may=False)
    assert in_node(tmp_path, [case(chain.token(), chain.root)]) == ["elsewhere"]


@pytest.mark.parametrize(
    "signer",
    [
        {"critical": False},
        {"usage": [ExtendedKeyUsageOID.CODE_SIGNING]},
        {"usage": [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING]},
    ],
    ids=["not critical", "other purpose", "two purposes"],
)
def test_a_signer_that_is_not_for_time_stamping_alone_is_refused(tmp_path, signer):
    chain = Chain(tmp_path / "chain", KINDS["P-256 SHA-256"][0], hashes.SHA256(), **signer)
    assert in_node(tmp_path, [case(chain.token(), chain.root)]) == ["anchor-token"]


def test_a_time_at_which_the_certificate_was_not_valid_is_refused(tmp_path):
    chain = Chain(tmp_path / "chain", KINDS["P-256 SHA-256"][0], hashes.SHA256())
    assert in_node(tmp_path, [case(chain.token(at=NOW + 40 * DAY)), case(chain.token(at=NOW - 40 * DAY))]) == [
        "anchor-token",
        "anchor-token",
    ]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(Pki(tmp_path_factory.mktemp("pki")))


def test_what_an_entry_says_of_its_token_is_compared(tmp_path, authority):
    asked = timestamp.request(NOTE)
    token, bare = timestamp.token_of(authority.reply(asked.der)), authority.token(NOTE)
    other = {"nonce": "1", "serial": "ffff", "policy": "1.2.3", "gen_time": "2026-01-01T00:00:00.000000Z"}
    cases = [case(token, source="requested"), *(case(token, **{name: value}) for name, value in other.items())]
    cases += [case(bare, source="requested"), case(token, note=NOTE + b"x")]
    assert in_node(tmp_path, cases) == ["fits", *["anchor-stated"] * 5, "anchor-imprint"]


def test_signatures_by_sm2_are_left_to_others(tmp_path, authority):
    token = authority.token(NOTE)
    at = token.rindex(bytes.fromhex("06082a8648ce3d040302"))
    called = token[:at] + bytes.fromhex(SM2_WITH_SM3) + token[at + 10 :]
    cases = [case(called, authority.pki.root.read_bytes())]
    if has_sm2():
        cases.append(case(Sm2Authority(tmp_path / "sm2").token(NOTE)))
    assert set(in_node(tmp_path, cases)) == {"not-here"}


def test_no_changed_token_passes_that_our_own_check_refuses(tmp_path, authority):
    """One byte after the other: what the page takes, `verify` takes, and says the same of it."""
    token, roots, dice = authority.token(NOTE), authority.pki.root.read_bytes(), random.Random(11)
    changed = []
    for place in range(0, len(token), 2):
        copy = bytearray(token)
        copy[place] ^= 1 << dice.randrange(8)
        changed.append(bytes(copy))
    told = in_node(tmp_path, [case(each, roots, said=token) for each in changed])
    good = timestamp.check(token, NOTE, timestamp.read_roots(roots))
    for each, said in zip(changed, told, strict=True):
        try:
            checked = timestamp.check(each, NOTE, timestamp.read_roots(roots))
        except IntegrityError:
            assert said not in ("trusted", "elsewhere", "fits"), each.hex()
            continue
        assert said != "trusted" or (checked.trust, checked.said) == (good.trust, good.said)
    assert told.count("trusted") < len(told) // 20
