"""Answers as text for people. Every text from a record passes `one_line`, so that none can steer a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..lineage.restore import CHECKS, has_drifted
from ..lineage.summary import one_line, shown
from ..model import Json
from .lanes import Signs, draw

_WIDE = 160
_SHORTEST_ID = 8


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Each id cut to the shortest length, at least 8, at which all of them differ from their neighbours."""
    ordered = sorted(set(ids))
    cut = {}
    for at, each in enumerate(ordered):
        near = [ordered[other] for other in (at - 1, at + 1) if 0 <= other < len(ordered)]
        length = max([_SHORTEST_ID, *(_common(each, other) + 1 for other in near)])
        cut[each] = one_line(each[:length], _WIDE)
    return cut


def run_line(item: Mapping[str, Json], name: str) -> str:
    """One run on one line: id, status, time, files, what changed."""
    when = str(item["submitted_at"])[:19].replace("T", " ")
    files = [one_line(output["file"]) for output in item["outputs"] if output["file"] is not None]
    told = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    changes = "; ".join(item["changes"])
    return "  ".join(part for part in (name, f"{item['status']:<11}", when, told, changes) if part)


def log_graph(items: Sequence[Mapping[str, Json]], signs: Signs) -> Iterator[str]:
    """Runs as lanes, newest on top. items: as `log` gives them, oldest first."""
    by_id = {item["execution"]: item for item in items}
    names = short_ids(by_id)
    rows = draw([(item["execution"], item["parents"]) for item in reversed(items)], signs)
    for row in rows:
        yield row.picture if row.run is None else f"{row.picture}  {run_line(by_id[row.run], names[row.run])}"


def fields(value: Mapping[str, Json], indent: str = "") -> Iterator[str]:
    """Members of an object, one per line; nested objects and lists are indented."""
    for name, item in value.items():
        label = f"{indent}{one_line(name)}:"
        if isinstance(item, Mapping) and item:
            yield label
            yield from fields(item, indent + "  ")
        elif isinstance(item, list) and item:
            yield label
            for each in item:
                yield from _item(each, indent + "  ")
        elif item not in (None, [], {}):
            yield f"{label} {_value(item)}"


def _item(value: Json, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        pairs = [
            f"{one_line(name)} {_value(item)}" for name, item in value.items() if item not in (None, [], {}, False)
        ]
        yield indent + ", ".join(pairs)
    else:
        yield indent + _value(value)


def _value(value: Json) -> str:
    return one_line(value, _WIDE) if isinstance(value, str) else shown(value)


def lineage(found: Mapping[str, Json]) -> Iterator[str]:
    """Edges of an ancestry, one per line."""
    yield f"{_value(found['target'])}: {len(found['nodes'])} things, {len(found['edges'])} links"
    for edge in found["edges"]:
        score = "" if edge["score"] is None else f" {edge['score']}"
        how = f"{edge['basis']}, {_value(edge['method'])}{score}"
        yield f"  {_value(edge['from'])} {edge['relation']} {_value(edge['to'])} ({how})"


def findings(found: Mapping[str, Json]) -> Iterator[str]:
    """One line per finding."""
    for finding in found["findings"]:
        where = "" if finding["entry"] is None else f" entry {finding['entry']}"
        yield f"{finding['severity']} {finding['code']}{where}: {one_line(finding['message'], 400)}"


def drift(found: Mapping[str, Json]) -> Iterator[str]:
    """What a drift report says, one line per thing."""
    for item in found["nodes"]:
        pack = "" if item["pack"] is None else f" (of {_value(item['pack'])} {_value(item['version'] or '')})"
        yield f"node class {_value(item['class_type'])} is not installed{pack}"
    for item in found["models"]:
        same = "" if item["same_hash"] is None else f"; {_value(item['same_hash'])} has the same bytes"
        yield f"model {_value(item['folder'])}/{_value(item['name'])} is {item['state']}{same}"
    for item in found["packs"]:
        yield f"{_value(item['name'])} was {shown(item['before'])}, is {shown(item['after'])}"
    for item in found["inputs"]:
        kept = "" if item["kept"] is None else "; a copy is kept, --put-back restores it"
        yield f"input {_value(item['name'])} of node {_value(item['node'])} is {item['state']}{kept}"
    for item in found["redacted"]:
        yield f"{_value(item['path'])} was redacted before it was recorded"
    if found["not_checked"]:
        yield f"not checked here: {', '.join(found['not_checked'])}"
    elif not has_drifted(found):
        yield f"no drift in {', '.join(CHECKS)}"


def _common(a: str, b: str) -> int:
    length = 0
    while length < min(len(a), len(b)) and a[length] == b[length]:
        length += 1
    return length
