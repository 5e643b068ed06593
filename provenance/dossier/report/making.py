"""Chapters 1 to 3: the idea, the prompt's versions, models and parameters. Pure."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from itertools import chain

from ..story import Idea, Run, Story
from . import items, steps
from .counts import Counts
from .html import (
    Markup,
    both,
    changes,
    chapter,
    digest,
    esc,
    folded,
    none,
    section,
    size,
    table,
    table_rows,
    tag,
    unfolding,
)
from .items import Gallery

MOST_VALUES = 60  # runs on the path whose values are listed
ROLES = {
    "positive": ("positive prompt", "正向提示词"),
    "negative": ("negative prompt", "反向提示词"),
    "both": ("prompt", "提示词"),
    "unknown": ("prompt", "提示词"),
}


def idea(story: Story, gallery: Gallery) -> Markup:
    """Chapter 1."""
    told = "".join(_idea(story, each, gallery) for each in story.ideas)
    nothing = none("No idea was noted in the record.", "记录中没有构思说明。")
    withheld = len(story.description.withheld.get("ideas", ()))
    hidden = _withheld(withheld)
    lead = both(
        "What the author said he meant to make, in his own words, when he said it. Every version is kept.",
        "作者对创作意图的陈述，保留原话与陈述的时间；每个版本均予保留。",
    )
    return section("idea", f"1&ensp;{both('The idea', '思想')}", told or nothing, hidden, lead=lead)


def _idea(story: Story, each: Idea, gallery: Gallery) -> Markup:
    version = "" if each.revises is None else f" ({both(f'revises entry {each.revises}', f'修订条目 {each.revises}')})"
    title = tag("h3", esc(each.title) + version) if each.title or version else ""
    pictures = "".join(
        tag("figure", gallery.small(file, "reference") + tag("figcaption", esc(file.name or "")))
        for file in each.references
    )
    shown = tag("div", pictures, class_="strip") if pictures else ""
    return tag("article", title + tag("div", esc(each.text), class_="text") + shown + items.proof(story, each.stamp))


def prompts(story: Story, counts: Counts) -> Iterator[Markup]:
    """Chapter 2, part by part."""
    lead = both(
        "Each text as the program received it, in the order in which it was written, with what changed from "
        "the version "
        "before. Underlined: added; struck out: removed.",
        "程序收到的每一版文字，按时间排列，并标出与上一版的差异：下划线为新增，删除线为删去。",
    )
    yield from chapter("prompts", f"2&ensp;{both('Prompt design', '提示词设计')}", _prompts(story, counts), lead)


def _prompts(story: Story, counts: Counts) -> Iterator[Markup]:
    for number, version in enumerate(steps.versions(story, story.on_path), 1):
        yield _version(story, number, version)
    count = counts.other_versions
    if count:
        title = both(
            f"{count} {'version' if count == 1 else 'versions'} in runs that do not lead to the work",
            f"其他运行中的 {count} 个版本",
        )
        others = (_version(story, None, version) for version in steps.versions(story, story.candidates))
        yield from unfolding(title, others)
    if not counts.leading_versions and not count:
        yield none("No prompt text is shown.", "没有可展示的提示词。")
    yield _withheld(len(story.description.withheld.get("prompts", ())))


def _version(story: Story, number: int | None, version: steps.Version) -> Markup:
    text, run = version.text, version.run
    which = "" if number is None else f"{both('Version', '版本')}&nbsp;{number} · "
    role = both(*ROLES.get(text.role, ROLES["unknown"]))
    seen = f" · {both('as the encoder saw it', '编码器所见')}" if text.source == "observed" else ""
    head = tag("h3", f"{which}{role} · {items.name(run)}{seen}")
    body = tag("div", esc(text.text), class_="text") if version.before is None else changes(version.hunks)
    return tag("article", head + body + (items.proof(story, run.ended) if run.ended else ""), class_="version")


def models(story: Story, counts: Counts, graphs: steps.Graphs) -> Iterator[Markup]:
    """Chapter 3, part by part."""
    lead = both(
        "Which model files the graph named, with the hash of their bytes, and the values that the author set.",
        "工作流所用的模型文件及其字节哈希，以及作者设定的参数。",
    )
    yield from chapter(
        "models", f"3&ensp;{both('Model and parameters', '模型与参数')}", _parts(story, counts, graphs), lead
    )


def _parts(story: Story, counts: Counts, graphs: steps.Graphs) -> Iterator[Markup]:
    yield _models(story, counts)
    yield from _changes(story, graphs)
    last = _last(story)
    yield from (_values(run, graphs, open_=True) for run in last.values())
    others = [run for run in deque(story.on_path, MOST_VALUES) if run.id not in last]
    label = both(f"All values of {len(others)} other runs on the path", f"路径上其他 {len(others)} 次运行的全部参数")
    yield folded(label, "".join(_values(run, graphs) for run in others))


def _models(story: Story, counts: Counts) -> Markup:
    known = {(event.said["folder"], event.said["name"]): event for event in story.fingerprints}
    rows = []
    for key, use in counts.models.items():
        model, event = use.model, known.get(key)
        sha256 = model.sha256 or (None if event is None else event.said["sha256"])
        stamp = "&ndash;" if event is None else f"{both('entry', '条目')} {event.stamp.entry}"
        leading = use.leading if counts.leading else use.runs
        used = both(f"{use.runs} runs, {leading} on the path", f"{use.runs} 次运行，其中通向作品 {leading} 次")
        rows.append(
            (f"{esc(model.folder)}/<b>{esc(model.name)}</b><br>{digest(sha256)}", size(model.size), used, stamp)
        )
    head = (both("File", "文件"), both("Size", "大小"), both("Used by", "使用"), both("Hash stated in", "哈希见"))
    return table(head, rows, "wide") or none("No model file was named.", "没有记录到模型文件。")


def _changes(story: Story, graphs: steps.Graphs) -> Iterator[Markup]:
    rows = _steps(story, graphs)
    head = (both("Step", "步骤"), both("What changed", "变化"))
    first = next(rows, None)
    if first is not None:
        yield tag("h3", both("Step by step", "逐步变化"))
        yield from table_rows(head, chain((first,), rows), "wide")


def _steps(story: Story, graphs: steps.Graphs) -> Iterator[tuple[Markup, Markup]]:
    for run in story.on_path:
        parent = None if run.parent is None else story.runs.get(run.parent)
        notes = graphs.notes(run)
        if parent is not None and notes:
            yield f"{items.name(parent)} → {items.name(run)}", "<br>".join(map(esc, notes))


def _last(story: Story) -> dict[str, Run]:
    makers = {run.id: run for work in story.description.works for run in story.made_by(work)}
    return makers or {run.id: run for run in deque(story.on_path, 1)}


def _values(run: Run, graphs: steps.Graphs, *, open_: bool = False) -> Markup:
    values = graphs.values(run)
    if not values:
        return ""
    rows = (
        (f"{esc(kind)} <small>#{esc(node)}</small>", esc(name), tag("code", esc(_shown(value))))
        for node, kind, name, value in values
    )
    head = (both("Node", "节点"), both("Input", "参数"), both("Value", "值"))
    title = f"{both('All values of', '全部参数：')} {items.name(run)}"
    return folded(title, table(head, rows, "wide"), open_=open_ and len(values) <= 24)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 200 else text[:199] + "…"


def _withheld(count: int) -> Markup:
    if not count:
        return ""
    told = both(
        f"{count} entries are withheld by choice. Their hashes are in the log's list of leaves and their "
        "places are proved; "
        "what they say is not shown, here or in any other file.",
        f"按选择不公开 {count} 个条目：其哈希列于日志叶列表，位置已被证明；内容在任何文件中均不展示。",
    )
    return tag("p", told, class_="withheld")
