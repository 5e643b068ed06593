"""The sheet as a file: one page, nothing of which runs or reaches out, whatever the record's texts are."""

from __future__ import annotations

import re

from comfy_provenance.provenance.errors import NotFound
from comfy_provenance.provenance.present import sheet_page

EVIL = "</style><script>alert(1)</script><img src=http://x onerror=alert(1)>\"'&"


def item(cell: int, **more):
    replay = {"outcome": "different", "known": True}
    return {
        "execution": f"run-{cell}",
        "status": "success",
        "thumbnails": [],
        "cell": cell,
        "differs": [],
        "replay": replay,
    } | more


def sheet(*items, cells: int = 3):
    original = {**item(0, execution="run-0"), "replay": None}
    return {"sheet": "s1", "of": "run-0", "original": original, "cells": cells, "columns": None, "items": list(items)}


def test_texts_of_the_record_stay_texts() -> None:
    found = sheet_page.page(sheet(item(0, differs=[EVIL], execution=EVIL, status=EVIL)), lambda sha256: b"")
    assert not re.search(
        r"<(?!/?(?:html|meta|title|style|h1|p|strong|code|div|figure|figcaption|b|small|img)\b|!doctype)", found
    )
    assert not re.search(r"<[^>]+\b(?:onerror|href|src=[\"']?http)", found)


def test_pictures_are_inside_and_one_that_is_gone_is_said() -> None:
    def picture(sha256: str) -> bytes:
        if sha256 == "gone":
            raise NotFound("gone")
        return b"webp"

    found = sheet_page.page(sheet(item(0, thumbnails=["gone", "there"]), item(1, thumbnails=["gone"])), picture)
    assert found.count('src="data:image/webp;base64,d2VicA=="') == 1
    assert found.count("no picture") == 2  # of the original, and of cell 2


def test_what_was_not_run_is_told_and_every_cell_is_called_a_replay() -> None:
    found = sheet_page.page(sheet(item(0), cells=9), lambda sha256: b"")
    assert "1 of\n9 cells, 8 not run" in found
    assert "<strong>replay</strong>" in found
    assert "均非原始记录" in found
    assert "as recorded" in found


def test_a_sheet_of_two_axes_is_a_table_whose_heads_say_what_differs() -> None:
    columns, rows = [[], ["cfg 7 → 5"], ["cfg 7 → 9"]], [[], ["<del>cat</del>"]]
    cells = [
        item(3 * at + to, differs=[*row, *column]) for at, row in enumerate(rows) for to, column in enumerate(columns)
    ]
    found = sheet_page.page({**sheet(*cells[:5], cells=6), "columns": 3}, lambda sha256: b"")
    (table,) = re.findall(r"<table>.*</table>", found, re.DOTALL)
    lines = [
        re.findall(r"<th[^>]*><div>(.*?)</div></th>", line) for line in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
    ]
    unchanged = "as recorded · 与记录相同"
    assert lines == [[unchanged, "cfg 7 → 5", "cfg 7 → 9"], [unchanged], ["&lt;del&gt;cat&lt;/del&gt;"]]
    assert [line.count("<td><figure>") for line in table.split("<tr>")[1:]] == [0, 3, 2]
    assert table.count("<td></td>") == 2  # the corner, and the cell that was not run


def test_a_sheet_whose_original_is_not_in_the_ledger() -> None:
    found = sheet_page.page({**sheet(item(0)), "original": None}, lambda sha256: b"")
    assert found.count("<figure") == 1
