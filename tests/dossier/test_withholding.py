"""What is withheld is nowhere in a dossier, and cannot be found by hashing what it may have been."""

from __future__ import annotations

import hashlib
import json
import random
import re
import zipfile

import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.dossier.withholding import Secrets, can_be_guessed
from comfy_provenance.provenance.errors import InputError
from comfy_provenance.provenance.model import Asset, FileRef, Kind, Output, Status
from comfy_provenance.provenance.record import files, imports, predicate
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests.dossier import works
from comfy_provenance.tests.dossier.conftest import export
from comfy_provenance.tests.unit.present.conftest import picture, run_id
from PIL import Image, PngImagePlugin

PREFIX = "dossier/data/"


def everything(path) -> bytes:
    """All bytes of a dossier, payloads of envelopes decoded as well."""
    with zipfile.ZipFile(path) as archive:
        data = [archive.read(name) for name in archive.namelist()]
        entries = [archive.read(name) for name in archive.namelist() if name.startswith(PREFIX + "entries/")]
    return b"\0".join([*data, *(dsse.read_unverified(each).payload for each in entries)])


def described(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(PREFIX + "dossier.json"))


def recorded(ledger):
    """Every entry of the ledger with what it says, and every leaf."""
    opened = Ledger.open(ledger, read_only=True)
    reader = opened.reader()
    said = [
        dsse.parse_strict(dsse.read_unverified(reader.entry(index)).payload)["predicate"]
        for index, _, _ in reader.outline()
    ]
    leaves = [leaf for _, _, leaf in reader.outline()]
    opened.close()
    return said, leaves


def test_withheld_prompts_are_nowhere_and_no_digest_gives_them_away(made, check, tmp_path):
    """The attack: whoever knows all but the texts hashes texts, graphs and files, and looks for the digests."""
    path = tmp_path / "w.zip"
    made.export(path, withhold=["prompts"])
    found, _ = check(path)
    assert found["ok"], found["findings"]
    data = everything(path)
    said, leaves = recorded(made.ledger)
    guesses = {hashlib.sha256(text.encode()).hexdigest() for text in (*works.TEXTS, "blurry")}
    for each in said:
        guesses.update(digest for digest in each.get("snapshot", {}).values() if digest)
        guesses.update(output["sha256"] for output in each.get("outputs", ()))  # the text is in the file's metadata
        for version in each.get("prompts", ()):
            assert version["text"].encode() not in data
    assert not [digest for digest in guesses if digest.encode() in data]
    assert described(path)["works"] == [{"execution": None, "name": None, "sha256": made.final}]
    hidden = described(path)["withheld"]["prompts"]
    assert len(hidden) >= 22  # submissions and completions of eleven runs, and what names their files
    with zipfile.ZipFile(path) as archive:
        report = archive.read("dossier/report.html").decode()
        lines = archive.read(PREFIX + "log/leaves").decode().split()
    for index in hidden:
        assert lines[index] == leaves[index].hex()
        assert leaves[index].hex()[:8] in report  # the report says that something of this hash was there


def test_a_withheld_prompt_of_one_run_takes_with_it_whatever_holds_its_digest(made, check, tmp_path):
    """Run 9 has the text that runs 10 and 11 have too: all three go, and so does the edit that names run 10's file."""
    path = tmp_path / "w.zip"
    said, _ = recorded(made.ledger)
    secret = works.TEXTS[3]
    index = next(i for i, each in enumerate(said) if each.get("execution") == run_id(9) and "prompts" in each)
    made.export(path, refs=["0006"], withhold=[f"entry:{index}"])
    assert check(path)[0]["ok"]
    assert secret.encode() in everything(path)  # one entry alone says nothing about the others
    made.export(path, refs=["0006"], withhold=["reasons"])
    assert check(path)[0]["ok"]
    assert b"the window is too bright" not in everything(path)


