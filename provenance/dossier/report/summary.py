"""The first page: which work, whose key, when, what was checked, and what all this proves and does not prove. Pure."""

from __future__ import annotations

from ...verify.description import Work
from ..story import Story
from . import items
from .counts import Counts
from .html import Markup, both, bullets, digest, esc, facts, moment, table, tag
from .items import Gallery

_PROVES = (
    ("These bytes were signed with the key whose fingerprint is given here.", "这些字节由此处所列指纹的密钥签名。"),
    (
        "Each entry stands at its place in one log, and none was changed, moved or removed since the "
        "checkpoint was signed.",
        "每个条目都在同一日志的固定位置上；自检查点签署以来，没有条目被更改、移动或删除。",
    ),
    (
        "Where a time token is named: the entry existed by that time, and what follows a token was made after it, "
        "by the word of that authority.",
        "凡注明时间戳处：依该机构的证明，条目在该时间之前已存在；时间戳之后的条目是在其后产生的。",
    ),
    (
        "Which graph, texts, files and earlier results each shown run was recorded to have used.",
        "每次所示运行在记录中使用了哪些工作流、文字、文件与先前结果。",
    ),
)
_NOT = (
    ("Who holds the key, and who thought of or made anything.", "密钥由谁持有，以及何人构思或制作了任何内容。"),
    (
        "Whether anybody has rights in the result, or what a court will decide.",
        "任何人对成果是否享有权利，或法院将如何认定。",
    ),
    (
        "That everything was recorded: what happened outside the recorded program, or while it was paused, "
        "is not here.",
        "一切均被记录：在被记录的程序之外或暂停期间发生的事，不在此列。",
    ),
    (
        "That a result can be produced again, unless a replay in this record measured it.",
        "结果可以再次生成，除非本记录中的重放已实际测得。",
    ),
    (
        "When exactly something was made: without a time token, only the writer's own clock speaks.",
        "确切的产生时间：没有时间戳时，只有记录者本机时钟的说法。",
    ),
    (
        "That a statement by the author is true. It shows that it was made, signed, at that place in the log.",
        "作者陈述属实；只表明该陈述曾在日志的该位置作出并签名。",
    ),
)


def render(story: Story, counts: Counts, gallery: Gallery) -> Markup:
    """The chapter."""
    works = "".join(_work(story, number, gallery) for number in range(len(story.description.works)))
    return tag("section", works + _checks(story, counts) + _parts(story, counts) + _words() + _legend(), id="summary")


def _work(story: Story, number: int, gallery: Gallery) -> Markup:
    work = story.description.works[number]
    picture, makers = story.picture(work), story.made_by(work)
    name = esc(work.name or (picture.name if picture else None) or work.execution or "")
    told = [
        (both("Work", "作品"), f"<strong>{name}</strong>"),
        ("SHA-256", _digests(story, work)),
    ]
    if picture is not None and picture.width:
        told.append((both("Size", "尺寸"), f"{picture.width} &times; {picture.height} px, {esc(picture.media_type)}"))
    if makers:
        told.append((both("Made by", "产生于"), ", ".join(f"{items.name(run)} {items.status(run)}" for run in makers)))
    elif picture is None:
        told.append((both("Made by", "产生于"), both("not shown in this dossier", "本卷宗未展示")))
    shown = gallery.large(picture, f"Work: {name}")
    return tag("div", tag("div", shown, class_="picture") + facts(told), class_="work")


def _digests(story: Story, work: Work) -> Markup:
    """Of the work's bytes; of all files that it made, where the work is a run."""
    made = [output.picture.sha256 for run in story.made_by(work) for output in run.made if output.picture.sha256]
    found = [work.sha256] if work.sha256 else list(dict.fromkeys(made))
    return "<br>".join(map(digest, found)) or both("not shown", "未展示")


def _checks(story: Story, counts: Counts) -> Markup:
    errors = [found for found in story.findings if found.severity == "error"]
    told = [
        (both("Key", "密钥指纹"), tag("code", esc(story.fingerprint))),
        (both("Log", "日志"), f"<code>{esc(story.origin)}</code>, {story.size} {both('entries', '个条目')}"),
        (both("Root", "树根"), digest(story.root)),
        (
            both("Recorded", "记录时段"),
            f"{moment(story.first)} &ndash; {moment(story.last)} UTC ({both('own clock', '本机时钟')})",
        ),
        (both("Trusted time", "可信时间"), _interval(story, counts)),
        (
            both("Shown here", "本卷宗展示"),
            both(
                f"{story.shown} entries; {story.withheld} withheld by choice; {story.elsewhere} about other things, "
                "by hash only",
                f"{story.shown} 个条目；{story.withheld} 个按选择不公开；{story.elsewhere} 个涉及其他内容，仅列哈希",
            ),
        ),
        (
            both("Runs", "运行"),
            both(
                f"{counts.runs}, of which {counts.leading} lead to the work",
                f"{counts.runs} 次，其中 {counts.leading} 次通向作品",
            ),
        ),
        (
            both("Check", "核验"),
            both(
                f"{len(errors)} errors: <b>THE RECORD DOES NOT HOLD</b>, see Integrity",
                f"{len(errors)} 处错误：<b>记录不成立</b>，见“完整性”",
            )
            if errors
            else _agreed(len(story.unproved)),
        ),
    ]
    return facts(told)


