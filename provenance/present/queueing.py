"""Queues recorded runs again on a running ComfyUI, over its HTTP, and waits for what the record says of them.

The order is always the same: wait until nothing else runs, have the caches freed, post to ComfyUI's own `/prompt`, wait
for the outcome. Nothing is sent anywhere but to the one server that was named.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InputError, NetworkError, NotFound
from ..model import Json

LOCAL = "http://127.0.0.1:8188"
BASE = "/provenance/v1"
POLL_S = 0.25
ANSWER_S = 60.0
INTERRUPT_S = 2.0
_ENDED = frozenset({"success", "error", "interrupted", "cancelled", "lost"})

Tell = Callable[[str], object]


class Server:
    """One ComfyUI with this pack. Every call raises NetworkError when it does not answer, InputError for a refusal."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InputError(f"no address of a server: {url}")
        self._host, self._folder = parts.netloc.rpartition("@")[2], parts.path.rstrip("/")
        secure = parts.scheme == "https"
        self._connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection

    def get(self, path: str) -> Any:
        """The JSON of a route below the record's own."""
        return self._json(self._send("GET", f"{BASE}/{path}", None))

    def post(self, path: str, body: Mapping[str, Json]) -> bytes:
        """The exact answer of a route below the record's own."""
        return self._send("POST", f"{BASE}/{path}", json.dumps(body).encode())

    def plan(self, ref: str) -> dict[str, Json]:
        """What to know before a run is queued again; see `replaying.plan`."""
        return dict(self.get(f"replays/{urllib.parse.quote(ref, safe='')}"))

    def plan_sheet(self, ref: str, asked: Mapping[str, Json]) -> dict[str, Json]:
        """The cells of a sheet of variations; see `replaying.sheet`."""
        return dict(self._json(self.post(f"replays/{urllib.parse.quote(ref, safe='')}/sheet", asked)))

    def sheet(self, name: str) -> dict[str, Json]:
        """A sheet as far as it was queued; see `sheets.told`."""
        return dict(self.get(f"sheets/{urllib.parse.quote(name, safe='')}"))

    def queue(self, ref: str, wanted: Mapping[str, Json]) -> str:
        """Queue a run again and give ComfyUI's id of it. wanted: see `replaying.asked`."""
        body = self.post(f"replays/{urllib.parse.quote(ref, safe='')}/prompt", wanted)
        return str(self._json(self._send("POST", "/prompt", body))["prompt_id"])

    def put_back(self, ref: str) -> list[dict[str, Json]]:
        """Have kept copies of missing or changed inputs written under new names."""
        answer = self._json(self.post(f"restore/{urllib.parse.quote(ref, safe='')}/inputs", {}))
        return list(answer["written"])

    def refresh(self, deadline: float, tell: Tell) -> bool:
        """Wait until nothing runs and have the caches freed; False, after saying why, when they cannot be."""
        told = None
        while True:
            answer = self._json(self.post("fresh", {}))
            if answer["fresh"] or not answer["waiting"]:
                if not answer["fresh"]:
                    tell(answer["reason"])
                return bool(answer["fresh"])
            if time.monotonic() > deadline:
                raise InputError(f"{answer['waiting']} other runs wait or run: try again when the queue is empty")
            if answer["waiting"] != told:
                told = answer["waiting"]
                tell(f"waiting for {told} other runs")
            time.sleep(POLL_S)

    def outcome(self, execution: str, deadline: float, *, compared: bool = True) -> dict[str, Json]:
        """The run as `show` gives it, once it has ended and, if that is wanted, has been compared."""
        while True:
            try:
                run = dict(self.get(f"executions/{execution}"))
            except NotFound:  # accepted and not written yet
                run = {"status": "queued", "replay": None}
            again = run["replay"]
            settled = not compared or (again is not None and (again["outcome"] is not None or not again["known"]))
            if run["status"] in _ENDED and settled:
                return run
            if time.monotonic() > deadline:
                raise NetworkError(f"run {execution} has not ended in time; the record will tell when it does")
            time.sleep(POLL_S)

    def cancel(self, executions: list[str]) -> None:
        """Take these runs out of the queue, and interrupt the one of them that is running: again for a moment, since
        ComfyUI forgets a request that comes before the first node of a run."""
        self._send("POST", "/queue", json.dumps({"delete": executions}).encode())
        deadline = time.monotonic() + INTERRUPT_S
        while running := self._running(executions):
            for execution in running:
                self._send("POST", "/interrupt", json.dumps({"prompt_id": execution}).encode())
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_S)

    def _running(self, executions: list[str]) -> list[str]:
        told = self._json(self._send("GET", "/queue", None))["queue_running"]
        return [item[1] for item in told if item[1] in executions]

    def thumbnail(self, sha256: str) -> bytes:
        """The small picture of an output, as WebP."""
        return self._send("GET", f"{BASE}/thumbnails/{sha256}", None)

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection = self._connect(self._host, timeout=ANSWER_S)
        try:
            connection.request(method, self._folder + path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NetworkError(f"no ComfyUI answers at {self._host}: {error}") from error
        finally:
            connection.close()
        if answer.status == 200:
            return data
        message = _message(data) or f"{self._host} answered {answer.status} {answer.reason}"
        if answer.status == 404 and path.startswith(BASE):
            raise NotFound(message)
        raise InputError(message)

    def _json(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError as error:
            raise NetworkError(f"{self._host} gave no JSON: it may be no ComfyUI with this pack") from error


def _message(data: bytes) -> str | None:
    """What ComfyUI or a route of ours says went wrong, in one line."""
    try:
        found = json.loads(data)
    except ValueError:
        return None
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, dict):
        reasons = [error.get("message"), error.get("details")]
        for node, told in (found.get("node_errors") or {}).items():
            reasons += [
                f"node {node}: {each.get('message')} ({each.get('details')})" for each in told.get("errors", ())
            ]
        return "; ".join(str(reason) for reason in reasons if reason)
    return error if isinstance(error, str) else None
