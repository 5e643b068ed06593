"""Talking to time-stamping authorities over HTTP (RFC 3161 section 3.4), and those that anybody may ask.

What leaves the machine: a digest of a checkpoint and a random number, and what every HTTP request shows (the machine's
address, the name of this software). A proxy of the system's is used where there is one.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import suppress
from typing import Any
from urllib import error, request
from urllib.parse import urlsplit, urlunsplit

from ..config import SOFTWARE, Authority
from ..errors import NetworkError
from ..seal.timestamp import LARGEST_TOKEN

PUBLIC = (
    Authority("DigiCert", "http://timestamp.digicert.com"),
    Authority("Sectigo", "http://timestamp.sectigo.com"),
    Authority("GlobalSign", "http://timestamp.globalsign.com/tsa/r6advanced1"),
    Authority("Certum", "http://time.certum.pl"),
    Authority("FreeTSA", "https://freetsa.org/tsr"),
)
SILENCE_S = 10.0  # without a byte
LONGEST_S = 30.0  # in all
TOO_SLOW = "it takes too long to answer"
_SPACING_S = 1.0
_SPACINGS_S = {"timestamp.sectigo.com": 15.0}  # as Sectigo asks for
_BLOCK = 16 * 1024


def spacing_s(url: str) -> float:
    """How long an authority wants to be left alone between two requests, in seconds."""
    return _SPACINGS_S.get(urlsplit(url).hostname or "", _SPACING_S)


def as_recorded(url: str) -> str:
    """The address as an entry tells it: without query and fragment, which may hold a customer's key."""
    return urlunsplit((*urlsplit(url)[:3], "", ""))


def ask(url: str, query: bytes) -> bytes:
    """Post a request in DER and give the response's bytes; nothing about them is checked. Blocks, up to about
    `LONGEST_S`. Raises NetworkError with one line. Redirections are not followed: those of hotels lead to pages."""
    post = request.Request(  # noqa: S310 (config.checked_url lets http and https pass only)
        url,
        data=query,
        headers={
            "Content-Type": "application/timestamp-query",
            "Accept": "application/timestamp-reply",
            "User-Agent": SOFTWARE,
        },
    )
    begun = time.monotonic()
    try:
        with _Deadline(LONGEST_S) as opener, opener.open(post, timeout=SILENCE_S) as response:
            data = _read(response)
    except error.HTTPError as answer:
        with answer:
            moved = 300 <= answer.code < 400
            raise NetworkError(f"it answers with HTTP {answer.code}{': it has moved' if moved else ''}") from answer
    except (OSError, http.client.HTTPException, ValueError) as problem:  # URLError is an OSError
        if time.monotonic() - begun >= LONGEST_S:
            raise NetworkError(TOO_SLOW) from problem
        raise NetworkError(f"it cannot be reached: {_reason(getattr(problem, 'reason', problem))}") from problem
    if time.monotonic() - begun >= LONGEST_S:
        raise NetworkError(TOO_SLOW)  # what came may have been cut
    return data


class _NoRedirect(request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


class _Deadline:
    """Cuts the connections of one request when its time is up: a timeout of the socket's own counts from byte to byte,
    and an answer may trickle in for ever."""

    def __init__(self, seconds: float) -> None:
        self._sockets: list[socket.socket] = []
        self._over = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> request.OpenerDirector:
        opened = self._opened

        class Plain(http.client.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                opened(self.sock)

        class Secure(http.client.HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                opened(self.sock)

        class PlainHandler(request.HTTPHandler):
            def http_open(self, req: request.Request) -> Any:
                return self.do_open(Plain, req)

        class SecureHandler(request.HTTPSHandler):
            def https_open(self, req: request.Request) -> Any:
                return self.do_open(Secure, req)

        self._timer.start()
        return request.build_opener(_NoRedirect, PlainHandler, SecureHandler)

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()

    def _opened(self, connected: socket.socket) -> None:
        with self._lock:
            self._sockets.append(connected)
            late = self._over
        if late:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            self._over = True
            opened = list(self._sockets)
        for each in opened:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _read(response: Any) -> bytes:
    data = bytearray()
    while block := response.read1(_BLOCK):
        data += block
        if len(data) > LARGEST_TOKEN:
            raise NetworkError(f"it answers with more than {LARGEST_TOKEN // 1024} KiB")
    return bytes(data)


def _reason(problem: object) -> str:
    if isinstance(problem, TimeoutError | socket.timeout):
        return f"no answer in {SILENCE_S:.0f} s"
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return " ".join(str(text).split())[:200]
