"""Files beside the ledger: hashing them, putting kept inputs back, writing what was asked for."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from ..errors import InputError, StorageError
from ..lineage.restore import new_name
from ..lineage.summary import one_line
from ..model import Json

_BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as hex. Raises InputError when it cannot be read."""
    hasher = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                hasher.update(block)
    except OSError as error:
        raise InputError(f"cannot read {one_line(str(path), 120)}: {error.strerror or error}") from error
    return hasher.hexdigest()


def inside(folder: Path, name: str) -> Path | None:
    """The path of `name` below `folder`; None for a name that leads out of it. Links are not followed."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if not parts.parts or parts.is_absolute() or ".." in parts.parts or "\0" in name or ":" in parts.parts[0]:
        return None
    return folder.joinpath(*parts.parts)


def write_new(path: Path, blocks: Iterable[bytes], *, replace: bool = False) -> None:
    """Write a file durably, or leave nothing behind. Raises InputError when it is there already and may not be
    replaced, StorageError when the disk refuses, and what `blocks` raises."""
    if path.exists() and not replace:
        raise InputError(f"{one_line(str(path), 120)} is there already")
    partial = path.with_name(f".{path.name[:100]}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {one_line(str(path), 120)}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


class Kept(Protocol):
    """Where copies of inputs are: the ledger's objects, or a snapshot file."""

    def iterate(self, digest: str) -> Iterator[bytes] | None:
        """The bytes piece by piece; None when they are not there."""


def put_back(objects: Kept, missed: Sequence[Json], folder: Path) -> list[dict[str, Json]]:
    """Write kept copies of inputs into ComfyUI's input folder under new names; nothing there is changed.

    missed: `inputs` of a drift report; those without a kept copy are passed over. Returns one
    {"node", "input", "name", "new_name", "sha256"} per file. The workflow is not changed: choosing the new file in
    the node is the author's step. Raises StorageError, or IntegrityError for a damaged copy.
    """
    done = []
    for item in missed:
        digest = item["kept"]
        blocks = None if digest is None else objects.iterate(digest)
        if digest is None or blocks is None:
            continue

        def is_other(name: str, digest: str = digest) -> bool:
            path = folder / name
            return path.exists() and not (path.is_file() and sha256_of(path) == digest)

        name = new_name(item["name"], digest, is_other)
        if not (folder / name).exists():
            make_folder(folder)
            write_new(folder / name, blocks)
        done.append({**{key: item[key] for key in ("node", "input", "name")}, "new_name": name, "sha256": digest})
    return done


def export_envelopes(entries: Iterable[bytes], public_pem: str, checkpoint: bytes, folder: Path) -> None:
    """Write each envelope as signed (`00000000.dsse.json`, ...), `public.pem` and `checkpoint`.

    The folder is made; it must be empty. Raises InputError, StorageError, and what `entries` raises.
    """
    make_folder(folder)
    if any(folder.iterdir()):
        raise InputError(f"{one_line(str(folder), 120)} is not empty")
    for number, envelope in enumerate(entries):
        _write(folder / f"{number:08d}.dsse.json", envelope)
    _write(folder / "public.pem", public_pem.encode("ascii"))
    _write(folder / "checkpoint", checkpoint)


def make_folder(folder: Path) -> None:
    """Make a folder unless it is there. Raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make {one_line(str(folder), 120)}: {error.strerror or error}") from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise StorageError(f"cannot write {one_line(str(path), 120)}: {error.strerror or error}") from error
