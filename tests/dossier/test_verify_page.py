"""The page inside a dossier, `verify.html`: what it finds, in Node with its own modules and in a real browser."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.dossier.page import verifier_page
from comfy_provenance.provenance.model import Basis, FileFacts, Kind
from comfy_provenance.provenance.record import imports, recordings
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.verify import layout
from comfy_provenance.tests.dossier import changing, works
from comfy_provenance.tests.dossier.conftest import export
from comfy_provenance.tests.dossier.test_changes import resealed
from comfy_provenance.tests.unit.present.conftest import SESSION, run_id

SCRIPT = Path(__file__).with_name("check_copies.mjs")
PAGE_MODULES = Path(__file__).resolve().parents[2] / "provenance" / "dossier" / "assets" / "page"


def node() -> str | None:
    found = shutil.which("node")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    return found if int(said.lstrip("v").partition(".")[0] or 0) >= 20 else None


needs_node = pytest.mark.skipif(node() is None, reason="Node.js 20 or newer is not installed")


def in_node(tmp_path, *zips, changes=(), slow=False):
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"zips": [str(path) for path in zips], "changes": list(changes), "slow": slow}))
    done = subprocess.run([node(), SCRIPT, job], capture_output=True, text=True, encoding="utf-8", timeout=3000)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def named(name: str, found) -> bool:
    return name.rpartition("/")[2].partition(".")[0] in " ".join(each["message"] for each in found["findings"])


@needs_node
@pytest.mark.parametrize("slow", [False, True], ids=["WebCrypto", "without"])
def test_a_sound_dossier_is_good(made, tmp_path, slow):
    (found,) = in_node(tmp_path, made.zip, slow=slow)
    assert (found["ok"], found["findings"], found["signed"]) == (True, [], True)
    assert found["fingerprint"].startswith("SHA256:")


@needs_node
def test_what_an_entry_needs_cannot_be_taken_out(tmp_path, check):
    """By a forger without the key, who makes the manifests anew: a chunk of a recording, what a file said of itself."""
    story = works.begin(tmp_path / "comfy")
    story.paint(1)
    chunk, claim = b"moving pictures", b"a cat, steps: 20"
    before = None
    for step, kept in (
        (recordings.Capture("video/webm"), ()),
        (recordings.Chunk(0, 0, len(chunk), sha256_hex(chunk)), [(chunk, "video/webm")]),
        (recordings.Ending("author", 1, len(chunk), None), ()),
    ):
        body = recordings.predicate(session=SESSION, at=story.at(), recording="r", step=step, previous=before)
        entry = story.say(Kind.RECORDING, body, kept).index
        before = recordings.Previous(entry, sha256_hex(chunk) if kept else None)
    source = imports.Source(story.outputs[run_id(1)].facts.sha256, run_id(1), None, Basis.DECLARED, "author")
    body = imports.predicate(
        session=SESSION,
        at=story.at(),
        file=imports.BroughtFile("edited.png", FileFacts(sha256_hex(b"edited"), 6, 0, "image/png")),
        basis=Basis.DECLARED,
        source="cli",
        of=[source],
        claims=imports.Claims("a1111", text=sha256_hex(claim)),
    )
    story.say(Kind.IMPORT, body, [(claim, "text/plain")])
    story.paint(2, 1)
    story.ledger.close()
    path = tmp_path / "filmed.zip"
    export(tmp_path / "comfy" / "user" / "__provenance", path, [run_id(2)], scope="ledger")
    (sound,) = in_node(tmp_path, path)
    assert sound["findings"] == []
    for data, code in ((chunk, "chunk-missing"), (claim, "object-missing")):
        files = changing.files_of(path)
        del files[layout.BASE + layout.object_of(sha256_hex(data))]
        changed = tmp_path / "less.zip"
        changed.write_bytes(resealed(files))
        (found,) = in_node(tmp_path, changed)
        assert [each["code"] for each in found["findings"]] == [code]
        assert check(changed)[1] == {code}


@needs_node
def test_a_changed_byte_in_any_file_is_found_and_the_file_named(made, tmp_path):
    data, dice = made.zip.read_bytes(), random.Random(6)
    files = list(changing.members(data).values())[dice.randrange(3) :: 3]  # the long test takes the rest
    changes = [(each.data_offset + dice.randrange(each.size), 1 << dice.randrange(8)) for each in files]
    _, *found = in_node(tmp_path, made.zip, changes=changes)
    for member, each in zip(files, found, strict=True):
        assert not each["ok"] and named(member.name, each), (member.name, each["findings"])


def anywhere(made, tmp_path, count, seed):
    data, dice = made.zip.read_bytes(), random.Random(seed)
    changes = [(dice.randrange(len(data)), 1 << dice.randrange(8)) for _ in range(count)]
    _, *found = in_node(tmp_path, made.zip, changes=changes)
    for (place, _), each in zip(changes, found, strict=True):
        assert not each["ok"] and named(changing.owner(data, place), each), (place, each["findings"])


@needs_node
def test_a_changed_byte_anywhere_is_found_and_named(made, tmp_path):
    anywhere(made, tmp_path, 40, 7)


@needs_node
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_thousands_of_changed_bytes_are_found_and_named(made, tmp_path):
    anywhere(made, tmp_path, 3000, 8)


@needs_node
def test_the_zips_own_form_counts_byte_by_byte(made, tmp_path):
    data = made.zip.read_bytes()
    member = list(changing.members(data).values())[3]
    places = [*range(member.offset, member.data_offset), *range(len(data) - 22, len(data))]
    _, *found = in_node(tmp_path, made.zip, changes=[(place, 1) for place in places])
    assert not any(each["ok"] for each in found)


@needs_node
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("data/entries/00000009.dsse.json", "envelope-signature"),
        ("data/log/leaves", "leaf-other"),
        ("data/log/checkpoint", "checkpoint-invalid"),
        ("data/log/vkey", "bag-form"),
        ("data/proofs/00000009.tlog-proof", "proof-other"),
        ("verify/allowed_signers", "bag-form"),
    ],
)
def test_a_forger_who_makes_the_manifests_anew_is_found(made, tmp_path, name, code):
    files = changing.files_of(made.zip)
    files[layout.BASE + name] = files[layout.BASE + name].replace(b"e", b"3", 1)
    path = tmp_path / "forged.zip"
    path.write_bytes(resealed(files))
    (found,) = in_node(tmp_path, path)
    assert code in {each["code"] for each in found["findings"]}


@needs_node
def test_a_forged_page_is_told_by_the_missing_signature(made, tmp_path):
    """The page cannot make the report again, so it says what the lack of a signature over all files means."""
    files = changing.files_of(made.zip)
    files[layout.BASE + layout.REPORT] += b"<p>and more"
    path = tmp_path / "forged.zip"
    path.write_bytes(resealed(files))
    (found,) = in_node(tmp_path, path)
    assert (found["ok"], found["signed"]) == (True, False)


@needs_node
@pytest.mark.parametrize("left", ["removed", "added", "reordered"])
def test_files_that_are_gone_new_or_elsewhere_are_found(made, tmp_path, left):
    files = changing.files_of(made.zip)
    names = list(files)
    if left == "removed":
        data, wanted = changing.rewritten({name: files[name] for name in names if name != names[9]}), names[9]
    elif left == "added":
        data, wanted = changing.rewritten({**files, "dossier/data/notes.txt": b"x"}), "notes"
    else:
        data, wanted = changing.rewritten(files, [*names[:5], names[6], names[5], *names[7:]]), names[5]
    path = tmp_path / "other.zip"
    path.write_bytes(data)
    (found,) = in_node(tmp_path, path)
    assert not found["ok"]
    assert named(wanted, found) or left == "reordered"


@needs_node
def test_its_own_ed25519_agrees_with_ours(tmp_path):
    """On signatures, on every kind of damage to one, and on the edges of the standard."""
    signer, order = Signer.from_seed(bytes(range(32))), 2**252 + 27742317777372353535851937790883648493
    cases = []
    for size in (0, 1, 63, 64, 127, 128, 500):
        message = bytes(range(256))[:size] if size < 256 else bytes(size)
        good = signer.sign(message)
        big = (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")
        for signature in (good, good[:32] + big, bytes([good[0] ^ 1]) + good[1:], good[:63] + b"\xff", bytes(64)):
            cases.append([signer.public.raw.hex(), signature.hex(), message.hex(), signature == good])
        cases.append([signer.public.raw.hex(), good.hex(), (message + b"!").hex(), False])
        cases.append([("ff" * 32), good.hex(), message.hex(), False])
    script = tmp_path / "ed.mjs"
    script.write_text(
        f"import {{ verifyHere }} from '{(PAGE_MODULES / 'ed25519.js').as_uri()}'\n"
        f"import {{ unhex }} from '{(PAGE_MODULES / 'bytes.js').as_uri()}'\n"
        f"const cases = {json.dumps(cases)}\n"
        "console.log(JSON.stringify(cases.map(([k, s, m]) => verifyHere(unhex(k), unhex(s), unhex(m)))))\n"
    )
    done = subprocess.run([node(), script], capture_output=True, text=True)
    assert json.loads(done.stdout) == [good for *_, good in cases], done.stderr


def test_the_page_is_one_file_that_reaches_nothing():
    page = verifier_page().decode()
    assert "@script@" not in page and "@style@" not in page
    assert not re.search(
        r"\bfetch\(|XMLHttpRequest|WebSocket|navigator\.sendBeacon|^import |\bimport\(|src=|https?://(?!w3id)",
        page,
        re.MULTILINE,
    )
    assert "default-src 'none'" in page
    assert "innerHTML" not in page and "outerHTML" not in page and "insertAdjacentHTML" not in page
