"""The request over the wire: plain, encrypted, and to a server that is not who it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import NetworkError
from comfy_provenance.provenance.pipeline import authorities
from comfy_provenance.provenance.seal import timestamp
from comfy_provenance.tests.authorities import Authority, Pki, needs_openssl
from cryptography.x509.oid import ExtendedKeyUsageOID

pytestmark = needs_openssl
NOTE = b"note"


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
