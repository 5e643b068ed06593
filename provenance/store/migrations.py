"""Versions of the database's tables. Forward only: a newer release opens every older ledger, never the reverse.

`FORMAT` covers the record tables; a step for each version carries a database from the one before. `INDEX_FORMAT`
covers the index: when only that differs, the index tables are dropped, made anew and filled from the entries.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, inspect, select

from ..errors import InputError, NewerFormat, NotALedger, StorageError
from . import tables

FORMAT = 1
INDEX_FORMAT = 2

_VERSIONS = ("format", "index_format")  # rows of `meta`

# version reached -> step from the version before it; filled when a second version exists
STEPS: dict[int, Callable[[Connection], None]] = {}


def create(connection: Connection) -> None:
    """Make all tables in an empty database. Raises InputError when there is a ledger, or anything else, already."""
    if not is_vacant(connection):
        known = inspect(connection).has_table(tables.meta.name)
        raise InputError(f"there is {'a ledger' if known else 'another database'} here already")
    tables.metadata.create_all(connection)
    connection.execute(insert(tables.meta), _current())


def is_vacant(connection: Connection) -> bool:
    """Whether nothing was ever written to the database."""
    return not inspect(connection).get_table_names()


def check(connection: Connection) -> bool:
    """Whether the database can be used as it is; False when `upgrade` must run first.

    Raises NotALedger when there is no ledger in it, NewerFormat when a later release wrote it, StorageError when the
    version is gone.
    """
    if not all(inspect(connection).has_table(table.name) for table in (tables.meta, tables.entries)):
        raise NotALedger("the database holds no ledger")
    versions = _versions(connection)
    if "format" not in versions:
        raise StorageError("the database file is damaged: it has lost its version")
    if versions["format"] > FORMAT or versions.get("index_format", 0) > INDEX_FORMAT:
        raise NewerFormat(f"the ledger has format {versions['format']}; this release knows {FORMAT}: update it")
    return versions["format"] == FORMAT and versions.get("index_format", 0) == INDEX_FORMAT


def upgrade(connection: Connection) -> None:
    """Bring an older database to this release's tables, inside the caller's transaction. The index is left empty."""
    for version in range(_versions(connection)["format"] + 1, FORMAT + 1):
        STEPS[version](connection)
    derived = (*tables.INDEX_TABLES, *tables.SHARED_TABLES, *tables.DERIVED_TABLES, tables.summaries)
    for table in derived:
        table.drop(connection, checkfirst=True)
    tables.metadata.create_all(connection, tables=list(derived))
    connection.execute(delete(tables.meta).where(tables.meta.c.name.in_(_VERSIONS)))
    connection.execute(insert(tables.meta), _current())


def _current() -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in zip(_VERSIONS, (FORMAT, INDEX_FORMAT), strict=True)]


def _versions(connection: Connection) -> dict[str, int]:
    meta = tables.meta
    rows = connection.execute(select(meta.c.name, meta.c.value).where(meta.c.name.in_(_VERSIONS)))
    return {name: int(value) if value.isdigit() else 1 << 30 for name, value in rows}
