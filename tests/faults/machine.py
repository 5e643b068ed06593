"""Hosts that are started often and ended in every way, and a page that listens to what they say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import hosts
from comfy_provenance.provenance.present import checking
from comfy_provenance.provenance.seal import checkpoint, dsse
from comfy_provenance.provenance.store.ledger import Ledger

ROOT = hosts.ROOT
HANG_S = 120.0
CAN_FORK = hasattr(os, "fork")


class Nursery:
    """Gives birth to embedded hosts; see `forking.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forking.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def birth(self, arguments: list[str], log: Path, environment: dict[str, str]) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        wish = {"arguments": arguments, "log": str(log), "environment": environment}
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(HANG_S)


class ForkedHost(hosts.Host):
    """An embedded host as `hosts.Host`, born by a nursery. `folder` outlives it."""

    def __init__(self, nursery: Nursery, page: Path, folder: Path, *, pack: bool = True) -> None:
        super().__init__(hosts.embedded(), folder, pack=pack)
        self._nursery = nursery
        self._page = page
        self.pid = 0
        self.log.touch()

    def spawn(self) -> None:
        """Start without waiting for anything."""
        self.port = hosts._free_port()
        arguments = [
            "--port",
            str(self.port),
            "--front-end-root",
            str(self._page),
            "--base-directory",
            str(self.folder),
        ]
        for name in ("user", "output", "input"):
            arguments += [f"--{name}-directory", str(self.folder / name)]
        arguments += ["--temp-directory", str(self.folder), "--extra-pack", str(hosts.HOLDING), *self.arguments]
        arguments += [] if self.pack else ["--no-pack"]
        self.pid = self._nursery.birth(arguments, self.log, {"XDG_DATA_HOME": str(self.folder / "data")})

    def start(self) -> ForkedHost:
        self.spawn()
        deadline = time.monotonic() + HANG_S
        while time.monotonic() < deadline:
            if not self.alive():
                raise RuntimeError(f"the host ended at its start:\n{self.log_text()[-4000:]}")
            with contextlib.suppress(OSError, hosts.Answer):
                self.get("/system_stats")
                return self
            time.sleep(0.02)
        raise RuntimeError(f"the host did not start:\n{self.log_text()[-4000:]}")

    def alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def signal(self, number: int) -> None:
        """Send a signal and wait until the process has gone."""
        if not self.pid:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        deadline = time.monotonic() + HANG_S
        while self.alive():
            assert time.monotonic() < deadline, f"the host does not end:\n{self.log_text()[-4000:]}"
            time.sleep(0.01)
        self.pid = 0

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def stop(self) -> None:
        self.signal(signal.SIGINT)

    def status(self) -> dict[str, Any]:
        return dict(self.get("/provenance/v1/status"))

    def status_when(self, *states: str) -> dict[str, Any]:
        """The status once it is one of these."""
        deadline = time.monotonic() + HANG_S
        while True:
            found = self.status()
            if found["state"] in states:
                return found
            assert time.monotonic() < deadline, f"{found}\n{self.log_text()[-4000:]}"
            time.sleep(0.02)

    def settled_runs(self, count: int) -> list[dict[str, Any]]:
        """The newest runs once nothing waits to be written, newest first."""
        self.settled()
        return list(self.get(f"/provenance/v1/executions?limit={count}")["items"])


MakeHost = Callable[..., ForkedHost]


class Listener:
    """A page: keeps every `provenance` message that arrived, in order."""

    def __init__(self, host: hosts.Host, client: str = "listener") -> None:
        self.heard: list[dict[str, Any]] = []
        self._url = f"ws://127.0.0.1:{host.port}/ws?clientId={client}"
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(HANG_S)

    def _run(self) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.close()

    async def _listen(self) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(self._url) as socket:
            self._ready.set()
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    told = json.loads(message.data)
                    if told.get("type") == "provenance":
                        self.heard.append(told["data"])

    def end(self) -> list[dict[str, Any]]:
        """Wait for the connection to end with the host; gives what was heard."""
        self._thread.join(HANG_S)
        return self.heard


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[Ledger]:
    ledger = Ledger.open(folder, read_only=True)
    try:
        yield ledger
    finally:
        ledger.close()


def statements(folder: Path) -> list[dict[str, Any]]:
    """What the entries of a ledger say, in order: each predicate, with its kind under `kind`."""
    with reading(folder) as ledger:
        reader = ledger.reader()
        size = checkpoint.open(reader.checkpoint(), ledger.public).size
        read = [json.loads(dsse.read_unverified(reader.entry(place)).payload) for place in range(size)]
    return [{**said["predicate"], "kind": said["predicateType"].split("/")[-2]} for said in read]


def verified(folder: Path) -> list[dict[str, Any]]:
    """Check a ledger's log and index; gives the findings, none of which is an error."""
    with reading(folder) as ledger:
        found = checking.verify(ledger)
    assert found["ok"], found
    return list(found["findings"])
