"""Starts a host with the pack in it, and talks to it as any client does.

Two kinds: the embedded host of `demo/`, and a real ComfyUI found through `COMFYUI_PATH` (else comfy-cli's default
place) and `COMFYUI_PYTHON` (else its own venv). Both take the same arguments, so nothing else differs. A real one runs
on the CPU, and with `COMFYUI_DEVICE=gpu` where it runs by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfy_provenance.provenance.errors import ProvenanceError
from comfy_provenance.provenance.store.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
PACK = "comfy-provenance"
HOLDING = Path(__file__).with_name("holding")  # the pack behind `graphs.held`
HANG_S = 180.0
JSON = {"Content-Type": "application/json"}
RUN_S = 120.0
DEVICE = () if os.environ.get("COMFYUI_DEVICE") == "gpu" else ("--cpu",)


@dataclass(frozen=True)
class Kind:
    """One kind of host: its name in test ids and the command that starts it."""

    name: str
    command: tuple[str, ...]
    folder: Path
    real: bool


def embedded() -> Kind:
    return Kind("embedded", (sys.executable, str(ROOT / "demo" / "serve.py")), ROOT, real=False)


def real() -> Kind | None:
    """The real ComfyUI this machine offers; None when there is none."""
    given = os.environ.get("COMFYUI_PATH")
    folder = Path(given) if given else Path.home() / "comfy" / "ComfyUI"
    if not (folder / "main.py").is_file():
        return None
    python = os.environ.get("COMFYUI_PYTHON")
    places = (folder / "venv" / "bin" / "python", folder / ".venv" / "bin" / "python")
    found = python or next((str(place) for place in places if place.is_file()), None)
    if found is None:
        return None
    return Kind(f"comfyui-{folder.name}", (found, "main.py", *DEVICE), folder, real=True)


class Answer(Exception):
    """An HTTP answer that is not 200."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:500].decode(errors='replace')}")
        self.status = status
        self.body = body


