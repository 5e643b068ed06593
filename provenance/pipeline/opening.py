"""Opening the ledger of an installation, or beginning one: key, database, and the note where it is written.

Every refusal says in one line what a person can do. The caller tries again, so a thing that was put right works
without a restart.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from ..config import DATABASE_NAME, SOFTWARE, VERSION, Places
from ..errors import InputError, NewerFormat, NotALedger, ProvenanceError, StorageError
from ..model import Clock
from ..record import predicate
from ..record.body import Body
from ..seal import keys
from ..store import place, presence
from ..store.ledger import Binding, Ledger

LOG = logging.getLogger("comfy-provenance")
BEGINNING = "beginning"


def open_ledger(places: Places, clock: Clock, session: str) -> tuple[Ledger, keys.Signer]:
    """The ledger in its folder, or a new one with a new key. Raises ProvenanceError.

    Processes that start at the same time take turns, so that one begins the ledger and the others open it.
    """
    with presence.alone(places.ledger, BEGINNING):
        try:
            return open_existing(places)
        except NotALedger:
            return _begin(places, clock, session)


def open_existing(places: Places) -> tuple[Ledger, keys.Signer]:
    """The ledger in its folder with its key; never begins one.

    Raises NotALedger when there is no database, or one in which nothing was ever written; and ProvenanceError.
    """
    if not (places.ledger / DATABASE_NAME).exists():
        raise NotALedger(f"no ledger in {places.ledger}")
    other = f"move {places.ledger} away, and a new ledger begins"
    try:
        signer = _load_key(places)
        ledger = Ledger.open(places.ledger, signer)
    except (NotALedger, NewerFormat):  # both say all there is to say
        raise
    except InputError as error:
        raise StorageError(f"{error}: put the right key at {places.key}, or {other}") from error
    except StorageError as error:
        if "damaged" in str(error):
            raise StorageError(f"{error}: put a backup of {places.ledger} back, or {other}") from error
        raise
    try:
        here = str(places.ledger.absolute())
        note = place.Place(here, place.machine_id(), signer.public.writer_id, str(places.key))
        place.claim(note, DATABASE_NAME)
    except ProvenanceError:
        ledger.close()
        raise
    return ledger, signer


def redaction_salt(signer: keys.Signer) -> bytes:
    """What makes redaction markers unguessable: only the holder of the key can make this signature (RFC 8032)."""
    return hashlib.sha256(signer.sign(b"comfy-provenance redaction salt v1")).digest()


def _load_key(places: Places) -> keys.Signer:
    try:
        signer = keys.load(places.key)
    except StorageError as error:
        Ledger.open(places.ledger, read_only=True).close()  # a database in which nothing was written needs no key
        before = place.read(places.ledger)
        moved = before is not None and before.key != str(places.key) and Path(before.key).exists()
        cure = f"move it here from {before.key}" if moved and before is not None else "put it back and allow reading it"
        raise StorageError(f"{error}: {cure}, or move {places.ledger} away, and a new ledger begins") from error
    if signer.loose_permissions:
        LOG.warning("the signing key can be read by others: allow only its owner to read %s", places.key)
    return signer


def _begin(places: Places, clock: Clock, session: str) -> tuple[Ledger, keys.Signer]:
    if not Ledger.is_vacant(places.ledger):  # before any key is touched
        raise StorageError(f"there is another database in {places.ledger}: move it away, and a new ledger begins")
    _private_folder(places.secrets)
    _set_aside(places.key)
    signer = keys.create(places.key)

    def genesis(binding: Binding) -> Body:
        return predicate.genesis(
            at=clock(),
            writer=binding.origin.rpartition("/")[2],
            public_key=signer.public.pem,
            software=SOFTWARE,
            version=VERSION,
            session=session,
        )

    try:
        Ledger.create(places.ledger, signer, genesis).close()
    except ProvenanceError:
        if not _exists(places.ledger):
            places.key.unlink(missing_ok=True)  # signed nothing that is kept; the next attempt makes another
        raise
    LOG.info("new ledger in %s, signing key in %s", places.ledger, places.key)
    return open_existing(places)


def _exists(ledger: Path) -> bool:
    try:
        Ledger.open(ledger, read_only=True).close()
    except (NotALedger, NewerFormat, StorageError) as error:
        return not isinstance(error, NotALedger)
    return True


def _private_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"the key's folder cannot be made: {folder}: {error.strerror or error}") from error


def _set_aside(key: Path) -> None:
    """Rename a key whose ledger is gone: a second log under one key would look like a fork of the first."""
    if not key.exists():
        return
    old = key.with_name(f"{key.stem}-{keys.load(key).public.key_id[:16]}{key.suffix}")
    try:
        key.rename(old)
    except OSError as error:
        raise StorageError(f"the key of a ledger that is gone cannot be renamed: {key}: {error}") from error
    LOG.warning("there is a signing key but no ledger; the key is now %s and a new ledger begins", old)
