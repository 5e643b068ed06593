"""What others attest, in a dossier: cosignatures of colleagues, and tokens whose signature is not checked here."""

from __future__ import annotations

import html
import json
import re
import shutil
from dataclasses import replace

import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.pipeline.anchors import wall_ns
from comfy_provenance.provenance.record import attested
from comfy_provenance.provenance.seal import checkpoint, dsse, timestamp
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.verify import layout
from comfy_provenance.tests.dossier import changing, works
from comfy_provenance.tests.dossier.conftest import export
from comfy_provenance.tests.dossier.test_changes import resealed
from comfy_provenance.tests.dossier.test_outside_programs import bash, blocks, needs_tools
from comfy_provenance.tests.dossier.test_verify_page import in_node, needs_node
from comfy_provenance.tests.sm2 import Sm2Authority, needs_sm2
from comfy_provenance.tests.unit.present.conftest import SESSION

COLLEAGUES = {"Mei": Signer.from_seed(b"\x11" * 32), "Jonas <b>": Signer.from_seed(b"\x22" * 32)}


def written(tmp_path_factory, name, tell):
    """A small work with what `tell` adds, and its dossier: (path, what tell gave)."""
    root = tmp_path_factory.mktemp(name)
    story = works.begin(root / "comfy")
    story.paint(1)
    told = tell(story)
    final = story.paint(2, 1, works.TEXTS[1], seed=2).facts.sha256
    tell(story)
    story.ledger.close()
    path = root / "dossier.zip"
    export(root / "comfy" / "user" / "__provenance", path, [final])
    return path, told


@pytest.fixture(scope="module")
def cosigned(tmp_path_factory):
    def tell(story):
        return [story.cosigned(signer, label) for label, signer in COLLEAGUES.items()]

    return written(tmp_path_factory, "cosigned", tell)[0]


def statement_in(envelope):
    return json.loads(dsse.read_unverified(envelope).payload)


def said_by(files, kind):
    """Entries of a kind: (index, predicate)."""
    for name, data in files.items():
        index = layout.entry_in(name.removeprefix(layout.BASE))
        if index is not None:
            statement = statement_in(data)
            if f"/{kind.value}/" in statement["predicateType"]:
                yield index, statement["predicate"]


def spoiled(note):
    """The note with another letter in the midst of its last signature."""
    return note[:-40] + (b"A" if note[-40:-39] != b"A" else b"B") + note[-39:]


def report_of(path):
    return changing.files_of(path)[layout.BASE + layout.REPORT].decode()


def test_cosignatures_hold_and_stand_in_the_report(cosigned, check):
    found, errors = check(cosigned)
    assert (found["ok"], errors) == (True, set())
    assert len(list(said_by(changing.files_of(cosigned), Kind.WITNESS))) == 4
    report = report_of(cosigned)
    assert "Cosignatures" in report and "见证签名" in report
    for label, signer in COLLEAGUES.items():
        assert f"{html.escape(label)} ({checkpoint.origin_of(signer.public)})" in report


@needs_node
def test_the_page_checks_cosignatures(cosigned, tmp_path):
    for slow in (False, True):
        (found,) = in_node(tmp_path, cosigned, slow=slow)
        assert (found["ok"], found["findings"]) == (True, [])


@needs_node
def test_a_changed_cosignature_is_found_and_named(cosigned, check, tmp_path):
    """One byte of it, in the zip; then with everything made anew that needs no key."""
    files = changing.files_of(cosigned)
    _, said = next(said_by(files, Kind.WITNESS))
    name = layout.object_of(said["checkpoint"]["object"])
    note = files[layout.BASE + name]
    other = spoiled(note)
    path = tmp_path / "changed.zip"
    for data in (
        changing.rewritten({**files, layout.BASE + name: other}),
        resealed({**files, layout.BASE + name: other}),
    ):
        path.write_bytes(data)
        found, errors = check(path)
        assert "object-altered" in errors
        assert any(name in each["message"] for each in found["findings"])
        (told,) = in_node(tmp_path, path)
        assert any(each["code"] == "object-altered" and name in each["message"] for each in told["findings"])


