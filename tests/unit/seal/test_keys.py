"""Keys: what is written to disk, what is refused, and names that other tools agree with."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError, StorageError
from comfy_provenance.provenance.seal import keys
from comfy_provenance.provenance.seal.keys import PublicKey, Signer
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

SIGNER = Signer.from_seed(bytes(32))
POSIX = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX only")


def test_created_key_signs_the_same_after_loading(tmp_path: Path) -> None:
    made = keys.create(tmp_path / "key.pem")
    read = keys.load(tmp_path / "key.pem")
    assert read.public == made.public
    assert read.sign(b"data") == made.sign(b"data")
    made.public.verify(read.sign(b"data"), b"data")


def test_two_keys_differ(tmp_path: Path) -> None:
    assert keys.create(tmp_path / "a").public != keys.create(tmp_path / "b").public


@POSIX
def test_key_file_is_its_owners_only_even_with_an_open_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys.create(tmp_path / "key.pem")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


@POSIX
def test_key_file_is_its_owners_only_from_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []

    def fsync(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(keys.os, "fsync", fsync)
    keys.create(tmp_path / "key.pem")
    assert modes[0] == 0o600  # the file, before it has its name; then the folder
    assert len(modes) == 2


def test_create_leaves_nothing_but_the_key(tmp_path: Path) -> None:
    keys.create(tmp_path / "key.pem")
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


def test_create_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"precious")
    with pytest.raises(StorageError, match="never replaced"):
        keys.create(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


@POSIX
def test_create_never_follows_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="never replaced"):
        keys.create(tmp_path / "key.pem")
    assert not (tmp_path / "elsewhere").exists()


def test_create_says_when_the_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        keys.create(tmp_path / "missing" / "key.pem")


def test_failed_write_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keys.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        keys.create(tmp_path / "key.pem")
    assert list(tmp_path.iterdir()) == []


def _no_hard_links(self: Path, target: Path) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_create_works_on_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "hardlink_to", _no_hard_links)
    made = keys.create(tmp_path / "key.pem")
    assert keys.load(tmp_path / "key.pem").public == made.public
    with pytest.raises(StorageError, match="never replaced"):
        keys.create(tmp_path / "key.pem")
    assert keys.load(tmp_path / "key.pem").public == made.public
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


def test_create_does_not_need_to_sync_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_POSIX", False)
    keys.create(tmp_path / "key.pem")
    assert not keys.load(tmp_path / "key.pem").loose_permissions


@POSIX
@pytest.mark.parametrize(("mode", "loose"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_load_reports_a_key_that_others_can_read(tmp_path: Path, mode: int, loose: bool) -> None:
    path = tmp_path / "key.pem"
    made = keys.create(path)
    path.chmod(mode)
    read = keys.load(path)
    assert read.loose_permissions is loose
    assert read.public == made.public


def _one_line(error: pytest.ExceptionInfo[Exception]) -> None:
    assert "\n" not in str(error.value)


def test_load_says_that_a_key_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is missing") as error:
        keys.load(tmp_path / "key.pem")
    _one_line(error)


def test_load_says_that_a_key_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read") as error:
        keys.load(tmp_path)
    _one_line(error)


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff" * 100, SIGNER.public.pem.encode()])
def test_load_says_that_a_file_is_no_private_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(StorageError, match="damaged or not a PEM private key") as error:
        keys.load(tmp_path / "key.pem")
    _one_line(error)


def test_load_refuses_another_kind_of_key(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1())
    (tmp_path / "key.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(StorageError, match="not an Ed25519 key"):
        keys.load(tmp_path / "key.pem")


def test_load_says_that_a_passphrase_is_not_supported(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1())
    locked = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "key.pem").write_bytes(locked)
    with pytest.raises(StorageError, match="passphrase"):
        keys.load(tmp_path / "key.pem")


def test_public_key_survives_its_pem() -> None:
    assert keys.public_from_pem(SIGNER.public.pem) == SIGNER.public


@pytest.mark.parametrize("pem", ["", "junk", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "ключ"])
def test_junk_is_no_public_key(pem: str) -> None:
    with pytest.raises(InputError, match="not a PEM public key"):
        keys.public_from_pem(pem)


def test_another_kind_of_public_key_is_refused() -> None:
    other = generate_private_key(SECP256R1()).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(InputError, match="not an Ed25519"):
        keys.public_from_pem(pem)


def test_raw_keys_and_seeds_have_32_bytes() -> None:
    with pytest.raises(InputError, match="not an Ed25519 public key"):
        PublicKey(b"short")
    with pytest.raises(InputError, match="not an Ed25519 seed"):
        Signer.from_seed(b"short")


def test_signature_of_other_bytes_or_another_key_is_refused() -> None:
    signature = SIGNER.sign(b"data")
    for wrong in (b"Data", b"data ", b""):
        with pytest.raises(IntegrityError):
            SIGNER.public.verify(signature, wrong)
    for mutated in (signature[:-1], signature + b"\0", b"", bytes(64)):
        with pytest.raises(IntegrityError):
            SIGNER.public.verify(mutated, b"data")
    with pytest.raises(IntegrityError):
        Signer.from_seed(b"\1" * 32).public.verify(signature, b"data")


def test_repr_shows_no_private_key() -> None:
    assert "private" not in repr(SIGNER).lower()
    assert bytes(32).hex() not in repr(SIGNER)


def test_key_id_is_the_one_that_securesystemslib_gives() -> None:
    signer = pytest.importorskip("securesystemslib.signer")
    cryptography = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    public = cryptography.Ed25519PublicKey.from_public_bytes(SIGNER.public.raw)
    assert SIGNER.public.key_id == signer.SSlibKey.from_crypto(public).keyid
    assert SIGNER.public.writer_id == SIGNER.public.key_id[:16]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_fingerprint_is_the_one_that_ssh_keygen_prints(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(SIGNER.public.openssh("a writer") + "\n", encoding="utf-8")
    printed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True
    ).stdout
    assert printed.split() == ["256", SIGNER.public.fingerprint, "a", "writer", "(ED25519)"]


def test_openssh_line_has_no_trailing_space_and_no_second_line() -> None:
    assert len(SIGNER.public.openssh().split(" ")) == 2
    with pytest.raises(InputError, match="one line"):
        SIGNER.public.openssh("a\nssh-ed25519 AAAA")
