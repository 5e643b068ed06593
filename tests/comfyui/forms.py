"""Sends multipart forms as the page does: a JSON statement beside files."""

from __future__ import annotations

import json
import uuid
from typing import Any

import hosts

API = "/provenance/v1"


def form(
    host: hosts.Host, path: str, statement: Any, files: list[tuple[str, str, bytes]], **headers: str
) -> dict[str, Any]:
    """Send a form as the page does."""
    mark = uuid.uuid4().hex
    body = f'--{mark}\r\nContent-Disposition: form-data; name="statement"\r\n\r\n{json.dumps(statement)}\r\n'.encode()
    for part, name, data in files:
        disposition = f'Content-Disposition: form-data; name="{part}"; filename="{name}"'
        body += f"--{mark}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n".encode() + data + b"\r\n"
    body += f"--{mark}--\r\n".encode()
    answer = host.request(
        "POST", f"{API}/{path}", body, {"Content-Type": f"multipart/form-data; boundary={mark}", **headers}
    )
    return dict(json.loads(answer))
