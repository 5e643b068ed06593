"""Compares what a replay made with what its original made, and finds what was different around the two.

Works on the reading thread: pictures are decoded here. Everything is taken from the record; of files on disk only those
count whose bytes have the recorded digest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..canonical import parse_json, sha256_hex, statement_bytes
from ..hosting import Host
from ..lineage.changes import Diff
from ..lineage.diff import compare
from ..lineage.sides import Sides, stated
from ..model import Json
from ..record import fidelity, files, media, tensors
from ..record.outcome import Changed, Comparison, Drift, OutputPair, TensorPair, Verdict
from ..store.ledger import Ledger
from ..store.rows import AssetRow, ExecutionRow, OutputRow
from .reading import inside

_LONGEST = 200
_TENSOR_FILES = frozenset({"application/x-safetensors", "application/x-comfyui-latent"})
_GONE = "a file is no longer here: only digests were compared"
_OPAQUE = "other bytes; the content of this kind of file is not decoded, and it may carry the id of its run"


@dataclass(frozen=True, slots=True)
class Compared:
    """What the entry of a replay needs but its place."""

    execution: str
    original: str
    completion: int
    prompt_document: str
    comparison: Comparison


class Replays:
    """Compares replays of one ledger; `done` receives a `Compared` for each that can be compared."""

    def __init__(self, ledger: Ledger, host: Host, done: Callable[[Compared], object]) -> None:
        self._ledger = ledger
        self._index = ledger.index
        self._host = host
        self._done = done

    def compare(self, execution: str) -> None:
        """Compare one replay whose completion is recorded. Raises StorageError and IntegrityError of the ledger."""
        repeat = self._index.replays.one(execution)
        if repeat is not None:
            replay, original = (self._index.execution(each) for each in (execution, repeat.original))
            if replay is not None and replay.completion is not None and original is not None:
                found = self._compared(original, replay, replay.completion)
                self._done(Compared(execution, original.id, replay.completion, replay.prompt, found))

    def _compared(self, original: ExecutionRow, replay: ExecutionRow, completion: int) -> Comparison:
        sides = Sides(self._ledger, (original, replay), None)
        diff = compare(*(sides.side(run.id, environment=True) for run in (original, replay)))
        drift = [*_environment(diff), *_models(diff), *self._inputs(original, replay)]
        silent = {
            "environment": any(sides.side(run.id, environment=True).environment is None for run in (original, replay)),
            "model": any(model.sha256 is None for run in (original, replay) for model in sides.models(run.id)),
            "input": any(row.sha256 is None for row in self._index.assets(original.id, replay.id)),
        }
        return Comparison(
            changed=list(_changed(diff)),
            cached=list(stated(self._ledger, completion)["cached"]),
            outputs=list(self._outputs(original, replay)),
            tensors=list(_tensors(*(self._observed(run) for run in (original, replay)))),
            drift=drift,
            not_compared=[what for what, is_silent in silent.items() if is_silent],
        )

    def _outputs(self, original: ExecutionRow, replay: ExecutionRow) -> Iterator[OutputPair]:
        before, after = (
            {(row.node, row.key, row.place): row for row in self._index.outputs(run.id)} for run in (original, replay)
        )
        for place in {**before, **after}:
            yield self._pair(place, before.get(place), after.get(place))

    def _pair(self, place: tuple[str, str, int], old: OutputRow | None, new: OutputRow | None) -> OutputPair:
        before, after = (None if row is None else row.sha256 for row in (old, new))
        if old is None or new is None:
            return OutputPair(*place, before, after, Verdict.ADDED if old is None else Verdict.MISSING)
        if before is None or after is None:
            problem = (old if before is None else new).problem or "a file could not be read"
            return OutputPair(*place, before, after, Verdict.NOT_COMPARED, problem=problem)
        if before == after:
            return OutputPair(*place, before, after, Verdict.SAME_BYTES)
        return self._content(OutputPair(*place, before, after, Verdict.NOT_COMPARED), old, new)

    def _content(self, pair: OutputPair, old: OutputRow, new: OutputRow) -> OutputPair:
        """The pair, whose bytes differ, with what their content tells."""
        kinds = {old.media_type, new.media_type}
        if old.file is None or new.file is None:  # texts
            return replace(pair, verdict=Verdict.DIFFERENT)
        if not (kinds <= media.PICTURES or kinds <= _TENSOR_FILES):
            return replace(pair, problem=_OPAQUE)
        one, other = self._bytes(old), self._bytes(new)
        if one is None or other is None:
            known = kinds <= media.PICTURES and None not in (old.pixels, new.pixels)
            differ = known and old.pixels != new.pixels
            return replace(pair, verdict=Verdict.DIFFERENT if differ else Verdict.NOT_COMPARED, problem=_GONE)
        if kinds <= _TENSOR_FILES:
            same = tensors.same_file(one, other)
            if same is None:
                return replace(pair, problem="a file is damaged")
            return replace(pair, verdict=Verdict.SAME_TENSORS if same else Verdict.DIFFERENT)
        found = fidelity.measure(one, other)
        verdict = {True: Verdict.SAME_PIXELS, False: Verdict.DIFFERENT, None: Verdict.NOT_COMPARED}[found.same]
        return replace(pair, verdict=verdict, psnr_db=found.psnr_db, ssim=found.ssim, problem=found.problem)

    def _bytes(self, row: OutputRow) -> bytes | None:
        """The recorded bytes of an output: as kept, or as they still lie in ComfyUI's folder."""
        kept = None if row.kept is None else self._ledger.objects.get(row.kept)
        if kept is not None:
            return kept
        path: Path | None = None
        if row.file is not None and (row.size or 0) < files.IN_MEMORY:
            path, _ = inside(row.file, self._host.directories())
        try:
            data = None if path is None else path.read_bytes()
        except OSError:  # moved or deleted since, which is the author's right
            return None
        return data if data is not None and sha256_hex(data) == row.sha256 else None

    def _observed(self, run: ExecutionRow) -> Json:
        document = None if run.observations is None else self._ledger.objects.get(run.observations)
        return None if document is None else parse_json(document)

    def _inputs(self, original: ExecutionRow, replay: ExecutionRow) -> Iterator[Drift]:
        before, after = (self._assets(run.id) for run in (original, replay))
        for place in before.keys() & after.keys():
            old, new = before[place], after[place]
            if old.sha256 != new.sha256 and old.sha256 is not None:
                yield Drift("input", old.name, old.sha256, new.sha256)

    def _assets(self, execution: str) -> dict[tuple[str, str], AssetRow]:
        return {(row.node, row.input): row for row in self._index.assets(execution)}


