"""Starting and stopping: as a program, and in this process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from comfy_provenance.demo import serve
from comfy_provenance.demo.client import Client
from comfy_provenance.demo.host import embedded, registry
from comfy_provenance.demo.host.embedded import EmbeddedHost, HostOptions
from prompts import plain

SERVE = Path(serve.__file__)


def test_the_program_serves_and_ends(tmp_path: Path, page: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("mine", encoding="utf-8")
    port = embedded.free_port()
    command = [sys.executable, str(SERVE), "--no-pack", "--port", str(port), "--front-end-root", str(page)]
    command += ["--base-directory", str(tmp_path / "base"), "--temp-directory", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        client = Client(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 120
        while True:
            try:
                client.get("/system_stats")
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
                time.sleep(0.05)
        assert client.wait(client.queue(plain(), {}))["status"]["status_str"] == "success"
        assert (tmp_path / "base" / "output" / "plain_00001_.png").is_file()
    finally:
        process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
        output = process.communicate(timeout=120)[0]
    assert "Traceback" not in output
    # Only the folder `temp` below the named one is emptied.
    assert kept.read_text(encoding="utf-8") == "mine" and not (tmp_path / "temp").exists()


def test_a_taken_port_is_one_clear_line(tmp_path: Path, page: Path) -> None:
    options = HostOptions(tmp_path / "one", front_end_root=page)
    with EmbeddedHost(options) as first:
        command = [sys.executable, str(SERVE), "--no-pack", "--port", str(first.port), "--front-end-root", str(page)]
        command += ["--base-directory", str(tmp_path / "two")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "Cannot start" in done.stderr and "Traceback" not in done.stderr


def test_two_hosts_in_one_process_are_refused(tmp_path: Path, page: Path) -> None:
    second = EmbeddedHost(HostOptions(tmp_path / "two", front_end_root=page))
    first = EmbeddedHost(HostOptions(tmp_path / "one", front_end_root=page))
    with first, pytest.raises(RuntimeError, match="Another embedded host"):
        second.start()


def test_modules_are_taken_out_again(tmp_path: Path, page: Path) -> None:
    before = sys.modules.get("folder_paths")
    with EmbeddedHost(HostOptions(tmp_path, front_end_root=page)):
        import folder_paths

        assert Path(folder_paths.base_path) == tmp_path.resolve()
    assert sys.modules.get("folder_paths") is before
    assert registry.NODE_CLASS_MAPPINGS == {}


def test_a_broken_pack_does_not_stop_the_host(tmp_path: Path, page: Path) -> None:
    pack = tmp_path / "custom_nodes" / "broken"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text("raise OSError('no')", encoding="utf-8")
    good = tmp_path / "custom_nodes" / "good"
    good.mkdir()
    code = "class Good:\n    RETURN_TYPES = ()\nNODE_CLASS_MAPPINGS = {'Good': Good}\n"
    (good / "__init__.py").write_text(code, encoding="utf-8")
    with EmbeddedHost(HostOptions(tmp_path, front_end_root=page)):
        assert "Good" in registry.NODE_CLASS_MAPPINGS
        assert registry.NODE_CLASS_MAPPINGS["Good"].RELATIVE_PYTHON_MODULE == "custom_nodes.good"


def test_a_stop_ends_a_long_run(tmp_path: Path, page: Path) -> None:
    from prompts import picture

    with EmbeddedHost(HostOptions(tmp_path, front_end_root=page)) as host:
        client = Client(host.url)
        assert client.wait_until_running(client.queue(picture(steps=10000), {}))
        queue = host.server.prompt_queue
    assert [entry["status"]["status_str"] for entry in queue.history.values()] == ["error"]


def test_model_files_are_made_once(tmp_path: Path, page: Path) -> None:
    with EmbeddedHost(HostOptions(tmp_path, front_end_root=page)):
        pass
    made = {path: path.read_bytes() for path in (tmp_path / "models").rglob("*.safetensors")}
    assert len(made) == 7
    with EmbeddedHost(HostOptions(tmp_path, front_end_root=page)):
        pass
    assert {path: path.read_bytes() for path in made} == made