def test_withheld_candidates_leave_hashes_only(made, check, tmp_path):
    path = tmp_path / "w.zip"
    made.export(path, withhold=["candidates"])
    found, _ = check(path)
    assert found["ok"], found["findings"]
    data = everything(path)
    for number in (3, 5, 7, 8, 11):
        assert b'"execution":"' + run_id(number).encode() not in data
    assert b"the window is too bright" not in data  # said of a candidate
    assert works.TEXTS[3].encode() in data
    indices = described(path)["withheld"]["candidates"]
    _, leaves = recorded(made.ledger)
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(PREFIX + "log/leaves").decode().split()
        report = archive.read("dossier/report.html").decode()
    assert all(lines[index] == leaves[index].hex() for index in indices)
    assert f"{len(indices)} entries about candidates are withheld by choice" in report


def test_withheld_inputs_keep_their_digest_where_it_cannot_be_guessed(made, check, tmp_path):
    path = tmp_path / "w.zip"
    made.export(path, withhold=["inputs"])
    assert check(path)[0]["ok"]
    sketch = picture(77)
    digest = hashlib.sha256(sketch).hexdigest()
    with zipfile.ZipFile(path) as archive:
        assert PREFIX + f"objects/{digest}" not in archive.namelist()
    if len(sketch) < 4096:  # a small flat picture: then the entries that name it go as well
        assert digest.encode() not in everything(path)
    assert sketch not in everything(path)


def test_a_withheld_idea_is_not_found_in_other_entries(made, check, tmp_path):
    path = tmp_path / "w.zip"
    made.export(path, withhold=["ideas"])
    assert check(path)[0]["ok"]
    data = everything(path)
    for text in (works.IDEA, works.BETTER_IDEA):
        assert text.encode() not in data
        assert hashlib.sha256(text.encode()).hexdigest().encode() not in data
    assert len(described(path)["withheld"]["ideas"]) == 2


def test_projects_are_left_out_and_their_digests_stay(made, check, tmp_path):
    path = tmp_path / "w.zip"
    made.export(path, withhold=["projects"])
    assert check(path)[0]["ok"]
    (digest,) = described(path)["left_out"]["projects"]
    with zipfile.ZipFile(path) as archive:
        assert PREFIX + f"objects/{digest}" not in archive.namelist()
    assert digest.encode() in everything(path)
    assert b"8BPS" not in everything(path)


def test_a_work_that_is_withheld_is_not_said_to_be_made_by_a_run_whose_file_was_not_read(tmp_path, check):
    """What has no digest for either reason is not therefore the same."""
    story = works.begin(tmp_path / "comfy")
    flat = story.root / "input" / "flat.png"
    Image.new("RGB", (64, 64), "white").save(flat)
    plain = files.look(flat).facts
    loaded = Asset("5", "image", "flat.png", FileRef("input", "", "flat.png"), plain)
    unread = Output("9", "images", 0, FileRef("output", "", "gone.png"), None, problem="the file is gone")
    for number, told in ((1, {"used": [loaded]}), (2, {"outputs": [unread]})):
        submitted, document = story.submit(number, works.graph())
        ended = predicate.completion(
            session=works.SESSION,
            at=story.at(),
            execution=run_id(number),
            submission=submitted.index,
            prompt_document=canonical.sha256_hex(document),
            status=Status.SUCCESS,
            **told,
        )
        story.say(Kind.COMPLETION, ended)
    story.ledger.close()
    path = tmp_path / "w.zip"
    ledger = story.root / "user" / "__provenance"
    export(ledger, path, [plain.sha256], scope="ledger", withhold=["inputs"])
    assert check(path)[0]["ok"]
    assert described(path)["works"] == [{"execution": None, "name": None, "sha256": None}]
    with zipfile.ZipFile(path) as archive:
        report = archive.read("dossier/report.html").decode()
    summary = report[report.index('id="summary"') :].partition("</section>")[0]
    assert "</span>&nbsp;1" in report  # the run whose file was not read is shown: the only one that is
    assert "not shown in this dossier" in summary
    assert "</span>&nbsp;1" not in summary


