"""Ed25519 keys: made once per writer, kept in a file that only its owner may read.

The private key never leaves this module except as signatures and as the PKCS#8 file that `create` writes.
`key_id` follows the convention of securesystemslib (in-toto, TUF), so that their tools find the key by its id.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ..canonical import sha256_hex, statement_bytes
from ..errors import InputError, IntegrityError, StorageError

_POSIX = os.name == "posix"
_MAX_KEY_FILE = 64 * 1024
_SSH_TYPE = b"ssh-ed25519"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key, compared by its 32 raw bytes.

    key_id: SHA-256, as hex, of securesystemslib's canonical JSON of the key (keytype, keyval, scheme).
    Not checked: whose key it is, and whether the point has low order.
    """

    raw: bytes
    key_id: str = field(init=False, compare=False)
    _key: Ed25519PublicKey = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        try:
            key = Ed25519PublicKey.from_public_bytes(self.raw)
        except ValueError as error:
            raise InputError(f"not an Ed25519 public key: {error}") from error
        described = {"keytype": "ed25519", "keyval": {"public": self.raw.hex()}, "scheme": "ed25519"}
        object.__setattr__(self, "key_id", sha256_hex(statement_bytes(described)))
        object.__setattr__(self, "_key", key)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check an Ed25519 signature (RFC 8032) over exactly these bytes. Raises IntegrityError."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature as error:
            raise IntegrityError(f"signature does not verify under key {self.key_id[:16]}") from error

    @property
    def writer_id(self) -> str:
        """Short name of the writer who holds this key: the first 16 digits of `key_id`."""
        return self.key_id[:16]

    @property
    def pem(self) -> str:
        """SubjectPublicKeyInfo as PEM, with a final newline."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """What `ssh-keygen -l` prints for this key: `SHA256:` and unpadded base64."""
        return "SHA256:" + b64encode(hashlib.sha256(self._ssh_blob()).digest()).rstrip(b"=").decode("ascii")

    def openssh(self, comment: str = "") -> str:
        """One line for `authorized_keys` and `allowed_signers` files, without a newline.

        Raises InputError for a comment of several lines.
        """
        if len(comment.splitlines()) > 1:
            raise InputError("the comment of an OpenSSH key must be one line")
        return f"ssh-ed25519 {b64encode(self._ssh_blob()).decode('ascii')} {comment}".rstrip()

    def _ssh_blob(self) -> bytes:
        return b"".join(len(part).to_bytes(4, "big") + part for part in (_SSH_TYPE, self.raw))


@dataclass(frozen=True, slots=True, eq=False)
class Signer:
    """A private key that can only sign.

    loose_permissions: the file it was read from is open to more than its owner (never set on Windows).
    """

    public: PublicKey
    _private: Ed25519PrivateKey = field(repr=False)
    loose_permissions: bool = False

    @classmethod
    def from_seed(cls, seed: bytes) -> Signer:
        """A key made of 32 given bytes and kept in memory only: for tests and vectors. Raises InputError."""
        try:
            private = Ed25519PrivateKey.from_private_bytes(seed)
        except ValueError as error:
            raise InputError(f"not an Ed25519 seed: {error}") from error
        return _signer(private)

    def sign(self, data: bytes) -> bytes:
        """The 64-byte Ed25519 signature (RFC 8032) over exactly these bytes."""
        return self._private.sign(data)


def create(path: Path) -> Signer:
    """Make a key and write it to `path` as PKCS#8 PEM, durably, never over anything that is there.

    The file is readable and writable by its owner only from its first byte. Windows has no such mode: there the file
    gets the access list of its folder, so the folder has to be private. The folder must exist. On a file system
    without hard links (exFAT, some network drives) two processes that create the same key at the same moment are
    told apart only by an existence check. Raises StorageError.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        write_private(path, pem)
    except FileExistsError as error:
        raise StorageError(f"{path} exists already; a key is never replaced") from error
    except OSError as error:
        raise StorageError(f"key {path} cannot be written: {error.strerror}") from error
    return _signer(private)


def load(path: Path) -> Signer:
    """Read a key that `create` wrote; permissions that are too open are reported, not refused. Raises StorageError."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            pem = file.read(_MAX_KEY_FILE)
    except FileNotFoundError as error:
        raise StorageError(f"key {path} is missing") from error
    except OSError as error:
        raise StorageError(f"key {path} cannot be read: {error.strerror}") from error
    try:
        private = load_pem_private_key(pem, None)
    except TypeError as error:
        raise StorageError(f"key {path} has a passphrase, which is not supported") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise StorageError(f"{path} is damaged or not a PEM private key") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise StorageError(f"key {path} is not an Ed25519 key")
    return _signer(private, loose=_POSIX and bool(stat.S_IMODE(mode) & 0o077))


def public_from_pem(pem: str) -> PublicKey:
    """Read a public key from its SubjectPublicKeyInfo PEM. Raises InputError."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("not a PEM public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError("not an Ed25519 public key")
    return PublicKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _signer(private: Ed25519PrivateKey, *, loose: bool = False) -> Signer:
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Signer(PublicKey(raw), private, loose)


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read, durably. Raises FileExistsError and other kinds of OSError."""
    # A draft first, so that a crash never leaves half a key under the final name. mkstemp opens it with
    # O_CREAT | O_EXCL and mode 0600.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _publish(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)  # fails, atomically, when the name is taken
    except FileExistsError:
        raise
    except OSError as error:
        if path.is_symlink() or path.exists():
            raise FileExistsError(str(path)) from error
        draft.rename(path)


def _sync_folder(folder: Path) -> None:
    if not _POSIX:  # Windows cannot open a folder, and makes renames durable itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
