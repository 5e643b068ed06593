"""The lineage as a figure: lanes at the left, one row per run, in pieces that a printer may put on pages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from ...shelf import Lists
from ..story import Run, Story
from . import items, lanes
from .html import Markup, both, esc, tag
from .items import Gallery

ROW, LANE, LEFT = 46, 16, 12
_PIECE = 10  # rows that are not torn apart on paper


def figure(
    story: Story, runs: Iterable[Run], gallery: Gallery, notes: Callable[[Run], Sequence[str]]
) -> Iterator[Markup]:
    """The drawing of these runs, piece by piece. runs: read more than once. notes: what changed in a run from the run
    before."""
    drawing = lanes.draw(runs, story.path)
    width = 2 * LEFT + LANE * (drawing.lanes or 1)
    yield '<figure class="lineage">'
    lines, dots, remaining, start = _by_piece(drawing), iter(drawing.dots), iter(runs), 0
    while rows := list(islice(remaining, _PIECE)):
        height = ROW * len(rows)
        inner = "".join(_line(line, start) for line in lines[str(start)])
        inner += "".join(_dot(dot, start) for dot in islice(dots, _PIECE))
        svg = tag("svg", inner, viewBox=f"0 0 {width} {height}", width=width, height=height, aria_hidden="true")
        told = "".join(_row(run, gallery, notes(run)) for run in rows)
        yield tag("div", svg + tag("ol", told), class_="piece")
        start += _PIECE
    yield tag("figcaption", _caption()) + "</figure>"


def _by_piece(drawing: lanes.Drawing) -> Lists[lanes.Line]:
    """The lines that are seen in a piece, by its first row."""
    found = Lists(lanes.stored, lanes.loaded)
    for line in drawing.lines:
        for piece in range(line.older.row // _PIECE, line.newer.row // _PIECE + 1):
            found.add(str(piece * _PIECE), line)
    return found


def _caption() -> Markup:
    return both(
        "Time runs down. Filled: runs that lead to the work. Dashed: the later run loaded a picture that "
        "the earlier made.",
        "时间自上而下。实心为通向作品的运行；虚线表示后一次运行载入了前一次生成的图片。",
    )


def _x(dot: lanes.Dot) -> float:
    return LEFT + LANE * dot.lane + (LANE / 2 if dot.tooth else 0)


def _y(row: int, start: int) -> float:
    return ROW * (row - start) + ROW / 2


def _dot(dot: lanes.Dot, start: int) -> Markup:
    class_ = "on" if dot.on_path else "off"
    return tag("circle", cx=_x(dot), cy=_y(dot.row, start), r=5 if dot.on_path else 3.5, class_=class_)


def _line(line: lanes.Line, start: int) -> Markup:
    """A link as it is seen in a piece: down from the older run, then over to the newer one's lane."""
    x0, x1 = _x(line.older), _x(line.newer)
    y0, y1 = _y(line.older.row, start), _y(line.newer.row, start)
    on = line.newer.on_path and line.older.on_path
    class_ = "source" if line.kind == "source" else "on" if on else "off"
    if line.newer.tooth:
        lane = LEFT + LANE * line.newer.lane
        shape = (
            f"M{x0} {y0}C{x0} {y0 + ROW / 2} {lane} {y0 + ROW / 4} {lane} {y0 + ROW / 2}V{y1 - 6}Q{lane} {y1} {x1} {y1}"
        )
    elif line.kind == "source":
        shape = f"M{x0} {y0}C{x0 + LANE} {y0 + ROW / 2} {x1 + LANE} {y1 - ROW / 2} {x1} {y1}"
    elif x0 == x1:
        shape = f"M{x0} {y0}V{y1}"
    else:
        shape = f"M{x0} {y0}C{x0} {y0 + ROW / 2} {x1} {y0 + ROW / 2} {x1} {y0 + ROW}V{y1}"
    return tag("path", d=shape, class_=class_)


def _row(run: Run, gallery: Gallery, notes: Sequence[str]) -> Markup:
    label = f"Run {run.number}"
    pictures = "".join(gallery.small(output.picture, label) for output in run.outputs[:3] if output.picture.thumbnail)
    told = items.name(run) if run.succeeded else f"{items.name(run)} {items.status(run)}"
    what = "; ".join(esc(note) for note in notes[:6]) + ("; …" if len(notes) > 6 else "")
    words = tag("span", f"<b>{told}</b> {items.verdict(run)} <small>{what}</small>", class_="what")
    return tag("li", f"{pictures or gallery.small(None, label)}{words}")
