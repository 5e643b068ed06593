"""A dossier, as the author asks for it in the tab."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from comfy_provenance.provenance.present import dossiers

from .author import Author, a_word, words
from .sidebar import Sidebar, by
from .test_again import picture


def test_a_dossier_is_written_checked_and_saved(sidebar: Sidebar, author: Author, tmp_path: Path) -> None:
    run = author.run(words(f"a cat with a lamp, {a_word()}, dusk"))
    sidebar.wait_for_row(run)
    sidebar.select(run)
    sidebar.act("provenance-dossier-run")
    dialog = sidebar.visible("provenance-dossier")
    dialog.locator(by("provenance-dossier-name")).fill("Lamp cat")
    dialog.locator("summary").click()
    picture(sidebar, "dossier-before")
    dialog.locator('input[value="reasons"]').check()
    with sidebar.page.expect_download() as download:
        dialog.locator(by("provenance-dossier-write")).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    dialog.locator(by("provenance-dossier-state"), has_text="it holds").wait_for()
    picture(sidebar, "dossier-after")
    found = dossiers.verify(file)
    assert found["ok"] and found["dossier"]["signed"], found["findings"]
    assert found["dossier"]["works"][0]["execution"] == run
    assert sidebar.errors == []
    sidebar.page.keyboard.press("Escape")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the writing is held up by a pipe in a file's place")
def test_a_dossier_is_cancelled_in_the_midst_of_writing_and_leaves_nothing(
    sidebar: Sidebar, author: Author, host_url: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    run = author.run(words(f"a cat with a bell, {a_word()}, noon"))
    kept = reference(host_url, secrets.token_bytes(300_000))
    file = next(tmp_path_factory.getbasetemp().rglob(f"objects/{kept[:2]}/{kept[2:]}"), None)
    if file is None:
        pytest.skip("the host's ledger is not below this session's folder")
    sidebar.wait_for_row(run)
    sidebar.select(run)
    sidebar.act("provenance-dossier-run")
    dialog = sidebar.visible("provenance-dossier")
    stop = dialog.locator(by("provenance-dossier-stop"))
    with held_up(file) as release:
        with sidebar.page.expect_response(lambda said: said.url.endswith("/dossiers")) as begun:
            dialog.locator(by("provenance-dossier-write")).click()
        half = Path(tempfile.gettempdir())
        pattern = f"comfy-provenance-dossier-*/*{begun.value.json()['id']}*"
        dialog.locator(by("provenance-dossier-state"), has_text="Writing files").wait_for()
        assert len(list(half.glob(pattern))) == 1
        picture(sidebar, "dossier-writing")
        with sidebar.page.expect_response(lambda said: said.url.endswith("/cancel")):
            stop.click()
        release()
    dialog.locator(by("provenance-dossier-state"), has_text="Stopped").wait_for()
    assert list(half.glob(pattern)) == []
    dialog.locator(by("provenance-dossier-stop"), has_text="Close").wait_for()
    with sidebar.page.expect_download() as download:
        dialog.locator(by("provenance-dossier-write")).click()
    download.value.save_as(tmp_path / "dossier.zip")
    assert dossiers.verify(tmp_path / "dossier.zip")["ok"]


def reference(host_url: str, data: bytes) -> str:
    """State an idea with a reference file, which is kept as it is; its digest."""
    text = json.dumps({"text": f"a bell, {a_word()}"})
    parts = [("statement", text.encode()), ('reference"; filename="bell.bin', data)]
    body = b"".join(
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + part + b"\r\n"
        for name, part in parts
    )
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    asked = urllib.request.Request(f"{host_url}/provenance/v1/intents", body + b"--edge--\r\n", headers, method="POST")
    urllib.request.urlopen(asked, timeout=120).close()
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def held_up(file: Path) -> Iterator[Callable[[], None]]:
    """While this lasts, whoever reads the file waits until `release` was called, and then reads what it holds."""
    data, aside = file.read_bytes(), file.with_name("aside")
    file.rename(aside)
    os.mkfifo(file)

    def release() -> None:
        with file.open("wb") as pipe:  # waits for the reader
            aside.replace(file)
            pipe.write(data)

    try:
        yield release
    finally:
        if aside.exists():
            aside.replace(file)
