"""Versions of the database's tables. Forward only: a newer release opens every older ledger, never the reverse.

`FORMAT` covers the record tables; a step for each version carries a database from the one before. `INDEX_FORMAT`
covers the index: when only that differs, the index tables are dropped, made anew and filled from the entries.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, insert, inspect, select, update

from ..errors import InputError, NewerFormat, NotALedger
from . import tables

FORMAT = 1
INDEX_FORMAT = 2

# version reached -> step from the version before it; filled when a second version exists
STEPS: dict[int, Callable[[Connection], None]] = {}


def create(connection: Connection) -> None:
    """Make all tables in an empty database. Raises InputError when there is a ledger, or anything else, already."""
    found = inspect(connection).get_table_names()
    if found:
        known = tables.meta.name in found
        raise InputError(f"there is {'a ledger' if known else 'another database'} here already")
    tables.metadata.create_all(connection)
    rows = [{"name": "format", "value": str(FORMAT)}, {"name": "index_format", "value": str(INDEX_FORMAT)}]
    connection.execute(insert(tables.meta), rows)


def check(connection: Connection) -> bool:
    """Whether the database can be used as it is; False when `upgrade` must run first.

    Raises NotALedger when there is no ledger in it, NewerFormat when a later release wrote it.
    """
    if not inspect(connection).has_table(tables.meta.name):
        raise NotALedger("the database holds no ledger")
    versions = _versions(connection)
    if "format" not in versions:
        raise NotALedger("the database holds no ledger")
    if versions["format"] > FORMAT or versions.get("index_format", 0) > INDEX_FORMAT:
        raise NewerFormat(f"the ledger has format {versions['format']}; this release knows {FORMAT}: update it")
    return versions["format"] == FORMAT and versions.get("index_format", 0) == INDEX_FORMAT


def upgrade(connection: Connection) -> None:
    """Bring an older database to this release's tables, inside the caller's transaction. The index is left empty."""
    for version in range(_versions(connection)["format"] + 1, FORMAT + 1):
        STEPS[version](connection)
    derived = (*tables.INDEX_TABLES, *tables.DERIVED_TABLES, tables.summaries)
    for table in derived:
        table.drop(connection, checkfirst=True)
    tables.metadata.create_all(connection, tables=list(derived))
    meta = tables.meta
    for name, value in (("format", FORMAT), ("index_format", INDEX_FORMAT)):
        connection.execute(update(meta).where(meta.c.name == name).values(value=str(value)))


def _versions(connection: Connection) -> dict[str, int]:
    meta = tables.meta
    rows = connection.execute(select(meta.c.name, meta.c.value).where(meta.c.name.in_(("format", "index_format"))))
    return {name: int(value) if value.isdigit() else 1 << 30 for name, value in rows}
