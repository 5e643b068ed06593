"""Trusted time in the page: the question, the choice, and what a run shows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.tests.authorities import Authority, Pki, needs_openssl

from .author import Author
from .canvas import Canvas
from .conftest import Place, running_host
from .sidebar import Sidebar, by

pytestmark = needs_openssl


@pytest.fixture
def fresh(browser: Any, place: Place, tmp_path: Path) -> Iterator[Sidebar]:
    """The tab of a host whose author was never asked."""
    with running_host(tmp_path, place) as url:
        context = browser.new_context(viewport={"width": 1400, "height": 950})
        canvas = Canvas(context.new_page(), url)
        made = Sidebar(canvas)
        canvas.new_tab(color=77)
        made.open()
        yield made
        assert made.errors == []
        context.close()


def test_the_author_is_asked_once_and_can_choose_at_any_time(fresh: Sidebar, tmp_path: Path) -> None:
    page = fresh.page
    fresh.canvas.press()
    (run,) = fresh.canvas.queued
    fresh.wait_for_row(run)
    Author(fresh.url).settled()  # nothing comes after the token by itself
    mark = page.locator(by("provenance-time-mark"))
    page.locator(f"{by('provenance-time-mark')}[data-state=off]").wait_for()
    page.locator(by("provenance-time-later")).click()
    page.locator(by("provenance-time-choose")).wait_for(state="detached")  # asked once, then left alone
    fresh.details(run).locator(f"{by('provenance-time')}[data-state=pending]").wait_for()

    with Authority(Pki(tmp_path / "pki")) as authority:
        mark.click()
        dialog = page.locator(by("provenance-time-dialog"))
        dialog.get_by_text("DigiCert", exact=True).wait_for()
        assert dialog.locator("input:checked").count() == 0, "nobody is chosen for the author"
        page.locator(by("provenance-time-use")).click()
        dialog.locator("[role=alert]", has_text="Choose at least one").wait_for()
        page.locator(by("provenance-time-url")).fill("javascript:alert(1)")
        page.locator(by("provenance-time-add")).click()
        dialog.locator("[role=alert]", has_text="begins with http").wait_for()
        page.locator(by("provenance-time-url")).fill(authority.url)
        page.locator(by("provenance-time-add")).click()
        assert authority.asked == 0
        page.locator(by("provenance-time-use")).click()
        dialog.wait_for(state="detached")

        mark.click()
        page.locator(by("provenance-time-now")).click()
        page.locator(by("provenance-time-counts")).get_by_text("1 time-stamps").wait_for()
        page.keyboard.press("Escape")
        assert authority.asked == 1
        page.locator(f"{by('provenance-time-mark')}[data-state=done]").wait_for()

        fresh.canvas.press()
        later = fresh.canvas.queued[-1]
        fresh.wait_for_row(later)
        told = fresh.details(later).locator(f"{by('provenance-time')}[data-state=pending]")
        assert told.inner_text().startswith("Made after")
        told = fresh.details(run).locator(f"{by('provenance-time')}[data-state=anchored]")
        told.wait_for()
        assert told.inner_text().startswith("Existed by")
        assert "authority not checked" in fresh.details(run).locator("[data-part=bounds]").inner_text()

        mark.click()
        page.locator(by("provenance-time-nobody")).click()
        page.locator(f"{by('provenance-time-mark')}[data-state=off]").wait_for()
        fresh.canvas.press()
        fresh.wait_for_row(fresh.canvas.queued[-1])
        assert authority.asked == 1


def test_a_checkpoint_goes_out_as_a_file_and_a_token_comes_back(fresh: Sidebar, tmp_path: Path) -> None:
    page = fresh.page
    fresh.canvas.press()
    fresh.wait_for_row(fresh.canvas.queued[0])
    page.locator(by("provenance-time-choose")).click()
    with page.expect_download() as saved:
        page.locator(by("provenance-checkpoint")).click()
    note = Path(saved.value.path()).read_bytes()
    fingerprint = re.compile(r"^\d+(-[A-Z2-7]{4}){8}$")
    page.locator(by("provenance-fingerprint")).and_(page.get_by_text(fingerprint)).wait_for()
    token = tmp_path / "token.tsr"
    token.write_bytes(Authority(Pki(tmp_path / "pki")).token(note))
    page.locator(by("provenance-time-token")).set_input_files(token)
    page.locator(by("provenance-time-counts")).get_by_text("1 time-stamps").wait_for()
    token.write_bytes(b"no token")
    page.locator(by("provenance-time-token")).set_input_files(token)
    page.locator(f"{by('provenance-time-dialog')} [role=alert]:not([hidden])").wait_for()
