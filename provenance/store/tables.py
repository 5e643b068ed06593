"""Tables of a ledger's database, in SQLAlchemy Core. No dialect's peculiarities here.

Three groups:

* the record: `writers`, `entries`, `patterns`, `objects`. Never dropped; entries and objects are never updated
  or deleted.
* the index. All of it can be dropped and rebuilt. Each row of `INDEX_TABLES` comes from exactly one entry and carries
  its `seq`. What one run after the other says alike (its prompts, its models, most of its links) is kept once in
  `SHARED_TABLES`, as a list that the entries' rows name. `DERIVED_TABLES` follow from the other two.
* the cache: `summaries`. May be emptied at any time.

`entries.seq` is the order of arrival in this database. Within one writer it agrees with the log's index, which is
what is signed. Digests are bytes in the record; in the index they and ids are `Name`s.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from .columns import Bytes, File, Moment, Name, Seq
from .said_tables import (
    anchors,
    decisions,
    gaps,
    import_sources,
    imports,
    intents,
    metadata,
    outcomes,
    recordings,
    releases,
    replays,
    sessions,
    witnesses,
)  # fmt: skip

__all__ = (
    "DERIVED_TABLES", "FIRST_OUTPUT", "INDEX_TABLES", "PARENT", "RUN", "SHARED_TABLES", "anchors", "assets",
    "decisions", "edges", "endings", "entries", "executions", "gaps", "import_sources", "imports", "intents",
    "links", "lists", "meta", "metadata", "model_files", "models", "objects", "open_runs", "outcomes", "outputs",
    "patterns", "prompts", "recordings", "releases", "replays", "sessions", "summaries", "texts", "witnesses",
    "word_texts", "words", "writers",
)  # fmt: skip

RUN, PARENT, FIRST_OUTPUT = 0, 1, 2  # what a link of `links` starts or ends at, where it is not named

meta = Table("meta", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

writers = Table(
    "writers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("origin", Text, nullable=False, unique=True),
    Column("public_key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", Bytes, nullable=False),
    Column("checkpoint", Bytes, nullable=False),
)

entries = Table(
    "entries",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("writer", Integer, ForeignKey("writers.id"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("leaf", Bytes(32), nullable=False),
    Column("envelope", Bytes, nullable=False),
    UniqueConstraint("writer", "number"),
)

# Payloads that entries after them are kept as differences to (see `envelopes`); a second copy of what the entry holds.
patterns = Table(
    "patterns",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("key", Bytes, nullable=False),
    Column("digest", Bytes(32), nullable=False),
    Column("payload", Bytes, nullable=False),
)

objects = Table(
    "objects",
    metadata,
    Column("id", Seq, primary_key=True),
    Column("digest", Bytes(32), nullable=False, unique=True),
    Column("media_type", Text),  # null for application/json
    Column("size", BigInteger, nullable=False),
    Column("encoding", String(8), nullable=False),  # raw, zlib, delta, file
    Column("base", Seq, ForeignKey("objects.id")),  # what a delta is taken from
    Column("data", Bytes),
    CheckConstraint("encoding <> 'delta' OR base IS NOT NULL"),
)

executions = Table(
    "executions",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("id", Name, nullable=False, unique=True),
    Column("prompt_id", Name),  # null where it is the id,
    Column("session", Name, nullable=False),
    Column("submitted_at", Moment, nullable=False),
    Column("parent", Name, index=True),
    Column("parent_known", SmallInteger),
    Column("parent_basis", Text),
    Column("parent_method", Text),
    Column("workflow", Name),
    Column("prompt", Name, nullable=False),
    Column("extra", Name),
    Column("links", Integer),
    Index("ix_executions_prompt_id", "prompt_id", info={"sparse": True}),
)

endings = Table(
    "endings",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("execution", Name, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("duration_ms", Float),
    Column("observations", Name),
    Column("error_class", Text),
    Column("error_message", Text),  # its beginning
    Column("prompts", Integer, index=True),
    Column("models", Integer, index=True),
    Column("links", Integer),
)

open_runs = Table("open_runs", metadata, Column("execution", Name, primary_key=True))

outputs = Table(
    "outputs",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("type", Text),
    Column("subfolder", Text),
    Column("filename", Text),
    Column("sha256", File, index=True),
    Column("size", BigInteger),
    Column("media_type", Text),
    Column("width", BigInteger),
    Column("height", BigInteger),
    Column("pixels", Name, index=True),
    Column("perceptual", Name),
    *(Column(f"band{band}", Integer) for band in range(4)),
    Column("thumbnail", Name),
    Column("kept", Name),
    Column("reused", SmallInteger, nullable=False),
    Column("made_by", Name),
    Column("problem", Text),
    # with the whole hash, so that a question about likeness reads no row of the table but those that are alike
    *(Index(f"ix_outputs_band{band}", f"band{band}", "perceptual") for band in range(4)),
    Index("ix_outputs_file", "filename", "subfolder", "type"),
)

assets = Table(
    "assets",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text),
    Column("subfolder", Text),
    Column("filename", Text),
    Column("sha256", Name, index=True),
    Column("size", BigInteger),
    Column("media_type", Text),
    Column("pixels", Name),
    Column("perceptual", Name),
    Column("kept", Name),
    Column("mask", Name),
    Column("mask_channel", Text),
    Column("problem", Text),
)

# Lists that one entry after the other states alike, each kept once, under the first half of its SHA-256 (see `lists`).
lists = Table("lists", metadata, Column("id", Seq, primary_key=True), Column("digest", Bytes(16), unique=True))

prompts = Table(
    "prompts",
    metadata,
    Column("list", Integer, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("class_type", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("text", Integer, index=True),
)

models = Table(
    "models",
    metadata,
    Column("list", Integer, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size", BigInteger),
    Column("mtime_ns", BigInteger),
    Column("sha256", Name),
)

# Links of runs that start at the run, at one of its outputs or prompts. What is the same in each run stands in `source`
# and `target`; where they are null, `source_is` and `target_is` say what they are: `RUN`, `PARENT`, or the output's
# item after `FIRST_OUTPUT`.
links = Table(
    "links",
    metadata,
    Column("list", Integer, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("source_is", Integer),
    Column("source", Name),
    Column("target_is", Integer),
    Column("target", Name),
    Column("relation", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("score", Float),
    Column("via", Text, nullable=False),  # JSON list of node ids
)

# All other links.
edges = Table(
    "edges",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("source", Name, nullable=False, index=True),
    Column("target", Name, nullable=False),
    Column("relation", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("score", Float),
    Column("via", Text, nullable=False),  # JSON list of node ids
)

texts = Table(
    "texts",
    metadata,
    Column("id", Seq, primary_key=True),
    Column("digest", Bytes(16), nullable=False, unique=True),  # first half of the text's SHA-256
    Column("text", Text, nullable=False),
    Column("folded", Text),  # null where folding changes nothing
)

# Which words stand in which texts (see `words`), each with the word right after it; 0 where the text ends.
words = Table("words", metadata, Column("id", Seq, primary_key=True), Column("word", Text, nullable=False, unique=True))

word_texts = Table(
    "word_texts",
    metadata,
    Column("word", Integer, primary_key=True),
    Column("next", Integer, primary_key=True),
    Column("text", Integer, primary_key=True),
)

model_files = Table(
    "model_files",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("folder", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size", BigInteger),
    Column("mtime_ns", BigInteger),
    Column("sha256", Name, nullable=False, index=True),
    Index("ix_model_files_version", "folder", "name", "size", "mtime_ns"),
)

summaries = Table(
    "summaries", metadata, Column("execution", Name, primary_key=True), Column("changes", Text, nullable=False)
)

INDEX_TABLES: tuple[Table, ...] = (
    executions, endings, outputs, assets, edges, model_files, intents, decisions, replays, outcomes, imports,
    import_sources, recordings, anchors, witnesses, sessions, gaps, releases
)  # fmt: skip
SHARED_TABLES: tuple[Table, ...] = (lists, prompts, models, links)
DERIVED_TABLES: tuple[Table, ...] = (open_runs, texts, words, word_texts)
