"""Checkpoints that leave the machine, and what others sign on them.

A lone log promises nothing until a checkpoint is somewhere else: printed, posted, with a colleague. `Witnessed` is the
other side: what a colleague remembers of the logs whose checkpoints were cosigned here, one small folder per log.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError, IntegrityError, NotFound, StorageError
from ..model import Json
from ..seal import checkpoint as notes
from ..seal import cosign, merkle
from ..seal.checkpoint import Checkpoint
from ..seal.cosign import Offer
from ..seal.keys import PublicKey, Signer
from ..store.ledger import Ledger
from .checking import checkpoint_json, read_key
from .disk import make_folder, write_new
from .seen import read_file

FOLDER = "witnessed"
_ORIGIN = re.compile(r"[0-9A-Za-z./_-]{1,200}")


def checkpoint_of(ledger: Ledger, since: int | None = None) -> dict[str, Json]:
    """{"checkpoint": {"origin", "size", "root"}, "fingerprint", "note", "vkey", "public_key", "offer"}: the newest.

    since: a size from which to prove growth; `offer` is the note with that proof, else the note alone. Raises
    InputError for a size that the ledger does not have.
    """
    note = ledger.index.latest_checkpoint()
    head = notes.open(note, ledger.public)
    proof: tuple[bytes, ...] = ()
    if since is not None:
        if not 0 < since <= head.size:
            raise InputError(f"the ledger has {head.size} entries: nothing can be proved from {since}")
        proof = merkle.consistency_proof(since, head.size, ledger.index.attestations.leaves(head.size))
        merkle.verify_consistency(since, _root_at(ledger, since), head.size, head.root, proof)
    return {
        "checkpoint": checkpoint_json(head),
        "fingerprint": notes.fingerprint(head),
        "note": note.decode(),
        "vkey": notes.vkey(ledger.public),
        "public_key": {"fingerprint": ledger.public.fingerprint, "id": ledger.public.key_id},
        "offer": cosign.write_offer(Offer(note, since or 0, proof)).decode(),
    }


class Witnessed:
    """Checkpoints of other logs that were cosigned here. folder: of the witness's own ledger."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def cosign(self, data: bytes, signer: Signer, at_s: int, key: PublicKey | None = None) -> dict[str, Json]:
        """Check that an offered checkpoint extends the last one seen of its log, remember it, and cosign it.

        key: the log's key; needed the first time, remembered then, and never replaced. Gives {"checkpoint",
        "fingerprint", "before": size seen last or null, "name", "cosigned_at_s", "note"}. It is remembered before it
        is given out, so that a crash can never lead to two histories being cosigned.
        """
        offer = cosign.read_offer(data)
        stated = notes.read_text(notes.take_apart(offer.note)[0])
        place = self._place(stated.origin)
        public = self._key(place, stated.origin, key)
        if public == signer.public:
            raise InputError("this is your own log: a witness is somebody else")
        before = self._last(place, public)
        head = cosign.check_growth(offer, public, before)
        name = notes.origin_of(signer.public)
        note = cosign.add(offer.note, public, name, signer, at_s)
        self._remember(place, public, note)
        return {
            "checkpoint": checkpoint_json(head),
            "fingerprint": notes.fingerprint(head),
            "before": None if before is None else before.size,
            "name": name,
            "cosigned_at_s": at_s,
            "note": note.decode(),
        }

    def _place(self, origin: str) -> Path:
        if not _ORIGIN.fullmatch(origin):
            raise InputError("the checkpoint's log has a name that cannot be kept here")
        return self._folder / origin.replace("/", "__").lstrip(".")

    @staticmethod
    def _key(place: Path, origin: str, given: PublicKey | None) -> PublicKey:
        path = place / "public.pem"
        known = read_key(path) if path.is_file() else None
        if known is not None and given is not None and known != given:
            raise IntegrityError(f"log {origin} was seen with another key before: compare it with its author")
        public = known or given
        if public is None:
            raise NotFound(f"log {origin} was not seen here before: give its author's public key with --key")
        if origin.startswith(notes.ORIGIN_PREFIX) and origin != notes.origin_of(public):
            raise IntegrityError(f"the key given is not that of log {origin}")
        return public

    @staticmethod
    def _last(place: Path, public: PublicKey) -> Checkpoint | None:
        path = place / "checkpoint"
        return notes.open(read_file(path), public) if path.is_file() else None

    @staticmethod
    def _remember(place: Path, public: PublicKey, note: bytes) -> None:
        make_folder(place)
        if not (place / "public.pem").is_file():
            write_new(place / "public.pem", [public.pem.encode("ascii")])
        write_new(place / "checkpoint", [note], replace=True)
        if read_file(place / "checkpoint") != note:
            raise StorageError(f"the checkpoint could not be remembered in {place}: it is not cosigned")


def find_cosigner(note: bytes, given: str | None) -> tuple[str, PublicKey]:
    """Who cosigned, from a key in PEM or a C2SP verifier key, and the name under which. Raises InputError."""
    if given is None:
        raise InputError("give the witness's public key with --key: a PEM file, or its verifier key")
    if "+" in given and not Path(given).is_file():
        name, public = cosign.read_vkey(given)
        return name, public
    public = read_key(Path(given))
    names = cosign.names_of(note, public)
    if len(names) != 1:
        raise IntegrityError("this key did not cosign the checkpoint" if not names else "it cosigned under two names")
    return names[0], public


def _root_at(ledger: Ledger, size: int) -> bytes:
    return merkle.root_of(ledger.index.attestations.leaves(size))
