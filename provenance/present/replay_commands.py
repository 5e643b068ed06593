"""The subcommands `replay`, `vary` and `sheet`: runs queued again on a running ComfyUI, and what came of them."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from ..lineage.summary import one_line
from ..model import Json
from . import printing, sheet_page
from .commands import json_line, lines, progress
from .disk import write_new
from .exits import FINDINGS, GOOD
from .queueing import Server

SAME = frozenset({"same-bytes", "same-content"})


def replay(options: argparse.Namespace, ledger: Path | None) -> int:
    """Queue a recorded run again; exit code 1 when what came out is not the same."""
    server, deadline = Server(options.server), time.monotonic() + options.timeout
    plan = server.plan(options.execution)
    back = server.put_back(plan["execution"]) if options.put_back else []
    if options.put_back:
        plan = {**plan, "put_back": back, "hindrances": _without_put_back(plan, back)}
    if not options.json:
        lines(printing.drift(plan["drift"]), sys.stderr)
    if options.dry_run:
        if options.json:
            json_line(plan)
        return GOOD
    if plan["hindrances"]:
        raise InputError(f"it cannot run here: {'; '.join(plan['hindrances'])}")
    fresh = server.refresh(deadline, _tell)
    inputs = [{"node": item["node"], "input": item["input"], "name": item["new_name"]} for item in back]
    execution = server.queue(plan["execution"], {"inputs": inputs})
    if not options.json:
        _tell(f"queued as {execution}, a replay of {plan['execution']}")
    run = server.outcome(execution, deadline)
    if options.json:
        told = {name: run[name] for name in ("execution", "status", "replay")}
        json_line({**told, "plan": plan, "caches_freed": fresh})
    else:
        lines(printing.outcome(run))
    return GOOD if run["replay"] is not None and run["replay"]["outcome"] in SAME else FINDINGS


def vary(options: argparse.Namespace, ledger: Path | None) -> int:
    """Queue a small grid of variations around one run, and write the sheet when all have ended."""
    server, deadline = Server(options.server), time.monotonic() + options.timeout
    axes = [*(_without(text) for text in options.without), *(_values(text) for text in options.set)]
    reference = server.plan(options.execution)
    if reference["hindrances"]:
        raise InputError(f"it cannot run here: {'; '.join(reference['hindrances'])}")
    plan = server.plan_sheet(reference["execution"], {"axes": axes, "most": options.most})
    if not options.json:
        lines(printing.drift(reference["drift"]), sys.stderr)
        _tell(f"sheet {plan['sheet']}: {len(plan['cells'])} runs, the first one as recorded")
    server.refresh(deadline, _tell)
    queued: list[str] = []
    try:
        with progress() as tell:
            wanted = {"sheet": plan["sheet"], "axes": axes, "most": options.most}
            for cell in plan["cells"]:
                queued.append(server.queue(plan["execution"], {**wanted, "cell": cell["cell"]}))
            for done, execution in enumerate(queued):
                if tell is not None:
                    tell(done, len(queued))
                server.outcome(execution, deadline)
    except KeyboardInterrupt:
        server.cancel(queued)
        _tell(f"cancelled; what has run stays recorded as sheet {plan['sheet']}")
        raise
    return _show(server, plan["sheet"], options)


def sheet(options: argparse.Namespace, ledger: Path | None) -> int:
    """Write a sheet of variations that was queued before."""
    return _show(Server(options.server), options.sheet, options)


def _show(server: Server, name: str, options: argparse.Namespace) -> int:
    found = server.sheet(name)
    if options.output is not None:
        page = sheet_page.page(found, server.thumbnail)
        write_new(Path(options.output), [page.encode()], replace=True)
    if options.json:
        json_line({**found, "file": options.output})
    else:
        lines(printing.sheet(found))
        lines([] if options.output is None else [f"written: {options.output}"])
    return GOOD


def _without(text: str) -> dict[str, Json]:
    """`6.text` or `6.text=crystal,pendant`: pieces to leave out; none named means each in turn."""
    place, _, pieces = text.partition("=")
    return {**_place(place), "without": [piece.strip() for piece in pieces.split(",") if piece.strip()]}


def _values(text: str) -> dict[str, Json]:
    """`3.cfg=5,9`: other values, each JSON where it can be read as such, else text."""
    place, given, values = text.partition("=")
    if not given or not values:
        raise InputError(f"--set needs NODE.INPUT=VALUE,VALUE: {one_line(text)}")
    return {**_place(place), "values": [_value(value) for value in values.split(",")]}


def _place(text: str) -> dict[str, Json]:
    node, dot, name = text.rpartition(".")
    if not dot or not node or not name:
        raise InputError(f"{one_line(text)} names no input: write NODE.INPUT, such as 6.text")
    return {"node": node, "input": name}


def _value(text: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(found, (dict, list)) else found


def _without_put_back(plan: Mapping[str, Json], back: list[dict[str, Json]]) -> list[str]:
    names = {f"input {item['name']} is missing" for item in back}
    return [each for each in plan["hindrances"] if each not in names]


def _tell(text: str) -> None:
    print(one_line(text, 500), file=sys.stderr, flush=True)
