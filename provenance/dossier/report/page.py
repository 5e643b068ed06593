"""The report: one file that needs nothing else, in the order in which a reader with little time asks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ...config import SOFTWARE, VERSION
from ..options import Progress
from ..story import Picture, Story
from ..telling import Shown
from . import after, making, selecting, steps, summary
from .counts import count
from .html import Markup, both, esc, tag
from .items import Gallery

_STYLE = Path(__file__).resolve().parents[1] / "assets" / "report.css"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def blocks(story: Story, shown: Shown, progress: Progress) -> Iterator[bytes]:
    """The page, piece by piece. It has no script and loads nothing."""
    gallery, graphs, counts = Gallery(shown), steps.Graphs(story, shown), count(story)
    chinese = story.description.language == "zh"
    title = story.description.title
    yield (
        f'<!doctype html>\n<html lang="{"zh-Hans" if chinese else "en"}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{esc(title or ('创作过程记录' if chinese else 'How a work came to be'))}</title>"
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f'<input type="radio" name="language" id="en"{"" if chinese else " checked"}>'
        f'<input type="radio" name="language" id="zh"{" checked" if chinese else ""}>'
        '<nav class="language"><label for="en">English</label><label for="zh">中文</label></nav>'
        '<svg width="0" height="0" class="pictures" aria-hidden="true"><defs>'
    ).encode()
    for done, picture in enumerate(_pictures(story)):
        progress("report", done, counts.pictures)
        yield gallery.symbol(picture).encode()
    heading = esc(title) if title else both("How a work came to be", "作品创作过程记录")
    kicker = both("Record made at the time, for checking", "创作当时形成的记录，可供核验")
    yield f"</defs></svg><main><header><p>{kicker}</p><h1>{heading}</h1></header>".encode()
    yield summary.render(story, counts, gallery).encode()
    yield making.idea(story, gallery).encode()
    yield from _encoded(making.prompts(story, counts))
    yield from _encoded(making.models(story, counts, graphs))
    yield from _encoded(selecting.render(story, counts, gallery, graphs))
    yield after.edits(story, gallery).encode()
    yield after.environment(story, shown).encode()
    yield after.integrity(story).encode()
    yield after.media(story).encode()
    yield after.gaps(story, counts).encode()
    foot = both(
        f"Made by {SOFTWARE} {VERSION} from the entries in this dossier. This page is no evidence itself: "
        "the entries are. "
        "Whoever checks the dossier makes the page again from them and compares.",
        f"由 {SOFTWARE} {VERSION} 依本卷宗内的条目生成。本页本身不是证据，条目才是；核验时将据条目重新生成本页并比对。",
    )
    yield f"{tag('footer', foot)}</main></body></html>\n".encode()


def _encoded(parts: Iterable[Markup]) -> Iterator[bytes]:
    return (part.encode() for part in parts)


def _pictures(story: Story) -> Iterator[Picture]:
    for idea in story.ideas:
        yield from idea.references
    for run in story.runs.values():
        yield from (output.picture for output in run.outputs)
        yield from (used.picture for used in run.inputs)
    yield from (edit.file for edit in story.edits)
