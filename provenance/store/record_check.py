"""What the record's rows say beside the signed bytes: columns that make work easy and are no evidence themselves.

Kind and leaf hash of an entry, name, key and tree of a writer: each follows from envelopes and checkpoint. `check`
names what does not follow, `repair` writes it anew from them; envelopes, checkpoints and objects are never touched.
Not checked here: signatures, and the places of entries in the log; that is `verify`'s work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, select, update

from ..errors import ProvenanceError
from ..model import Finding
from ..record import schema
from ..seal import checkpoint, dsse
from ..seal.keys import PublicKey, public_from_pem
from ..seal.merkle import Frontier, leaf_hash
from . import tables
from .envelopes import Envelopes

_BATCH = 500  # entries held in memory at a time
_BEFORE_ALL = -(2**62)


@dataclass(slots=True)
class _Log:
    """What one writer's entries make: the tree over them, and the key that its genesis declares."""

    tree: Frontier = field(default_factory=Frontier)
    public: PublicKey | None = None


_Expected = tuple[Table, Any, dict[str, Any]]  # a table, a row of it, and what columns of that row must hold


def check(connection: Connection) -> Iterator[Finding]:
    """Yield a finding for each row with a column that does not say what is signed."""
    for table, row, expected in _expected(connection):
        wrong = _wrong(row, expected)
        if wrong:
            keys = ", ".join(f"{column.name} {getattr(row, column.name)}" for column in table.primary_key)
            message = f"table {table.name}, {keys}: row is changed in {', '.join(wrong)}"
            yield Finding("error", "record-row-changed", message, row.number if table is tables.entries else None)


def repair(connection: Connection) -> int:
    """Write these columns anew, as far as entries and checkpoint agree; gives how many rows that changed."""
    done = 0
    for table, row, expected in _expected(connection):
        if _wrong(row, expected):
            here = and_(*(column == getattr(row, column.name) for column in table.primary_key))
            done += connection.execute(update(table).where(here).values(expected)).rowcount
    return done


def _wrong(row: Any, expected: dict[str, Any]) -> list[str]:
    return [name for name, value in expected.items() if getattr(row, name) != value]


def _expected(connection: Connection) -> Iterator[_Expected]:
    logs: dict[int, _Log] = {}
    columns, envelopes, after = tables.entries.c, Envelopes(connection), _BEFORE_ALL
    query = select(tables.entries).where(columns.seq > bindparam("after")).order_by(columns.seq).limit(_BATCH)
    while batch := connection.execute(query, {"after": after}).all():
        for row in batch:
            yield tables.entries, row, _of_entry(envelopes.envelope(row.envelope), logs.setdefault(row.writer, _Log()))
        after = batch[-1].seq
    for row in connection.execute(select(tables.writers)).all():
        yield tables.writers, row, _of_writer(row.checkpoint, logs.get(row.id, _Log()))


def _of_entry(envelope: bytes, log: _Log) -> dict[str, Any]:
    """Nothing for an envelope that cannot be read: then its leaf is the only trace of what it was."""
    leaf = leaf_hash(envelope)
    log.tree = log.tree.append(leaf)
    try:
        said = dsse.parse_strict(dsse.read_unverified(envelope).payload)
        if log.tree.size == 1:
            log.public = public_from_pem(said["predicate"]["public_key"])
        return {"kind": schema.kind_of(said["predicateType"]).value, "leaf": leaf}
    except (ProvenanceError, KeyError, TypeError, AttributeError):
        return {}  # damaged, or of a later release: the check of the log says so


def _of_writer(note: bytes, log: _Log) -> dict[str, Any]:
    """Nothing where the genesis cannot be read, and no tree where the entries do not make the one that is signed: while
    a host appends, or when the log is damaged, which the check of the log says."""
    if log.public is None:
        return {}
    origin = checkpoint.origin_of(log.public)
    expected: dict[str, Any] = {"origin": origin, "public_key": log.public.pem}
    try:
        head = checkpoint.open(note, log.public, origin)
    except ProvenanceError:
        return expected
    if (head.size, head.root) == (log.tree.size, log.tree.root):
        expected |= {"size": head.size, "frontier": log.tree.to_bytes()}
    return expected