class Host:
    """A running host. `folder` holds user/, output/, input/ and temp/; it outlives the process."""

    def __init__(self, kind: Kind, folder: Path, *, pack: bool = True, arguments: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.folder = folder
        self.pack = pack
        self.arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "host.log"
        self._described: set[str] = set()
        for name in ("user", "output", "input", "temp", "custom_nodes"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def ledger(self) -> Path:
        return self.folder / "user" / "__provenance"

    def start(self) -> Host:
        self.port = _free_port()
        command = [*self.kind.command, "--port", str(self.port), "--listen", "127.0.0.1"]
        for name in ("user", "output", "input"):
            command += [f"--{name}-directory", str(self.folder / name)]
        command += ["--temp-directory", str(self.folder)]
        if self.kind.real:
            command += self._real_arguments()
        else:
            command += ["--extra-pack", str(HOLDING), *([] if self.pack else ["--no-pack"])]
        environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "HF_HUB_OFFLINE": "1",
            "XDG_DATA_HOME": str(self.folder / "data"),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.arguments], cwd=self.kind.folder, stdout=log, stderr=log, env=environment
            )
        self._wait_until_ready()
        return self

    def _real_arguments(self) -> list[str]:
        packs = self.folder / "custom_nodes"
        for name, folder in ((PACK, ROOT), (HOLDING.name, HOLDING)):
            if (self.pack or name != PACK) and not (packs / name).exists():
                (packs / name).symlink_to(folder, target_is_directory=True)
        paths = self.folder / "paths.yaml"
        paths.write_text(f"tests:\n  base_path: {self.folder}\n  custom_nodes: custom_nodes\n", encoding="utf-8")
        arguments = ["--disable-auto-launch", "--extra-model-paths-config", str(paths)]
        if "--database-url" in (self.kind.folder / "comfy" / "cli_args.py").read_text(encoding="utf-8"):
            arguments += ["--database-url", f"sqlite:///{self.folder / 'comfyui.db'}"]
        front_end = os.environ.get("COMFYUI_FRONT_END")
        return arguments + (["--front-end-root", front_end] if front_end else [])

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + HANG_S
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise RuntimeError(f"the host ended at its start:\n{self.log_text()[-4000:]}")
            with contextlib.suppress(OSError, Answer):
                self.get("/system_stats")
                return
            time.sleep(0.1)
        raise RuntimeError(f"the host did not start:\n{self.log_text()[-4000:]}")

    def stop(self) -> None:
        """Ask the host to end, as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(HANG_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def kill(self) -> None:
        """End the host as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(HANG_S)
        self.process = None

    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=body, method=method, headers=dict(headers or {})
        )
        try:
            with urllib.request.urlopen(request, timeout=RUN_S) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise Answer(error.code, error.read()) from None

    def get(self, path: str) -> Any:
        return json.loads(self.request("GET", path))

    def post(self, path: str, body: Any) -> Any:
        answer = self.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.loads(answer) if answer else None

    def upload(self, name: str, data: bytes) -> None:
        mark = uuid.uuid4().hex
        body = (
            f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
            "Content-Type: image/png\r\n\r\n"
        ).encode() + data
        body += (
            f'\r\n--{mark}\r\nContent-Disposition: form-data; name="overwrite"\r\n\r\ntrue\r\n--{mark}--\r\n'.encode()
        )
        self.request("POST", "/upload/image", body, {"Content-Type": f"multipart/form-data; boundary={mark}"})

    def submit(
        self,
        prompt: Mapping[str, Any],
        *,
        workflow: Any = None,
        parent: str | None = None,
        extra: Mapping[str, Any] | None = None,
        client: str | None = None,
        prompt_id: str | None = None,
    ) -> str:
        """Queue a graph; gives the prompt id. A workflow is sent as the page sends it."""
        extra_data: dict[str, Any] = dict(extra or {})
        if workflow is not None:
            extra_data["extra_pnginfo"] = {"workflow": workflow}
        if parent is not None:
            extra_data["provenance"] = {"parent": parent}
        body: dict[str, Any] = {"prompt": prompt, "extra_data": extra_data}
        if client is not None:
            body["client_id"] = client
        if prompt_id is not None:
            body["prompt_id"] = prompt_id
        return str(self.post("/prompt", body)["prompt_id"])

    def let_go(self, name: str = "let-go") -> None:
        """End the runs of `graphs.held` that wait for this."""
        (self.folder / "user" / name).touch()

    def hold(self, name: str = "let-go") -> None:
        """Have such runs wait again."""
        (self.folder / "user" / name).unlink()

    def wait_until_held(self, name: str = "let-go") -> None:
        """Wait until such a run is where it waits, and hears an interruption."""
        deadline = time.monotonic() + RUN_S
        while not (self.folder / "user" / f"{name}.held").exists():
            assert time.monotonic() < deadline, self.log_text()[-4000:]
            time.sleep(0.01)

    def wait(self, prompt_id: str) -> dict[str, Any]:
        """The host's own history of a run, once it has ended."""
        deadline = time.monotonic() + RUN_S
        while time.monotonic() < deadline:
            history = self.get(f"/history/{prompt_id}")
            if prompt_id in history:
                return dict(history[prompt_id])
            time.sleep(0.02)
        raise RuntimeError(f"run {prompt_id} did not end:\n{self.log_text()[-4000:]}")

    def run(self, prompt: Mapping[str, Any], **options: Any) -> str:
        """Queue a graph, wait for its end and for its record; gives the prompt id."""
        prompt_id = self.submit(prompt, **options)
        self.wait(prompt_id)
        self.recorded(prompt_id)
        return prompt_id

    def recorded(self, execution: str, *statuses: str) -> dict[str, Any]:
        """The record of a run, once it has ended in one of the statuses (any end when none is given)."""
        wanted = statuses or ("success", "error", "interrupted", "cancelled", "lost")
        deadline = time.monotonic() + RUN_S
        found: Any = None
        while time.monotonic() < deadline:
            with contextlib.suppress(Answer):
                found = self.get(f"/provenance/v1/executions/{execution}")
                if found["status"] in wanted:
                    return dict(found)
            time.sleep(0.02)
        raise RuntimeError(f"run {execution} was not recorded as {wanted}: {found}\n{self.log_text()[-4000:]}")

    def settled(self) -> dict[str, Any]:
        """The status once nothing waits to be written or fingerprinted, and the machine is described."""
        deadline = time.monotonic() + RUN_S
        while time.monotonic() < deadline:
            described = self._is_described()  # first: the status is to count that entry too
            status = dict(self.get("/provenance/v1/status"))
            background = status.get("background") or {"models": 1}
            idle = status["waiting"] == 0 and background["models"] == 0 and status["state"] == "recording"
            if idle and described:
                return status
            time.sleep(0.05)
        raise RuntimeError(f"work did not end: {status}")

    def _is_described(self) -> bool:
        """Whether this session's entry about the machine is there: its thread asks git about each pack."""
        session = self.get("/provenance/v1/status")["session"]
        if session not in self._described:
            try:
                ledger = Ledger.open(self.ledger, read_only=True)
            except ProvenanceError:
                return False
            with contextlib.closing(ledger):
                if any(row.environment is not None for row in ledger.index.sessions(session)):
                    self._described.add(session)
        return session in self._described

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The pack's command line on this host's ledger."""
        return subprocess.run(
            [sys.executable, str(ROOT), *arguments],
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "COMFY_PROVENANCE_LEDGER": str(self.ledger), "PYTHONIOENCODING": "utf-8"},
            timeout=RUN_S,
            check=False,
        )

    def listed(self) -> list[dict[str, Any]]:
        """`comfy-provenance log --json`, parsed."""
        done = self.command("log", "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextlib.contextmanager
def running(kind: Kind, folder: Path, **options: Any) -> Iterator[Host]:
    host = Host(kind, folder, **options)
    try:
        yield host.start()
    finally:
        host.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