def _agreed(unproved: int) -> Markup:
    """What a check without errors came to. unproved: tokens whose signature was not checked."""
    if unproved:
        return both(
            f"every signature, place and object shown agrees, but for the signatures of {unproved} time tokens, which "
            "were not checked; check it yourself: verify/README",
            f"除 {unproved} 个时间戳的签名未核验外，所示签名、位置与对象全部一致；可自行核验：verify/README",
        )
    return both(
        "every signature, place and object shown agrees; check it yourself: verify/README",
        "所示签名、位置与对象全部一致；可自行核验：verify/README",
    )


def _interval(story: Story, counts: Counts) -> Markup:
    if not story.anchors:
        return both("none: no token of a time authority is in this record", "无：本记录中没有时间戳机构的令牌")
    others = len(story.unproved)
    unproved = both(
        f"{others} {'token' if others == 1 else 'tokens'} with a signature that is not checked here (SM2 or SM3) and "
        "counts for nothing, see Integrity",
        f"{others} 个时间戳的签名（SM2 或 SM3）未在此核验，不予采信，见“完整性”",
    )
    if not story.tokens:
        return unproved
    ends = [event.said["gen_time"] for event in story.tokens]
    names = ", ".join(sorted({esc(event.said["authority"]["name"]) for event in story.tokens}))
    first, last = moment(min(ends)), moment(max(ends))
    told = both(
        f"tokens from {first} to {last} UTC by {names}; {counts.covered} of {counts.runs} runs existed by then",
        f"{names} 的时间戳，{first} 至 {last} UTC；{counts.runs} 次运行中 {counts.covered} 次在此之前已存在",
    )
    return f"{told}<br>{unproved}" if others else told


def _parts(story: Story, counts: Counts) -> Markup:
    """The verdict per part."""
    texts = counts.leading_versions + counts.other_versions
    models = {key for key, use in counts.models.items() if use.leading}
    named = {(event.said["folder"], event.said["name"]) for event in story.fingerprints} | counts.hashed
    rows = (
        ("idea", "1", ("The idea", "思想"), _count(len(story.ideas), "note", "notes", "条"), ("author",)),
        (
            "prompts",
            "2",
            ("Prompt design", "提示词设计"),
            _count(texts, "version", "versions", "个版本"),
            ("machine",),
        ),
        (
            "models",
            "3",
            ("Model and parameters", "模型与参数"),
            both(
                f"{len(models)} {'model' if len(models) == 1 else 'models'}, {len(models & named)} with hash",
                f"{len(models)} 个模型，{len(models & named)} 个有哈希",
            ),
            ("machine",),
        ),
        (
            "selection",
            "4",
            ("Generation and selection", "生成与筛选"),
            both(
                f"{counts.runs} runs, {counts.statements} statements: {counts.kept} kept, {counts.rejected} rejected, "
                f"{counts.unfinished} not finished",
                f"{counts.runs} 次运行，{counts.statements} 条陈述：保留 {counts.kept}，弃用 {counts.rejected}，未完成 "
                f"{counts.unfinished}",
            ),
            ("machine", "author"),
        ),
        (
            "edits",
            "5",
            ("Later edits", "后期修改"),
            _count(len(story.edits), "file brought in", "files brought in", "个补入文件"),
            tuple(dict.fromkeys(edit.stamp.mark for edit in story.edits)) or ("author",),
        ),
    )
    head = ("", both("Part", "部分"), both("What is shown", "展示内容"), both("How it is known", "来源"))
    cells = (
        (number, f'<a href="#{anchor}">{both(*title)}</a>', what, " ".join(map(items.mark, marks)))
        for anchor, number, title, what, marks in rows
    )
    return table(head, cells, "parts")


def _count(number: int, one: str, many: str, zh: str) -> Markup:
    return both(f"{number} {one if number == 1 else many}", f"{number} {zh}")


def _words() -> Markup:
    yes = tag("h3", both("What this proves", "本卷宗能证明")) + bullets(both(*said) for said in _PROVES)
    no = tag("h3", both("What it does not prove", "本卷宗不能证明")) + bullets(both(*said) for said in _NOT)
    return tag("div", tag("div", yes, class_="yes") + tag("div", no, class_="no"), class_="claims")


def _legend() -> Markup:
    told = (
        (items.mark("machine"), both("seen by the program as it happened", "程序在发生当时所见")),
        (items.mark("author"), both("said by the author, signed when said", "作者陈述，陈述时即签名")),
        (items.mark("inferred"), both("a guess from likeness, with its score", "依相似度推断，附分值")),
        (items.mark("after"), both("brought in later, from before the record", "记录之前的内容，事后补入")),
    )
    return tag("div", "".join(tag("span", f"{sign} {what}") for sign, what in told), class_="legend")
