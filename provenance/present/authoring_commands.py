"""The commands by which the author states something and brings something in; they write in a session of their own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..config import load_settings
from ..errors import Ambiguous, InputError, NotFound
from ..lineage.summary import one_line
from ..model import Decision, Json, Judged
from ..pipeline import statements
from ..pipeline.imports import Given, Imports
from ..pipeline.writing import Writing, writing
from ..record import media
from ..store.ledger import Ledger
from . import authored, decisions
from .authoring import Authoring, given
from .commands import json_line, lines
from .disk import write_new
from .exits import GOOD, UNUSABLE
from .machine import tree_directories
from .places import tree_of
from .refs import Resolver

_FROM_BEFORE = frozenset({*media.PICTURES, "application/json", "application/x-lightdiffusionflow+json"})


def intent(options: argparse.Namespace, ledger: Path) -> int:
    """Sign an idea."""
    text = sys.stdin.read() if options.text == "-" else options.text
    body = {"text": text, "title": options.title, "revises": options.revises, "execution": options.run}
    files = [given(Path(name)) for name in options.reference]
    with authoring_in(ledger) as (author, _):
        said = author.intent(body, files, source="cli")
    if options.json:
        json_line(said)
    else:
        version = "" if said["revises"] is None else f", a new version of entry {said['revises']}"
        lines([f"entry {said['entry']}: idea signed{version}"])
    return GOOD


def choose(options: argparse.Namespace, ledger: Path) -> int:
    """Sign a choice among candidates."""
    with authoring_in(ledger) as (_, pen):
        resolver = _resolver(pen.ledger, ledger)
        execution, output = _candidate(resolver, options.ref)
        over = [dict(zip(("execution", "output"), _candidate(resolver, ref), strict=True)) for ref in options.over]
        body = {"execution": execution, "output": output, "decision": Decision.KEEP.value, "reason": options.reason}
        judged: Judged = decisions.asked({**body, "over": over})
        said = statements.decide(pen.book, judged, execution, pen.salt)
    if options.json:
        json_line(said)
    else:
        lines([f"entry {said['entry']}: chosen over {len(said.get('over', ()))} others"])
    return GOOD


def bring(options: argparse.Namespace, ledger: Path) -> int:
    """Bring files in. One that cannot be is told on stderr, and the exit code is 2; the others are brought in."""
    files = list(_listed(options.files, folders=options.before))
    project = None if options.project is None else given(Path(options.project))
    if project is not None and len(files) > 1:
        raise InputError("a project file goes with one file")
    body = {"of": options.of, "before": options.before, "stage": options.stage, "note": options.note}
    failed = 0
    with authoring_in(ledger) as (author, _):
        for file in files:
            try:
                said = author.bring(body, file, project, source="cli")
            except (NotFound, Ambiguous):  # a reference that names nothing names nothing for the others
                raise
            except InputError as error:
                failed += 1
                lines([f"{one_line(str(file.path), 200)}: {one_line(str(error), 300)}"], sys.stderr)
            else:
                _tell(options, said)
    return UNUSABLE if failed else GOOD


def imports(options: argparse.Namespace, ledger: Path) -> int:
    """List what was brought in."""
    opened = Ledger.open(ledger, read_only=True)
    try:
        cursor: str | None = None
        while True:
            page = authored.imports(opened, authored.MOST_PER_PAGE, cursor)
            for item in page["items"]:
                if options.json:
                    json_line(item)
                else:
                    lines([_line(item)])
            cursor = page["next"]
            if cursor is None:
                return GOOD
    finally:
        opened.close()


def recording(options: argparse.Namespace, ledger: Path) -> int:
    """List recordings, tell about one, or write it as a file that plays."""
    if options.output is not None and options.ref is None:
        raise InputError("name the recording to write")
    opened = Ledger.open(ledger, read_only=True)
    try:
        if options.ref is None:
            found = authored.recordings(opened)["items"]
            for item in found:
                if options.json:
                    json_line(item)
                else:
                    lines([_recording_line(item)])
            return GOOD
        told = authored.recording(opened, options.ref)
        if options.output is not None:
            _, pieces = authored.playable(opened, told["recording"])
            write_new(Path(options.output), pieces)
        if options.json:
            json_line({**told, "file": options.output})
        else:
            lines([_recording_line(told), *([] if options.output is None else [f"written to {options.output}"])])
    finally:
        opened.close()
    return GOOD


@contextmanager
def authoring_in(ledger: Path) -> Iterator[tuple[Authoring, Writing]]:
    with writing(ledger) as pen:
        tree = tree_of(ledger)
        imports = Imports(pen.ledger, load_settings(ledger / "settings.json"), pen.salt, lambda: _directories(tree))
        yield Authoring(imports, _resolver(pen.ledger, ledger), pen.salt, lambda write: write(pen.book)), pen


def _directories(tree: Path | None) -> dict[str, str]:
    return {} if tree is None else tree_directories(tree)


def _resolver(opened: Ledger, ledger: Path) -> Resolver:
    return Resolver(opened.index, disk=True, directories=_directories(tree_of(ledger)))


def _candidate(resolver: Resolver, ref: str) -> tuple[str, str | None]:
    """A run and an output of it; None for a run as a whole."""
    found = resolver.resolve(ref)
    return resolver.run(ref), found.digest


def _listed(names: Iterable[str], *, folders: bool) -> Iterator[Given]:
    for name in names:
        path = Path(name)
        if folders and path.is_dir():
            for each in sorted(path.rglob("*")):
                if media.named_type(each.name) in _FROM_BEFORE and each.is_file():
                    yield given(each)
        else:
            yield given(path)


def _tell(options: argparse.Namespace, said: dict[str, Json]) -> None:
    if options.json:
        json_line(said)
        return
    alike = [_likeness(source) for source in said["of"]]
    more = "" if said["problem"] is None else f"; {said['problem']}"
    lines([f"entry {said['entry']}: {one_line(said['file'])} ({said['basis']}){more}", *alike])


def _likeness(source: dict[str, Json]) -> str:
    found, name = source["likeness"], source["output"][:16]
    if found is None:
        return f"  from {name}…: not measured: {source['problem']}"
    psnr = "equal samples" if found["psnr_db"] is None else f"PSNR {found['psnr_db']} dB"
    ssim = "" if found["ssim"] is None else f", SSIM {found['ssim']}"
    return f"  from {name}…: {psnr}{ssim} at {found['width']}x{found['height']} ({found['aligned']})"


def _line(item: dict[str, Json]) -> str:
    sources = ", ".join(source["output"][:8] for source in item["of"])
    parts = (str(item["entry"]), item["recorded_at"][:19].replace("T", " "), item["basis"], one_line(item["name"]))
    return "  ".join([*parts, *([f"from {sources}"] if sources else []), *([item["claims"]] if item["claims"] else [])])


def _recording_line(item: dict[str, Json]) -> str:
    state = "under way" if item["reason"] is None else item["reason"]
    when = item["started_at"][:19].replace("T", " ")
    told = (item["recording"], when, state, f"{item['chunks']} chunks", f"{item['size']} bytes")
    return "  ".join([*told, *([one_line(item["note"])] if item["note"] else [])])
