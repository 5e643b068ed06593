"""What a dossier holds, and that it is the same each time."""

from __future__ import annotations

import json
import re
import zipfile

import pytest
from comfy_provenance.provenance.errors import InputError
from comfy_provenance.provenance.seal.timestamp import read_roots


def test_a_dossier_verifies_and_tells_what_it_is(made, check):
    found, errors = check(made.zip)
    assert (found["ok"], errors) == (True, set()), found["findings"]
    told = found["dossier"]
    assert told["signed"] and told["checkpoint"]["size"] == told["entries"]["log"]
    assert told["works"] == [{"execution": None, "sha256": made.final, "name": None}]


def test_tokens_count_only_under_roots_that_the_reader_chose(made, check):
    if made.roots is None:
        pytest.skip("no OpenSSL 3 to run an authority with")
    found, _ = check(made.zip, roots=read_roots(made.roots.read_bytes()))
    assert {anchor["trust"] for anchor in found["dossier"]["anchors"]} == {"trusted"}
    assert found["dossier"]["entries"]["anchored"] > 20
    found, _ = check(made.zip)
    assert {anchor["trust"] for anchor in found["dossier"]["anchors"]} == {"unchecked"}


def test_the_same_ledger_and_options_give_the_same_bytes(made, tmp_path):
    again = tmp_path / "again.zip"
    made.export(again, title="Keeper of the light")
    assert again.read_bytes() == made.zip.read_bytes()
    made.export(again, title="Another title")
    assert again.read_bytes() != made.zip.read_bytes()


def test_another_work_of_the_ledger_is_there_by_hash_alone(made):
    with zipfile.ZipFile(made.zip) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        leaves = archive.read("dossier/data/log/leaves").splitlines()
        shown = [name for name in archive.namelist() if name.startswith("dossier/data/entries/")]
    assert b"unrelated dragon" not in everything
    assert len(leaves) == len(shown) + 2  # submission and completion of the other run


def test_every_zip_tool_reads_it(made, tmp_path):
    with zipfile.ZipFile(made.zip) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert all(name.startswith("dossier/") for name in names)
    assert {"dossier/report.html", "dossier/verify.html", "dossier/verify/README.md"} <= set(names)


@pytest.mark.parametrize("scope", ["path", "tree", "ledger"])
def test_scopes_reach_as_far_as_they_say(made, check, tmp_path, scope):
    path = tmp_path / "scoped.zip"
    made.export(path, scope=scope)
    assert check(path)[0]["ok"]
    with zipfile.ZipFile(path) as archive:
        crate = json.loads(archive.read("dossier/data/ro-crate-metadata.json"))
    runs = [entity for entity in crate["@graph"] if entity["@type"] == "CreateAction"]
    assert len(runs) == {"path": 6, "tree": 11, "ledger": 12}[scope]


def test_a_run_can_be_the_work(made, check, tmp_path):
    path = tmp_path / "run.zip"
    made.export(path, refs=["0006"])
    assert check(path)[0]["ok"]


def test_nothing_is_left_behind_when_it_is_stopped(made, tmp_path):
    from comfy_provenance.provenance.present import exporting
    from comfy_provenance.provenance.present.refs import Resolver
    from comfy_provenance.provenance.store.ledger import Ledger

    opened = Ledger.open(made.ledger, read_only=True)

    def stop(step, done, total):
        if step == "report":
            raise InputError("stopped")

    resolver = Resolver(opened.index)
    with pytest.raises(InputError):
        exporting.export(
            opened, exporting.works(resolver, [made.final]), exporting.options(resolver), tmp_path / "x.zip", None, stop
        )
    opened.close()
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_was_kept_must_still_hold(made, check, tmp_path):
    """As a file of an earlier note, or as the fingerprint that was posted; one of another history is found."""
    with zipfile.ZipFile(made.zip) as archive:
        note = archive.read("dossier/data/log/checkpoint")
        report = archive.read("dossier/report.html").decode()
    fingerprint = re.search(r"<code>(\d+(?:-[A-Z2-7]{4})+)</code>", report)[1]
    kept = tmp_path / "checkpoint"
    kept.write_bytes(note)
    assert check(made.zip, since=[str(kept), fingerprint])[0]["ok"]
    size, _, digits = fingerprint.partition("-")
    assert check(made.zip, since=[f"{int(size) - 5}-{digits}"])[1] == {"forked"}
    assert check(made.zip, since=[f"{int(size) + 5}-{digits}"])[1] == {"rolled-back"}
    with pytest.raises(InputError):
        check(made.zip, since=["neither"])
