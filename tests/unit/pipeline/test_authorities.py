"""The request over the wire: plain, encrypted, and to a server that is not who it says."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.provenance.errors import NetworkError
from comfy_provenance.provenance.pipeline import authorities
from comfy_provenance.provenance.seal import timestamp
from comfy_provenance.tests.authorities import Authority, Pki, needs_openssl
from cryptography.x509.oid import ExtendedKeyUsageOID

pytestmark = needs_openssl
NOTE = b"note"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long an authority may take is measured where that is what the test is about."""
    monkeypatch.setattr(authorities, "SILENCE_S", 120.0)
    monkeypatch.setattr(authorities, "LONGEST_S", 120.0)


def test_a_token_comes_over_http(tmp_path: Path) -> None:
    with Authority(Pki(tmp_path)) as authority:
        asked = timestamp.request(NOTE)
        token = timestamp.token_of(authorities.ask(authority.url, asked.der))
        assert timestamp.check_answer(token, NOTE, asked).said.nonce == asked.nonce


def test_a_token_comes_over_https_from_a_server_that_the_system_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki = Pki(tmp_path)
    server = pki.signer(usage=(ExtendedKeyUsageOID.SERVER_AUTH,), critical=False, address="127.0.0.1")
    with Authority(pki, tls=server) as authority:
        asked = timestamp.request(NOTE)
        with pytest.raises(NetworkError, match="cannot be reached"):
            authorities.ask(authority.url, asked.der)
        monkeypatch.setenv("SSL_CERT_FILE", str(pki.root))
        token = timestamp.token_of(authorities.ask(authority.url, asked.der))
        assert timestamp.check_answer(token, NOTE, asked).said.nonce == asked.nonce


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/tsr", "http://no-such-host.invalid/tsr"])
def test_nobody_there_is_one_line(url: str) -> None:
    with pytest.raises(NetworkError) as told:
        authorities.ask(url, b"")
    assert "\n" not in str(told.value)


def test_a_connection_that_is_made_when_the_time_is_up_is_cut_off_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not there yet when connections were cut, and what came in drops was read without end."""
    connect = socket.create_connection

    def late(*arguments: Any, **named: Any) -> socket.socket:
        time.sleep(0.3)
        return connect(*arguments, **named)

    monkeypatch.setattr(socket, "create_connection", late)
    monkeypatch.setattr(authorities, "LONGEST_S", 0.05)
    with Authority(Pki(tmp_path)) as authority:
        authority.mode = "drip"
        with pytest.raises(NetworkError, match="takes too long"):
            authorities.ask(authority.url, b"")
