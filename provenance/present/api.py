"""Answers about one ledger: plain dicts in and out. The command line and the HTTP routes only carry them.

Shapes are documented in `docs/cli.md` and `docs/http.md` and kept stable. Errors are those of `errors`, each with a
message that is one clear line. Nothing here verifies signatures but `verify`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from ..canonical import is_sha256_hex, sha256_hex
from ..config import SOFTWARE, VERSION
from ..dossier.options import Progress
from ..errors import InputError, NotFound
from ..hosting import Host
from ..lineage.changes import Diff
from ..lineage.graph import ancestry
from ..lineage.restore import Restored, plan
from ..model import FileRef, Json
from ..record import files
from ..record.releases import Wish
from ..seal import checkpoint
from ..seal.keys import PublicKey
from ..seal.timestamp import Roots
from ..store.ledger import Ledger
from ..store.rows import OutputRow
from . import checking, cleaning, disk, exporting, filters, identify, machine, parcels, replaying, seen, sheets, witness
from .details import Details
from .machine import Machine
from .refs import Resolver
from .runs import Running, Runs
from .times import ChosenRoots, Times

MOST_PER_PAGE = 500


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes to hand out, piece by piece. A damaged object raises IntegrityError after its last piece."""

    sha256: str
    media_type: str
    size: int | None
    blocks: Iterator[bytes]


