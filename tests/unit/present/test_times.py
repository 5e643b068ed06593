"""Trusted time as people and programs meet it: the command line and the API, over real ledgers and authorities."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.config import Authority as Named
from comfy_provenance.provenance.config import Places
from comfy_provenance.provenance.model import Accepted, Withdrawn, system_clock
from comfy_provenance.provenance.pipeline.anchoring import Choice
from comfy_provenance.provenance.present import checking
from comfy_provenance.provenance.present.api import Api
from comfy_provenance.provenance.present.cli import main
from comfy_provenance.provenance.seal import checkpoint
from comfy_provenance.provenance.service import Service
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests.authorities import Authority, Pki, needs_openssl, openssl
from comfy_provenance.tests.unit.pipeline.test_anchoring import HANG_S, until
from comfy_provenance.tests.unit.pipeline.test_statements import GRAPH, NoHost

pytestmark = needs_openssl

Cli = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with Authority(Pki(tmp_path_factory.mktemp("pki"))) as running:
        yield running


def recorded(folder: Path, *runs: str) -> Path:
    """A ledger's folder with these runs in it, no longer open."""
    service = Service(Places(folder / "ledger", folder / "secrets"), NoHost(folder))
    service.start()
    frozen = canonical.freeze({"prompt": GRAPH, "workflow": None, "extra": {}, "outputs": []})
    for run in runs:
        assert service.offer(Accepted(run, run, 1, None, None, frozen, system_clock()))
        service.offer(Withdrawn(run, system_clock()))
    assert service.drain(HANG_S)
    service.close()
    return folder / "ledger"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return recorded(tmp_path, "run-1", "run-2")


