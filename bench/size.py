"""Bytes that one more run costs when nothing but the seed changed, beside the same snapshots in git.

Counted is how much the database grows once its journal is folded in, over a series of seed-only runs, whole entries
and index included; the pictures and their thumbnails are not part of it. git commits the same two documents per run and
packs them as tightly as `git gc --aggressive` does; it has no index, no signatures and no record of outputs.

usage: python bench/size.py [--runs N] [--no-git] [--json] [--out DIR]
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import results
import series
from comfy_provenance.provenance.config import DATABASE_NAME
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from record import SEED, record

GROUPS = {"entries": "record", "patterns": "record", "objects": "snapshots", "writers": "record"}


def bytes_by_group(database: Path) -> dict[str, int]:
    """Bytes of the database's pages: entries, snapshots, index. Falls back to the file's size without `dbstat`."""
    connection = sqlite3.connect(database)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        try:
            trees = connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
        except sqlite3.OperationalError:
            return {"all": database.stat().st_size}
    finally:
        connection.close()
    found: dict[str, int] = {"record": 0, "snapshots": 0, "index": 0}
    for name, size in trees:
        table = name.removeprefix("sqlite_autoindex_").rsplit("_", 1)[0] if name.startswith("sqlite_auto") else name
        found[GROUPS.get(table, "index")] += size
    return found


def ours(folder: Path, runs: int) -> list[dict[str, Any]]:
    signer = Signer.from_seed(SEED)
    ledger = Ledger.create(folder / "ledger", signer, lambda _: series.genesis(signer))
    ledger.append(Kind.SESSION, lambda _: series.session())
    author = series.Author(seed_only=True)
    for run in author.runs(20):
        record(ledger, run)
    before = bytes_by_group(ledger.root / DATABASE_NAME)
    for run in author.runs(runs):
        record(ledger, run)
    ledger.close()
    after = bytes_by_group(ledger.root / DATABASE_NAME)
    rows = [{"what": name, "bytes per run": round((after[name] - before[name]) / runs)} for name in after]
    return [*rows, {"what": "ledger, whole", "bytes per run": sum(row["bytes per run"] for row in rows)}]


def in_git(folder: Path, runs: int) -> list[dict[str, Any]]:
    """Packed size of the same snapshots, one commit per run."""
    tree = folder / "git"
    tree.mkdir()

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0")
        subprocess.run(["git", *identity, *arguments], cwd=tree, check=True, capture_output=True)

    def packed() -> int:
        git("gc", "--quiet", "--aggressive", "--prune=now")
        return sum(path.stat().st_size for path in (tree / ".git" / "objects").rglob("*") if path.is_file())

    def commit(run: series.Run) -> None:
        for name, data in run.documents.items():
            (tree / f"{name}.json").write_bytes(data)
        git("add", "-A")
        git("commit", "-q", "-m", run.execution)

    git("init", "-q")
    author = series.Author(seed_only=True)
    for run in author.runs(20):
        commit(run)
    before = packed()
    for run in author.runs(runs):
        commit(run)
    return [{"what": "git, packed: snapshots only", "bytes per run": round((packed() - before) / runs)}]


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--no-git", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = ours(Path(folder), arguments.runs)
        if not arguments.no_git and shutil.which("git"):
            rows += in_git(Path(folder), arguments.runs)
    whole = next(row["bytes per run"] for row in rows if row["what"] == "ledger, whole")
    goals = [results.Goal("bytes per run that changes the seed only", whole, most=2048)]
    return results.finish("size", rows, goals, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
