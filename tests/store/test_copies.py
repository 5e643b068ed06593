"""Where bytes of a ledger go: which may, and which stay whatever is asked."""

from __future__ import annotations

import json

import pytest
from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.errors import IntegrityError
from comfy_provenance.provenance.model import Asset, FileRef, Kind, Output
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.store.ledger import Ledger

from .recording import Recorder, facts

LARGE = bytes(range(256)) * 400  # 100 KiB: more than a row of the database takes


def kept(recorder: Recorder, run: str, data: bytes, *, role: str = "output", media_type: str = "image/png") -> str:
    """A run that made or loaded a file of which a copy is kept; the copy's digest."""
    digest = recorder.ledger.objects.put(data, media_type)
    file = FileRef(role, "", f"{run}.png")
    if role == "output":
        recorder.complete(run, recorder.submit(run), outputs=[Output("9", "images", 0, file, facts(run), kept=digest)])
    else:
        recorder.run(run, used=[Asset("1", "image", f"{run}.png", file, facts(run), kept=digest)])
    return digest


def remove(ledger: Ledger, *digests: str, surveyed: int | None = None) -> tuple[str, ...]:
    return ledger.copies.remove(digests, surveyed=ledger.copies.newest() if surveyed is None else surveyed).digests


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["row", "file"])
def test_a_copy_is_known_by_its_run_and_goes(recorder: Recorder, data: bytes) -> None:
    ledger = recorder.ledger
    digest = kept(recorder, "run-1", data)
    (copy,) = ledger.copies.kept()
    assert (copy.digest, copy.role, copy.execution, copy.size) == (digest, "output", "run-1", len(data))
    gone = ledger.copies.remove([digest], surveyed=ledger.copies.newest())
    assert (gone.digests, gone.bytes) == ((digest,), len(data))
    assert ledger.objects.get(digest) is None
    assert not ledger.objects.has(digest)
    assert ledger.copies.kept() == []
    ledger.objects.put(data, "image/png")
    assert ledger.objects.get(digest) == data


def test_removing_what_is_not_there_is_no_error(recorder: Recorder) -> None:
    assert remove(recorder.ledger, sha256_hex(b"never seen")) == ()


def test_nothing_goes_while_a_run_is_open(recorder: Recorder) -> None:
    digest = kept(recorder, "run-1", b"data")
    open_run = recorder.submit("run-2")
    assert remove(recorder.ledger, digest) == ()
    recorder.complete("run-2", open_run)
    assert remove(recorder.ledger, digest) == (digest,)


def test_what_a_later_entry_names_stays(recorder: Recorder) -> None:
    digest = kept(recorder, "run-1", b"data", role="input")
    surveyed = recorder.ledger.copies.newest()
    kept(recorder, "run-2", b"data", role="input")
    assert remove(recorder.ledger, digest, surveyed=surveyed) == ()


def test_a_document_that_is_submitted_after_the_survey_stays(recorder: Recorder) -> None:
    document = b'{"prompt": "run-9"}'
    digest = kept(recorder, "run-1", document)
    surveyed = recorder.ledger.copies.newest()
    assert digest not in recorder.ledger.copies.protected()
    recorder.complete("run-9", recorder.submit("run-9"))
    assert digest in recorder.ledger.copies.protected()
    assert remove(recorder.ledger, digest, surveyed=surveyed) == ()


def test_a_copy_that_others_may_be_differences_to_stays(recorder: Recorder) -> None:
    """Kept text files are stored like documents: another process may be about to store one as a difference to it."""
    objects = recorder.ledger.objects
    base = json.dumps({f"node {number}": number * 7919 for number in range(2000)}).encode()
    digest = kept(recorder, "run-1", base, media_type="application/json")
    assert recorder.ledger.copies.kept() == []
    assert remove(recorder.ledger, digest) == ()
    other = base.replace(b"7919", b"7920")
    like = kept(recorder, "run-2", other, media_type="application/json")
    assert [copy.digest for copy in recorder.ledger.copies.kept()] == [like]
    assert objects.get(like) == other
    assert remove(recorder.ledger, digest, like) == (like,)
    assert objects.get(digest) == base


def test_everything_that_entries_name_beside_copies_is_protected(filled: Ledger) -> None:
    protected = filled.copies.protected()
    for run in filled.index.iterate():
        assert {run.workflow, run.prompt} <= protected
    for proof in ("note", "token", "chunk"):
        assert sha256_hex(proof.encode()) in protected


def test_an_entry_of_a_later_release_protects_everything(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = kept(recorder, "run-1", b"data")
    intent = predicate.intent(session="s1", at=recorder.now(), text="an idea")
    recorder.ledger.append(Kind.INTENT, lambda binding: intent)
    known = dict(Kind._value2member_map_)
    monkeypatch.setattr(Kind, "_value2member_map_", {k: v for k, v in known.items() if k != "intent"})
    with pytest.raises(IntegrityError, match="later release"):
        recorder.ledger.copies.protected()
    with pytest.raises(IntegrityError, match="later release"):
        recorder.ledger.copies.remove([digest], surveyed=0)
    assert recorder.ledger.objects.has(digest)


def test_the_newest_word_on_a_copy_counts(recorder: Recorder) -> None:
    ledger = recorder.ledger
    digest = kept(recorder, "copy", b"copy")
    entry = recorder.release("copy")
    assert ledger.copies.release_of(digest) == (entry, "rejected")
    assert ledger.copies.released() == []  # its bytes are still here
    remove(ledger, digest)
    assert [copy.digest for copy in ledger.copies.released()] == [digest]
    assert ledger.copies.released_total() == (1, 5)
