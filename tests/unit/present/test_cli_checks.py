"""verify, fsck and envelopes on the command line."""

from __future__ import annotations

import json
import sqlite3

from comfy_provenance.provenance.present.cli import main
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.seal.keys import Signer, public_from_pem


def test_verify_of_a_good_ledger(cli):
    code, out, err = cli("verify", "--json")
    found = json.loads(out)
    assert found["findings"] == []
    assert (code, err, found["ok"], found["entries"]) == (0, "", True, 20)
    assert set(found) == {"ok", "entries", "released", "resumed", "checkpoint", "findings", "time"}
    assert set(found["checkpoint"]) == {"origin", "size", "root"}
    assert cli("verify")[1].startswith("good: 20 entries")


def test_verify_names_what_was_changed(copied, capsys, monkeypatch):
    monkeypatch.chdir(copied)
    with sqlite3.connect(copied / "user" / "__provenance" / "ledger.sqlite3") as database:
        (envelope,) = database.execute("SELECT envelope FROM entries WHERE number = 3").fetchone()
        forged = bytearray(envelope)
        forged[40] ^= 1
        database.execute("UPDATE entries SET envelope = ? WHERE number = 3", (bytes(forged),))
        database.execute("UPDATE outputs SET filename = 'other.png' WHERE filename = 'c.png'")
    assert main(["verify", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert set(found["findings"][0]) == {"severity", "code", "entry", "message"}
    assert 3 in [finding["entry"] for finding in found["findings"]]
    assert main(["verify"]) == 1
    assert "NOT GOOD" in capsys.readouterr().out
    assert main(["fsck", "--json"]) == 1
    capsys.readouterr()


def test_verify_goes_on_from_where_it_came(copied, capsys, monkeypatch):
    monkeypatch.chdir(copied)

    def resumed():
        assert main(["verify", "--resume", "--json"]) == 0
        return json.loads(capsys.readouterr().out)["resumed"]

    assert [resumed(), resumed()] == [0, 20]
    assert main(["verify", "--resume"]) == 0
    assert capsys.readouterr().out.endswith(
        "the first 20 are the bytes that were verified before, and were not checked again\n"
    )
    (copied / "user" / "__provenance" / "verified.json").write_text("nonsense")
    assert resumed() == 0


def test_verify_with_a_pinned_key(cli, tmp_path):
    pinned = tmp_path / "public.pem"
    pinned.write_text(Signer.from_seed(bytes(range(32))).public.pem)
    assert cli("verify", "--key", pinned)[0] == 0
    pinned.write_text(Signer.from_seed(bytes(32)).public.pem)
    assert cli("verify", "--key", pinned)[0] == 1
    pinned.write_text("no key")
    code, _, err = cli("verify", "--key", pinned)
    assert code == 2 and "is no Ed25519 public key" in err
    assert cli("verify", "--key", tmp_path / "absent")[0] == 2


def test_fsck_rebuilds_a_damaged_index(copied, capsys, monkeypatch):
    monkeypatch.chdir(copied)
    with sqlite3.connect(copied / "user" / "__provenance" / "ledger.sqlite3") as database:
        database.execute("DELETE FROM outputs")
    assert main(["fsck"]) == 1
    assert main(["fsck", "--rebuild-index"]) == 0
    assert "index rebuilt" in capsys.readouterr().out
    assert main(["fsck", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "findings": [], "rebuilt": None}


def test_envelopes_verify_under_the_exported_key(cli, tmp_path):
    out = tmp_path / "out"
    assert cli("envelopes", "-o", out)[0] == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == [*(f"{n:08d}.dsse.json" for n in range(20)), "checkpoint", "public.pem"]
    public = public_from_pem((out / "public.pem").read_text())
    for path in out.glob("*.dsse.json"):
        dsse.open(path.read_bytes(), public)
    code, _, err = cli("envelopes", "-o", out)
    assert code == 2 and "not empty" in err
