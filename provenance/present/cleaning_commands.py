"""The command that lets go of kept copies, and the one that keeps them again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from ..model import Json
from ..pipeline.book import Book
from ..pipeline.writing import writing
from ..store.ledger import Ledger
from . import cleaning
from .api import Api
from .commands import answer, lines, progress
from .exits import GOOD
from .places import tree_of
from .printing import amount


def clean(options: argparse.Namespace, ledger: Path) -> int:
    """Tell what may go, and after a yes let go of it; or keep it again."""
    if options.undo:
        return _undo(options, ledger)
    wish = cleaning.wish_of(
        {
            "in_place": not options.not_in_place,
            "rejected": options.rejected,
            "before": options.before,
            "thumbnails": options.thumbnails,
        }
    )
    opened = Ledger.open(ledger, read_only=True)
    try:
        with progress() as tell:
            found = Api(opened, tree=tree_of(ledger)).clean(wish, None, tell)
    finally:
        opened.close()
    if not options.dry_run and found["count"] and _agreed(options, found):
        with writing(ledger) as pen, progress() as tell:
            found = Api(pen.ledger, tree=tree_of(ledger)).clean(wish, lambda write: write(pen.book), tell)
    answer(options, found, _told)
    return GOOD


def _undo(options: argparse.Namespace, ledger: Path) -> int:
    with writing(ledger) as pen, progress() as tell:

        def append(write: Callable[[Book], dict[str, Json]]) -> dict[str, Json]:
            return write(pen.book)

        found = Api(pen.ledger, tree=tree_of(ledger)).keep_again(append, tell)
    answer(options, found, lambda told: [f"{amount(told)} kept again; {told['left']} cannot be had again from here"])
    return GOOD


def _agreed(options: argparse.Namespace, found: dict[str, Json]) -> bool:
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise InputError("nobody is there to ask: add --yes, or --dry-run to look only")
    lines(_told(found), sys.stderr)
    return input("Release them? [y/N] ").strip().lower() in ("y", "yes")


def _told(found: dict[str, Json]) -> list[str]:
    released = found["released"]
    if released is not None:
        last = f"{amount(released)} released"
        return [last if not released["left"] else f"{last}; {released['left']} are still here, try again later"]
    told = [f"{amount(found)} may go; {found['spared']} stay because you keep their run or an entry requires them"]
    names = {**found["roles"], **found["reasons"]}
    return told + [f"  {name}: {amount(heap)}" for name, heap in names.items() if heap["count"]]
