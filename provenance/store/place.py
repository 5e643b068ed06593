"""Where a ledger was last written, so that a copy of it is told from the ledger itself.

Two copies that both go on under one key contradict each other: to everybody else that is a forged log. `place.json`,
beside the database, names the folder and the machine, and a copied folder carries it along. Moving a folder on one
machine is fine: nothing is left at the old place.

Not noticed: a copy whose `place.json` was deleted (that is how a person says "go on here"), a copy put back over the
ledger itself, a cloned machine with the same folders.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..canonical import sha256_hex
from ..errors import StorageError

LOG = logging.getLogger("comfy-provenance")
NAME = "place.json"
_MACHINE_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")


@dataclass(frozen=True, slots=True)
class Place:
    """`folder` is the ledger's, `machine` a digest (None where the system has no such id), `writer` the key's id,
    `key` where the key was."""

    folder: str
    machine: str | None
    writer: str
    key: str


def claim(here: Place, database: str) -> None:
    """Note that the ledger is written here from now on. `database` is the name of the file in its folder.

    Raises StorageError, with what to do, when this is a copy, or when the folder refuses.
    """
    path = Path(here.folder) / NAME
    before = read(Path(here.folder))
    if before == here:
        return
    if before is not None and before.writer == here.writer:
        if before.machine is not None and here.machine is not None and before.machine != here.machine:
            raise StorageError(
                "this ledger was last written on another machine: if nothing writes it there any more, delete "
                f"{path}; else move {path.parent} away, and a new ledger begins"
            )
        if before.folder != here.folder:
            if _holds(Path(before.folder), Path(here.folder), here.writer, database):
                raise StorageError(
                    f"this ledger is a copy of the one in {before.folder}: move {path.parent} away, and a new ledger "
                    f"begins; or delete {path} to go on here, and never write the other one again"
                )
            LOG.info("the ledger has moved from %s to %s", before.folder, here.folder)
    draft = path.with_name(f".{NAME}")
    try:
        draft.write_text(json.dumps(asdict(here), indent=1), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write in the ledger's folder: {path}: {error.strerror or error}") from error


def read(folder: Path) -> Place | None:
    """What a folder's note says; None when there is none that can be understood."""
    try:
        given = json.loads((folder / NAME).read_text(encoding="utf-8"))
        place = Place(given["folder"], given["machine"], given["writer"], given["key"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = (place.folder, place.writer, place.key)
    sound = all(isinstance(text, str) for text in texts) and isinstance(place.machine, str | None)
    return place if sound else None


def machine_id() -> str | None:
    """A digest that tells this machine from others; None where the system keeps no id."""
    found = _system_id()
    return None if not found else sha256_hex(f"comfy-provenance machine {found}".encode())


def _holds(there: Path, here: Path, writer: str, database: str) -> bool:
    """Whether another folder still holds this writer's ledger, and is not this folder under another name."""
    try:
        if not (there / database).exists() or (there / database).samefile(here / database):
            return False
    except (OSError, ValueError):
        return False
    other = read(there)
    return other is None or other.writer == writer


def _system_id() -> str | None:
    if sys.platform == "win32":
        import winreg

        with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography") as key:
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    for name in _MACHINE_FILES:
        with suppress(OSError, UnicodeDecodeError):
            found = Path(name).read_text(encoding="ascii").strip()
            if found:
                return found
    return None