@pytest.fixture
def cli(ledger: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command on the ledger and gives its code and its output, parsed where it is JSON."""

    def run(*arguments: object, of: Path = ledger) -> tuple[int, Any]:
        code = main(["--ledger", str(of), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments and not err else out or err

    return run


def choose(ledger: Path, *urls: str, roots: tuple[Path, ...] = ()) -> None:
    named = [{"name": f"Authority {number}", "url": url} for number, url in enumerate(urls)]
    settings = {"authorities": named, "trust_roots": list(map(str, roots))}
    (ledger / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


# time-stamps


def test_before_anything_is_chosen_nothing_is_asked(cli: Cli) -> None:
    assert cli("anchor")[1].startswith("nobody is asked: no authority is chosen yet\n0 time-stamps, 0 entries")
    code, told = cli("anchor", "--now")
    assert (code, "no authority is chosen" in told) == (2, True)


def test_anchor_now_asks_all_and_the_record_stays_good(cli: Cli, ledger: Path, authority: Authority) -> None:
    choose(ledger, authority.url, "http://127.0.0.1:9/tsr")
    code, told = cli("anchor", "--now", "--json")
    assert code == 0
    assert [each["authority"] for each in told["recorded"]] == ["Authority 0"]
    assert [each["authority"] for each in told["failed"]] == ["Authority 1"]
    code, found = cli("verify", "--json")
    assert (code, [each["code"] for each in found["findings"]]) == (0, ["anchor-unchecked"])
    code, found = cli("verify", "--root", authority.pki.root, "--json")
    assert (code, found["findings"]) == (0, [])
    (anchor,) = found["time"]["anchors"]
    assert (anchor["trust"], found["time"]["covered"]) == ("trusted", anchor["size"])
    assert "1 time-stamps (1 trusted)" in cli("verify", "--root", authority.pki.root)[1]


def test_when_every_authority_fails_it_is_an_error(cli: Cli, ledger: Path) -> None:
    choose(ledger, "http://127.0.0.1:9/tsr")
    code, told = cli("anchor", "--now")
    assert code == 2 and "Authority 0: it cannot be reached" in told
    assert cli("verify", "--json")[1]["findings"] == []


def test_a_token_from_elsewhere_with_its_checkpoint(
    cli: Cli, ledger: Path, authority: Authority, tmp_path: Path
) -> None:
    note, token = tmp_path / "checkpoint", tmp_path / "token.tst"
    assert cli("checkpoint", "-o", note)[0] == 0
    token.write_bytes(authority.token(note.read_bytes()))
    code, told = cli("anchor", "--import", token, "--checkpoint", note, "--name", "联合信任", "--json")
    assert (code, told["recorded"][0]["authority"]) == (0, "联合信任")
    (row,) = cli("anchor", "--json")[1]["newest"]
    assert (row["source"], row["url"], row["authority"]) == ("imported", None, "联合信任")
    code, told = cli("anchor", "--import", token)
    assert (code, "recorded already" in told) == (2, True)


def test_a_token_from_elsewhere_finds_its_checkpoint_long_after(
    cli: Cli, ledger: Path, authority: Authority, tmp_path: Path
) -> None:
    opened = Ledger.open(ledger, read_only=True)
    note = opened.index.latest_checkpoint()
    opened.close()
    recorded(tmp_path, "run-3")
    token = tmp_path / "token"
    token.write_bytes(authority.token(note))
    code, told = cli("anchor", "--import", token, "--json")
    assert (code, told["recorded"][0]["size"]) == (0, checkpoint.read_text(checkpoint.take_apart(note)[0]).size)
    assert cli("verify", "--root", authority.pki.root, "--json")[1]["findings"] == []


def test_a_secret_in_an_authoritys_name_is_not_recorded(
    cli: Cli, ledger: Path, authority: Authority, tmp_path: Path
) -> None:
    secret = "sk-" + "a1B2c3D4e5F6" * 4
    note = tmp_path / "checkpoint"
    cli("checkpoint", "-o", note)
    token = tmp_path / "token"
    token.write_bytes(authority.token(note.read_bytes()))
    assert cli("anchor", "--import", token, "--name", f"my {secret}")[0] == 0
    assert secret not in json.dumps(cli("anchor", "--json")[1])


@pytest.mark.parametrize("over", ["other bytes", "another ledger", "no token"])
def test_a_token_that_is_not_of_this_ledger_is_refused(
    cli: Cli, authority: Authority, tmp_path: Path, over: str
) -> None:
    token = tmp_path / "token"
    if over == "another ledger":
        opened = Ledger.open(recorded(tmp_path / "other", "x"), read_only=True)
        note = opened.index.latest_checkpoint()
        (tmp_path / "note").write_bytes(note)
        token.write_bytes(authority.token(note))
        opened.close()
        code, told = cli("anchor", "--import", token, "--checkpoint", tmp_path / "note")
    else:
        token.write_bytes(b"no token" if over == "no token" else authority.token(b"other bytes"))
        code, told = cli("anchor", "--import", token)
    assert code == 1 and len(told.splitlines()) == 1
    assert cli("anchor", "--json")[1]["anchors"] == 0


def test_openssl_verifies_what_was_recorded(cli: Cli, ledger: Path, authority: Authority, tmp_path: Path) -> None:
    choose(ledger, authority.url)
    cli("anchor", "--now")
    (row,) = cli("anchor", "--json")[1]["newest"]
    opened = Ledger.open(ledger, read_only=True)
    for name in ("note", "token"):
        data = opened.objects.get(row[name])
        assert data is not None
        (tmp_path / name).write_bytes(data)
    opened.close()
    command = ["ts", "-verify", "-in", tmp_path / "token", "-token_in", "-CAfile", authority.pki.root]
    assert b"OK" in openssl(*command, "-data", tmp_path / "note")
    (tmp_path / "note").write_bytes((tmp_path / "note").read_bytes().replace(b"\n", b"\n ", 1))
    with pytest.raises(AssertionError):
        openssl(*command, "-data", tmp_path / "note")


# what is shown of it


def shown(ledger: Path, run: str, *roots: Path) -> dict[str, Any]:
    opened = Ledger.open(ledger, read_only=True)
    try:
        trusted = checking.read_roots(tuple(map(str, roots)))
        found: dict[str, Any] = Api(opened, roots=lambda: trusted).show(run)["times"]
        return found
    finally:
        opened.close()


def test_each_run_shows_between_which_moments_it_was_made(
    cli: Cli, ledger: Path, authority: Authority, tmp_path: Path
) -> None:
    assert shown(ledger, "run-1") == {"state": "pending", "after": None, "by": None}
    choose(ledger, authority.url)
    cli("anchor", "--now")
    choose(ledger)
    recorded(tmp_path, "run-3")
    first, third = (shown(ledger, run, authority.pki.root) for run in ("run-1", "run-3"))
    assert (first["state"], first["after"], first["by"]["trust"]) == ("anchored", None, "trusted")
    assert (third["state"], third["by"], third["after"]["trust"]) == ("pending", None, "trusted")
    assert third["after"]["time"] < third["after"]["gen_time"] < first["by"]["time"]
    choose(ledger, authority.url)
    cli("anchor", "--now")
    third = shown(ledger, "run-3", authority.pki.root)
    assert third["state"] == "anchored" and third["after"]["entry"] < third["by"]["entry"]


def test_without_roots_a_bound_says_that_nobody_checked(cli: Cli, ledger: Path, authority: Authority) -> None:
    choose(ledger, authority.url)
    cli("anchor", "--now")
    assert shown(ledger, "run-1")["by"]["trust"] == "unchecked"
    assert "authority not checked" in cli("anchor")[1]


def test_a_refused_authority_bounds_nothing(cli: Cli, ledger: Path, authority: Authority, tmp_path: Path) -> None:
    choose(ledger, authority.url)
    cli("anchor", "--now")
    stranger = Pki(tmp_path / "stranger").root
    assert shown(ledger, "run-1", stranger) == {"state": "untrusted", "after": None, "by": None}
    assert "by authorities that are not trusted" in cli("verify", "--root", stranger)[1]


def test_a_row_that_was_changed_in_the_index_bounds_nothing(cli: Cli, ledger: Path, authority: Authority) -> None:
    choose(ledger, authority.url)
    cli("anchor", "--now")
    with sqlite3.connect(ledger / "ledger.sqlite3") as connection:
        connection.execute("UPDATE anchors SET gen_time = '2020-01-01T00:00:00.000000Z'")
    connection.close()
    assert shown(ledger, "run-1", authority.pki.root) == {"state": "untrusted", "after": None, "by": None}
    code, found = cli("verify", "--json")
    assert code == 1 and "index-row-changed" in {each["code"] for each in found["findings"]}


def test_settings_choose_whom_this_machine_trusts(cli: Cli, ledger: Path, authority: Authority) -> None:
    choose(ledger, authority.url, roots=(authority.pki.root,))
    cli("anchor", "--now")
    assert cli("verify", "--json")[1]["findings"] == []
    assert cli("show", "run-1", "--json")[1]["times"]["by"]["trust"] == "trusted"
    status = cli("anchor", "--json")[1]
    assert (status["anchors"], status["roots"], status["problem"]) == (1, 1, None)
    summary = {name: status[name] for name in ("anchors", "covered", "unanchored")}
    assert cli("status", "--json")[1]["time"] == {**summary, "witnesses": 0}
    authority.pki.root.rename(authority.pki.root.with_suffix(".gone"))
    try:
        checking.read_roots.cache_clear()
        assert "cannot read the certificates" in cli("anchor", "--json")[1]["problem"]
        assert cli("verify")[0] == 2
        assert cli("show", "run-1", "--json")[1]["times"]["by"]["trust"] == "unchecked"
    finally:
        authority.pki.root.with_suffix(".gone").rename(authority.pki.root)


# checkpoints and witnesses


def test_a_kept_checkpoint_proves_that_nothing_before_it_changed(cli: Cli, ledger: Path, tmp_path: Path) -> None:
    note = tmp_path / "kept"
    assert "written to" in cli("checkpoint", "-o", note)[1]
    fingerprint = cli("checkpoint", "--json")[1]["fingerprint"]
    recorded(tmp_path, "run-3")
    for kept in (note, fingerprint, fingerprint.lower().replace("-", " ", 1).replace(" ", "-")):
        code, found = cli("verify", "--since", kept, "--json")
        assert (code, found["findings"]) == (0, []), kept
    other = recorded(tmp_path / "other", "run-1", "run-2")
    for kept, expected in ((note, 1), (fingerprint, 1)):
        assert cli("verify", "--since", kept, of=other)[0] == expected
    assert cli("verify", "--since", "nothing of the kind")[0] == 2


def test_a_shortened_ledger_is_rolled_back(cli: Cli, ledger: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", ledger, copy], check=True)
    recorded(tmp_path, "run-3")
    later = cli("checkpoint", "--json")[1]["fingerprint"]
    code, found = cli("verify", "--since", later, "--json", of=copy)
    assert (code, [each["code"] for each in found["findings"]]) == (1, ["rolled-back"])


def test_the_checkpoint_is_printed_to_be_published(cli: Cli, ledger: Path) -> None:
    found = cli("checkpoint", "--json")[1]
    told = cli("checkpoint")[1]
    assert found["fingerprint"] in told and found["note"] in told
    assert cli("checkpoint", "-o", "-")[1] == found["note"]
    assert "▀" in cli("checkpoint", "--qr")[1]
    public = Ledger.open(ledger, read_only=True).public
    assert checkpoint.open(found["note"].encode(), public).size == found["checkpoint"]["size"]


def test_a_colleague_cosigns_what_extends_what_was_seen_before(cli: Cli, ledger: Path, tmp_path: Path) -> None:
    mine = Ledger.open(ledger, read_only=True)
    key = tmp_path / "author.pem"
    key.write_text(mine.public.pem)
    mine.close()
    colleague = recorded(tmp_path / "colleague", "x")
    theirs = Ledger.open(colleague, read_only=True)
    witness = tmp_path / "witness.pem"
    witness.write_text(theirs.public.pem)
    theirs.close()

    first, second = tmp_path / "first", tmp_path / "second"
    cli("checkpoint", "-o", first)
    assert cli("cosign", first, of=colleague)[0] == 2, "an unknown log needs its key"
    code, told = cli("cosign", first, "--key", key, "--json", of=colleague)
    assert (code, told["before"]) == (0, None)
    size = told["checkpoint"]["size"]
    recorded(tmp_path, "run-3")
    cli("checkpoint", "-o", second)
    code, refusal = cli("cosign", second, of=colleague)
    assert code == 2 and f"a proof from {size} entries is needed" in refusal
    cli("checkpoint", "-o", second, "--since", size)
    code, told = cli("cosign", second, "--json", of=colleague)
    assert (code, told["before"]) == (0, size)

    code, back = cli("cosign", f"{second}.cosigned", "--import", "--key", witness, "--label", "李", "--json")
    assert (code, back["name"]) == (0, told["name"])
    assert cli("verify", "--json")[1]["time"]["witnesses"] == 1
    (row,) = cli("anchor", "--json")[1]["witnesses"]
    assert (row["label"], row["size"]) == ("李", told["checkpoint"]["size"])
    assert cli("cosign", f"{second}.cosigned", "--import", "--key", witness)[0] == 2, "once is enough"
    assert cli("cosign", f"{second}.cosigned", "--import", "--key", key)[0] == 1, "the author is no witness"
    assert cli("verify", "--since", f"{second}.cosigned", "--json")[1]["findings"] == []


def test_a_colleague_refuses_another_history_and_an_own_log(cli: Cli, ledger: Path, tmp_path: Path) -> None:
    colleague = recorded(tmp_path / "colleague", "x")
    mine = Ledger.open(ledger, read_only=True)
    key = tmp_path / "author.pem"
    key.write_text(mine.public.pem)
    mine.close()
    note = tmp_path / "note"
    cli("checkpoint", "-o", note)
    older = tmp_path / "older"
    subprocess.run(["cp", "-r", ledger, older], check=True)
    recorded(tmp_path, "run-3")
    later = tmp_path / "later"
    cli("checkpoint", "-o", later)
    assert cli("cosign", later, "--key", key, of=colleague)[0] == 0
    code, told = cli("cosign", note, of=colleague)
    assert code == 1 and "rolled back" in told
    assert cli("cosign", note)[0] == 2, "nobody witnesses the own log"
    foreign = tmp_path / "foreign.pem"
    opened = Ledger.open(colleague, read_only=True)
    foreign.write_text(opened.public.pem)
    opened.close()
    assert cli("cosign", note, "--key", foreign, of=colleague)[0] == 1


def test_a_service_and_the_command_line_share_one_ledger(
    cli: Cli, ledger: Path, authority: Authority, tmp_path: Path
) -> None:
    service = Service(Places(ledger, tmp_path / "secrets"), NoHost(tmp_path))
    service.start()
    until(lambda: service.live is not None)
    assert service.live is not None
    choose(ledger, authority.url)
    assert cli("anchor", "--now")[0] == 0
    service.live.anchoring.choose(Choice((Named("a", authority.url),), 600.0))
    service.live.anchoring.ask_now()
    assert service.live.anchoring.settled(HANG_S)
    service.close()
    code, found = cli("verify", "--root", authority.pki.root, "--json")
    assert (code, found["findings"]) == (0, [])
    assert len(found["time"]["anchors"]) >= 2
