"""Chapter 4: the lineage drawn, every candidate, what was kept and why, what failed, and replays. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice

from ..story import Judgement, Picture, Run, Story
from . import drawing, items, steps
from .counts import Counts
from .html import Markup, both, chapter, esc, moment, none, table, table_rows, tag, unfolding
from .items import Gallery

MOST_DRAWN = 120  # runs up to which the whole tree is drawn, not the path alone
MOST_OPEN = 60  # candidates that are shown without being asked for

_DECISIONS = {
    "keep": ("kept", "保留"),
    "reject": ("rejected", "弃用"),
    "rate": ("rated", "评分"),
    "note": ("noted", "备注"),
    "label": ("named the branch", "命名分支"),
    "clear": ("took back what was said", "撤回此前陈述"),
}


def render(story: Story, counts: Counts, gallery: Gallery, graphs: steps.Graphs) -> Iterator[Markup]:
    """The chapter, part by part."""
    lead = both(
        "Every run that descends from the same beginnings: what led to the work first, then all the others, "
        "rejected, failed "
        "and interrupted ones too.",
        "源自同一起点的全部运行：先列通向作品者，再列其余各次，包括弃用、出错与中断的运行。",
    )
    title = f"4&ensp;{both('Generation and selection', '生成与筛选')}"
    yield from chapter("selection", title, _parts(story, counts, gallery, graphs), lead)


def _parts(story: Story, counts: Counts, gallery: Gallery, graphs: steps.Graphs) -> Iterator[Markup]:
    yield from _lineage(story, counts, gallery, graphs)
    yield from _decisions(story, counts)
    yield from _candidates(story, counts, gallery)
    yield from _failures(story, counts)
    yield _replays(story)
    hidden = len(story.description.withheld.get("candidates", ()))
    if hidden:
        told = both(
            f"{hidden} entries about candidates are withheld by choice.", f"按选择不公开 {hidden} 个候选相关条目。"
        )
        yield tag("p", told, class_="withheld")


def _lineage(story: Story, counts: Counts, gallery: Gallery, graphs: steps.Graphs) -> Iterator[Markup]:
    whole = counts.runs <= MOST_DRAWN
    yield tag("h3", both("The lineage", "生成脉络") if whole else both("The path to the work", "通向作品的路径"))
    if counts.runs if whole else counts.leading:
        runs = story.runs.values() if whole else story.on_path
        yield from drawing.figure(story, runs, gallery, graphs.notes)
    else:
        yield none("No run is shown.", "没有可展示的运行。")


def _decisions(story: Story, counts: Counts) -> Iterator[Markup]:
    if not counts.statements:
        yield tag("h3", both("Choices", "取舍")) + none("The author stated no choice.", "作者没有作出取舍陈述。")
        return
    head = (both("Run", "运行"), both("Said", "陈述"), both("Why", "理由"), both("Entry, time", "条目与时间"))
    said = ((story.runs[execution], each) for execution, each in story.statements.values() if execution in story.runs)
    rows = (_decision(story, run, each) for run, each in said)
    yield tag("h3", f"{both('Choices and reasons', '取舍与理由')} {items.mark('author')}")
    yield from table_rows(head, islice(rows, MOST_OPEN), "wide")
    rest = counts.statements - MOST_OPEN
    if rest > 0:
        label = both(f"{rest} more statements", f"另外 {rest} 条陈述")
        yield from unfolding(label, table_rows(head, rows, "wide"))


def _decision(story: Story, run: Run, said: Judgement) -> Sequence[Markup]:
    what = both(*_DECISIONS.get(said.decision, (said.decision, said.decision)))
    if said.rating is not None:
        what += " " + "★" * said.rating
    if said.label is not None:
        what += f" “{esc(said.label)}”"
    why = esc(said.reason or "")
    if said.over:
        others = ", ".join(items.name(story.runs[each]) for each in said.over if each in story.runs)
        why += f"<br><small>{both('chosen over', '优于')} {others or len(said.over)}</small>"
    when = (
        f"{said.stamp.entry} · "
        f"{moment(said.stamp.at)}<br><small>{items.span(story.bounds.of(said.stamp.entry))}</small>"
    )
    return items.name(run), what, why, when


def _candidates(story: Story, counts: Counts, gallery: Gallery) -> Iterator[Markup]:
    if not counts.with_outputs:
        return
    runs = (run for run in story.runs.values() if run.outputs)
    yield tag("h3", both("All candidates", "全部候选"))
    yield from _sheet(islice(runs, MOST_OPEN), gallery, story.path)
    rest = counts.with_outputs - MOST_OPEN
    if rest > 0:
        label = both(f"{rest} more runs with pictures", f"另外 {rest} 次有图片的运行")
        yield from unfolding(label, _sheet(runs, gallery, story.path))


def _sheet(runs: Iterable[Run], gallery: Gallery, leads: Container[str]) -> Iterator[Markup]:
    yield '<div class="sheet">'
    yield from (_card(run, gallery, run.id in leads) for run in runs)
    yield "</div>"


def _card(run: Run, gallery: Gallery, leads: bool) -> Markup:
    made = [output.picture for output in run.outputs if output.picture.thumbnail]
    pictures: list[Picture | None] = [*made] or [None]
    shown = "".join(gallery.small(picture, f"Run {run.number}") for picture in pictures[:4])
    more = f"<small>+{len(pictures) - 4}</small>" if len(pictures) > 4 else ""
    reused = "" if run.made else tag("small", both("from the cache", "取自缓存"))
    sign = tag("b", both("on the path", "通向作品"), class_="leads") if leads else ""
    where = tag("small", f"{both('entry', '条目')} {run.submitted.entry}")
    said = (
        f"{items.name(run)} {sign} {items.verdict(run)} {'' if run.succeeded else items.status(run)} {reused} {where}"
    )
    return tag(
        "div", f'<div class="pictures">{shown}{more}</div><div>{said}</div>', class_="card leads" if leads else "card"
    )


def _failures(story: Story, counts: Counts) -> Iterator[Markup]:
    head = (
        both("Run", "运行"),
        both("How it ended", "结果"),
        both("What ComfyUI said", "ComfyUI 报告"),
        both("Entry", "条目"),
    )
    if not counts.unfinished:
        return
    rows = (_failure(run) for run in story.runs.values() if not run.succeeded)
    yield tag("h3", both("Runs that did not finish", "未完成的运行"))
    yield from table_rows(head, islice(rows, MOST_OPEN), "wide")
    rest = counts.unfinished - MOST_OPEN
    if rest > 0:
        yield from unfolding(both(f"{rest} more", f"另外 {rest} 次"), table_rows(head, rows, "wide"))


def _failure(run: Run) -> Sequence[Markup]:
    said = "" if run.error is None else f"{run.error.get('class') or ''}: {run.error.get('message') or ''}"
    where = str(run.submitted.entry) if run.ended is None else f"{run.submitted.entry}, {run.ended.entry}"
    return items.name(run), items.status(run), esc(said[:300]), where


def _replays(story: Story) -> Markup:
    rows: Iterable[Sequence[Markup]] = [
        (
            _named(story, event.said["execution"]),
            _named(story, event.said["original"]),
            esc(event.said["outcome"]),
            str(event.stamp.entry),
        )
        for event in story.replays
    ]
    told = table(
        (both("Replay", "重放"), both("of", "原运行"), both("Measured outcome", "实测结果"), both("Entry", "条目")),
        rows,
        "wide",
    )
    return tag("h3", both("Replays", "重放")) + told if told else ""


def _named(story: Story, execution: str) -> Markup:
    run = story.runs.get(execution)
    return esc(execution) if run is None else items.name(run)
