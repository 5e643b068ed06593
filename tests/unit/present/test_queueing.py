"""The client that queues runs again: what it says when nobody answers, or somebody else does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from comfy_provenance.provenance.errors import InputError, NetworkError, NotFound
from comfy_provenance.provenance.present import queueing
from comfy_provenance.provenance.present.cli import main
from comfy_provenance.provenance.present.queueing import Server

REFUSED = {
    "error": {"message": "Prompt outputs failed validation", "details": ""},
    "node_errors": {"4": {"errors": [{"message": "Value not in list", "details": "ckpt_name: 'gone'"}]}},
}


class Answers(BaseHTTPRequestHandler):
    """A server that is no ComfyUI with this pack, and one whose ComfyUI refuses the graph."""

    def do_GET(self) -> None:
        self._answer(404, b"<html>not here</html>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/prompt") and "replays" in self.path:
            self._answer(200, b'{"prompt": {"1": {"inputs": {"seed": 18446744073709551615}}}}')
        elif self.path == "/prompt":
            self._answer(400, json.dumps(REFUSED).encode())
        else:
            self._answer(200, b"not JSON")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with serving(Answers) as address:
        yield address


@contextmanager
def serving(answers: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_comfyui_refuses_is_told_in_its_words(url: str) -> None:
    with pytest.raises(
        InputError, match=r"Prompt outputs failed validation; node 4: Value not in list \(ckpt_name: 'gone'\)"
    ):
        Server(url).queue("e1", {})


def test_another_program_is_not_taken_for_comfyui(url: str) -> None:
    with pytest.raises(NotFound, match="answered 404"):
        Server(url).plan("e1")
    with pytest.raises(NetworkError, match="gave no JSON"):
        Server(url).plan_sheet("e1", {})


def test_a_run_that_has_just_begun_is_interrupted_until_it_has_heard_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request came before the first node of the run, and the run went on to its end."""
    asked: list[str] = []

    class Forgetful(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running = [] if asked.count("/interrupt") >= 2 else [[0, "mine"], [1, "another's"]]
            self._answer(json.dumps({"queue_running": running, "queue_pending": []}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert body in ({"delete": ["mine", "next"]}, {"prompt_id": "mine"})
            asked.append(self.path)
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    monkeypatch.setattr(queueing, "POLL_S", 0.01)
    monkeypatch.setattr(queueing, "INTERRUPT_S", 120.0)
    with serving(Forgetful) as url:
        Server(url).cancel(["mine", "next"])
    assert asked == ["/queue", "/interrupt", "/interrupt"]


@pytest.mark.parametrize("address", ["ftp://x", "file:///etc/passwd", "http://", ""])
def test_what_is_no_address_of_a_server(address: str) -> None:
    with pytest.raises(InputError, match="no address"):
        Server(address)


def test_nobody_there_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "e1", "--server", "http://127.0.0.1:9"]) == 2
    assert "no ComfyUI answers at 127.0.0.1:9" in capsys.readouterr().err
