"""Time-stamp tokens and cosignatures become entries. What is recorded was checked, and does not contradict the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial

from ..canonical import sha256_hex, timestamp
from ..errors import InputError, IntegrityError
from ..model import Json, Kind, SignedHead, Token
from ..record import attested
from ..seal import checkpoint as notes
from ..seal import cosign, merkle
from ..seal import timestamp as tokens
from ..seal.checkpoint import Checkpoint
from ..seal.keys import PublicKey
from ..seal.timestamp import Checked, Trust
from ..store.ledger import Ledger
from .book import Book

NOTE_TYPE = "text/plain; charset=utf-8"
TOKEN_TYPE = "application/timestamp-token"  # noqa: S105
NEIGHBOURS = 100  # earlier time-stamps that a new one is compared with

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Found:
    """A checked token over a checkpoint's note; url is None for one that was made elsewhere."""

    note: bytes
    head: Checkpoint
    token: bytes
    checked: Checked
    authority: str
    url: str | None


def record(found: Found, book: Book) -> dict[str, Json]:
    """Write an anchor and give {"entry", "size", "gen_time", "authority"}, with `trust` `signature-unchecked` where the
    token's signature is of a kind that is not checked here.

    Raises InputError for a token that is recorded already, and for one whose time contradicts an earlier one: then its
    authority's clock, or that of the other, is wrong, and a record that contradicts itself would help nobody.
    """
    said, token = found.checked.said, sha256_hex(found.token)
    proved = found.checked.trust is not Trust.SIGNATURE_UNCHECKED
    latest = tokens.latest_ns(said.gen_time_ns, said.accuracy_us)
    for row in book.index.attestations.latest(NEIGHBOURS):
        if row.token == token:
            raise InputError(f"this token is recorded already, in entry {row.entry}")
        start = tokens.earliest_ns(wall_ns(row.gen_time), row.accuracy_us)
        if proved and row.proved and row.entry < found.head.size and start > latest:
            raise InputError(
                f"the token says {timestamp(said.gen_time_ns)}, but its checkpoint covers entry {row.entry}, "
                f"which holds one of {row.gen_time}: a clock is wrong, and it is not recorded"
            )
    authority = book.clean(found.authority)
    say = partial(
        attested.anchor,
        session=book.session,
        checkpoint=SignedHead(sha256_hex(found.note), found.head.size, found.head.root.hex()),
        token=token,
        said=said,
        authority=authority,
        url=None if found.url is None else book.clean(found.url),
        requested=found.url is not None,
        signature_checked=proved,
    )
    told = {"size": found.head.size, "gen_time": timestamp(said.gen_time_ns), "authority": authority}
    entry = book.append(Kind.ANCHOR, say, [(found.note, NOTE_TYPE), (found.token, TOKEN_TYPE)], **told)
    return {"entry": entry, **told, **({} if proved else {"trust": found.checked.trust.value})}


def brought(ledger: Ledger, data: bytes, note: bytes | None, authority: str | None) -> Found:
    """A token that was made elsewhere, as a response or by itself, over a checkpoint of this ledger.

    note: the checkpoint's bytes that were given to the authority; without them the ledger's own checkpoints are looked
    through for the one that the token was made for. authority: its name; else its certificate's subject. Raises
    IntegrityError unless the token is sound and over a checkpoint of this ledger, NetworkError for a refusal.
    """
    token = tokens.token_of(data)
    said = tokens.read(token)
    over = note if note is not None else _note_under(ledger, said)
    head = own_head(ledger, over)
    checked = tokens.check(token, over)
    return Found(over, head, token, checked, authority or said.signer or "unknown", None)


def _note_under(ledger: Ledger, said: Token) -> bytes:
    """The checkpoint that a token was made for: an Ed25519 signature over the same bytes is the same again."""
    tree = merkle.Frontier()
    for leaf in ledger.index.attestations.leaves(ledger.index.counts().entries):
        tree = tree.append(leaf)
        note = ledger.note_of(tree)
        if tokens.is_over(said, note):
            return note
    raise IntegrityError("the token was made for none of this ledger's checkpoints")


def record_witness(note: bytes, name: str, public: PublicKey, label: str | None, book: Book) -> dict[str, Json]:
    """Write a witness's cosignature and give {"entry", "size", "name", "cosigned_at"}.

    Raises IntegrityError unless this key cosigned a checkpoint of this log under that name, InputError when it is
    recorded already.
    """
    head = own_head(book.ledger, note)
    at_s = cosign.open(note, name, public)
    if any(row.note == sha256_hex(note) for row in book.index.attestations.witnesses()):
        raise InputError("this cosigned checkpoint is recorded already")
    say = partial(
        attested.witness,
        session=book.session,
        checkpoint=SignedHead(sha256_hex(note), head.size, head.root.hex()),
        name=name,
        public_key=public.pem,
        cosigned_s=at_s,
        label=None if label is None else book.clean(label),
    )
    told = {"size": head.size, "name": name, "cosigned_at": timestamp(at_s * 1_000_000_000)}
    return {"entry": book.append(Kind.WITNESS, say, [(note, NOTE_TYPE)], **told), **told}


def own_head(ledger: Ledger, note: bytes) -> Checkpoint:
    """The tree head of a note, after checking that it is one of this ledger. Raises IntegrityError."""
    head = notes.open(note, ledger.public, notes.origin_of(ledger.public))
    leaves = ledger.index.attestations.leaves(head.size)
    if not 0 < head.size == len(leaves):
        raise IntegrityError(f"the checkpoint covers {head.size} entries, the ledger holds {len(leaves)}")
    if merkle.root_of(leaves) != head.root:
        raise IntegrityError(f"the checkpoint signs another history of {head.size} entries than this ledger holds")
    return head


def wall_ns(gen_time: str) -> int:
    """Nanoseconds since the Unix epoch of a time as entries write it."""
    moment = datetime.fromisoformat(gen_time.removesuffix("Z")).replace(tzinfo=timezone.utc)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
