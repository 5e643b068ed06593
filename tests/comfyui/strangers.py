"""What a stranger sends: names, bodies and headers that should lead nowhere, and how a host is asked with them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import quote

import hosts
from aiohttp import web
from comfy_provenance.host import routes

BASE = "/provenance/v1"
SECRET_WORDS = (b"PRIVATE KEY", b"root:x:", b"Traceback")

TRAVERSALS = (
    "../../user/__provenance/secrets/signing-key.pem",
    "..\\..\\user\\__provenance\\secrets\\signing-key.pem",
    "/etc/passwd",
    "//etc/passwd",
    "\\\\server\\share\\x",
    "C:\\Windows\\win.ini",
    "file:///etc/passwd",
    "output/../user/__provenance/secrets/signing-key.pem",
    "output/....//....//etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%252f..%252fetc%252fpasswd",
    "~/.ssh/id_rsa",
    "sha256:../../etc/passwd",
    "input/\0/etc/passwd",
    ".",
    "..",
)
NAMES = {
    "script": '<img src=x onerror="window.hacked=1">',
    "markup that closes": '"></a><script>window.hacked=1</script>',
    "right to left": "cat\u202egnp.exe",
    "isolates": "\u2066abc\u2069\u200f\u200b",
    "device": "CON",
    "device with ending": "nul.png",
    "device in a folder": "aux/com1",
    "line feed": "two\r\nX-Injected: 1",
    "terminal": "\x1b]0;title\x07\x1b[2J",
    "template": "{{7*7}}${7*7}#{7*7}",
    "sql": "'; DROP TABLE executions; --",
    "format": "%s%n%x {0} {__class__}",
    "wide": "Ｃ\u212a\U0001f600",
    "long": "x" * 3_000,
}


@dataclass(frozen=True)
class Said:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> str:
        """The one line of our own answer; empty for what the server itself refuses."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            return ""
        return str(json.loads(self.body)["error"])


@dataclass(frozen=True)
class Route:
    """One of the pack's routes, with a place for what a stranger puts into it."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path.removeprefix(BASE)}"

    @property
    def has_name(self) -> bool:
        return "{" in self.path

    def with_name(self, name: str) -> str:
        before, brace, rest = self.path.partition("{")
        return before + quoted(name) + rest.partition("}")[2] if brace else before


def quoted(name: str, safe: str = "") -> str:
    """A name as one part of a path or a query."""
    return quote(name, safe=safe)


def every_route() -> list[Route]:
    """All routes that the pack registers, those of later releases too."""
    table = web.RouteTableDef()
    routes.register(table, MagicMock(), MagicMock())  # nothing is asked of them before a request comes
    return [Route(each.method, each.path) for each in table if isinstance(each, web.RouteDef)]


def ask(
    host: hosts.Host, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Said:
    """One request, sent as it is: no redirect is followed, no path is tidied."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=hosts.RUN_S)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Said(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def state(host: hosts.Host, path: str, body: Any, **headers: str) -> Said:
    """A statement as a page of ours sends it."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(host, "POST", f"{BASE}/{path}", data, {"Content-Type": "application/json", **headers})


def clean(said: Said) -> bool:
    """Whether an answer gives away nothing that only the machine's owner should see, and cannot run in a page."""
    kind = said.headers.get("content-type", "")
    runs = kind.split(";")[0].strip() in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript")
    return not runs and not any(word in said.body for word in SECRET_WORDS)