@needs_node
@pytest.mark.parametrize("what", ["signature", "key", "time", "none", "checkpoint"])
def test_an_author_cannot_make_a_colleague_s_cosignature_up(tmp_path, check, what, tmp_path_factory):
    """Signed into the log by the author's own key, so that nothing but the cosignature itself can tell."""
    mei, jonas = COLLEAGUES.values()

    def tell(story):
        index = story.cosigned(mei)
        note = story.ledger.objects.get(_witness(story, index)["checkpoint"]["object"])
        head = story._head(note)
        public, name, at_s = (
            mei.public,
            checkpoint.origin_of(mei.public),
            wall_ns(_witness(story, index)["cosigned_at"]) // 10**9,
        )
        if what == "signature":
            note = spoiled(note)
        elif what == "key":
            public = jonas.public
        elif what == "time":
            at_s -= 3600
        elif what == "none":
            note = note[: note.rindex("\N{EM DASH}".encode())]
        else:
            note = note.replace(f"\n{head.size}\n".encode(), f"\n{head.size - 1}\n".encode(), 1)
        body = attested.witness(
            session=SESSION, at=story.at(), checkpoint=replace(head, object=canonical.sha256_hex(note)), name=name,
            public_key=public.pem, cosigned_s=at_s,
        )  # fmt: skip
        return story.say(Kind.WITNESS, body, [(note, "text/plain")]).index

    path, forged = written(tmp_path_factory, "forged", tell)
    code = "witness-checkpoint" if what == "checkpoint" else "witness-signature"
    found, errors = check(path)
    assert errors == {code}
    assert forged in {each["entry"] for each in found["findings"]}
    (told,) = in_node(tmp_path, path)
    assert {each["code"] for each in told["findings"]} == {code}
    assert any(f"{forged:08}" in each["message"] for each in told["findings"])


def _witness(story, index):
    return statement_in(story.ledger.reader().entry(index))["predicate"]


# tokens by SM2


@pytest.fixture(scope="module")
def sm2(tmp_path_factory):
    return Sm2Authority(tmp_path_factory.mktemp("sm2"))


@pytest.fixture(scope="module")
def unproved(tmp_path_factory, sm2):
    return written(tmp_path_factory, "unproved", lambda story: story.bring_token(sm2))[0]


@needs_sm2
def test_an_sm2_token_bounds_nothing_and_every_page_says_so(unproved, sm2, check, tmp_path):
    for roots in (None, timestamp.read_roots(sm2.root.read_bytes())):
        found, errors = check(unproved, roots=roots)
        assert (found["ok"], errors) == (True, set())
        assert {each["code"] for each in found["findings"]} == {"anchor-signature-unchecked"}
        assert {each["trust"] for each in found["dossier"]["anchors"]} == {"signature-unchecked"}
        assert found["dossier"]["entries"]["anchored"] == 0
    report = report_of(unproved)
    assert "signature not checked here (SM2 or SM3): proves no time" in report and "签名未在此核验" in report
    assert "existed by then" not in report
    assert "but for the signatures of 2 time tokens, which were not checked" in report


@needs_sm2
@needs_tools
@pytest.mark.parametrize("language", ["en", "zh"])
def test_openssl_checks_an_sm2_token_with_the_commands_of_the_instructions(unproved, sm2, tmp_path, language):
    shutil.unpack_archive(unproved, tmp_path)
    folder = tmp_path / "dossier"
    shutil.copy(sm2.root, folder / "roots.pem")
    commands = blocks(folder, language)[-1]
    told = bash(folder, commands)
    tokens = commands.count("pkeyutl")
    assert tokens >= 1
    assert told.count("Signature Verified Successfully") == told.count("signer.pem: OK") == tokens
    first = re.search(r"dgst -sm3 (\S+)", commands)[1]
    lines = re.findall(r"^ +00[01]0 - ((?:[0-9a-f]{2}[ -]){15}[0-9a-f]{2})", told, re.MULTILINE)
    assert bash(folder, f"openssl dgst -sm3 -r {first}")[:64] == re.sub("[ -]", "", "".join(lines[:2]))
    changed = next(iter(re.findall(r"-in (data/objects/\S+)", commands)))
    data = bytearray((folder / changed).read_bytes())
    data[-1] ^= 1
    (folder / changed).write_bytes(data)
    assert bash(folder, commands).count("Signature Verified Successfully") < tokens
