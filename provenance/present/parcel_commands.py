"""The subcommands that put a run into a file of its own: `pack`, `unpack`, `credential`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..canonical import sha256_hex
from ..config import DATABASE_NAME
from ..errors import InputError
from ..lineage.restore import Present
from ..lineage.summary import one_line
from ..model import Json, system_clock
from ..pipeline import finishing
from ..pipeline.writing import places_of
from ..record import media
from ..store.ledger import Ledger
from . import credentialing, disk, machine, parcels, printing
from .api import Api
from .authoring import given
from .authoring_commands import authoring_in
from .checking import read_key
from .commands import json_line, lines
from .exits import GOOD
from .places import tree_of


def pack(options: argparse.Namespace, ledger: Path) -> int:
    """Write a run as one small file."""
    opened = Ledger.open(ledger, read_only=True)
    try:
        execution, data = Api(opened, tree=tree_of(ledger), disk=True).parcel(
            options.execution, inputs=not options.without_inputs
        )
    finally:
        opened.close()
    output = Path(options.output or parcels.name_of(execution))
    disk.write_new(output, [data], replace=True)
    if options.json:
        json_line({"execution": execution, "file": str(output), "size": len(data)})
    else:
        lines([f"run {execution} is in {output}, {len(data)} bytes"])
    return GOOD


def unpack(options: argparse.Namespace, ledger: Path | None) -> int:
    """Check a snapshot file, write what is in it, tell what is different here, and record that it was brought in.

    Exit code 1 when anything in it does not hold; then nothing is written. Drift is no finding.
    """
    path = Path(options.file)
    key = None if options.key is None else read_key(Path(options.key))
    with _present(ledger) as (present, known):
        found = parcels.opened(parcels.read_file(path), present, key)
        told = {**found.to_json(), "own": known == found.parcel.head.origin}
    folder = Path(options.output or path.name.removesuffix(parcels.ENDING))
    written = [] if options.check else _write(found, folder)
    back = _put_back(found, ledger) if options.put_back and not options.check else []
    entry = None
    if ledger is not None and not (options.no_record or options.check or told["own"]):
        with authoring_in(ledger) as (said, _):
            entry = said.bring({"before": True}, given(path), source="cli")["entry"]
    if options.json:
        json_line({**told, "folder": str(folder), "files": written, "put_back": back, "entry": entry})
    else:
        lines(_told(told, key is not None, entry, folder, len(written)))
        lines(printing.drift(told["drift"]), sys.stderr)
        lines([f"{one_line(item['name'])} is back as {item['new_name']}" for item in back])
    return GOOD


def _told(told: dict[str, Json], vouched: bool, entry: int | None, folder: Path, count: int) -> Iterator[str]:
    whose = "the key you named" if vouched else "a key that you have to compare with one you know"
    yield f"run {one_line(told['execution'])}, recorded {told['recorded_at'][:19].replace('T', ' ')} by its own clock"
    yield f"every signature, proof and object holds; signed by {told['key']}, {whose}"
    if told["own"]:
        yield "this ledger is the one it was recorded in"
    elif entry is not None:
        yield f"brought in as entry {entry}, after the fact: it is no original of this ledger"
    if count:
        yield f"{count} files in {folder}"


def _write(found: parcels.Opened, folder: Path) -> list[str]:
    disk.make_folder(folder)
    if any(folder.iterdir()):
        raise InputError(f"{one_line(str(folder), 120)} is not empty: give another with -o")
    names = []
    for name, data in parcels.documents(found):
        target = folder / name
        disk.make_folder(target.parent)
        disk.write_new(target, [data])
        names.append(name)
    return names


def _put_back(found: parcels.Opened, ledger: Path | None) -> list[dict[str, Json]]:
    tree = None if ledger is None else tree_of(ledger)
    if tree is None:
        raise InputError("the input folder is not known here: run this inside a ComfyUI folder")
    folder = Path(machine.tree_directories(tree)["input"])
    return disk.put_back(found.parcel, found.restored.drift["inputs"], folder)


@contextmanager
def _present(ledger: Path | None) -> Iterator[tuple[Present | None, str | None]]:
    """The machine of today as far as a ledger's place tells, and the origin of that ledger."""
    if ledger is None or not (ledger / DATABASE_NAME).is_file():
        yield None, None
        return
    opened = Ledger.open(ledger, read_only=True)
    try:
        api = Api(opened, tree=tree_of(ledger))
        yield api.machine(), api.origin
    finally:
        opened.close()


def credential(options: argparse.Namespace, ledger: Path) -> int:
    """Write a copy of a file with a Content Credential, and record it as brought in: a copy of an output of this
    ledger, or something from before. The file itself is not touched."""
    path = Path(options.file)
    data = parcels.read_file(path).getvalue()
    media_type = media.media_type(data[: media.HEAD], path.name)
    output = Path(options.output or path.with_name(f"{path.stem}.credential{path.suffix}"))
    wishes = finishing.Wishes(credentials=True, label=options.label, producer=options.producer)
    with authoring_in(ledger) as (said, pen):
        source = credentialing.source_of(pen.ledger, sha256_hex(data), path.name, media_type)
        done = finishing.finish(data, source.claim, wishes, source.number, places_of(ledger).secrets, system_clock)
        if done.problems:
            raise InputError("; ".join(done.problems))
        disk.write_new(output, [done.data])
        of = {"before": True} if source.output is None else {"of": [source.output]}
        entry = said.bring(of, given(output), source="cli")["entry"]
    told = {"file": str(output), "sha256": sha256_hex(done.data), "entry": entry, "output": source.output}
    if options.json:
        json_line({**told, **done.to_json()})
    else:
        lines([f"{output}: signed by {done.signer}; entry {entry}"])
    return GOOD
