"""Checkpoints: C2SP signed notes, read strictly."""

from __future__ import annotations

import base64

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError
from comfy_provenance.provenance.seal import checkpoint
from comfy_provenance.provenance.seal.checkpoint import Checkpoint
from comfy_provenance.provenance.seal.keys import Signer
from hypothesis import given
from hypothesis import strategies as st

SIGNER = Signer.from_seed(b"\1" * 32)
OTHER = Signer.from_seed(b"\2" * 32)
ORIGIN = checkpoint.origin_of(SIGNER.public)
ROOT = bytes(range(32))
NOTE = checkpoint.sign(ORIGIN, 20852163, ROOT, SIGNER)
TEXT = NOTE[: NOTE.index(b"\n\n") + 1]


def _signed(text: bytes, signer: Signer = SIGNER, name: str = ORIGIN) -> bytes:
    """A note over any text, with a genuine signature."""
    signature = checkpoint.key_hash(name, signer.public) + signer.sign(text)
    return text + f"\n— {name} ".encode() + base64.b64encode(signature) + b"\n"


def _line(note: bytes) -> bytes:
    return note[note.rindex("—".encode()) :]


def test_a_signed_checkpoint_opens() -> None:
    assert checkpoint.open(NOTE, SIGNER.public) == Checkpoint(ORIGIN, 20852163, ROOT)
    assert checkpoint.open(NOTE, SIGNER.public, ORIGIN).size == 20852163
    assert _signed(TEXT) == NOTE


def test_an_origin_is_a_key_name_that_begins_with_the_product() -> None:
    assert f"comfy-provenance/{SIGNER.public.writer_id}" == ORIGIN
    assert " " not in ORIGIN and "+" not in ORIGIN


def test_an_empty_tree_has_a_checkpoint() -> None:
    assert checkpoint.open(checkpoint.sign(ORIGIN, 0, ROOT, SIGNER), SIGNER.public).size == 0


def test_the_verifier_key_names_the_origin_by_default() -> None:
    assert checkpoint.vkey(SIGNER.public) == checkpoint.vkey(SIGNER.public, ORIGIN)
    assert checkpoint.vkey(SIGNER.public).startswith(ORIGIN + "+")


def test_another_key_does_not_open() -> None:
    with pytest.raises(IntegrityError, match="no signature of key"):
        checkpoint.open(NOTE, OTHER.public)


def test_another_origin_is_refused() -> None:
    with pytest.raises(IntegrityError, match="is of log"):
        checkpoint.open(NOTE, SIGNER.public, "comfy-provenance/0000")


def test_a_signature_under_another_name_does_not_count() -> None:
    with pytest.raises(IntegrityError, match="no signature of key"):
        checkpoint.open(_signed(TEXT, name="somebody"), SIGNER.public)


def test_cosignatures_and_unknown_signers_are_ignored() -> None:
    witness = "— witness.example/w ".encode() + base64.b64encode(b"\1\2\3\4" + bytes(72)) + b"\n"
    same_name = _line(_signed(TEXT, OTHER))
    for note in (NOTE + witness, TEXT + b"\n" + witness + same_name + _line(NOTE), NOTE + _line(NOTE)):
        assert checkpoint.open(note, SIGNER.public).root == ROOT


def test_one_failing_signature_of_the_key_rejects_the_note() -> None:
    failing = checkpoint.key_hash(ORIGIN, SIGNER.public) + bytes(64)
    line = f"— {ORIGIN} ".encode() + base64.b64encode(failing) + b"\n"
    with pytest.raises(IntegrityError, match="does not verify"):
        checkpoint.open(NOTE + line, SIGNER.public)


def test_extension_lines_are_allowed_and_signed() -> None:
    note = _signed(TEXT + b"an extension\n")
    assert checkpoint.open(note, SIGNER.public) == Checkpoint(ORIGIN, 20852163, ROOT)
    with pytest.raises(IntegrityError, match="does not verify"):
        checkpoint.open(note.replace(b"an ext", b"another ext"), SIGNER.public)


