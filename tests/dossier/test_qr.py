"""The QR code of a checkpoint's short form, against an independent encoder."""

from __future__ import annotations

import random

import pytest
from comfy_provenance.provenance.dossier.report import qr

SHORT = "1234-7QKX-M2PD-ABCD-EFGH-IJKL-MNOP-QRST-UVWX"


TEXTS = ["0", "A1", SHORT, "9" * 61, *("".join(random.Random(n).choices(SHORT, k=n)) for n in range(3, 61))]


def ends_on_a_byte(text: str) -> bool:
    """Where the bits and their end mark fill whole bytes, segno adds one of zeros, which no reader looks at."""
    return (17 + 11 * (len(text) // 2) + 6 * (len(text) % 2)) % 8 == 0


@pytest.mark.parametrize("text", [text for text in TEXTS if not ends_on_a_byte(text)], ids=len)
def test_every_module_is_that_of_segno(text):
    segno = pytest.importorskip("segno")
    made = segno.make(text, version=3, error="m", mask=0, mode="alphanumeric", boost_error=False)
    assert qr.matrix(text) == [[bool(module) for module in row] for row in made.matrix]


def test_what_does_not_fit_is_left_out():
    assert qr.svg("x" * 10, "small letters") == "" and qr.svg("A" * 62, "too long") == ""
    assert qr.svg(SHORT, "Checkpoint").startswith("<svg")
