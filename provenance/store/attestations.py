"""Questions about what others attest: time-stamps and cosignatures. Part of the index, which hands it out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select

from ..model import Kind
from . import tables
from .engine import Database

_anchor, _witness, _entry = tables.anchors.c, tables.witnesses.c, tables.entries.c

_ANCHORS = (
    select(
        _entry.number,
        _anchor.size,
        _anchor.note,
        _anchor.token,
        _anchor.authority,
        _anchor.url,
        _anchor.signer,
        _anchor.gen_time,
        _anchor.accuracy_us,
        _anchor.source,
        _anchor.recorded_at,
        _anchor.proved,
    )
    .select_from(tables.anchors.join(tables.entries, _entry.seq == _anchor.seq))
    .order_by(_anchor.seq)
)
_WITNESSES = (
    select(
        _entry.number,
        _witness.size,
        _witness.note,
        _witness.name,
        _witness.public_key,
        _witness.label,
        _witness.cosigned_at,
        _witness.recorded_at,
    )
    .select_from(tables.witnesses.join(tables.entries, _entry.seq == _witness.seq))
    .order_by(_witness.seq)
)
_ABOUT_TIME = (Kind.ANCHOR.value,)


@dataclass(frozen=True, slots=True)
class AnchorRow:
    """One time-stamp as its entry tells of it. `note` and `token` are digests of objects, `size` is the number of
    entries that the checkpoint covers."""

    entry: int
    size: int
    note: str
    token: str
    authority: str
    url: str | None
    signer: str | None
    gen_time: str
    accuracy_us: int | None
    source: str
    recorded_at: str
    proved: bool  # its signature was checked when it was recorded


@dataclass(frozen=True, slots=True)
class WitnessRow:
    """One cosignature as its entry tells of it; `label` is whose key it is, as the author says."""

    entry: int
    size: int
    note: str
    name: str
    public_key: str
    label: str | None
    cosigned_at: str
    recorded_at: str


class Attestations:
    """Reads one writer's. Thread-safe; raises StorageError when the database refuses."""

    def __init__(self, database: Database, writer: int) -> None:
        self._database = database
        self._writer = writer

    def anchors(self) -> list[AnchorRow]:
        """All time-stamps, oldest entry first."""
        with self._database.read() as connection:
            rows = connection.execute(_ANCHORS.where(_entry.writer == self._writer))
            return list(map(_anchor_row, rows))

    def latest(self, limit: int) -> list[AnchorRow]:
        """The newest time-stamps, newest first."""
        newest = _ANCHORS.where(_entry.writer == self._writer).order_by(None).order_by(_anchor.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return list(map(_anchor_row, connection.execute(newest)))

    def anchor_at(self, entry: int) -> AnchorRow | None:
        """The time-stamp that this entry holds."""
        with self._database.read() as connection:
            query = _ANCHORS.where(_entry.writer == self._writer, _entry.number == entry)
            row = connection.execute(query).first()
            return None if row is None else _anchor_row(row)

    def count(self) -> int:
        """How many time-stamps there are."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(tables.anchors)).scalar_one())

    def count_witnesses(self) -> int:
        """How many cosignatures there are."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(tables.witnesses)).scalar_one())

    def reach(self) -> int:
        """How many entries, from the first, the time-stamp that goes furthest covers; of those whose signature was
        checked."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.max(_anchor.size)).where(_anchor.proved == 1)).scalar() or 0)

    def covered(self) -> dict[str | None, int]:
        """Where a token was asked for -> how many entries, from the first, its newest covers; None: made elsewhere."""
        query = select(_anchor.url, func.max(_anchor.size)).where(_anchor.proved == 1).group_by(_anchor.url)
        with self._database.read() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query)}

    def newest(self) -> int | None:
        """The newest entry that is worth a time-stamp: the last one that holds no time-stamp itself."""
        query = (
            select(_entry.number)
            .where(_entry.writer == self._writer, _entry.kind.not_in(_ABOUT_TIME))
            .order_by(_entry.number.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
            return None if found is None else int(found)

    def leaves(self, size: int) -> list[bytes]:
        """Leaf hashes of the first entries, as stored beside them; fewer where there are fewer."""
        query = select(_entry.leaf).where(_entry.writer == self._writer, _entry.number < size).order_by(_entry.number)
        with self._database.read() as connection:
            return [bytes(row.leaf) for row in connection.execute(query)]

    def witnesses(self) -> list[WitnessRow]:
        """All cosignatures, oldest entry first."""
        with self._database.read() as connection:
            rows = connection.execute(_WITNESSES.where(_entry.writer == self._writer))
            return [WitnessRow(*row) for row in rows]


def _anchor_row(row: Any) -> AnchorRow:
    found = AnchorRow(*row)
    return replace(found, proved=bool(found.proved))