@given(st.data())
def test_any_flipped_bit_closes_the_checkpoint(data: st.DataObject) -> None:
    note = bytearray(NOTE)
    at = data.draw(st.integers(0, len(note) * 8 - 1))
    note[at // 8] ^= 1 << at % 8
    with pytest.raises(IntegrityError):
        checkpoint.open(bytes(note), SIGNER.public)


def test_any_shortened_checkpoint_is_closed() -> None:
    for length in range(len(NOTE)):
        with pytest.raises(IntegrityError):
            checkpoint.open(NOTE[:length], SIGNER.public)


ROOT64 = base64.b64encode(ROOT).decode()
BAD_TEXTS = {
    "two lines": f"{ORIGIN}\n1\n",
    "empty line in the text": f"{ORIGIN}\n1\n{ROOT64}\n\nmore\n",
    "empty origin": f"\n1\n{ROOT64}\n",
    "leading zero": f"{ORIGIN}\n01\n{ROOT64}\n",
    "sign": f"{ORIGIN}\n+1\n{ROOT64}\n",
    "negative": f"{ORIGIN}\n-1\n{ROOT64}\n",
    "space": f"{ORIGIN}\n 1\n{ROOT64}\n",
    "foreign digits": f"{ORIGIN}\n١\n{ROOT64}\n",
    "hexadecimal": f"{ORIGIN}\n0x1\n{ROOT64}\n",
    "size beyond 63 bits": f"{ORIGIN}\n{2**63}\n{ROOT64}\n",
    "very long size": f"{ORIGIN}\n{'9' * 5000}\n{ROOT64}\n",
    "short root": f"{ORIGIN}\n1\n{base64.b64encode(ROOT[:31]).decode()}\n",
    "root that is no base64": f"{ORIGIN}\n1\n{'!' * 44}\n",
    "root without padding": f"{ORIGIN}\n1\n{ROOT64.rstrip('=')}\n",
    "carriage return": f"{ORIGIN}\r\n1\n{ROOT64}\n",
    "NUL": f"{ORIGIN}\n1\n{ROOT64}\n\0\n",
}


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_malformed_text_is_refused_even_when_signed(text: str) -> None:
    with pytest.raises(IntegrityError):
        checkpoint.open(_signed(text.encode()), SIGNER.public)


SIGNATURE = _line(NOTE)
BAD_NOTES = {
    "not UTF-8": NOTE + b"\xff\n",
    "no signature": TEXT + b"\n",
    "no blank line": TEXT + SIGNATURE,
    "no final newline": NOTE[:-1],
    "hyphen for the dash": NOTE.replace("—".encode(), b"-"),
    "no space after the dash": NOTE.replace("— ".encode(), "—".encode()),
    "no name": TEXT + "\n—  AAAAAAAA\n".encode(),
    "name with plus": NOTE + "— a+b AAAAAAAA\n".encode(),
    "name with a foreign space": NOTE + "— a\u3000b AAAAAAAA\n".encode(),
    "no signature after the name": NOTE + "— name\n".encode(),
    "signature that is no base64": NOTE + "— name !!!!\n".encode(),
    "signature of a hash alone": NOTE + "— name AAAAAA==\n".encode(),
    "junk after the signatures": NOTE + b"junk\n",
    "too many signatures": NOTE + SIGNATURE * 100,
    "too large": b"x" * (1024 * 1024) + NOTE,
}


@pytest.mark.parametrize("note", BAD_NOTES.values(), ids=BAD_NOTES)
def test_a_malformed_note_is_refused(note: bytes) -> None:
    with pytest.raises(IntegrityError) as error:
        checkpoint.open(note, SIGNER.public)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "a\u3000b", "a\x01b"])
def test_an_origin_that_cannot_be_a_key_name_is_never_signed(origin: str) -> None:
    with pytest.raises(InputError, match="key name"):
        checkpoint.sign(origin, 1, ROOT, SIGNER)
    with pytest.raises(InputError, match="key name"):
        checkpoint.vkey(SIGNER.public, origin)


@pytest.mark.parametrize(("size", "root"), [(-1, ROOT), (2**63, ROOT), (1, ROOT[:31])])
def test_a_head_that_cannot_be_read_back_is_never_signed(size: int, root: bytes) -> None:
    with pytest.raises(InputError, match="size"):
        checkpoint.sign(ORIGIN, size, root, SIGNER)
