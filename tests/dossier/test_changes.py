"""Every changed, removed, added or reordered byte or file of a dossier is found, and named."""

from __future__ import annotations

import hashlib
import random
from itertools import pairwise

import pytest
from comfy_provenance.provenance.verify import layout
from comfy_provenance.tests.dossier import changing


def codes(found):
    return {each["code"] for each in found["findings"] if each["severity"] == "error"}


def errors(found):
    return " ".join(each["message"] for each in found["findings"] if each["severity"] == "error")


def fails(check, tmp_path, data: bytes, name: str | None = None):
    path = tmp_path / "changed.zip"
    path.write_bytes(data)
    found, _ = check(path)
    assert not found["ok"], f"a change in {name} was not found"
    if name:
        assert name.rpartition("/")[2].partition(".")[0] in errors(found), (name, found["findings"])
    return found


def test_a_changed_byte_in_any_file_is_found_and_the_file_named(made, check, tmp_path):
    data = made.zip.read_bytes()
    dice = random.Random(5)
    for member in changing.members(data).values():
        place = member.data_offset + dice.randrange(member.size)
        fails(check, tmp_path, changing.flipped(data, place, 1 << dice.randrange(8)), member.name)


def positions(data: bytes, count: int, seed: int):
    dice = random.Random(seed)
    return [(dice.randrange(len(data)), 1 << dice.randrange(8)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(4))
def test_a_changed_byte_anywhere_is_found_and_named(made, check, tmp_path, seed):
    data = made.zip.read_bytes()
    for place, mask in positions(data, 25, seed):
        fails(check, tmp_path, changing.flipped(data, place, mask), changing.owner(data, place))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_thousands_of_changed_bytes_are_found_and_named(made, check, tmp_path):
    data = made.zip.read_bytes()
    for place, mask in positions(data, 5000, 99):
        fails(check, tmp_path, changing.flipped(data, place, mask), changing.owner(data, place))


def test_every_byte_of_the_zips_own_form_counts(made, check, tmp_path):
    """All of one member's header, the directory's first and last records, and the end record."""
    data = made.zip.read_bytes()
    found = list(changing.members(data).values())
    directory = found[-1].data_offset + found[-1].size
    header = range(found[3].offset, found[3].data_offset)
    for place in (*header, *range(directory, directory + 60), *range(len(data) - 80, len(data))):
        fails(check, tmp_path, changing.flipped(data, place), changing.owner(data, place))


def test_a_cut_or_extended_zip_is_found(made, check, tmp_path):
    data = made.zip.read_bytes()
    for changed in (data[:-1], data[: len(data) // 2], data + b"\0", b"\0" + data, b""):
        assert codes(fails(check, tmp_path, changed)) == {"zip-form"}


def test_a_removed_added_or_renamed_file_is_found_and_named(made, check, tmp_path):
    files = changing.files_of(made.zip)
    for name in files:
        if name == layout.BASE + layout.SIGNATURE:
            continue  # a dossier without it is one that was not signed as a whole
        less = {key: data for key, data in files.items() if key != name}
        fails(check, tmp_path, changing.rewritten(less), name)
    for extra in ("dossier/data/entries/99999999.dsse.json", "dossier/data/notes.txt", "dossier/extra.html", "stray"):
        order = sorted({**files, extra: b""}, key=lambda name: layout.order(name.removeprefix(layout.BASE)))
        fails(check, tmp_path, changing.rewritten({**files, extra: b"more"}, order), extra)
    name = next(key for key in files if "/objects/" in key)
    renamed = {("dossier/data/objects/" + "0" * 64 if key == name else key): data for key, data in files.items()}
    fails(check, tmp_path, changing.rewritten(renamed), "0" * 64)


def test_files_in_another_order_are_found(made, check, tmp_path):
    files = changing.files_of(made.zip)
    names = list(files)
    for a, b in list(pairwise(range(len(names))))[::25]:
        order = [*names]
        order[a], order[b] = order[b], order[a]
        found = fails(check, tmp_path, changing.rewritten(files, order))
        assert codes(found) == {"bag-order"}


def test_a_check_tells_how_far_it_has_come(made, check):
    told = []
    check(made.zip, progress=lambda done, total: told.append((done, total)))
    sizes = sum(member.size for member in changing.members(made.zip.read_bytes()).values())
    assert told[-1] == (sizes, sizes)
    assert told == sorted(told)


def resealed(files: dict[str, bytes]) -> bytes:
    """The same files with both manifests made anew, as a forger without the key would leave them."""
    inner = {name.removeprefix(layout.BASE): data for name, data in files.items()}
    inner.pop(layout.SIGNATURE, None)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in inner.items()}
    inner[layout.MANIFEST] = layout.manifest(digests, filter(layout.is_payload, digests))
    digests[layout.MANIFEST] = hashlib.sha256(inner[layout.MANIFEST]).hexdigest()
    tags = [name for name in digests if not layout.is_payload(name) and name != layout.TAG_MANIFEST]
    inner[layout.TAG_MANIFEST] = layout.manifest(digests, tags)
    return changing.rewritten({layout.BASE + name: inner[name] for name in sorted(inner, key=layout.order)})


def test_a_resealed_dossier_without_changes_is_sound_but_unsigned(made, check, tmp_path):
    path = tmp_path / "resealed.zip"
    path.write_bytes(resealed(changing.files_of(made.zip)))
    found, _ = check(path)
    assert found["ok"] and not found["dossier"]["signed"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("report.html", "view-differs"),
        ("verify.html", "view-differs"),
        ("verify/README.md", "view-differs"),
        ("data/ro-crate-metadata.json", "view-differs"),
        ("data/provenance.json", "view-differs"),
        ("bag-info.txt", "view-differs"),
        ("data/log/vkey", "bag-form"),
        ("verify/allowed_signers", "bag-form"),
        ("data/log/leaves", "leaf-other"),
        ("data/dossier.json", "dossier-malformed"),
        ("data/log/checkpoint", "checkpoint-invalid"),
        ("data/proofs/00000009.tlog-proof", "proof-other"),
        ("data/entries/00000009.dsse.json", "envelope-signature"),
    ],
)
def test_a_forger_who_makes_the_manifests_anew_is_found(made, check, tmp_path, name, code):
    files = changing.files_of(made.zip)
    files[layout.BASE + name] = files[layout.BASE + name].replace(b"e", b"3", 1)
    path = tmp_path / "forged.zip"
    path.write_bytes(resealed(files))
    found, _ = check(path)
    assert not found["ok"]
    assert code in codes(found), found["findings"]


@pytest.mark.parametrize("manifest", [layout.MANIFEST, layout.TAG_MANIFEST])
def test_a_manifest_that_says_the_same_in_another_order_is_found(made, check, tmp_path, manifest):
    inner = {name.removeprefix(layout.BASE): data for name, data in changing.files_of(made.zip).items()}
    before, lines = inner[manifest], inner[manifest].splitlines(keepends=True)
    inner[manifest] = b"".join(reversed(lines))
    digests = [hashlib.sha256(data).hexdigest().encode() for data in (before, inner[manifest])]
    inner[layout.TAG_MANIFEST] = inner[layout.TAG_MANIFEST].replace(*digests)
    del inner[layout.SIGNATURE]
    found = fails(check, tmp_path, changing.rewritten({layout.BASE + name: data for name, data in inner.items()}))
    assert codes(found) == {"bag-form"}
    assert f"{manifest} is not written in its one form" in errors(found)


@pytest.mark.parametrize("data", [b"", b"00" * 32, b"00" * 31 + b"\n", b"AA" * 32 + b"\n", b"00" * 32 + b"\r\n"])
def test_a_list_of_leaves_in_another_form_is_no_dossier(made, check, tmp_path, data):
    files = changing.files_of(made.zip)
    files[layout.BASE + layout.LEAVES] = data
    found = fails(check, tmp_path, resealed(files))
    assert [each["message"] for each in found["findings"]] == ["data/log/leaves is not one hash per line"]


@pytest.mark.parametrize("number", ["99999999", "9" * 18, "9" * 19, "9" * 150])
def test_an_entry_that_cannot_be_is_found(made, check, tmp_path, number):
    files = changing.files_of(made.zip)
    files[f"{layout.BASE}data/entries/{number}.dsse.json"] = b"{}"
    found = fails(check, tmp_path, resealed(files))
    assert codes(found) & {"bag-extra", "leaf-other"}, found["findings"]


def test_a_page_that_tells_another_story_is_found(made, check, tmp_path):
    files = changing.files_of(made.zip)
    report = layout.BASE + layout.REPORT
    assert b"the window is too bright" in files[report]
    files[report] = files[report].replace(b"the window is too bright", b"perfect, kept as it was!")
    path = tmp_path / "forged.zip"
    path.write_bytes(resealed(files))
    found, _ = check(path)
    assert codes(found) == {"view-differs"}
    assert "report.html" in errors(found)


def test_an_entry_that_is_taken_out_whole_leaves_a_hole(made, check, tmp_path):
    """Without its file, proof and manifest lines, an entry is merely not shown: the report then lacks it as well."""
    files = changing.files_of(made.zip)
    for name in ("data/entries/00000012.dsse.json", "data/proofs/00000012.tlog-proof"):
        del files[layout.BASE + name]
    path = tmp_path / "less.zip"
    path.write_bytes(resealed(files))
    found, _ = check(path)
    assert not found["ok"]
    assert "view-differs" in codes(found)
