"""Tables of the index for what is said beside the runs: by the author, by others about the log, by the writer itself.

The runs' own tables, and how all of them belong together, are in `tables`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text

from .columns import Name, Seq

metadata = MetaData()

intents = Table(
    "intents",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("execution", Name, index=True),
    Column("node", Text),
    Column("title", Text),
    Column("text", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Column("revises", BigInteger),  # number of the entry of which it is a new version
    Column("source", Text),
    Column("recorded_at", Text, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("execution", Name, nullable=False, index=True),
    Column("output", Name),
    Column("decision", Text, nullable=False),
    Column("rating", SmallInteger),
    Column("reason", Text),
    Column("label", Text),
    Column("over", Text),  # JSON list of candidates that were not chosen
    Column("folded", Text),  # reason or label as searched
    Column("recorded_at", Text, nullable=False),
)

# Runs that repeat an earlier one: a row per submission. A cell of a sheet names the sheet and its place.
replays = Table(
    "replays",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("execution", Name, nullable=False, unique=True),
    Column("original", Name, nullable=False, index=True),
    Column("known", SmallInteger, nullable=False),
    Column("sheet", Name, index=True),
    Column("cell", Integer),
    Column("cells", Integer),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("execution", Name, nullable=False, unique=True),
    Column("outcome", Text, nullable=False),
    Column("same_graph", SmallInteger, nullable=False),
    Column("fresh", SmallInteger, nullable=False),  # nothing came from the caches
    Column("drift", Integer, nullable=False),  # how many differences
)

imports = Table(
    "imports",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("sha256", Name, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("stage", Text),
    Column("note", Text),
    Column("size", BigInteger),
    Column("media_type", Text),
    Column("pixels", Name, index=True),
    Column("perceptual", Name),
    Column("thumbnail", Name),
    Column("kept", Name),
    Column("project", Name, index=True),
    Column("project_name", Text),
    Column("revises", BigInteger),
    Column("claims", Text),  # in which form the file speaks of itself
    Column("recorded_at", Text, nullable=False),
)

import_sources = Table(
    "import_sources",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("output", Name, nullable=False, index=True),
    Column("execution", Name, index=True),
    Column("basis", Text, nullable=False),
    Column("method", Text, nullable=False),
)

recordings = Table(
    "recordings",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("recording", Name, nullable=False, index=True),
    Column("event", Text, nullable=False),
    Column("session", Name, nullable=False),
    Column("number", BigInteger),
    Column("offset", BigInteger),
    Column("size", BigInteger),
    Column("sha256", Name),
    Column("media_type", Text),
    Column("surface", Text),
    Column("reason", Text),
    Column("note", Text),
    Column("recorded_at", Text, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("session", Name, nullable=False, index=True),
    Column("event", Text, nullable=False),
    Column("environment", Name),
    Column("recorded_at", Text, nullable=False),
)

anchors = Table(
    "anchors",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("size", BigInteger, nullable=False),  # entries that the checkpoint covers
    *(Column(name, Name, nullable=False) for name in ("note", "token")),
    Column("authority", Text, nullable=False),
    *(Column(name, Text) for name in ("url", "signer")),
    Column("gen_time", Text, nullable=False),
    Column("accuracy_us", BigInteger),
    *(Column(name, Text, nullable=False) for name in ("source", "recorded_at")),
    Column("proved", SmallInteger, nullable=False),  # 0: its signature was not checked when it was recorded
)

witnesses = Table(
    "witnesses",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("note", Name, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("name", "public_key", "cosigned_at", "recorded_at")),
    Column("label", Text),
)

gaps = Table(
    "gaps",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", Text),
    Column("until", Text),
    Column("events", BigInteger, nullable=False),
    Column("submissions", BigInteger, nullable=False),
    Column("completions", BigInteger, nullable=False),
    Column("detail", Text),
)

# Copies that were let go of, or are kept again: a row per object.
releases = Table(
    "releases",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("digest", Name, nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("event", "role", "reason")),
)
