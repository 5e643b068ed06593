"""The pages tell the truth, in both languages, whatever a record holds; and stay readable with a thousand runs."""

from __future__ import annotations

import re
import zipfile

import pytest
from comfy_provenance.provenance.dossier.report import lanes
from comfy_provenance.provenance.dossier.story import Run, Stamp
from comfy_provenance.provenance.model import Decision
from comfy_provenance.provenance.present import cli
from comfy_provenance.tests.dossier import works
from comfy_provenance.tests.dossier.conftest import export

PAGES = ("report.html", "verify.html", "verify/README.md", "verify/README.zh.md", "data/ro-crate-metadata.json")
CLAIMS = re.compile(
    r"copyright|blockchain|tamper-?proof|immutable|irrefutable|admissible|legally|court-|accepted by|guarantee"
    r"|certif(?:y|ies|ied) that|proves? (?:that )?(?:the )?(?:author|you|he|she|who)|is the author(?!'s)|was created by"
    r"|authentic|complete record|all runs of|版权|著作权|区块链|不可篡改|防篡改|法律效力|司法|采信|证明作者|系作者创作"
    r"|真实性|完整记录",
    re.IGNORECASE,
)
MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\u202egnp.exe'


def pages(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(f"dossier/{name}").decode() for name in PAGES}


def test_no_page_claims_what_a_record_cannot_prove(made):
    for name, text in pages(made.zip).items():
        shown = (
            re.sub(r"<style>.*?</style>|<script>.*?</script>", "", text, flags=re.DOTALL)
            if name.startswith("report")
            else text
        )
        found = CLAIMS.findall(shown)
        assert not found, f"{name}: {found}"


def test_the_report_states_both_sides_in_both_languages(made):
    report = pages(made.zip)["report.html"]
    for text in (
        "What this proves",
        "What it does not prove",
        "本卷宗能证明",
        "本卷宗不能证明",
        "Who holds the key",
        "密钥由谁持有",
    ):
        assert text in report


def test_the_report_has_the_parts_in_order_each_item_with_entry_hash_time_and_mark(made):
    report = pages(made.zip)["report.html"]
    anchors = re.findall(r'<section id="(\w+)"', report)
    assert anchors == [
        "summary",
        "idea",
        "prompts",
        "models",
        "selection",
        "edits",
        "environment",
        "integrity",
        "media",
        "gaps",
    ]
    for chapter in ("思想", "提示词设计", "模型与参数", "生成与筛选", "后期修改"):
        assert chapter in report
    items = re.findall(r"<article.*?</article>", report, re.DOTALL)
    assert len(items) >= 9
    for item in items:
        assert re.search(r'class="mark \w+"', item), item
        assert re.search(r"条目</span> \d+", item) and re.search(r'<code title="[0-9a-f]{64}">', item)
        assert re.search(r'class="(?:bound|unbound)"', item)


def test_what_an_author_said_is_told_as_his_word(made):
    report = pages(made.zip)["report.html"]
    at = report.index("the hand-painted light works")
    assert "author-stated" in report[report.rindex("<h3>", 0, at) : at]
    for text in ("one lit window, as meant", "not enough memory", "lunch", "disk-full", "painted the sea again"):
        assert text in report


def test_every_text_of_ours_is_there_twice(made):
    report = pages(made.zip)["report.html"]
    english, chinese = report.count('<span class="en"'), report.count('<span class="zh"')
    assert english == chinese > 100
    for inner in re.findall(r'<span class="zh" lang="zh-Hans">([^<]*)</span>', report):
        assert not re.search(r"[a-z]{4,} [a-z]{3,} [a-z]{3,}", inner), inner


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    story = works.begin(root / "comfy")
    story.idea(MARKUP, MARKUP[:100])
    story.paint(1, text=MARKUP)
    story.paint(2, 1, text=MARKUP + " more")
    story.decide(2, Decision.KEEP, MARKUP)
    story.decide(2, Decision.LABEL, label="<b>bold</b>")
    story.edit(2, MARKUP)
    story.ledger.close()
    path = root / "dossier.zip"
    export(story.root / "user" / "__provenance", path, ["0002"], title=MARKUP)
    return path


def test_nothing_that_a_record_holds_becomes_markup(hostile, check):
    found, errors = check(hostile)
    assert found["ok"], errors
    report = pages(hostile)["report.html"]
    assert "<script" not in report and "<img src=x" not in report and "<b>bold" not in report
    assert "\u202e" not in report
    assert "&lt;script&gt;" in report
    assert "\u202e" not in pages(hostile)["verify/README.md"]


def run(name: str, parent: str | None = None) -> Run:
    stamp = Stamp(0, "00", "2026-01-01T00:00:00.000000Z", "machine")
    return Run(name, 1, stamp, stamp, "success", "s", parent, None, None, None)


def test_thirty_variants_of_one_picture_take_one_lane():
    runs = [run("a"), *(run(f"v{number}", "a") for number in range(30)), run("b", "v7"), run("c", "b")]
    drawing = lanes.draw(runs, dict.fromkeys(("a", "v7", "b", "c")))
    assert drawing.lanes == 2
    by_name = {dot.run: dot for dot in drawing.dots}
    assert [by_name[name].lane for name in ("a", "v7", "b", "c")] == [0, 0, 0, 0]
    assert {by_name[f"v{number}"].lane for number in range(30) if number != 7} == {1}
    assert all(by_name[f"v{number}"].tooth for number in range(30) if number != 7)


def test_no_two_runs_share_a_row_and_no_lane_holds_two_lines_at_once():
    runs = [run("a"), run("b", "a"), run("c", "a"), run("d", "b"), run("e", "c"), run("f", "d"), run("g", "gone")]
    drawing = lanes.draw(runs, dict.fromkeys("abdf"))
    assert sorted(dot.row for dot in drawing.dots) == list(range(7))
    spans = [(line.newer.lane, line.older.row, line.newer.row) for line in drawing.lines if not line.newer.tooth]
    for a in spans:
        for b in spans:
            assert a == b or a[0] != b[0] or a[2] <= b[1] or b[2] <= a[1], (a, b)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_runs_stay_readable(tmp_path, check):
    story = works.begin(tmp_path / "comfy")
    for number in range(1, 1001):
        story.paint(
            number, max(1, (number - 1) // 10 * 10) if number > 1 else None, text=works.TEXTS[number % 4], seed=number
        )
    story.ledger.close()
    path = tmp_path / "dossier.zip"
    export(story.root / "user" / "__provenance", path, [works.run_id(1000)])
    assert check(path)[0]["ok"]
    report = pages(path)["report.html"]
    assert "The path to the work" in report and "more runs with pictures" in report


def test_copies_that_were_given_up_are_told_as_a_gap(tmp_path, check):
    story = works.make(tmp_path / "comfy")
    story.ledger.close()
    ledger = tmp_path / "comfy" / "user" / "__provenance"
    assert cli.main(["clean", "--ledger", str(ledger), "--rejected", "--before", "2100-01-01", "--yes"]) == 0
    path = tmp_path / "dossier.zip"
    export(ledger, path, [story.final], signed=False)
    report = pages(path)["report.html"]
    assert re.search(r"\d+ kept copies given up to save space", report)
    assert re.search(r"为节省空间放弃 \d+ 个保留的副本", report)
    found, errors = check(path)
    assert errors == set()
    assert found["ok"]
