"""What queueing a recorded run again needs: the graph as ComfyUI takes it, and first what has drifted since.

Nothing is queued here: whoever asks posts the body to ComfyUI's own `/prompt`, so that ComfyUI checks it as it checks
every graph. The body says that the run is a replay, and of which run; from its submission on the record says so too.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..canonical import parse_json, snapshot_bytes
from ..errors import InputError
from ..hosting import Host
from ..lineage import vary
from ..lineage.restore import INPUTS, MODELS, NODES, Present, Recorded, drift_of
from ..lineage.sides import document, stated
from ..model import Json
from ..record.graph import ApiGraph
from ..store.ledger import Ledger
from ..store.rows import ExecutionRow

STAMP = "provenance"
Changes = Sequence[tuple[str, str, Json]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One run to queue: as recorded, or a cell of a sheet. inputs: other file names for inputs that were put back."""

    inputs: Changes = ()
    sheet: str | None = None
    cell: int = 0
    axes: Sequence[Mapping[str, Json]] = ()
    most: int = vary.USUAL_MOST


def plan(recorded: Recorded, present: Present) -> dict[str, Json]:
    """{"execution", "drift", "hindrances"}: what has drifted since, and what will keep ComfyUI from running it here.

    A run whose secrets were replaced before they were recorded may run and fail: that is told in `drift.redacted`.
    """
    drift = drift_of(recorded, present, "prompt")
    missing = {what: [item for item in drift[what] if item["state"] == "missing"] for what in (MODELS, INPUTS)}
    found = [f"node class {item['class_type']} is not installed" for item in drift[NODES]]
    found += [f"model {item['folder']}/{item['name']} is missing" for item in missing[MODELS]]
    found += [f"input {item['name']} is missing" for item in missing[INPUTS]]
    return {"execution": recorded.execution, "drift": drift, "hindrances": found}


def sheet(recorded: Recorded, axes: Sequence[Mapping[str, Json]], most: int = vary.USUAL_MOST) -> dict[str, Json]:
    """{"execution", "sheet": a new id, "cells": [{"cell", "row", "column", "name", "changes"}]}; a change is {"node",
    "input", "without": the piece that is left out} or {"node", "input", "value"}. Raises InputError.
    """
    cells = vary.grid(_axes(recorded.graph, axes), most)
    return {
        "execution": recorded.execution,
        "sheet": uuid.uuid4().hex,
        "cells": [
            {
                "cell": cell.place,
                "row": cell.row,
                "column": cell.column,
                "name": cell.name,
                "changes": [_change(axis, variant) for axis, variant in cell.changes],
            }
            for cell in cells
        ],
    }


def _change(axis: vary.Axis, variant: vary.Variant) -> dict[str, Json]:
    what = {"value": variant.value} if variant.without is None else {"without": variant.without}
    return {"node": axis.node, "input": axis.input, **what}


def body(ledger: Ledger, host: Host | None, run: ExecutionRow, wanted: Wanted) -> bytes:
    """The exact bytes to post to `/prompt`. Raises InputError, and IntegrityError for a damaged snapshot.

    A varied graph goes without the recorded UI workflow, whose widgets still show the recorded values.
    """
    prompt = parse_json(document(ledger, run.prompt))
    changes = list(wanted.inputs)
    stamp: dict[str, Json] = {"replay_of": run.id}
    if wanted.sheet is not None:
        cells = vary.grid(_axes(prompt, wanted.axes), wanted.most)
        if not 0 <= wanted.cell < len(cells):
            raise InputError(f"the sheet has {len(cells)} cells; there is no cell {wanted.cell}")
        changes += vary.changes_of(cells[wanted.cell])
        stamp["sheet"] = {"id": wanted.sheet, "cell": wanted.cell, "cells": len(cells)}
    extra = {} if run.extra is None else parse_json(document(ledger, run.extra))
    png_info = dict(extra.get("extra_pnginfo") or {})
    if run.workflow is not None and not changes:
        png_info["workflow"] = parse_json(document(ledger, run.workflow))
    if png_info or "extra_pnginfo" in extra:
        extra["extra_pnginfo"] = png_info
    sent: dict[str, Json] = {"prompt": vary.applied(prompt, changes), "extra_data": {**extra, STAMP: stamp}}
    targets = None if host is None else _partial(ledger, host, run, prompt)
    return snapshot_bytes(sent if targets is None else {**sent, "partial_execution_targets": targets})


def asked(body: Mapping[str, Json]) -> Wanted:
    """What a client asks for: {"inputs": [{"node", "input", "name"}], "sheet", "cell", "axes", "most"}, all optional.

    Raises InputError.
    """
    try:
        inputs = [(str(item["node"]), str(item["input"]), str(item["name"])) for item in body.get("inputs") or ()]
        sheet, cell, axes = body.get("sheet"), body.get("cell", 0), list(body.get("axes") or ())
        most = body.get("most", vary.USUAL_MOST)
    except (KeyError, TypeError) as error:
        raise InputError("inputs must be a list of {node, input, name}") from error
    if sheet is not None and (not isinstance(sheet, str) or not 0 < len(sheet) <= 64):
        raise InputError("sheet must be the id that the plan of the sheet gave")
    if type(cell) is not int or type(most) is not int:
        raise InputError("cell and most must be whole numbers")
    return Wanted(inputs, sheet, cell, axes, most)


def _axes(prompt: Json, given: Sequence[Mapping[str, Json]]) -> list[vary.Axis]:
    """From {"node", "input", "without": [pieces]} or {"node", "input", "values": [...]}."""
    axes = []
    for item in given:
        node, name = (item.get(key) if isinstance(item, Mapping) else None for key in ("node", "input"))
        if not isinstance(node, str) or not isinstance(name, str):
            raise InputError("an axis must name a node and an input")
        pieces, values = item.get("without"), item.get("values")
        if isinstance(pieces, list) and values is None and all(isinstance(piece, str) for piece in pieces):
            axes.append(vary.without(prompt, node, name, pieces))
        elif isinstance(values, list) and values and pieces is None:
            axes.append(vary.instead(prompt, node, name, values))
        else:
            raise InputError("an axis needs either without: [pieces of its text] or values: [...]")
    return axes


def _partial(ledger: Ledger, host: Host, run: ExecutionRow, prompt: Json) -> list[str] | None:
    """The output nodes that the original ran, when it ran not all of its graph's; None otherwise or when unknown."""
    if run.completion is None or run.status != "success":
        return None
    graph, done = ApiGraph(prompt), stated(ledger, run.completion)
    ran = {*done["executed"], *done["cached"], *(output["node"] for output in done["outputs"])}
    targets = [node for node in graph.nodes if host.is_output_node(graph.class_type(node))]
    wanted = [node for node in targets if node in ran]
    return wanted if wanted and len(wanted) < len(targets) else None