class Api:
    """Questions to one open ledger. Thread-safe as far as the ledger is.

    host: the program we live in, where there is one. tree: the root of a ComfyUI folder that is not running, for the
    command line. disk: let REFs name files on this machine; never for callers from the network. remember: keep
    computed changes in the ledger's cache (needs a ledger open for writing). running: whether a run is under way.
    service: the recorder's own status, merged into `status`. roots: the time-stamping authorities that this machine
    trusts.
    """

    def __init__(
        self,
        ledger: Ledger,
        host: Host | None = None,
        *,
        tree: Path | None = None,
        disk: bool = False,
        remember: bool = False,
        running: Running | None = None,
        service: Callable[[], dict[str, Json]] | None = None,
        roots: ChosenRoots = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._host = host
        self._tree = tree
        self._service = service
        inputs = None if host is None else host.node_inputs
        self._roots = roots
        self.times = Times(ledger, roots)
        self._runs = Runs(ledger, self.times, inputs=inputs, running=running, remember=remember)
        self._details = Details(ledger, self._runs, self.times)
        self._resolver = Resolver(ledger.index, disk=disk, directories=self._directories() or {})

    def page(
        self, limit: int = 50, cursor: str | None = None, wanted: Mapping[str, str] | None = None
    ) -> dict[str, Json]:
        """{"items": [as in `docs/http.md`], "next": cursor or null}, newest first. Raises InputError for a bad one.

        wanted: what `filters.run_filter` reads; then only runs that match are items.
        """
        if not 1 <= limit <= MOST_PER_PAGE:
            raise InputError(f"limit must be 1 to {MOST_PER_PAGE}")
        before = None if cursor is None else _ordinal(cursor)
        runs = self._ledger.index.page(limit + 1, before, filters.run_filter(wanted or {}, self._runs.open))
        more = len(runs) > limit
        runs = runs[:limit]
        return {"items": list(self._runs.lines(runs, full=True)), "next": str(runs[-1].ordinal) if more else None}

    def log(self, limit: int | None = None) -> Iterator[dict[str, Json]]:
        """One item per run, oldest first, in bounded memory; with a limit, the newest runs only."""
        index = self._ledger.index
        if limit is None:
            return self._runs.lines(index.iterate())
        return self._runs.lines(reversed(index.page(limit)))

    def show(self, ref: str) -> dict[str, Json]:
        """Everything about a run, or about bytes and the runs that made or used them."""
        return self._details.show(self._resolver.resolve(ref))

    def lineage(self, ref: str) -> dict[str, Json]:
        """{"target", "nodes", "edges"}: the whole ancestry of a run or of bytes."""
        found = ancestry(self._ledger.index, self._resolver.resolve(ref).node)
        return {
            "target": found.target,
            "nodes": [dict(node) for node in found.nodes],
            "edges": [dict(edge) for edge in found.edges],
        }

    def diff(self, a: str, b: str) -> dict[str, Json]:
        """What changed from run `a` to run `b`, environment included, as `Diff.to_json` gives it."""
        return self.compared(a, b).to_json()

    def compared(self, a: str, b: str) -> Diff:
        """The same as a value."""
        runs = [self._details.execution(self._resolver.run(ref)) for ref in (a, b)]
        return self._runs.compare(*runs)

    def restored(self, ref: str) -> Restored:
        """The recorded document of a run, byte for byte, and what has drifted."""
        run = self._details.execution(self._resolver.run(ref))
        return plan(self._details.recorded(run), self.machine())

    def restore(self, ref: str) -> dict[str, Json]:
        """{"execution", "kind", "sha256", "drift", "workflow", "prompt"}.

        The document stands under its kind, parsed; the other one is null. Its exact bytes are the object `sha256`.
        NaN and infinities, which JSON does not have, stand as strings.
        """
        found = self.restored(ref)
        document = json.loads(found.data, parse_constant=str)
        return {**self.described(found), **dict.fromkeys(("workflow", "prompt")), found.kind: document}

    @staticmethod
    def described(found: Restored) -> dict[str, Json]:
        """{"execution", "kind", "sha256", "drift"} of a restored document."""
        return {
            "execution": found.execution,
            "kind": found.kind,
            "sha256": sha256_hex(found.data),
            "drift": dict(found.drift),
        }

    def replay_plan(self, ref: str) -> dict[str, Json]:
        """{"execution", "drift", "hindrances"}: what to know before a run is queued again; see `replaying.plan`."""
        run = self._details.execution(self._resolver.run(ref))
        told = replaying.plan(self._details.recorded(run), self.machine())
        recorder = None if self._service is None else self._service()
        if recorder is not None and not recorder["recording"]:
            told["hindrances"].append(f"nothing is recorded now: {recorder['reason'] or recorder['state']}")
        return told

    def replay_body(self, ref: str, asked: Mapping[str, Json]) -> bytes:
        """What to post to ComfyUI's `/prompt`; see `replaying.asked` and `replaying.body`."""
        run = self._details.execution(self._resolver.run(ref))
        return replaying.body(self._ledger, self._host, run, replaying.asked(asked))

    def plan_sheet(self, ref: str, asked: Mapping[str, Json]) -> dict[str, Json]:
        """{"execution", "sheet", "cells"} of a grid of variations around a run; see `replaying.sheet`."""
        run = self._details.execution(self._resolver.run(ref))
        wanted = replaying.asked(asked)
        return replaying.sheet(self._details.recorded(run), wanted.axes, wanted.most)

    def sheet(self, sheet: str) -> dict[str, Json]:
        """{"sheet", "of", "cells", "items"}: the cells that were queued so far; see `sheets.told`. Raises NotFound."""
        return sheets.told(self._ledger, self._runs, sheet)

    def put_back(self, ref: str) -> list[dict[str, Json]]:
        """Write kept copies of missing or changed inputs under new names into the input folder. Raises InputError
        when that folder is not known here."""
        folder = (self._directories() or {}).get("input")
        if folder is None:
            raise InputError("the input folder is not known here: run this inside a ComfyUI folder")
        return disk.put_back(self._ledger.objects, self.restored(ref).drift["inputs"], Path(folder))

    def parcel(self, ref: str, *, inputs: bool = True) -> tuple[str, bytes]:
        """A run's id and its snapshot file; see `parcels.pack`."""
        run = self._details.execution(self._resolver.run(ref))
        return run.id, parcels.pack(self._ledger, run, inputs=inputs)

    def open_parcel(self, file: BinaryIO) -> parcels.Opened:
        """A snapshot file of any ledger, checked, with what is different here. Raises Rejected."""
        return parcels.opened(file, self.machine())

    def put_back_from(self, found: parcels.Opened) -> list[dict[str, Json]]:
        """Write the inputs in a snapshot file that are missing or other here, under new names. As `put_back`."""
        folder = (self._directories() or {}).get("input")
        if folder is None:
            raise InputError("the input folder is not known here: run this inside a ComfyUI folder")
        return disk.put_back(found.parcel, found.restored.drift["inputs"], Path(folder))

    @property
    def origin(self) -> str:
        """The name of this log."""
        return checkpoint.origin_of(self._ledger.public)

    def verify(
        self,
        *,
        key: PublicKey | None = None,
        since: Iterable[str] = (),
        roots: Roots | None = None,
        progress: checking.Progress | None = None,
        resume: bool = False,
    ) -> dict[str, Json]:
        """{"ok", "entries", "resumed", "checkpoint", "findings", "time"}: the whole log and the index. Takes time; see
        `checking`.

        since: checkpoints that were kept, as `seen.read_seen` reads them. roots: authorities to trust; without them
        those that this machine trusts.
        """
        signed_by = key or checking.stated_key(self._ledger)
        kept = [seen.read_seen(given, signed_by) for given in since]
        trusted = self._roots() if roots is None else roots
        return checking.verify(self._ledger, key=key, seen=kept, roots=trusted, progress=progress, resume=resume)

    def checkpoint(self, since: int | None = None) -> dict[str, Json]:
        """The newest signed checkpoint, to be kept elsewhere; see `witness.checkpoint_of`."""
        return witness.checkpoint_of(self._ledger, since)

    def status(self) -> dict[str, Json]:
        """What there is, the newest checkpoint, and, inside a host, whether runs are being recorded."""
        index = self._ledger.index
        counts = index.counts()
        head = checkpoint.open(index.latest_checkpoint(), self._ledger.public)
        return {
            "software": {"name": SOFTWARE, "version": VERSION},
            "ledger": str(self._ledger.root),
            "entries": counts.entries,
            "executions": counts.executions,
            "open": counts.open_executions,
            "outputs": counts.outputs,
            "gaps": counts.gaps,
            "checkpoint": checking.checkpoint_json(head),
            "time": self.times.summary(),
            "public_key": {"fingerprint": self._ledger.public.fingerprint, "id": self._ledger.public.key_id},
            "recorder": None if self._service is None else self._service(),
        }

    def storage(self) -> dict[str, Json]:
        """{"ledger": {"path", "bytes"}, "entries": {"count"}, "objects", "thumbnails", "kept": {"outputs", "inputs"},
        "released"}, each of the others {"count", "bytes"}. Takes seconds for a large ledger."""
        found = self._ledger.usage()
        released = self._ledger.copies.released_total()
        return {
            "ledger": {"path": str(self._ledger.root), "bytes": found.on_disk},
            "entries": {"count": found.entries},
            "objects": asdict(found.objects),
            "thumbnails": asdict(found.thumbnails),
            "kept": {"outputs": asdict(found.kept_outputs), "inputs": asdict(found.kept_inputs)},
            "released": dict(zip(("count", "bytes"), released, strict=True)),
        }

    def path_of(self, file: FileRef) -> Path | None:
        """Where a file of ComfyUI's lies; None where that cannot be told from here."""
        folder = (self._directories() or {}).get(file.type)
        return None if folder is None else disk.inside(Path(folder), f"{file.subfolder}/{file.filename}".lstrip("/"))

    def clean(
        self, wish: Wish, append: cleaning.Append | None, progress: cleaning.Progress | None = None
    ) -> dict[str, Json]:
        """What may be let go of, as `cleaning.told` gives it, with `released`: null, or what `cleaning.let_go` gives.

        append: writes entries; None only looks. Takes as long as reading the files at their places does.
        """
        if wish.in_place and self._directories() is None:
            raise InputError("ComfyUI's folders are not known here: run this inside a ComfyUI folder")
        choice = cleaning.choose(self._ledger, wish, self.path_of, progress)
        gone = None if append is None else cleaning.let_go(self._ledger, choice, append, progress)
        return {**cleaning.told(choice), "released": gone}

    def keep_again(self, append: cleaning.Append, progress: cleaning.Progress | None = None) -> dict[str, Json]:
        """Keep released copies again where their files still are: as `cleaning.keep_again` gives it."""
        return cleaning.keep_again(self._ledger, self.path_of, append, progress)

    def labels(self) -> dict[str, Json]:
        """{"items": [{"label", "execution", "recorded_at"}]}: the labels that runs carry now, newest first."""
        rows = self._ledger.index.decisions.labels()
        return {"items": [{name: getattr(row, name) for name in ("label", "execution", "recorded_at")} for row in rows]}

    def search(self, text: str, limit: int = 50) -> dict[str, Json]:
        """{"items": [{"execution", "node", "input", "text"}]}: texts that match, newest first."""
        if not 1 <= limit <= MOST_PER_PAGE:
            raise InputError(f"limit must be 1 to {MOST_PER_PAGE}")
        hits = self._ledger.index.search(text, limit)
        return {"items": [{key: getattr(hit, key) for key in ("execution", "node", "input", "text")} for hit in hits]}

    def identify(self, path: Path) -> dict[str, Json]:
        """Which recorded outputs a file is: {"sha256", "media_type", "found": [...]}; see `identify.identify`."""
        return identify.identify(self._ledger.index, path, files.read)

    def thumbnail(self, sha256: str) -> Blob:
        """The small picture of an output. Raises NotFound when there is none."""
        _check_digest(sha256)
        for row in self._ledger.index.outputs_by_digest(sha256):
            if row.thumbnail is not None:
                return self._thumbnail_again(row) or self.object(row.thumbnail)
        raise NotFound(f"no thumbnail of {sha256}")

    def _thumbnail_again(self, row: OutputRow) -> Blob | None:
        """A thumbnail that was let go of, made of the output again where that still lies unchanged."""
        path = None if row.file is None else self.path_of(row.file)
        if path is None or not path.is_file() or row.thumbnail is None or self._ledger.objects.has(row.thumbnail):
            return None
        reading = files.look(path)
        if reading.facts.sha256 != row.sha256 or reading.thumbnail is None:
            return None
        return Blob(sha256_hex(reading.thumbnail), "image/webp", len(reading.thumbnail), iter((reading.thumbnail,)))

    def object(self, sha256: str) -> Blob:
        """An object of the ledger. Raises NotFound. Its media type is as noted when stored, not signed."""
        _check_digest(sha256)
        objects = self._ledger.objects
        blocks = objects.iterate(sha256)
        if blocks is None:
            release = self._ledger.copies.release_of(sha256)
            why = "" if release is None else f": the author released this copy by entry {release[0]} ({release[1]})"
            raise NotFound(f"no object {sha256}{why}")
        return Blob(sha256, objects.media_type(sha256) or "application/octet-stream", objects.size(sha256), blocks)

    def envelopes(self, folder: Path) -> int:
        """Write the log's raw envelopes, public key and checkpoint into an empty folder; return how many."""
        reader, public = self._ledger.reader(), checking.stated_key(self._ledger)
        note = reader.checkpoint()
        size = checkpoint.open(note, public).size
        disk.export_envelopes(map(reader.entry, range(size)), public.pem, note, folder)
        return size

    def dossier_asked(self, body: Mapping[str, Json]) -> exporting.Asked:
        """What a client wants in a dossier, as `docs/http.md` says. Raises InputError, NotFound, Ambiguous."""
        return exporting.asked(self._resolver, body)

    def write_dossier(self, asked: exporting.Asked, path: Path, progress: Progress) -> dict[str, Json]:
        """Write a dossier, signed with the ledger's key where it can be read; see `exporting.export`."""
        return exporting.export(self._ledger, *asked, path, exporting.signer_of(self._ledger), progress)

    def machine(self) -> Machine:
        """The machine of today, as far as it can be asked from here."""
        index, objects = self._ledger.index, self._ledger.objects
        if self._host is not None:
            return machine.of_host(self._host, index, objects)
        return Machine(index, objects) if self._tree is None else machine.of_tree(self._tree, index, objects)

    def _directories(self) -> dict[str, str] | None:
        if self._host is not None:
            return dict(self._host.directories())
        return None if self._tree is None else machine.tree_directories(self._tree)


def _check_digest(text: str) -> None:
    if not is_sha256_hex(text):
        raise InputError("a SHA-256 is 64 lower-case hexadecimal digits")


def _ordinal(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise InputError("the cursor is not one that a page before gave")
    return int(cursor)
