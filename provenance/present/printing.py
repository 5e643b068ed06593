"""Answers as text for people. Every text from a record passes `one_line`, so that none can steer a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..lineage.restore import CHECKS, has_drifted
from ..lineage.summary import one_line, shown
from ..model import Json
from .lanes import Signs, draw

_WIDE = 160
OUTCOMES = {
    "same-bytes": "every byte the same",
    "same-content": "the same pixels",
    "different": "different",
    "incomplete": "outputs are missing or new",
    "not-compared": "not all could be compared",
}
TRUST = {
    "trusted": "trusted",
    "unchecked": "authority not checked",
    "refused": "by authorities that are not trusted",
    "signature-unchecked": "signature not checked here (SM2 or SM3; openssl can)",
}
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
    again = "" if item["replay"] is None else replay(item["replay"])
    return "  ".join(part for part in (name, f"{item['status']:<11}", when, again, told, changes) if part)


def replay(found: Mapping[str, Json]) -> str:
    """What a run repeats and what came of it, in a few words."""
    sheet = found["sheet"]
    cell = "" if sheet is None else f" (cell {sheet['cell'] + 1} of {sheet['cells']})"
    outcome = "" if found["outcome"] is None else f": {OUTCOMES.get(found['outcome'], _value(found['outcome']))}"
    served = ", partly from caches" if found["fresh"] is False and sheet is None else ""  # cells share them
    drift = f", {found['drifted']} differences around it" if found["drifted"] else ""
    return f"[REPLAY of {one_line(found['of'], _WIDE)[:_SHORTEST_ID]}{cell}{outcome}{served}{drift}]"


def log_graph(items: Sequence[Mapping[str, Json]], signs: Signs) -> Iterator[str]:
    """Runs as lanes, newest on top. items: as `log` gives them, oldest first."""
    by_id = {item["execution"]: item for item in items}
    names = short_ids(by_id)
    rows = draw([(item["execution"], _above(item)) for item in reversed(items)], signs)
    for row in rows:
        yield row.picture if row.run is None else f"{row.picture}  {run_line(by_id[row.run], names[row.run])}"


def outcome(run: Mapping[str, Json]) -> Iterator[str]:
    """How a replay compares with its original, with what may explain it; `run` is as `show` gives it."""
    found = run["replay"]
    yield f"{run['execution']} {run['status']} {replay(found)}"
    for item in found.get("outputs", ()):
        numbers = [f"PSNR {item['psnr_db']} dB"] if item["psnr_db"] is not None else []
        numbers += [f"SSIM {item['ssim']}"] if item["ssim"] is not None and item["verdict"] == "different" else []
        told = ", ".join([item["verdict"].replace("-", " "), *numbers, *([item["problem"]] if item["problem"] else [])])
        yield f"  output {_value(item['node'])}/{_value(item['key'])}/{item['ordinal']}: {told}"
    for item in found.get("tensors", ()):
        yield f"  {_value(item['name'])} of node {_value(item['node'])}: {'equal' if item['equal'] else 'NOT equal'}"
    for item in found.get("graph", {}).get("changed", ()):
        yield f"  graph: {_value(item['node'])}/{_value(item['input'] or 'node')} is not as recorded"
    if found.get("cached"):
        yield f"  served from caches, not run: nodes {', '.join(map(_value, found['cached']))}"
    for item in found.get("drift", ()):
        yield f"  {item['what']} {_value(item['name'])} was {shown(item['before'])}, is {shown(item['after'])}"
    if found.get("not_compared"):
        yield f"  not known of both runs: {', '.join(found['not_compared'])}"


def sheet(found: Mapping[str, Json]) -> Iterator[str]:
    """A sheet of variations, one line per cell."""
    there = f"{len(found['items'])} of {found['cells']} cells"
    yield f"sheet {_value(found['sheet'])} around {_value(found['of'])}: {there}"
    for item in found["items"]:
        differs = "; ".join(map(_value, item["differs"])) or "as recorded"
        result = item["replay"]["outcome"]
        told = OUTCOMES.get(result, "not compared yet") if result else "not compared yet"
        yield f"  {item['cell'] + 1:>3}  {item['status']:<11}  {differs}  ({told})"


def _above(item: Mapping[str, Json]) -> list[str]:
    return list(item["parents"]) if item["replay"] is None else [item["replay"]["of"]]


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
    for node in found["nodes"]:
        if "replay_of" in node:
            yield f"  {_value(node['id'])} is a REPLAY of {_value(node['replay_of'])}"


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
        same += "" if item["same_name"] is None else f"; there is {_value(item['same_name'])}, bytes not compared"
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


def time_lines(found: Mapping[str, Json]) -> Iterator[str]:
    """What a verification found about time, and how much is not known."""
    time = found["time"]
    anchors = time["anchors"]
    if anchors:
        counts = Counter(anchor["trust"] for anchor in anchors)
        told = ", ".join(f"{counts[trust]} {words}" for trust, words in TRUST.items() if counts[trust])
        rest = found["entries"] - time["covered"]
        yield f"{len(anchors)} time-stamps ({told}); {time['covered']} entries have a time, {max(rest, 0)} not yet"
    if time["witnesses"]:
        yield f"{time['witnesses']} cosignatures of witnesses hold"


def anchoring(told: Mapping[str, Json]) -> Iterator[str]:
    """How it stands with time-stamps, or what came of asking for some."""
    for each in told.get("recorded", ()):
        over = f"over {each['size']} entries, recorded as entry {each['entry']}"
        trust = f"; {TRUST[each['trust']]}: it bounds nothing" if "trust" in each else ""
        yield f"{one_line(each['authority'])}: a time-stamp of {each['gen_time']} {over}{trust}"
    for each in told.get("failed", ()):
        yield f"{one_line(each['authority'])}: {one_line(each['problem'], _WIDE)}"
    if "recorded" in told:
        return
    for each in told["authorities"]:
        yield f"{one_line(each['name'])}  {one_line(each['url'], _WIDE)}"
    if not told["authorities"]:
        yield "nobody is asked for time-stamps" if told["chosen"] else "nobody is asked: no authority is chosen yet"
    yield f"{told['anchors']} time-stamps, {told['covered']} entries have a time, {told['unanchored']} not yet"
    for each in told["newest"]:
        trust = "does not hold" if each["trust"] is None else TRUST[each["trust"]]
        signer = one_line(each["signer"] or each["authority"], _WIDE)
        yield f"  {each['gen_time']}  {each['size']} entries  {signer}  {trust}"
    if told["problem"]:
        yield one_line(told["problem"], _WIDE)


def amount(heap: Mapping[str, Json]) -> str:
    """A number of objects and their bytes, such as `12 objects, 3.4 MB`."""
    size, unit = float(heap["bytes"]), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    shown = f"{size:.1f}" if unit != "B" and size < 100 else f"{size:.0f}"
    return f"{heap['count']} object{'' if heap['count'] == 1 else 's'}, {shown} {unit}"
