"""Chapter 5 and what frames the record: later edits, environment, integrity, media, gaps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from ...canonical import parse_json
from ...errors import InputError, IntegrityError
from ...model import Json
from ..story import Edit, Event, Input, Picture, Run, Story
from ..telling import Shown
from . import items, qr
from .counts import Counts
from .html import Markup, both, bullets, digest, esc, facts, folded, moment, none, section, size, table, tag
from .items import Gallery

_ESCAPES = (
    (
        "custom nodes that open files by paths of their own, or fetch something over a network",
        "自行打开路径或经网络取数的自定义节点",
    ),
    ("models and pictures that a loader kept in memory from before", "加载器先前缓存在内存中的模型与图片"),
    (
        "what another program, another machine or a person does outside ComfyUI, unless brought in as a later edit",
        "ComfyUI 之外的程序、机器或人所做的事，除非作为后期修改补入",
    ),
    (
        "nodes that a node creates while it runs: their values are not in the queued graph",
        "运行中由节点动态生成的节点：其取值不在排队的工作流中",
    ),
    ("runs while recording was paused or switched off", "暂停或关闭记录期间的运行"),
    ("attempts that were scripted to look like work by hand", "以脚本伪装成人工过程的尝试"),
)


def edits(story: Story, gallery: Gallery) -> Markup:
    """Chapter 5."""
    lead = both(
        "What was changed after the first picture: regions painted over inside ComfyUI, and files that the "
        "author brought "
        "back from other programs. That a file was made from a picture is the author's word; how alike they "
        "are is measured.",
        "首张图片之后的修改：在 ComfyUI 内重绘的区域，以及作者从其他软件带回的文件。"
        "“由某图修改而来”系作者陈述，相似度为实测。",
    )
    masked = ((run, used) for run in story.runs.values() for used in run.inputs if used.mask is not None)
    regions = "".join(_region(story, run, used, gallery) for run, used in masked)
    pictures = _sources(story)
    told = "".join(_edit(story, edit, pictures, gallery) for edit in story.edits)
    nothing = "" if told or regions else none("No later edit is in the record.", "记录中没有后期修改。")
    parts = [tag("h3", both("Regions", "局部重绘")) + regions if regions else "", told, nothing]
    return section("edits", f"5&ensp;{both('Later edits', '后期修改')}", *parts, lead=lead)


def _region(story: Story, run: Run, used: Input, gallery: Gallery) -> Markup:
    mask: Mapping[str, Json] = used.mask or {}
    before = gallery.object(used.picture.kept, "before", "side") or gallery.small(used.picture, "before", "side")
    shown = gallery.object(mask.get("picture"), "mask", "side")
    after = gallery.small(next((o.picture for o in run.made if o.picture.thumbnail), None), "after", "side")
    covered = mask.get("coverage")
    share = "" if covered is None else both(f"{covered:.1%} of the picture", f"占画面 {covered:.1%}")
    names = (both("loaded", "载入"), both("mask", "蒙版"), both("result", "结果"))
    pictures = "".join(
        tag("figure", picture + tag("figcaption", name))
        for picture, name in zip((before, shown, after), names, strict=True)
        if picture
    )
    head = tag(
        "h4", f"{items.name(run)} {items.mark('machine' if mask.get('basis') == 'observed' else 'inferred')} {share}"
    )
    return tag(
        "article", head + tag("div", pictures, class_="strip") + (items.proof(story, run.ended) if run.ended else "")
    )


def _edit(story: Story, edit: Edit, pictures: Mapping[str, Picture], gallery: Gallery) -> Markup:
    stage = {"intermediate": ("intermediate", "中间稿"), "finished": ("finished", "完成稿")}.get(edit.stage or "")
    head = tag("h4", esc(edit.file.name or "") + (f" ({both(*stage)})" if stage else ""))
    before = [pictures.get(source["output"]) for source in edit.of[:3]]
    shown = [(gallery.small(picture, "before", "side"), both("before", "修改前")) for picture in before]
    shown.append((gallery.small(edit.file, "after", "side"), both("after", "修改后")))
    strip = "".join(tag("figure", picture + tag("figcaption", name)) for picture, name in shown)
    told = [("SHA-256", digest(edit.file.sha256)), (both("Size", "大小"), size(edit.file.size))]
    if edit.project is not None:
        told.append(
            (
                both("Project file", "工程文件"),
                f"{esc(edit.project.name or '')} {size(edit.project.size)}<br>{digest(edit.project.sha256)}",
            )
        )
    for source in edit.of:
        told.append(
            (
                both("Made from", "来源"),
                f"{_named(story, source)} {_likeness(source.get('likeness'))} {items.mark(_MARKS[source['basis']])}",
            )
        )
    if edit.claims is not None:
        told.append(
            (
                both("Says of itself", "文件自述"),
                both(
                    f"{esc(edit.claims['format'])}: proves nothing about when or how it was made",
                    f"{esc(edit.claims['format'])}：不能证明其产生时间与方式",
                ),
            )
        )
    note = tag("div", esc(edit.note), class_="text") if edit.note else ""
    return tag(
        "article", head + tag("div", strip, class_="strip") + note + facts(told) + items.proof(story, edit.stamp)
    )


_MARKS = {"observed": "machine", "declared": "author", "inferred": "inferred", "after-the-fact": "after"}


def _sources(story: Story) -> dict[str, Picture]:
    """The pictures that later edits were made from, as they are first told, by their digests."""
    wanted = {str(source["output"]) for edit in story.edits for source in edit.of[:3]}
    found: dict[str, Picture] = {}
    outputs = (output.picture for run in story.runs.values() for output in run.outputs) if wanted else ()
    for picture in chain(outputs, (edit.file for edit in story.edits)):
        if picture.sha256 in wanted:
            found.setdefault(picture.sha256, picture)
    return found


def _named(story: Story, source: Mapping[str, Json]) -> Markup:
    run = story.runs.get(source.get("execution") or "")
    return items.name(run) if run is not None else tag("code", esc(source["output"][:16]))


def _likeness(found: Mapping[str, Json] | None) -> Markup:
    if found is None:
        return ""
    if found.get("equal"):
        return both("equal in every sample", "像素完全相同")
    parts = [f"SSIM {found['ssim']:.3f}"] if found.get("ssim") is not None else []
    parts += [f"PSNR {found['psnr_db']:.1f} dB"] if found.get("psnr_db") is not None else []
    return ", ".join(parts)


def environment(story: Story, shown: Shown) -> Markup:
    """What it ran on."""
    surveys: dict[str, Event] = {}
    for event in story.sessions:
        if event.said.get("environment") is not None:
            surveys.setdefault(event.said["environment"], event)
    parts = [_survey(story, shown, digest_, event) for digest_, event in surveys.items()]
    sessions = len({event.said["session"] for event in story.sessions})
    lead = both(
        f"What the runs ran on, as surveyed by the program in {sessions} sessions.",
        f"运行环境，由程序在 {sessions} 个会话中采集。",
    )
    nothing = none("No survey of the machine is shown.", "没有可展示的环境信息。")
    earlier = both(f"{len(parts) - 1} earlier surveys", f"此前 {len(parts) - 1} 次采集")
    told = [*parts[-1:], folded(earlier, "".join(parts[:-1]))] if parts else [nothing]
    return section("environment", both("Environment", "运行环境"), *told, lead=lead)


def _survey(story: Story, shown: Shown, survey: str, event: Event) -> Markup:
    try:
        data = shown.object(survey)
        found = parse_json(data) if data is not None else {}
    except (InputError, IntegrityError):
        found = {}
    told = [(esc(name), _flat(value)) for name, value in found.items()] if isinstance(found, Mapping) else []
    return facts(told) + items.proof(story, event.stamp)


def _flat(value: Json) -> Markup:
    if isinstance(value, Mapping):
        return "<br>".join(f"{esc(key)}: {_inline(item)}" for key, item in value.items())
    return _inline(value)


def _inline(value: Json) -> Markup:
    if isinstance(value, Mapping):
        return ", ".join(f"{esc(key)} {_inline(item)}" for key, item in value.items() if item not in (None, False))
    if isinstance(value, list):
        return ", ".join(_inline(item) for item in value)
    return "&ndash;" if value is None else esc(value)


def integrity(story: Story) -> Markup:
    """What was checked, and how others check it."""
    lead = both(
        "The record is a log: each entry is signed, and its hash is a leaf of one tree whose root is signed. "
        "verify/README tells how to check all of this with sha256sum, openssl and ssh-keygen; verify.html "
        "checks it in a browser.",
        "记录是一份日志：每个条目均有签名，其哈希为同一棵树的叶，树根亦经签名。verify/README 说明如何用 "
        "sha256sum、openssl、ssh-keygen 核验；verify.html 可在浏览器中核验。",
    )
    told = facts(
        [
            (both("Checkpoint", "检查点"), f"{story.size} {both('entries', '个条目')}, {digest(story.root)}"),
            (both("Short form", "短指纹"), tag("code", esc(story.short)) + qr.svg(story.short, "Checkpoint")),
            (both("Key", "密钥指纹"), tag("code", esc(story.fingerprint))),
            (both("Public key", "公钥"), tag("pre", esc(story.pem))),
        ]
    )
    rows = (
        (
            esc(event.said["authority"]["name"]),
            moment(event.said["gen_time"]),
            f"{event.said['checkpoint']['size']} {both('entries', '个条目')}",
            esc(event.said["signer"] or "") + (_unproved() if event.stamp.entry in story.unproved else ""),
            str(event.stamp.entry),
        )
        for event in story.anchors
    )
    head = (
        both("Authority", "机构"),
        both("Its time (UTC)", "机构时间"),
        both("Covers", "覆盖"),
        both("Signer, as the token says", "令牌所载签名者"),
        both("Entry", "条目"),
    )
    anchors = table(head, rows, "wide") or none("No time token is in this record.", "记录中没有时间戳。")
    note = both(
        "Whether an authority is to be trusted is for the reader to decide, with root certificates of his own.",
        "是否信任某机构，由读者以自行取得的根证书判断。",
    )
    witnesses = bullets(
        f"{_cosigner(event)}: {event.said['checkpoint']['size']} "
        f"{both('entries', '个条目')}, {moment(event.said['cosigned_at'])}"
        for event in story.witnesses
    )
    told_above = ("anchor-unchecked", "anchor-signature-unchecked")
    found = [each for each in story.findings if each.code not in told_above]
    findings = bullets(f"<b>{esc(f.severity)}</b> {esc(f.code)}: {esc(f.message)}" for f in found)
    parts = [told, tag("h3", both("Time tokens", "时间戳")), anchors, tag("p", note, class_="note")]
    parts += [tag("h3", both("Cosignatures", "见证签名")) + witnesses if witnesses else ""]
    parts.append(_withheld(story))
    parts += [tag("h3", both("Findings of the check", "核验发现")) + (findings or none("None.", "无。"))]
    return section("integrity", both("Integrity", "完整性"), *parts, lead=lead)


def _cosigner(event: Event) -> Markup:
    """Who cosigned: the name in the cosignature, with whose key it is as the author says."""
    who = event.said["witness"]
    return esc(who["name"]) if who["label"] is None else f"{esc(who['label'])} ({esc(who['name'])})"


def _unproved() -> Markup:
    """What is said of a token whose signature is of a kind that is not checked."""
    words = both(
        "signature not checked here (SM2 or SM3): proves no time; openssl can check it, see verify/README",
        "签名未在此核验（SM2 或 SM3），不能证明时间；可用 openssl 核验，见 verify/README",
    )
    return f"<br>{tag('small', words, class_='unbound')}"


def _withheld(story: Story) -> Markup:
    """What is known of entries that are left out by choice: that something of this hash was there, and when."""
    rows = [
        (str(entry), digest(story.leaves.get(entry)), items.span(story.bounds.of(entry)), esc(name))
        for name, entries in story.description.withheld.items()
        for entry in entries
    ]
    rows.sort(key=lambda row: int(row[0]))
    head = (both("Entry", "条目"), both("Leaf hash", "叶哈希"), both("Time", "时间"), both("Withheld as", "不公开类别"))
    told = both(
        f"{len(rows)} entries are withheld by choice. Something with each of these hashes stood at its place "
        "in the log.",
        f"按选择不公开 {len(rows)} 个条目：具有下列哈希的内容曾在日志的相应位置。",
    )
    return tag("h3", both("Withheld entries", "不公开的条目")) + folded(told, table(head, rows, "wide")) if rows else ""


def media(story: Story) -> Markup:
    """Files and screen recordings that come with the dossier."""
    recordings: dict[str, list[Event]] = {}
    for event in story.recordings:
        recordings.setdefault(event.said["recording"], []).append(event)
    rows = [_recording(events) for events in recordings.values()]
    head = (
        both("Screen recording", "屏幕录制"),
        both("Pieces", "分段"),
        both("Bytes", "大小"),
        both("Entries", "条目"),
    )
    told = table(head, rows, "wide") or none("No screen recording is shown.", "没有可展示的屏幕录制。")
    left_out = sum(len(digests) for digests in story.description.left_out.values())
    hidden = tag(
        "p",
        both(
            f"{left_out} files are withheld by choice; their hashes stand in the entries.",
            f"按选择不公开 {left_out} 个文件；其哈希见条目。",
        ),
        class_="withheld",
    )
    return section("media", both("Media", "媒体文件"), told, hidden if left_out else "")


def _recording(events: list[Event]) -> tuple[Markup, ...]:
    chunks = [event.said["chunk"] for event in events if event.said["chunk"] is not None]
    first, last = events[0].stamp, events[-1].stamp
    name = f"{moment(first.at)} &ndash; {moment(last.at)} {items.mark(first.mark)}"
    return name, str(len(chunks)), size(sum(chunk["size"] for chunk in chunks)), f"{first.entry}&ndash;{last.entry}"


def gaps(story: Story, counts: Counts) -> Markup:
    """What is not in the record, as far as the record itself can tell."""
    lead = both(
        "A record that hides its holes is worth little. These are the ones that can be told.",
        "掩盖缺口的记录没有价值。以下为可以指出的缺口。",
    )
    found = list(_gaps(story, counts))
    return section(
        "gaps",
        both("Gaps", "缺口"),
        bullets(found) or none("No gap is known in the shown part.", "所示部分没有已知缺口。"),
        tag("h3", both("What escapes recording", "记录不到的内容")),
        bullets(both(*each) for each in _ESCAPES),
        lead=lead,
    )


def _gaps(story: Story, counts: Counts) -> Iterator[Markup]:
    for event in story.gaps:
        missed = event.said["missed"]
        told = f"{moment(event.said['since'])} &ndash; {moment(event.said['until'])}, {esc(event.said['reason'])}"
        runs = both(f"{missed['submissions']} runs missed", f"缺 {missed['submissions']} 次运行")
        yield f"{both('Recording failed', '记录失败')}: {told}, {runs} ({both('entry', '条目')} {event.stamp.entry})"
    for event in story.sessions:
        if event.said["event"] in ("pause", "resume"):
            word = both("Paused", "暂停记录") if event.said["event"] == "pause" else both("Resumed", "恢复记录")
            yield (
                f"{word}: {moment(event.stamp.at)} {esc(event.said.get('reason') or '')} ({both('entry', '条目')} "
                f"{event.stamp.entry})"
            )
    for event in story.releases:
        if event.said["event"] == "release":
            count = event.said["count"]
            told = both(f"{count} kept copies given up to save space", f"为节省空间放弃 {count} 个保留的副本")
            yield f"{told}: {moment(event.stamp.at)} ({both('entry', '条目')} {event.stamp.entry})"
    yield from _counts(story, counts)
    for found in story.findings:
        if found.code in ("clock-back", "monotonic-back", "clock-anchor", "session-order"):
            yield (
                f"{both('Clock or session', '时钟或会话')}: {esc(found.message)} ({both('entry', '条目')} "
                f"{found.entry})"
            )


def _counts(story: Story, counts: Counts) -> Iterator[Markup]:
    after = [edit for edit in story.edits if edit.stamp.mark == "after"]
    counted = (
        (counts.unbound, "runs have no trusted upper bound in time", "次运行没有可信的时间上限"),
        (counts.lost, "runs have no recorded end", "次运行没有记录结束"),
        (
            counts.orphans,
            "runs descend from a run that is not shown or not recorded",
            "次运行的上一次运行未展示或未记录",
        ),
        (counts.redacted, "secrets were replaced before anything was recorded", "处敏感信息在记录前已替换"),
        (len(after), "files are from before the record: after-the-fact", "个文件早于记录：事后补入"),
        (
            counts.unseen,
            "prompt inputs came from other nodes and their text was not seen",
            "处提示词来自其他节点，未见其文字",
        ),
        (counts.problems, "outputs could not be read", "个输出无法读取"),
        (story.withheld, "entries are withheld by choice", "个条目按选择不公开"),
        (story.elsewhere, "entries of the log are about other things and are not shown", "个条目涉及其他内容，未展示"),
    )
    yield from (both(f"{count} {en}", f"{count} {zh}") for count, en, zh in counted if count)
