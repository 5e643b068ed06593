"""The subcommands `anchor`, `checkpoint` and `cosign`: trusted time, and checkpoints that others keep or sign."""

from __future__ import annotations

import argparse
import io
import sys
import time
from pathlib import Path

from ..config import Settings, load_settings
from ..errors import InputError, IntegrityError, NetworkError
from ..model import Json
from ..pipeline import anchors, authorities
from ..pipeline.writing import Writing, places_of, writing
from ..seal import checkpoint as notes
from ..seal import cosign as cosigning
from ..seal import keys
from ..seal import timestamp as tokens
from ..store.ledger import Ledger
from . import printing, seen, witness
from .checking import read_key, read_roots
from .commands import json_line, lines
from .disk import write_new
from .exits import GOOD
from .times import Times


def anchor(options: argparse.Namespace, ledger: Path) -> int:
    """Ask the authorities now, bring a token in, or tell how it stands with time-stamps."""
    settings = load_settings(places_of(ledger).settings)
    if options.bring is not None:
        told = _bring(options, ledger)
    elif options.now:
        told = _ask(ledger, settings)
    else:
        told = _status(ledger, settings)
    if options.json:
        json_line(told)
    else:
        lines(printing.anchoring(told))
    return GOOD


def checkpoint(options: argparse.Namespace, ledger: Path) -> int:
    """Print the newest signed checkpoint and its fingerprint, to be kept where nobody here can change it."""
    opened = Ledger.open(ledger, read_only=True)
    try:
        found = witness.checkpoint_of(opened, None if options.since is None else _size_of(options.since, opened))
    finally:
        opened.close()
    if options.output not in (None, "-"):
        write_new(Path(options.output), [found["offer"].encode()], replace=True)
    if options.json:
        json_line(found)
    elif options.output == "-":
        sys.stdout.write(found["offer"])
    else:
        told = [f"fingerprint: {found['fingerprint']}", f"log:         {found['checkpoint']['origin']}"]
        written = [] if options.output is None else [f"written to {options.output}"]
        lines([*written, *told] if written else [*told, "", *found["offer"].splitlines()])
        if options.qr:
            lines(["", *_qr(f"{found['checkpoint']['origin']} {found['fingerprint']}")])
    return GOOD


def cosign(options: argparse.Namespace, ledger: Path) -> int:
    """Cosign somebody else's checkpoint with this ledger's key, or bring in a checkpoint that somebody cosigned."""
    data = seen.read_file(Path(options.file))
    if options.bring:
        note = cosigning.read_offer(data).note
        name, public = witness.find_cosigner(note, options.key)
        with writing(ledger) as pen:
            told = anchors.record_witness(note, name, public, options.label, pen.book)
        said = f"entry {told['entry']}: {told['name']} cosigned {told['size']} entries at {told['cosigned_at']}"
    else:
        key = None if options.key is None else read_key(Path(options.key))
        signer = keys.load(places_of(ledger).key)
        told = witness.Witnessed(ledger).cosign(data, signer, int(time.time()), key)
        target = Path(options.output or f"{options.file}.cosigned")
        write_new(target, [told["note"].encode()], replace=True)
        since = "seen for the first time" if told["before"] is None else f"extends the {told['before']} entries seen"
        said = f"{target}: {told['fingerprint']}, {since}; give it back to its author"
    if options.json:
        json_line(told)
    else:
        lines([said])
    return GOOD


def _status(ledger: Path, settings: Settings) -> dict[str, Json]:
    opened = Ledger.open(ledger, read_only=True)
    try:
        status = Times(opened, lambda: read_roots(settings.trust_roots)).status()
    finally:
        opened.close()
    chosen = settings.authorities
    listed = [{"name": each.name, "url": each.url} for each in chosen or ()]
    return {"chosen": chosen is not None, "authorities": listed, **status}


def _ask(ledger: Path, settings: Settings) -> dict[str, Json]:
    """{"recorded": [...], "failed": [{"authority", "problem"}]}. Raises NetworkError when all of them failed."""
    if not settings.authorities:
        raise InputError("no authority is chosen: choose some in the sidebar, or in settings.json (docs/settings.md)")
    recorded, failed = list[dict[str, Json]](), list[dict[str, Json]]()
    with writing(ledger) as pen:
        note = pen.ledger.index.latest_checkpoint()
        for each in settings.authorities:
            try:
                recorded.append(_asked(pen, note, each.name, each.url))
            except (NetworkError, IntegrityError, InputError) as error:
                failed.append({"authority": each.name, "problem": str(error)})
    if not recorded:
        raise NetworkError("; ".join(f"{each['authority']}: {each['problem']}" for each in failed))
    return {"recorded": recorded, "failed": failed}


def _asked(pen: Writing, note: bytes, name: str, url: str) -> dict[str, Json]:
    asked = tokens.request(note)
    token = tokens.token_of(authorities.ask(url, asked.der))
    checked = tokens.check_answer(token, note, asked)
    head = notes.open(note, pen.ledger.public)
    return anchors.record(anchors.Found(note, head, token, checked, name, authorities.as_recorded(url)), pen.book)


def _bring(options: argparse.Namespace, ledger: Path) -> dict[str, Json]:
    data = seen.read_file(Path(options.bring))
    note = None
    if options.checkpoint is not None:
        note = cosigning.read_offer(seen.read_file(Path(options.checkpoint))).note
    with writing(ledger) as pen:
        found = anchors.brought(pen.ledger, data, note, options.name)
        return {"recorded": [anchors.record(found, pen.book)], "failed": []}


def _size_of(since: str, ledger: Ledger) -> int:
    return int(since) if since.isascii() and since.isdigit() else seen.read_seen(since, ledger.public).size


def _qr(text: str) -> list[str]:
    import segno

    drawn = io.StringIO()
    segno.make(text, error="m").terminal(out=drawn, compact=True)
    return drawn.getvalue().splitlines()
