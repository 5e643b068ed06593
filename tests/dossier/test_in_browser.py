"""The pages of a dossier as a stranger opens them: from a folder, in a real browser, with no network."""

from __future__ import annotations

import os
import shutil

import pytest
from comfy_provenance.tests.authorities import Pki

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge", "chrome")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = os.environ.get("COMFY_PROVENANCE_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on the PATH, and COMFY_PROVENANCE_CHROMIUM is not set")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture
def page(browser):
    """A page that notes every request which is not for the opened file, and every complaint."""
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def checked(page, folder, path):
    page.goto((folder / "verify.html").as_uri())
    page.set_input_files("#file", path)
    page.wait_for_selector(".verdict", timeout=20_000)


def test_a_stranger_checks_the_zip_with_the_page_inside_it(page, made, unpacked):
    checked(page, unpacked, made.zip)
    assert page.locator(".verdict.good").count() == 1
    text = page.inner_text("main")
    assert "SHA256:" in text and "signed as a whole with this key" in text
    assert page.asked == [(unpacked / "verify.html").as_uri()]
    assert page.complaints == []


def test_time_tokens_are_checked_up_to_the_roots_that_the_reader_chose(page, made, unpacked, tmp_path):
    if made.roots is None:
        pytest.skip("no OpenSSL 3 to run an authority with")
    checked(page, unpacked, made.zip)
    assert page.locator("[data-token=tokenFits]").count() == 2
    assert "the authority was not checked" in page.inner_text("main")
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    page.set_input_files("#roots", empty)
    page.get_by_text("No root certificate could be read there.").wait_for()
    page.set_input_files("#roots", Pki(tmp_path / "other", "Another Root").root)
    page.locator("[data-token=tokenElsewhere]").first.wait_for()
    assert "it proves no time" in page.inner_text("main")
    page.set_input_files("#roots", made.roots)
    page.locator("[data-token=tokenTrusted]").nth(1).wait_for()
    assert page.locator(".verdict.good").count() == 1
    if os.environ.get("COMFY_PROVENANCE_SCREENS"):
        page.screenshot(path=f"{os.environ['COMFY_PROVENANCE_SCREENS']}/verify-page.png")
    page.click(".language")
    assert "可追溯至您选择的根证书" in page.inner_text("main")
    assert page.asked == [(unpacked / "verify.html").as_uri()]
    assert page.complaints == []


def test_a_changed_copy_is_named_on_the_page(page, made, unpacked, tmp_path):
    data = bytearray(made.zip.read_bytes())
    place = data.index(b"DSSEv1") if b"DSSEv1" in data else len(data) // 3
    data[place] ^= 8
    path = tmp_path / "changed.zip"
    path.write_bytes(data)
    checked(page, unpacked, path)
    assert page.locator(".verdict.bad").count() == 1
    assert page.locator(".findings li").count() >= 1


def test_a_browser_without_ed25519_checks_the_same(page, made, unpacked):
    page.add_init_script("SubtleCrypto.prototype.importKey = async () => { throw new Error('unknown') }")
    checked(page, unpacked, made.zip)
    assert page.locator(".verdict.good").count() == 1


def test_the_page_speaks_chinese(page, made, unpacked):
    checked(page, unpacked, made.zip)
    page.click(".language")
    assert page.inner_text("h1") == "核验卷宗"
    assert "所示内容全部一致" in page.inner_text("main")


def test_what_a_dossier_says_cannot_become_part_of_the_page(page, made, unpacked, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"<img src=x onerror=alert(1)>" * 10)
    checked(page, unpacked, path)
    assert page.locator("main img").count() == 0
    assert page.locator(".verdict.bad").count() == 1


def test_the_report_opens_without_a_network_and_without_scripts(page, unpacked):
    page.goto((unpacked / "report.html").as_uri())
    assert page.asked == [(unpacked / "report.html").as_uri()]
    assert page.complaints == []
    assert page.locator("script").count() == 0
    assert page.locator("#edits").is_visible()
    assert "What this proves" in page.inner_text("main")
    page.click("label[for=zh]")
    assert "本卷宗能证明" in page.inner_text("main")
    assert "What this proves" not in page.inner_text("main")
