"""A sheet of variations as one HTML file: no script, no address, pictures inside. Pure but for asking for pictures."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from html import escape

from ..errors import NotFound
from ..model import Json
from .printing import OUTCOMES

CHINESE = {
    "same-bytes": "字节全部相同",
    "same-content": "像素相同",
    "different": "不同",
    "incomplete": "输出有缺失或新增",
    "not-compared": "未能全部比较",
}
Picture = Callable[[str], bytes]  # SHA-256 of an output -> WebP; raises NotFound

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1c1c1c;background:#fff}
h1{font-size:1.3rem;margin:0 0 .3rem}p{margin:.3rem 0;color:#555}code{font-size:.85em;overflow-wrap:anywhere}
.cells{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:1rem;margin:1.2rem 0}
figure{margin:0;border:1px solid #ccc;border-radius:6px;overflow:hidden;break-inside:avoid}
figure.first{border-color:#2a6f4d;border-width:2px}figure img{width:100%;display:block;background:#eee}
figcaption{padding:.5rem .6rem}figcaption b{display:block}.none{padding:3rem 0;text-align:center;color:#888}
table{grid-column:1/-1;border-spacing:.6rem;margin:0 -.6rem}th{text-align:left;vertical-align:top;font-weight:600}
th[scope=col]{vertical-align:bottom}td{vertical-align:top;min-width:9rem}
small{color:#666;display:block}@media print{body{margin:0}}
"""


def page(found: Mapping[str, Json], picture: Picture) -> str:
    """The sheet that `sheets.told` gave. Every text of the record is escaped."""
    shown = found["original"]
    original = [] if shown is None else [_cell("The recorded run", ["原始记录"], shown, picture, first=True)]
    cells = [_cell(f"Cell {item['cell'] + 1}", item["differs"], item, picture) for item in found["items"]]
    if found["columns"]:
        cells = [_table(found["items"], found["columns"], cells)]
    missing = found["cells"] - len({item["cell"] for item in found["items"]})
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Variations of {escape(found["of"])}</title><style>{_STYLE}</style>
<h1>Variations around one recorded run · 围绕一次记录的变化对照</h1>
<p>Every picture below but the first is a <strong>replay</strong>, made afterwards: none of them is an original.
以下除第一张外均为事后重新生成，均非原始记录。</p>
<p>Run <code>{escape(found["of"])}</code>, sheet <code>{escape(found["sheet"])}</code>, {len(found["items"])} of
{found["cells"]} cells{f", {missing} not run" if missing else ""}. What differs was computed from the recorded graphs.
The sheet shows what this graph did on this machine when one thing was changed; it says nothing about any other.</p>
<div class="cells">{"".join([*original, *cells])}</div>
</html>
"""


def _table(items: list[Mapping[str, Json]], columns: int, cells: list[str]) -> str:
    """Rows and columns, each headed by what its first cell differs in."""
    at = {item["cell"]: (item["differs"], cell) for item, cell in zip(items, cells, strict=True)}
    rows = [cell for cell in at if cell % columns == 0]
    shown = [cell for cell in range(columns) if cell in at]

    def head(cell: int, scope: str) -> str:
        words = at[cell][0] or ["as recorded · 与记录相同"]
        return f'<th scope="{scope}">{"".join(f"<div>{escape(line)}</div>" for line in words)}</th>'

    def line(row: int) -> str:
        return "".join(f"<td>{at[row + column][1] if row + column in at else ''}</td>" for column in shown)

    top = "".join(head(column, "col") for column in shown)
    body = "".join(f"<tr>{head(row, 'row')}{line(row)}</tr>" for row in rows)
    return f"<table><tr><td></td>{top}</tr>{body}</table>"


def _cell(title: str, differs: list[str], item: Mapping[str, Json], picture: Picture, first: bool = False) -> str:
    again = item["replay"]
    outcome = None if again is None else again["outcome"]
    notes = [item["execution"], item["status"]]
    if outcome is not None:
        notes.append(f"against the recorded run: {OUTCOMES.get(outcome, outcome)} · {CHINESE.get(outcome, outcome)}")
    lines = differs or ["as recorded · 与记录相同"]
    told = "".join(f"<div>{escape(line)}</div>" for line in lines)
    small = "".join(f"<small>{escape(str(note))}</small>" for note in notes)
    mark = ' class="first"' if first else ""
    return f"<figure{mark}>{_image(item, picture)}<figcaption><b>{escape(title)}</b>{told}{small}</figcaption></figure>"


def _image(item: Mapping[str, Json], picture: Picture) -> str:
    for sha256 in item["thumbnails"]:
        try:
            data = base64.b64encode(picture(sha256)).decode()
        except NotFound:
            continue
        return f'<img alt="output {escape(sha256[:16])}" src="data:image/webp;base64,{data}">'
    return '<div class="none">no picture · 无图像</div>'
