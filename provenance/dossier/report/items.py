"""What every item of the report carries: its mark, its entry, its bounds in time; and the pictures. Pure."""

from __future__ import annotations

from base64 import b64encode

from ...canonical import timestamp
from ...record.media import HEAD, PICTURES, media_type
from ...shelf import Shelf
from ...verify.bounds import Span
from ..story import Picture, Run, Stamp, Story
from ..telling import Shown
from .html import Both, Markup, both, esc, moment, tag

LARGEST_PICTURE = 12 << 20  # of one picture that is shown at full size

MARKS: dict[str, Both] = {
    "machine": ("machine-captured", "机器采集"),
    "author": ("author-stated", "作者陈述"),
    "inferred": ("inferred", "推断"),
    "after": ("after-the-fact", "事后补入"),
}
SIGNS = {"machine": "●", "author": "✎", "inferred": "≈", "after": "↶"}

STATUS: dict[str, Both] = {
    "success": ("finished", "完成"),
    "error": ("failed", "出错"),
    "interrupted": ("interrupted", "中断"),
    "cancelled": ("cancelled", "取消"),
    "lost": ("lost", "结果缺失"),
    "queued": ("no end recorded", "未记录结束"),
}


def mark(name: str) -> Markup:
    """How a thing is known, as a word with a sign: it must survive a black-and-white print."""
    return tag("span", f"<i>{SIGNS[name]}</i>{both(*MARKS[name])}", class_=f"mark {name}")


def span(found: Span) -> Markup:
    """Between which moments, by whose word."""
    if found.after is None and found.by is None:
        return tag("span", both("not yet anchored", "尚无可信时间"), class_="unbound")
    after = None if found.after is None else moment(timestamp(found.after.earliest_ns))
    by = None if found.by is None else moment(timestamp(found.by.latest_ns))
    names = dict.fromkeys(esc(each.authority) for each in (found.after, found.by) if each is not None)
    parts = [both(f"after {after}", f"晚于 {after}")] if after else []
    parts.append(both(f"by {by}", f"不晚于 {by}") if by else both("no token covers it yet", "尚无时间戳覆盖"))
    return tag("span", f"{', '.join(parts)} ({', '.join(names)})", class_="bound")


def proof(story: Story, stamp: Stamp) -> Markup:
    """The line under an item: mark, entry, hash, own clock, bounds."""
    where = f"{both('entry', '条目')} {stamp.entry}"
    leaf = tag("code", stamp.leaf[:16], title=stamp.leaf)
    clock = f"{both('own clock', '本机时钟')} {moment(stamp.at)}"
    parts = (mark(stamp.mark), where, leaf, clock, span(story.bounds.of(stamp.entry)))
    return tag("p", " · ".join(parts), class_="proof")


def status(run: Run) -> Markup:
    """How a run ended."""
    return tag("span", both(*STATUS.get(run.status, (esc(run.status), esc(run.status)))), class_=f"status {run.status}")


def verdict(run: Run) -> Markup:
    """What the author said last, and still says."""
    parts = []
    said = run.verdict
    if said is not None:
        words = ("kept", "保留") if said.decision == "keep" else ("rejected", "弃用")
        sign = "✓" if said.decision == "keep" else "✕"
        parts.append(tag("span", f"{sign} {both(*words)}", class_=f"verdict {said.decision}"))
    if run.rating is not None:
        parts.append(tag("span", "★" * run.rating, class_="rating"))
    return " ".join(parts)


def name(run: Run) -> Markup:
    """A run as the report calls it."""
    label = f" “{esc(run.label)}”" if run.label else ""
    return f"{both('Run', '第')}&nbsp;{run.number}{both('', '&nbsp;次')}{label}"


class Gallery:
    """Pictures of the report: each is written once, at the top, and shown wherever it is named."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._known = Shelf[bool]()

    def symbol(self, picture: Picture) -> str:
        """The definition of a picture, once; empty afterwards and for one that is not shown."""
        digest = picture.thumbnail
        if digest is None or digest in self._known:
            return ""
        data = self._data(digest, 1 << 20)
        self._known[digest] = data is not None
        if data is None:
            return ""
        return f'<image id="p{digest[:20]}" width="100" height="100" href="{data}"/>'

    def small(self, picture: Picture | None, label: str, class_: str = "thumb") -> Markup:
        """A small picture, or a sign that there is none to show."""
        if picture is None or picture.thumbnail is None or not self._known.get(picture.thumbnail):
            return tag("span", "", class_=f"{class_} blank", role="img", aria_label=label)
        use = f'<use href="#p{picture.thumbnail[:20]}"/>'
        return tag("svg", use, class_=class_, viewBox="0 0 100 100", role="img", aria_label=label)

    def large(self, picture: Picture | None, label: str) -> Markup:
        """The file itself where it is a picture that is shown, else the small picture."""
        if picture is None:
            return ""
        for digest, most in ((picture.kept, LARGEST_PICTURE), (picture.thumbnail, 1 << 20)):
            data = None if digest is None else self._data(digest, most)
            if data is not None:
                return tag("img", "", src=data, alt=label).removesuffix("</img>")
        return ""

    def object(self, digest: str | None, label: str, class_: str = "mask") -> Markup:
        """An object that is a picture."""
        data = None if digest is None or not self._shown.has(digest) else self._data(digest, LARGEST_PICTURE)
        return "" if data is None else tag("img", "", src=data, alt=label, class_=class_).removesuffix("</img>")

    def _data(self, digest: str, most: int) -> str | None:
        head = self._shown.head(digest, HEAD)
        kind = media_type(head, "")
        if kind not in PICTURES or kind == "image/tiff":
            return None
        data = self._shown.object(digest)
        if data is None or len(data) > most:
            return None
        return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
