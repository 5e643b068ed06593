"""A plain client of ComfyUI's HTTP interface: queue a prompt, wait for it, upload, cancel."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from typing import Any
from urllib.parse import urlsplit


class Refused(Exception):
    """The host answered with an error status; `status` and the decoded `body` say which and why."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"the host answered {status}: {body}")
        self.status = status
        self.body = body


class Client:
    """Speaks to one host. `client_id` marks its runs as asked for by a page, so that cached outputs are listed too."""

    def __init__(self, url: str, client_id: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"not a web address: {url}")
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._address = parts.netloc
        self.client_id = client_id or uuid.uuid4().hex

    def get(self, path: str) -> Any:
        """The decoded JSON answer. Refused on an error status, OSError when the host is not there."""
        return self._send("GET", path)

    def post(self, path: str, data: Any) -> Any:
        """As `get`, with a JSON body; None when the answer is empty."""
        return self._send("POST", path, json.dumps(data).encode("utf-8"))

    def upload(self, name: str, content: bytes) -> str:
        """Put a file into the input folder; the answer is the name it got."""
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
        body = (
            head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + f"\r\n--{edge}--\r\n".encode()
        )
        answer = self._send("POST", "/upload/image", body, f"multipart/form-data; boundary={edge}")
        return str(answer["name"])

    def queue(self, prompt: dict[str, Any], extra_data: dict[str, Any]) -> str:
        """Queue a prompt and return its id. Refused when it does not validate."""
        data = {"prompt": prompt, "client_id": self.client_id, "extra_data": extra_data}
        return str(self.post("/prompt", data)["prompt_id"])

    def wait(self, prompt_id: str, seconds: float = 600.0) -> dict[str, Any]:
        """The history entry of a prompt once it has ended. TimeoutError when it does not end in time."""
        deadline = time.monotonic() + seconds
        pause = 0.01
        while time.monotonic() < deadline:
            found = self.get(f"/history/{prompt_id}")
            if prompt_id in found:
                entry: dict[str, Any] = found[prompt_id]
                return entry
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
        raise TimeoutError(f"run {prompt_id} did not end within {seconds:.0f} s")

    def wait_until_running(self, prompt_id: str, seconds: float = 600.0) -> bool:
        """True as soon as the prompt runs; False when it has ended before that was seen."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(item[1] == prompt_id for item in self.get("/queue")["queue_running"]):
                return True
            if prompt_id in self.get(f"/history/{prompt_id}"):
                return False
            time.sleep(0.01)
        raise TimeoutError(f"run {prompt_id} did not start within {seconds:.0f} s")

    def interrupt(self, prompt_id: str) -> None:
        """Ask for a running prompt to be cancelled."""
        self.post("/interrupt", {"prompt_id": prompt_id})

    def stop(self, prompt_id: str, seconds: float = 600.0) -> None:
        """Have a running prompt cancelled, and wait until it has ended. Asked again and again: a host forgets a request
        that comes before the first node of the run. TimeoutError when it does not end in time."""
        deadline = time.monotonic() + seconds
        while prompt_id not in self.get(f"/history/{prompt_id}"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {prompt_id} did not stop within {seconds:.0f} s")
            self.interrupt(prompt_id)
            time.sleep(0.05)

    def _send(self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> Any:
        connect = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = connect(self._address, timeout=60)
        try:
            connection.request(method, path, body=body, headers={"Content-Type": content_type} if body else {})
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        try:
            decoded = json.loads(text) if text else None
        except ValueError:
            decoded = text
        if answer.status >= 400:
            raise Refused(answer.status, decoded)
        return decoded
