"""Time-stamps of a running service, from real authorities on loopback: when they are asked, and what is kept."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance import service as service_module
from comfy_provenance.provenance.config import Authority as Named
from comfy_provenance.provenance.config import Places
from comfy_provenance.provenance.model import Accepted, Json, Withdrawn, system_clock
from comfy_provenance.provenance.pipeline import anchoring, authorities, schedule
from comfy_provenance.provenance.pipeline.anchoring import Choice
from comfy_provenance.provenance.pipeline.live import Live
from comfy_provenance.provenance.seal import timestamp
from comfy_provenance.provenance.service import Service
from comfy_provenance.provenance.store.attestations import AnchorRow
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.provenance.verify import verifier
from comfy_provenance.provenance.verify.bounds import Bounds
from comfy_provenance.tests.authorities import Authority, Pki, needs_openssl
from comfy_provenance.tests.unit.pipeline.test_statements import GRAPH, NoHost

pytestmark = needs_openssl
HANG_S = 120.0  # not a measure of speed
NEVER_S = 10 * HANG_S


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SETTLE_S", 0.05)
    monkeypatch.setattr(schedule, "FIRST_PAUSE_S", 0.2)
    monkeypatch.setattr(authorities, "_SPACING_S", 0.05)
    monkeypatch.setattr(authorities, "SILENCE_S", HANG_S)
    monkeypatch.setattr(service_module, "CLOSE_TIMEOUT_S", HANG_S)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def authority(pki: Pki) -> Iterator[Authority]:
    with Authority(pki) as running:
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Service]]:
    """Starts a service on the one ledger of the test."""
    started: list[Service] = []

    def begin() -> Service:
        service = Service(Places(tmp_path / "ledger", tmp_path / "secrets"), NoHost(tmp_path))
        started.append(service)
        service.start()
        until(lambda: service.live is not None)
        return service

    yield begin
    for service in started:
        service.close()


def until(condition: Callable[[], bool], timeout_s: float = HANG_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def live(service: Service) -> Live:
    assert service.live is not None
    return service.live


def choose(service: Service, *urls: str, interval_s: float = 600.0) -> None:
    named = tuple(Named(f"Authority {number}", url) for number, url in enumerate(urls))
    live(service).anchoring.choose(Choice(named, interval_s))


def anchors(service: Service) -> list[AnchorRow]:
    return live(service).ledger.index.attestations.anchors()


def lanes(service: Service) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = live(service).anchoring.status()["authorities"]
    return found


def run(service: Service, name: str) -> None:
    """One run from its submission to its end."""
    frozen = canonical.freeze({"prompt": GRAPH, "workflow": None, "extra": {}, "outputs": []})
    assert service.offer(Accepted(name, name, 1, None, None, frozen, system_clock()))
    service.offer(Withdrawn(name, system_clock()))
    assert service.drain(HANG_S)


def test_nothing_leaves_the_machine_before_the_author_chose(
    authority: Authority, start: Callable[[], Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*arguments: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    service = start()
    run(service, "e1")
    assert live(service).anchoring.status() == {"chosen": False, "authorities": []}
    live(service).anchoring.choose(Choice((), 600.0))
    run(service, "e2")
    assert live(service).anchoring.status() == {"chosen": True, "authorities": []}
    assert not [each for each in threading.enumerate() if each.name == "provenance-anchoring"]
    service.close()
    assert authority.asked == 0


def test_a_session_is_anchored_when_it_starts_and_what_is_recorded_verifies(
    authority: Authority, pki: Pki, start: Callable[[], Service]
) -> None:
    service = start()
    choose(service, authority.url)
    until(lambda: len(anchors(service)) == 1)
    (row,) = anchors(service)
    assert (row.authority, row.url, row.source) == ("Authority 0", authority.url, "requested")
    run(service, "e1")
    ledger = live(service).ledger
    roots = timestamp.read_roots(pki.root.read_bytes())
    report = verifier.verify(ledger.reader(), ledger.public, roots=roots)
    assert (report.findings, len(report.anchors)) == ((), 1)
    bounds = Bounds(report.anchors)
    assert bounds.of(0).by is not None and bounds.of(row.entry + 1).after is not None


def test_only_a_digest_and_a_nonce_are_sent(authority: Authority, start: Callable[[], Service]) -> None:
    service = start()
    choose(service, authority.url)
    until(lambda: len(anchors(service)) == 1)
    (body,), (headers,) = authority.bodies, authority.headers
    assert len(body) < 80 and bytes.fromhex(anchors(service)[0].note) in body
    assert headers.keys() == {
        "Content-Type", "Content-Length", "Accept", "Accept-Encoding", "User-Agent", "Host", "Connection",
    }  # fmt: skip
    assert headers["User-Agent"] == "comfy-provenance"


def test_a_token_is_no_reason_for_another_one(authority: Authority, start: Callable[[], Service]) -> None:
    service = start()
    choose(service, authority.url, interval_s=0.1)
    until(lambda: len(anchors(service)) == 1)
    until(lambda: lanes(service)[0]["state"] == "idle")
    time.sleep(0.5)
    assert authority.asked == 1 and lanes(service)[0]["state"] == "idle"


def test_what_is_new_waits_for_the_interval_and_is_then_anchored(
    authority: Authority, start: Callable[[], Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_s = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed_s)
    monkeypatch.setattr(anchoring, "time", clock)
    service = start()
    choose(service, authority.url, interval_s=NEVER_S)
    until(lambda: len(anchors(service)) == 1)
    run(service, "e1")
    run(service, "e2")
    until(lambda: lanes(service)[0]["state"] == "waiting")
    assert authority.asked == 1 and lanes(service)[0]["next_s"] > NEVER_S / 2
    passed_s = NEVER_S
    live(service).anchoring.notice()
    until(lambda: len(anchors(service)) == 2)
    assert anchors(service)[1].size == anchors(service)[1].entry, "one token covers all that is there"


def test_several_authorities_are_asked_and_none_waits_for_another(
    pki: Pki, start: Callable[[], Service], tmp_path: Path
) -> None:
    with Authority(pki) as good, Authority(Pki(tmp_path / "slow")) as slow, Authority(pki) as down:
        down.stop()
        slow.mode = "slow"
        service = start()
        choose(service, slow.url, down.url, good.url)
        until(lambda: len(anchors(service)) == 1)
        expected = {"Authority 0": "asking", "Authority 1": "failing", "Authority 2": "idle"}
        until(lambda: {each["name"]: each["state"] for each in lanes(service)} == expected)
        slow.stop()


def test_after_a_time_offline_everything_is_anchored(pki: Pki, start: Callable[[], Service]) -> None:
    with Authority(pki) as authority:
        authority.mode = "broken"
        service = start()
        choose(service, authority.url)
        run(service, "e1")
        until(lambda: authority.asked >= 2)
        run(service, "e2")
        assert anchors(service) == []
        (lane,) = lanes(service)
        assert lane["problem"] == "it answers with HTTP 500"
        authority.mode = "good"
        until(lambda: len(anchors(service)) == 1)
        assert anchors(service)[0].size >= live(service).ledger.index.counts().entries - 1
        until(lambda: lanes(service)[0]["problem"] is None)


def test_what_was_not_anchored_before_a_restart_is_anchored_after_it(pki: Pki, start: Callable[[], Service]) -> None:
    with Authority(pki) as authority:
        service = start()
        run(service, "e1")
        service.close()
        service = start()
        choose(service, authority.url)
        until(lambda: len(anchors(service)) == 1)
        assert anchors(service)[0].size >= 5
        service.close()
        asked = authority.asked
        service = start()
        choose(service, authority.url)
        until(lambda: authority.asked > asked)


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("wrong-nonce", "another nonce"),
        ("wrong-imprint", "other bytes"),
        ("garbage", "DER"),
        ("rejecting", "the authority refused: rejection: not this month"),
        ("redirect", "HTTP 302: it has moved"),
        ("broken", "HTTP 500"),
    ],
)
def test_a_bad_answer_is_told_and_never_recorded(
    authority: Authority, start: Callable[[], Service], pki: Pki, mode: str, problem: str
) -> None:
    with Authority(pki) as elsewhere:
        authority.mode, authority.elsewhere = mode, elsewhere.url
        service = start()
        choose(service, authority.url)
        until(lambda: bool(lanes(service)[0]["problem"]))
        assert problem in lanes(service)[0]["problem"]
        assert anchors(service) == [] and elsewhere.asked == 0
        assert service.status()["state"] == "recording", "recording goes on as before"


@pytest.mark.parametrize("mode", ["drip", "drip-head"])
def test_an_answer_without_end_is_cut_off(
    authority: Authority, start: Callable[[], Service], monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(authorities, "LONGEST_S", 0.5)
    authority.mode = mode
    service = start()
    choose(service, authority.url)
    until(lambda: bool(lanes(service)[0]["problem"]))
    assert "takes too long" in lanes(service)[0]["problem"]


def test_a_silent_authority_is_given_up(
    authority: Authority, start: Callable[[], Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorities, "SILENCE_S", 0.3)
    authority.mode = "slow"
    service = start()
    choose(service, authority.url)
    until(lambda: bool(lanes(service)[0]["problem"]))
    assert "no answer" in lanes(service)[0]["problem"]


def test_an_expired_authority_is_refused(pki: Pki, start: Callable[[], Service]) -> None:
    with Authority(pki, pki.signer(since=-400, until=-30)) as authority:
        service = start()
        choose(service, authority.url)
        until(lambda: bool(lanes(service)[0]["problem"]))
        assert "not valid at the token's time" in lanes(service)[0]["problem"]
        assert anchors(service) == []


def test_runs_are_recorded_while_authorities_hang(authority: Authority, start: Callable[[], Service]) -> None:
    authority.mode = "slow"
    service = start()
    choose(service, authority.url)
    until(lambda: authority.asked == 1)
    for number in range(20):
        run(service, f"e{number}")
    assert live(service).ledger.index.counts().executions == 20


def test_an_end_waits_a_moment_for_a_last_token_and_gets_it(
    authority: Authority, start: Callable[[], Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "LAST_ANCHOR_S", HANG_S)
    service = start()
    choose(service, authority.url)
    until(lambda: len(anchors(service)) == 1)
    run(service, "e1")
    service.close()
    ledger = Ledger.open(tmp_path / "ledger", read_only=True)
    first, last = ledger.index.attestations.anchors()
    assert last.size > first.entry + 1, "the last token covers the run"
    assert ledger.index.entry(last.entry + 1).kind == "session", "only the session's end comes after it"
    report = verifier.verify(ledger.reader(), ledger.public)
    assert [each.code for each in report.findings] == ["anchor-unchecked"]
    ledger.close()


def test_an_end_does_not_wait_for_a_hanging_authority(
    authority: Authority, start: Callable[[], Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "LAST_ANCHOR_S", 0.1)
    for name in ("SILENCE_S", "LONGEST_S"):
        monkeypatch.setattr(authorities, name, NEVER_S)
    authority.mode, authority.delay_s = "slow", NEVER_S
    service = start()
    choose(service, authority.url)
    until(lambda: authority.asked == 1)
    service.close()
    assert authority.answered == 0


def test_an_end_does_not_wait_for_an_authority_that_failed_before(
    authority: Authority, start: Callable[[], Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "FIRST_PAUSE_S", NEVER_S)
    authority.mode = "broken"
    service = start()
    choose(service, authority.url)
    until(lambda: lanes(service)[0]["state"] == "failing")
    service.close()
    assert authority.asked == 1


def test_asking_now_waits_for_nothing(authority: Authority, start: Callable[[], Service]) -> None:
    service = start()
    choose(service, authority.url)
    until(lambda: len(anchors(service)) == 1)
    run(service, "e1")
    live(service).anchoring.ask_now()
    assert live(service).anchoring.settled(HANG_S)
    assert len(anchors(service)) == 2


def test_the_choice_can_be_changed_and_taken_back(authority: Authority, pki: Pki, start: Callable[[], Service]) -> None:
    service = start()
    choose(service, authority.url, interval_s=0.1)
    until(lambda: len(anchors(service)) == 1)
    with Authority(pki) as other:
        choose(service, other.url, interval_s=0.1)
        until(lambda: len(anchors(service)) == 2)
        live(service).anchoring.choose(Choice((), 0.1))
        run(service, "e1")
        time.sleep(0.4)
        assert (authority.asked, other.asked) == (1, 1)


def test_a_token_that_contradicts_an_earlier_one_is_not_recorded(
    pki: Pki, start: Callable[[], Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority whose clock is an hour slow."""
    with Authority(pki) as good, Authority(pki) as slow_clock:
        service = start()
        choose(service, good.url)
        until(lambda: len(anchors(service)) == 1)
        real = timestamp._time_ns
        monkeypatch.setattr(timestamp, "_time_ns", lambda node: real(node) - 3_600 * 10**9)
        choose(service, slow_clock.url)
        run(service, "e1")
        until(lambda: bool(lanes(service)[0]["problem"]))
        assert "a clock is wrong" in lanes(service)[0]["problem"]
        assert len(anchors(service)) == 1
        assert service.status()["state"] == "recording"


def test_a_choice_made_while_the_ledger_is_being_opened_is_not_lost(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(Places(tmp_path / "ledger", tmp_path / "secrets"), NoHost(tmp_path))
    opened, release = Live.open, threading.Event()

    def slowly(*arguments: Any, **named: Any) -> Live:
        made = opened(*arguments, **named)
        release.wait(HANG_S)
        return made

    monkeypatch.setattr(Live, "open", slowly)
    service.start()
    until((tmp_path / "ledger" / "ledger.sqlite3").exists)
    chosen = {"authorities": [{"name": "A", "url": authority.url}]}
    (tmp_path / "ledger" / "settings.json").write_text(json.dumps(chosen), encoding="utf-8")
    service.settings_changed()
    release.set()
    until(lambda: authority.asked == 1)
    service.close()