def test_every_digest_that_is_shown_belongs_to_something_that_may_be_shown(made, tmp_path):
    """The attack itself: hash every likely text, graph and document, and look for the digest in what is shown."""
    path = tmp_path / "w.zip"
    made.export(path, refs=["0006"], withhold=["candidates", "ideas", "reasons"])
    shown = set(re.findall(rb"[0-9a-f]{64}", everything(path)))
    texts = [works.IDEA, works.BETTER_IDEA, "the window is too bright", "one lit window, as meant", "Keeper", "Evening"]
    guesses = {hashlib.sha256(text.encode()).hexdigest().encode() for text in texts}
    assert not shown & guesses
    said, leaves = recorded(made.ledger)
    with zipfile.ZipFile(path) as archive:
        lines = set(archive.read(PREFIX + "log/leaves").split())
    # Hashing a withheld entry's statement, or an envelope under another key's signature, gives no listed leaf either.
    for each, leaf in zip(said, leaves, strict=True):
        payload = canonical.statement_bytes(each)
        assert hashlib.sha256(b"\0" + payload).hexdigest().encode() not in lines
        assert leaf.hex().encode() in lines


def test_a_picture_that_carries_a_withheld_text_in_its_metadata_is_left_out(tmp_path, check):
    """An idea may refer to a picture that ComfyUI made, with the prompt inside."""
    story = works.begin(tmp_path / "comfy")
    secret = 'an old cat, \u706f\u5854, "dusk"'
    picture_file = tmp_path / "reference.png"
    texts = PngImagePlugin.PngInfo()
    texts.add_text("prompt", json.dumps({"2": {"inputs": {"text": secret}}}))
    noise = random.Random(3).randbytes(64 * 64 * 3)
    Image.frombytes("RGB", (64, 64), noise).save(picture_file, pnginfo=texts)
    read = files.look(picture_file)
    data = picture_file.read_bytes()
    reference = imports.BroughtFile("reference.png", read.facts, None, canonical.sha256_hex(data), uploaded=True)
    body = predicate.intent(
        session=works.SESSION, at=story.at(), text="keep this mood", source="page", references=[reference]
    )
    story.say(Kind.INTENT, body, [(data, "image/png")])
    story.paint(1, text=secret)
    story.paint(2, 1, text="something else entirely")
    story.ledger.close()
    path = tmp_path / "w.zip"
    export(story.root / "user" / "__provenance", path, ["0002"], withhold=["prompts"])
    found, errors = check(path)
    assert found["ok"], errors
    everywhere = everything(path)
    assert data not in everywhere and secret.encode() not in everywhere
    assert json.dumps(secret)[1:-1].encode() not in everywhere
    assert canonical.sha256_hex(data).encode() in everywhere  # the idea is shown, and says what it refers to
    assert described(path)["left_out"]["prompts"] == [canonical.sha256_hex(data)]


def test_texts_are_found_inside_others_in_any_shape():
    secrets = Secrets()
    secrets.add_texts(["  a red cat ", "x", None, ""])
    secrets.digests.add("ab" * 32)
    assert secrets.touch({"reason": ["I like a red cat most"]})
    assert secrets.touch({"a red cat": 1})
    assert secrets.touch({"text": "x"}) and not secrets.touch({"text": "fox"})
    assert secrets.touch({"from": "sha256:" + "ab" * 32}) and secrets.touch(["ab" * 32])
    assert not secrets.touch({"from": "sha256:" + "ac" * 32, "n": 3, "none": None})


@pytest.mark.parametrize(
    ("facts", "data", "expected"),
    [
        ({"media_type": "text/plain", "size": 10**6}, None, True),
        ({"media_type": "image/png", "size": 10**6, "perceptual": None}, None, True),
        ({"media_type": "image/png", "size": 900, "perceptual": "0" * 16}, None, True),
        ({"media_type": "image/png", "size": 10**6, "perceptual": "0" * 16}, bytes(10**6), True),
        ({"media_type": "image/png", "size": 10**6, "perceptual": "0" * 16}, None, False),
    ],
)
def test_what_may_be_guessed(facts, data, expected):
    assert can_be_guessed(facts, data) is expected


def test_what_cannot_be_withheld_is_refused(made, tmp_path):
    with pytest.raises(InputError):
        made.export(tmp_path / "w.zip", withhold=["everything"])
