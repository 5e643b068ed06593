"""What each subcommand does: asks the Api, prints, and gives the exit code."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from ..config import SETTINGS_NAME, load_settings
from ..errors import InputError
from ..lineage.summary import one_line, summary
from ..model import Json
from ..store.ledger import Ledger
from . import printing
from .api import Api
from .checking import Progress, check_index, read_key, read_roots
from .disk import write_new
from .exits import FINDINGS, GOOD
from .lanes import ASCII, UNICODE, Signs
from .places import tree_of

_ROOT = __package__.rsplit(".", 2)[0]  # the package that this pack is, under whatever name it was loaded


def log(options: argparse.Namespace, ledger: Path) -> int:
    """Runs, oldest first; as lanes, newest on top."""
    with _api(ledger) as api:
        items = api.log(options.limit)
        if options.json:
            for item in items:
                json_line(item)
        elif options.graph:
            lines(printing.log_graph(list(items), _signs()))
        else:
            listed = list(items)
            names = printing.short_ids(item["execution"] for item in listed)
            lines(printing.run_line(item, names[item["execution"]]) for item in listed)
    return GOOD


def show(options: argparse.Namespace, ledger: Path) -> int:
    """Everything about one run or file."""
    with _api(ledger) as api:
        answer(options, api.show(options.ref), printing.fields)
    return GOOD


def lineage(options: argparse.Namespace, ledger: Path) -> int:
    """The whole ancestry."""
    with _api(ledger) as api:
        answer(options, api.lineage(options.ref), printing.lineage)
    return GOOD


def diff(options: argparse.Namespace, ledger: Path) -> int:
    """What changed between two runs. Differences are no findings: the exit code is 0."""
    with _api(ledger) as api:
        found = api.compared(options.a, options.b)
        if options.json:
            json_line(found.to_json())
        else:
            lines(summary(found) or ["no changes"])
    return GOOD


def restore(options: argparse.Namespace, ledger: Path) -> int:
    """Write the recorded document; tell on stderr what has drifted. Drift is no finding: the exit code is 0."""
    with _api(ledger) as api:
        found = api.restored(options.execution)
        written = None if options.output == "-" else Path(options.output)
        if written is not None:
            write_new(written, [found.data], replace=True)
        elif not options.json:
            sys.stdout.flush()
            sys.stdout.buffer.write(found.data)
        back = api.put_back(options.execution) if options.put_back else []
        if options.json:
            json_line({**api.described(found), "file": None if written is None else str(written), "put_back": back})
            return GOOD
        told = [f"{found.kind} of run {found.execution}: {written or 'standard output'}", *printing.drift(found.drift)]
        told += [f"{one_line(item['name'])} is back as {item['new_name']}" for item in back]
        lines(told, sys.stderr)
    return GOOD


def verify(options: argparse.Namespace, ledger: Path) -> int:
    """Check everything; exit code 1 when anything is wrong."""
    key = None if options.key is None else read_key(Path(options.key))
    roots = read_roots(tuple(options.root)) if options.root else None
    with _api(ledger) as api, progress() as tell:
        found = api.verify(key=key, since=options.since, roots=roots, progress=tell, resume=options.resume)
    if options.json:
        json_line(found)
    else:
        head = found["checkpoint"]
        lines(printing.findings(found))
        covered = "" if head is None else f", checkpoint {head['origin']} {head['size']} {head['root'][:16]}"
        lines(printing.time_lines(found))
        lines([f"{'good' if found['ok'] else 'NOT GOOD'}: {found['entries']} entries{covered}"])
        if found["resumed"]:
            lines([f"the first {found['resumed']} are the bytes that were verified before, and were not checked again"])
    return GOOD if found["ok"] else FINDINGS


def envelopes(options: argparse.Namespace, ledger: Path) -> int:
    """Write the raw envelopes, the public key and the checkpoint."""
    with _api(ledger) as api:
        count = api.envelopes(Path(options.output))
    lines([f"{count} envelopes, public.pem and checkpoint in {options.output}"])
    return GOOD


def fsck(options: argparse.Namespace, ledger: Path) -> int:
    """Compare the index with the entries, after making it anew when asked."""
    opened = Ledger.open(ledger, read_only=not options.rebuild_index)
    try:
        with progress() as tell:
            rebuilt = None
            if options.rebuild_index:
                done = opened.rebuild_index(tell)
                rebuilt = asdict(done)
            found = {**check_index(opened, progress=tell), "rebuilt": rebuilt}
    finally:
        opened.close()
    if options.json:
        json_line(found)
    else:
        lines(printing.findings(found))
        if rebuilt is not None:
            lines([f"index rebuilt: {rebuilt['rows']} rows from {rebuilt['entries']} entries"])
        if rebuilt is not None and rebuilt["repaired"]:
            lines([f"{rebuilt['repaired']} rows of the record did not say what is signed, and were repaired"])
        lines(["index agrees with the entries" if found["ok"] else "index does NOT agree with the entries"])
    return GOOD if found["ok"] else FINDINGS


def status(options: argparse.Namespace, ledger: Path) -> int:
    """How much there is, and the newest checkpoint."""
    with _api(ledger) as api:
        answer(options, api.status(), printing.fields)
    return GOOD


def demo(arguments: list[str]) -> int:
    """Run the demo, which needs more packages than the pack itself."""
    try:
        module = importlib.import_module(f"{_ROOT}.demo.__main__")
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith(_ROOT):
            raise InputError("this installation comes without the demo") from error
        raise InputError(f"the demo needs {missing}: pip install 'comfy-provenance[demo]'") from error
    code: int = module.main(arguments)
    return code


@contextmanager
def _api(ledger: Path) -> Iterator[Api]:
    opened = Ledger.open(ledger, read_only=True)
    try:
        settings = load_settings(ledger / SETTINGS_NAME)
        yield Api(opened, tree=tree_of(ledger), disk=True, roots=lambda: read_roots(settings.trust_roots))
    finally:
        opened.close()


@contextmanager
def progress() -> Iterator[Progress | None]:
    """A progress bar on stderr, where a person is looking at it."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(unit=" steps", leave=False, file=sys.stderr) as bar:

        def tell(done: int, total: int | None) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        yield tell


def answer(
    options: argparse.Namespace, found: dict[str, Json], text: Callable[[dict[str, Json]], Iterable[str]]
) -> None:
    """Print what was found, as JSON when that is asked for."""
    if options.json:
        json_line(found)
    else:
        lines(text(found))


def json_line(value: Json) -> None:
    """Print JSON on one line."""
    # What a terminal's encoding lacks is written as \u escapes, which JSON knows.
    lines([json.dumps(value, ensure_ascii=not _is_unicode())])


def lines(texts: Iterable[str], stream: TextIO | None = None) -> None:
    """Print lines, on standard output unless told otherwise."""
    for line in texts:
        print(line, file=stream or sys.stdout)


def _signs() -> Signs:
    return UNICODE if _is_unicode() else ASCII


def _is_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "").startswith("utf")
