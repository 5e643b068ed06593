"""Pieces of HTML. Whatever comes from a record passes `esc`; texts of ours come in both languages at once. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

Markup = str
Both = tuple[str, str]  # English, Chinese

# Marks that turn the reading direction, or hide: a record could use them to make a reader see other words.
_HIDING = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0xFEFF)}
_HIDING |= {code: f"\\x{code:02x}" for code in (*range(9), 11, 12, *range(14, 32), 127)}


def esc(text: object) -> Markup:
    """A text from a record."""
    return html.escape(str(text).translate(_HIDING))


def both(en: str, zh: str) -> Markup:
    """A text of ours; the reader chooses which language shows. It may hold markup of ours."""
    return f'<span class="en" lang="en">{en}</span><span class="zh" lang="zh-Hans">{zh}</span>'


def tag(name: str, inner: Markup = "", **attributes: object) -> Markup:
    """An element. Attributes that are None are left out; `class_` is written `class`."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{esc(value)}"' for key, value in attributes.items() if value is not None
    )
    return f"<{name}{told}>{inner}</{name}>"


def section(anchor: str, title: Markup, *parts: Markup, lead: Markup = "") -> Markup:
    """A chapter."""
    said = tag("p", lead, class_="lead") if lead else ""
    return tag("section", tag("h2", title) + said + "".join(parts), id=anchor)


def chapter(anchor: str, title: Markup, parts: Iterable[Markup], lead: Markup) -> Iterator[Markup]:
    """A long chapter, part by part."""
    yield f'<section id="{esc(anchor)}">{tag("h2", title)}{tag("p", lead, class_="lead")}'
    yield from parts
    yield "</section>"


def folded(summary: Markup, inner: Markup, *, open_: bool = False) -> Markup:
    """What is shown on request; on paper, the line that tells of it."""
    if not inner:
        return ""
    return f"<details{' open' if open_ else ''}><summary>{summary}</summary>{inner}</details>"


def unfolding(summary: Markup, parts: Iterable[Markup]) -> Iterator[Markup]:
    """The same for what is long, part by part."""
    yield f"<details><summary>{summary}</summary>"
    yield from parts
    yield "</details>"


def facts(pairs: Iterable[tuple[Markup, Markup]]) -> Markup:
    """Names and values."""
    return tag("dl", "".join(tag("dt", name) + tag("dd", value) for name, value in pairs), class_="facts")


def table(head: Sequence[Markup], rows: Iterable[Sequence[Markup]], class_: str | None = None) -> Markup:
    """A table; empty when it has no rows."""
    return "".join(table_rows(head, rows, class_))


def table_rows(head: Sequence[Markup], rows: Iterable[Sequence[Markup]], class_: str | None = None) -> Iterator[Markup]:
    """A table, row by row."""
    before = (
        tag("table", f"<thead><tr>{''.join(tag('th', cell) for cell in head)}</tr></thead><tbody>", class_=class_)
    ).removesuffix("</table>")
    after = ""
    for row in rows:
        yield before + tag("tr", "".join(tag("td", cell) for cell in row))
        before, after = "", "</tbody></table>"
    yield after


def bullets(items: Iterable[Markup], class_: str | None = None) -> Markup:
    """A list; empty when it has no items."""
    inner = "".join(tag("li", item) for item in items)
    return tag("ul", inner, class_=class_) if inner else ""


def none(en: str, zh: str) -> Markup:
    """What is said where there is nothing to show."""
    return tag("p", both(en, zh), class_="none")


def digest(value: str | None) -> Markup:
    """A whole SHA-256, in groups that can be read aloud."""
    if value is None:
        return both("not recorded", "未记录")
    groups = " ".join(value[at : at + 8] for at in range(0, len(value), 8))
    return tag("code", groups, class_="digest")


def size(count: int | None) -> Markup:
    """A size for people."""
    if count is None:
        return ""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} B"


def moment(at: str | None) -> Markup:
    """A time in UTC, to the second."""
    if at is None:
        return "&ndash;"
    return tag("time", f"{esc(at[:10])} {esc(at[11:19])}", datetime=at)


def changes(hunks: Iterable[dict[str, str]]) -> Markup:
    """A word-level difference."""
    names = {"insert": "ins", "delete": "del"}
    parts = (tag(names[h["op"]], esc(h["text"])) if h["op"] in names else esc(h["text"]) for h in hunks)
    return tag("div", "".join(parts), class_="text")