def _changed(diff: Diff) -> Iterator[Changed]:
    for prompt in diff.prompts:
        yield Changed(prompt.node, prompt.input)
    for change in (*diff.params, *diff.rewired):
        yield Changed(change.node, change.input)
    for node in (*diff.added, *diff.removed):
        yield Changed(node.node, None)


def _environment(diff: Diff) -> Iterator[Drift]:
    for change in diff.environment:
        yield Drift("environment", change.path, _text(change.before), _text(change.after))


def _models(diff: Diff) -> Iterator[Drift]:
    for change in diff.models:
        old, new = change.before, change.after
        name = next(model.name for model in (new, old) if model is not None)
        yield Drift("model", name, None if old is None else old.sha256, None if new is None else new.sha256)


def _text(value: Json) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else statement_bytes(value).decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _tensors(before: Json, after: Json) -> Iterator[TensorPair]:
    """Pairs of what the same node called by the same name, in the order it saw them."""
    old, new = _digests(before), _digests(after)
    for place, digest in old.items():
        if place in new:
            node, _, name = place
            yield TensorPair(node, name, digest, new[place])


def _digests(document: Json) -> Mapping[tuple[str, int, str], str]:
    nodes = document.get("nodes", ()) if isinstance(document, Mapping) else ()
    calls: dict[str, int] = defaultdict(int)
    found: dict[tuple[str, int, str], str] = {}
    for seen in nodes:
        call = calls[seen["node"]]
        calls[seen["node"]] += 1
        found |= {(seen["node"], call, name): facts["sha256"] for name, facts in seen.get("tensors", {}).items()}
    return found
