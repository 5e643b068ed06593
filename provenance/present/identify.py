"""Where a file is from: by its bytes, else by the id it carries, else by its pixels, else by its looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import InputError
from ..model import Basis, FileFacts, Json
from ..record.likeness import score
from ..store.index import Index
from ..store.rows import OutputRow

MOST_DISTANCE = 10  # differing bits of a 64-bit perceptual hash that still count as alike
_MOST_FOUND = 20
_BITS = 64


def identify(index: Index, path: Path, read: Callable[[Path], FileFacts]) -> dict[str, Json]:
    """Say which recorded outputs the file is, by the first of four ways that finds any.

    sha256: the very file. embedded-id: it carries the id of a recorded run and has the pixels of one of its outputs;
    anybody can write an id into a file, so without the pixels that is a guess (`embedded-id+perceptual`, `inferred`).
    pixels: another file with the same decoded pixels. perceptual: alike to the eye; a guess, `inferred`, with a
    score from 0 to 1. Raises InputError for a file that is no image and has unknown bytes.
    """
    facts = read(path)
    for find in (_by_bytes, _by_id, _by_pixels, _by_looks):
        found = list(find(index, facts))
        if found:
            return {"sha256": facts.sha256, "media_type": facts.media_type, "found": found[:_MOST_FOUND]}
    if facts.width is None:
        raise InputError("the file is no image that can be read, and its bytes are not in this ledger")
    return {"sha256": facts.sha256, "media_type": facts.media_type, "found": []}


def _by_bytes(index: Index, facts: FileFacts) -> Iterator[dict[str, Json]]:
    for row in index.outputs_by_digest(facts.sha256):
        if not row.reused:
            yield _found(row.execution, row, "sha256", Basis.OBSERVED)


def _by_id(index: Index, facts: FileFacts) -> Iterator[dict[str, Json]]:
    run = None if facts.embedded_execution is None else index.execution(facts.embedded_execution)
    if run is None:
        return
    outputs = [row for row in index.outputs(run.id) if row.width is not None]
    same = [row for row in outputs if facts.pixels is not None and row.pixels == facts.pixels]
    if same:
        yield _found(run.id, same[0], "embedded-id", Basis.OBSERVED)
        return
    alike = [(score(facts.perceptual, row.perceptual), row) for row in outputs if facts.perceptual and row.perceptual]
    best = max(alike, key=lambda pair: pair[0], default=(None, outputs[0] if len(outputs) == 1 else None))
    yield _found(run.id, best[1], "embedded-id+perceptual", Basis.INFERRED, best[0])


def _by_pixels(index: Index, facts: FileFacts) -> Iterator[dict[str, Json]]:
    for row in () if facts.pixels is None else index.outputs_by_pixels(facts.pixels):
        if not row.reused:
            yield _found(row.execution, row, "pixels", Basis.OBSERVED)


def _by_looks(index: Index, facts: FileFacts) -> Iterator[dict[str, Json]]:
    alike = () if facts.perceptual is None else index.outputs_by_perceptual(facts.perceptual, MOST_DISTANCE)
    for row, distance in alike:
        if not row.reused:
            yield _found(row.execution, row, "perceptual", Basis.INFERRED, round(1 - distance / _BITS, 4))


def _found(
    execution: str, row: OutputRow | None, method: str, basis: Basis, likeness: float | None = None
) -> dict[str, Json]:
    file = None if row is None else row.file
    return {
        "execution": execution,
        "node": None if row is None else row.node,
        "file": None if file is None else f"{file.subfolder}/{file.filename}".lstrip("/"),
        "type": None if file is None else file.type,
        "sha256": None if row is None else row.sha256,
        "method": method,
        "basis": basis.value,
        "score": likeness,
    }
