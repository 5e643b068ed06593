"""Nothing that a file is to carry keeps the file from being saved; what is not in it is said."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from comfy_provenance.provenance.model import system_clock
from comfy_provenance.provenance.pipeline import finishing
from comfy_provenance.provenance.pipeline.finishing import Wishes
from comfy_provenance.provenance.record import credentials, label
from comfy_provenance.provenance.seal import certificate, content
from PIL import Image

BOTH = Wishes(credentials=True, label=True, producer="me")


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(out, "PNG")
    return out.getvalue()


def finish(data: bytes, wishes: Wishes, folder: Path, media_type: str = "image/png") -> finishing.Finished:
    return finishing.finish(data, credentials.Claim("x.png", media_type), wishes, "run-1", folder, system_clock)


def test_without_wishes_not_a_byte_changes_and_no_key_is_made(tmp_path: Path) -> None:
    done = finish(png(), Wishes(), tmp_path / "secrets")
    assert (done.data, done.problems) == (png(), ())
    assert not (tmp_path / "secrets").exists()


def test_without_the_library_the_label_is_put_in_and_the_rest_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)  # as Python answers where it is not installed
    done = finish(png(), BOTH, tmp_path)
    assert label.of(done.data, "image/png") is not None
    assert done.problems == (f"the Content Credential is not in the file: {content.EXTRA}",)


def test_a_file_that_is_no_picture_stays_as_it_is(tmp_path: Path) -> None:
    done = finish(b"no picture", BOTH, tmp_path)
    assert done.data == b"no picture"
    assert len(done.problems) == 2


def test_a_kind_that_c2pa_lacks_here(tmp_path: Path) -> None:
    done = finish(b"GIF89a", Wishes(credentials=True), tmp_path, "image/gif")
    assert done.problems == ("the Content Credential is not in the file: image/gif is not supported",)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = finish(png(), Wishes(credentials=True), tmp_path / "file" / "secrets")
    assert done.data == png()
    assert "cannot be written" in done.credential or "cannot be read" in done.credential


@pytest.mark.skipif(not content.available(), reason="c2pa-python is not installed or does not load here")
def test_a_certificate_that_has_expired_gives_no_credential(tmp_path: Path) -> None:
    import datetime

    long_ago = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)
    (tmp_path / certificate.FILE).write_bytes(certificate.made(long_ago))
    done = finish(png(), BOTH, tmp_path)
    assert "credential" in done.credential
    assert content.read(done.data, "image/png") is None
    assert label.of(done.data, "image/png") is not None


def test_a_label_that_is_there_is_kept_and_that_is_no_problem(tmp_path: Path) -> None:
    first = label.labelled(png(), "image/png", label.Label("somebody"))
    done = finish(first, Wishes(label=True), tmp_path)
    assert (done.data, done.label, done.problems) == (first, finishing.KEPT, ())
