"""Writing in an installation's ledger from outside its host, such as from the command line.

The host may hold the same ledger at the same time: appends of several processes take turns in the database. What is
written has a session of its own, between a start and a stop that name this program as its host.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..config import DATABASE_NAME, SOFTWARE, VERSION, Places
from ..errors import NotALedger, StorageError
from ..model import Clock, Kind, system_clock
from ..record import predicate
from ..record.redact import Redactor
from ..store import place
from ..store.ledger import Ledger
from ..store.presence import Presence
from .book import Book
from .opening import open_existing, redaction_salt

LOG = logging.getLogger("comfy-provenance")
OUTSIDE = f"{SOFTWARE} command line"


@dataclass(frozen=True, slots=True)
class Writing:
    """An open ledger and the pen to write in it. `salt` belongs to the ledger and stays secret."""

    ledger: Ledger
    book: Book
    salt: bytes

    def clean(self) -> Redactor:
        """What replaces secrets in texts."""
        return Redactor(self.salt, lambda class_type: None)


@contextmanager
def writing(ledger: Path, clock: Clock = system_clock) -> Iterator[Writing]:
    """Open the ledger in a folder with its own key, and say when this session starts and stops.

    Nothing is written before the first entry is asked for, but the start. Raises NotALedger, and StorageError where the
    key is not found or the ledger is a copy of another.
    """
    if not (ledger / DATABASE_NAME).is_file():
        raise NotALedger(f"no ledger in {ledger}: start ComfyUI once, or give --ledger DIR")
    session = str(uuid.uuid4())
    with ExitStack() as stack:
        opened, signer = open_existing(places_of(ledger))
        stack.callback(opened.close)
        presence = Presence(ledger, session)
        stack.callback(presence.release)
        salt = redaction_salt(signer)
        book = Book(opened, session, clock, lambda event: None, salt)
        event(book, "start")
        try:
            yield Writing(opened, book, salt)
        finally:
            try:
                event(book, "stop")
            except StorageError as error:
                LOG.error("the end of the session could not be recorded: %s", error)


def event(book: Book, name: str) -> None:
    """A session entry of a program that is no host."""
    say = partial(predicate.session, session=book.session, event=name, host=OUTSIDE, host_version=VERSION)
    book.append(Kind.SESSION, say)


def places_of(ledger: Path) -> Places:
    """Where the key of a ledger is: where the ledger's own note says, else beside it."""
    folder = ledger.absolute()
    note = place.read(folder)
    return Places(folder, folder / "secrets" if note is None else Path(note.key).parent)
