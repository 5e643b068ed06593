"""Tokens whose signature is not checked here (SM2), as people and programs meet them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.provenance.present.cli import main
from comfy_provenance.tests.authorities import authority
from comfy_provenance.tests.sm2 import Sm2Authority, needs_sm2
from comfy_provenance.tests.unit.present.test_times import choose, recorded

pytestmark = needs_sm2

Cli = Callable[..., tuple[int, Any]]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return recorded(tmp_path, "run-1")


@pytest.fixture
def cli(ledger: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command on the ledger and gives its code and its output, parsed where it is JSON."""

    def run(*arguments: object) -> tuple[int, Any]:
        code = main(["--ledger", str(ledger), *map(str, arguments)])
        out = capsys.readouterr().out
        return code, json.loads(out) if "--json" in arguments else out

    return run


def test_an_sm2_token_is_brought_in_and_never_counted(cli: Cli, ledger: Path, tmp_path: Path) -> None:
    note, token, sm2 = tmp_path / "checkpoint", tmp_path / "token.tst", Sm2Authority(tmp_path / "sm2")
    assert cli("checkpoint", "-o", note)[0] == 0
    token.write_bytes(sm2.token(note.read_bytes()))
    code, told = cli("anchor", "--import", token, "--name", "联合信任")
    assert code == 0 and "signature not checked here (SM2 or SM3; openssl can): it bounds nothing" in told
    (row,) = cli("anchor", "--json")[1]["newest"]
    assert (row["trust"], row["signer"]) == ("signature-unchecked", "CN=SM2 TSA")
    assert "0 entries have a time" in cli("anchor")[1]
    for roots in ((), ("--root", sm2.root)):
        code, found = cli("verify", *roots, "--json")
        assert (code, [each["code"] for each in found["findings"]]) == (0, ["anchor-signature-unchecked"])
        assert (found["time"]["covered"], found["time"]["anchors"][0]["trust"]) == (0, "signature-unchecked")
    times = cli("show", "run-1", "--json")[1]["times"]
    assert times == {"state": "signature-unchecked", "after": None, "by": None}


def test_a_token_that_nobody_checked_keeps_no_other_out(cli: Cli, ledger: Path, tmp_path: Path) -> None:
    """Its time is anybody's word: one of next year must not make a good token of today look like a broken clock."""
    note, token = tmp_path / "checkpoint", tmp_path / "token.tst"
    assert cli("checkpoint", "-o", note)[0] == 0
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=300)
    token.write_bytes(Sm2Authority(tmp_path / "sm2").token(note.read_bytes(), later - datetime.timedelta(days=10)))
    assert cli("anchor", "--import", token)[0] == 0
    with authority(tmp_path / "pki") as other:
        choose(ledger, other.url, roots=(other.pki.root,))
        assert cli("anchor", "--now", "--json")[0] == 0
    assert cli("show", "run-1", "--json")[1]["times"]["by"]["trust"] == "trusted"
    code, found = cli("verify", "--root", other.pki.root, "--json")
    assert (code, [each["code"] for each in found["findings"]]) == (0, ["anchor-signature-unchecked"])
    assert {each["trust"] for each in found["time"]["anchors"]} == {"trusted", "signature-unchecked"}
