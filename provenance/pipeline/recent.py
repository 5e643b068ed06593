"""The newest outputs, in memory: a page that asks for node definitions must not wait for the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..model import FileRef
from ..store.index import Index

RUNS_AT_START = 150
MOST = 300


class Recent:
    """Files of recent outputs, oldest first; safe to read on any thread while one thread adds."""

    def __init__(self, index: Index) -> None:
        runs = [row.id for row in index.page(RUNS_AT_START)]
        self._files: deque[FileRef] = deque(maxlen=MOST)
        self.add(output.file for output in index.outputs(*reversed(runs)))

    def add(self, files: Iterable[FileRef | None]) -> None:
        """Append files; None stands for outputs that are no files."""
        self._files.extend(file for file in files if file is not None)

    def names(self, endings: tuple[str, ...], folders: Mapping[str, str]) -> tuple[str, ...]:
        """Annotated names (`sub/x.png [output]`) of those that still exist, newest first, each once."""
        found: dict[str, None] = {}
        for file in reversed(tuple(self._files)):
            folder = folders.get(file.type)
            if folder is not None and file.filename.lower().endswith(endings):
                relative = "/".join(part for part in (file.subfolder, file.filename) if part)
                name = f"{relative} [{file.type}]"
                if name not in found and (Path(folder) / relative).is_file():
                    found[name] = None
        return tuple(found)
