"""`export` and `verify DOSSIER`. The second needs no ledger; what only the first needs is imported there."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..lineage.summary import one_line
from ..model import Json
from . import dossiers
from .exits import FINDINGS, GOOD


def export(options: argparse.Namespace, ledger: Path) -> int:
    """Write a dossier, then check it as a stranger would."""
    from ..store.ledger import Ledger
    from . import exporting, machine
    from .places import tree_of
    from .refs import Resolver

    opened, path = Ledger.open(ledger, read_only=True), Path(options.output)
    try:
        tree = tree_of(ledger)
        folders = {} if tree is None else machine.tree_directories(tree)
        resolver = Resolver(opened.index, disk=True, directories=folders)
        chosen = exporting.options(
            resolver,
            scope=options.scope,
            language=options.language,
            withhold=options.withhold,
            title=options.title,
        )
        named = exporting.works(resolver, options.refs)
        signer = None if options.no_signature else exporting.signer_of(opened)
        with _bar() as tell:
            done = exporting.export(opened, named, chosen, path, signer, tell)
            checked = dossiers.verify(path, progress=lambda at, total: tell("check", at, total))
    finally:
        opened.close()
    if options.json:
        print(json.dumps({**done, "check": checked}))
    else:
        _findings(checked)
        withheld = sum(done["entries"]["withheld"].values())
        print(f"{path}: {done['entries']['shown']} entries, {done['objects']} objects, {withheld} entries withheld")
        print(f"dossier sha256:{done['sha256']}{', signed' if done['signed'] else ', not signed: the key is not here'}")
    return GOOD if checked["ok"] else FINDINGS


def verify(options: argparse.Namespace) -> int:
    """Check a dossier; exit code 1 when anything is wrong."""
    key = None if options.key is None else dossiers.read_key(Path(options.key))
    roots = dossiers.roots_of(options.root)
    with _bar() as tell:
        found = dossiers.verify(
            Path(options.dossier),
            key=key,
            roots=roots,
            since=options.since,
            progress=lambda at, total: tell("check", at, total),
        )
    if options.json:
        print(json.dumps(found))
    else:
        _findings(found)
        for line in _summary(found["dossier"], bool(options.key)):
            print(line)
        print("good" if found["ok"] else "NOT GOOD")
    return GOOD if found["ok"] else FINDINGS


def _findings(found: dict[str, Json]) -> None:
    for each in found["findings"]:
        where = "" if each["entry"] is None else f" entry {each['entry']}"
        print(f"{each['severity']} {each['code']}{where}: {one_line(each['message'], 400)}")


def _summary(told: dict[str, Json] | None, known: bool) -> Iterator[str]:
    if told is None:
        return
    entries, head = told["entries"], told["checkpoint"]
    yield f"dossier sha256:{told['sha256']}{'' if told['signed'] else ' (the dossier as a whole is not signed)'}"
    stated = "" if known else " (as the dossier states: compare it)"
    yield f"key {told['key']['fingerprint']}{stated}"
    if head is not None:
        yield f"log {head['origin']}, {head['size']} entries, root {head['root']}"
    yield (
        f"entries {entries['shown']} shown, {entries['withheld']} withheld by choice, {entries['anchored']} "
        "under a time token"
    )
    for anchor in told["anchors"]:
        yield (
            f"time {anchor['gen_time']} by {one_line(anchor['authority'])} over {anchor['size']} entries: "
            f"{anchor['trust']}"
        )


class _Bar:
    """Progress on a line of standard error."""

    def __init__(self, visible: bool) -> None:
        self._visible = visible
        self._told = ""

    def __call__(self, step: str, done: int, total: int | None) -> None:
        if not self._visible:
            return
        line = f"{step} {100 * done // total if total else 0:3}%"
        if line != self._told:
            self._told = line
            print(f"\r{line:<24}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._told:
            print(f"\r{'':<24}\r", end="", file=sys.stderr, flush=True)


@contextmanager
def _bar() -> Iterator[_Bar]:
    bar = _Bar(sys.stderr.isatty())
    try:
        yield bar
    finally:
        bar.clear()
