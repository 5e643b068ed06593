"""A run packed into one small file on one host, unpacked on another: verified, restored, never an original there."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

import graphs
import hosts
import pytest
from comfy_provenance.provenance.seal import content


def packed(host: hosts.Host, run: str) -> bytes:
    return host.request("GET", f"/provenance/v1/parcels/{run}")


def posted(host: hosts.Host, data: bytes, **statement: Any) -> dict[str, Any]:
    mark = uuid.uuid4().hex
    body = (
        f'--{mark}\r\nContent-Disposition: form-data; name="statement"\r\n\r\n{json.dumps(statement)}\r\n'
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="x.provenance.zip"\r\n\r\n'
    ).encode() + data
    body += f"\r\n--{mark}--\r\n".encode()
    answer = host.request(
        "POST", "/provenance/v1/parcels", body, {"Content-Type": f"multipart/form-data; boundary={mark}"}
    )
    return dict(json.loads(answer))


def unpack(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line where there is no ledger and no ComfyUI."""
    return subprocess.run(
        [sys.executable, str(hosts.ROOT), "unpack", *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        env={"PATH": "/usr/bin", "COMFY_PROVENANCE_LEDGER": ""},
        timeout=hosts.RUN_S,
        check=False,
    )


@pytest.fixture(scope="module")
def run(host: hosts.Host) -> str:
    host.settled()
    host.upload("carried.png", graphs.png((120, 30, 200)))
    graph = graphs.invert("carried.png", prefix="carried")
    made = host.run(graph, workflow=graphs.workflow(graph))
    host.settled()
    return made


def test_a_snapshot_file_restores_where_there_is_nothing(host: hosts.Host, run: str, tmp_path: Path) -> None:
    file = tmp_path / "run.provenance.zip"
    file.write_bytes(packed(host, run))
    done = unpack(str(file), "-o", str(tmp_path / "out"), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["execution"], told["status"], told["entry"], told["own"]) == (run, "success", None, False)
    assert told["key"] == host.get("/provenance/v1/status")["public_key"]["fingerprint"]
    assert told["files"] == ["workflow.json", "prompt.json", "inputs/carried.png"]
    recorded = host.get(f"/provenance/v1/restore/{run}")
    assert json.loads((tmp_path / "out" / "workflow.json").read_bytes()) == recorded["workflow"]
    assert (tmp_path / "out" / "inputs" / "carried.png").read_bytes() == graphs.png((120, 30, 200))
    assert set(told["drift"]["not_checked"]) == {"nodes", "models", "packs", "inputs"}


def test_the_same_run_gives_the_same_bytes_and_any_zip_program_opens_it(host: hosts.Host, run: str) -> None:
    data = packed(host, run)
    assert packed(host, run) == data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {"parcel.json", "public.pem", "checkpoint"} <= set(archive.namelist())


def test_another_host_opens_it_with_the_drift_and_puts_the_inputs_back(
    host: hosts.Host, run: str, tmp_path_factory: pytest.TempPathFactory, kind: hosts.Kind
) -> None:
    data = packed(host, run)
    with hosts.running(kind, tmp_path_factory.mktemp("other")) as other:
        other.settled()
        told = posted(other, data, put_back=True)
        assert (told["execution"], told["own"]) == (run, False)
        assert told["drift"]["nodes"] == []
        (item,) = told["drift"]["inputs"]
        assert (item["name"], item["state"]) == ("carried.png", "missing")
        (back,) = told["put_back"]
        assert (other.folder / "input" / back["new_name"]).read_bytes() == graphs.png((120, 30, 200))
        assert told["workflow"]["nodes"]
        file = other.folder / "run.provenance.zip"
        file.write_bytes(data)
        done = other.command("unpack", str(file), "-o", str(other.folder / "out"), "--json")
        assert done.returncode == 0, done.stderr
        entry = json.loads(done.stdout)["entry"]
        (brought,) = [json.loads(line) for line in other.command("imports", "--json").stdout.splitlines()]
        assert (brought["entry"], brought["basis"], brought["claims"]) == (entry, "after-the-fact", "comfyui")
        assert other.listed() == []  # it is no run of this ledger
        assert json.loads(other.command("verify", "--json").stdout)["ok"]
    assert posted(host, data)["own"] is True


@pytest.mark.parametrize("part", ["entries/", "proofs/", "objects/", "public.pem", "checkpoint", "parcel.json"])
def test_a_changed_byte_anywhere_is_refused_and_nothing_is_written(
    host: hosts.Host, run: str, part: str, tmp_path: Path
) -> None:
    data = packed(host, run)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = next(name for name in archive.namelist() if name.startswith(part))
        start = data.index(archive.read(name)[:40], archive.getinfo(name).header_offset)
        size = archive.getinfo(name).file_size
    changed = bytearray(data)
    changed[start + size // 2] ^= 1
    file = tmp_path / "bad.zip"
    file.write_bytes(changed)
    done = unpack(str(file), "-o", str(tmp_path / "out"), cwd=tmp_path)
    assert done.returncode == 1
    assert not (tmp_path / "out").exists()
    with pytest.raises(hosts.Answer) as refused:
        posted(host, bytes(changed))
    assert refused.value.status == 400


def test_another_key_than_the_one_that_is_trusted_is_refused(host: hosts.Host, run: str, tmp_path: Path) -> None:
    from comfy_provenance.provenance.seal.keys import Signer

    file = tmp_path / "run.zip"
    file.write_bytes(packed(host, run))
    pem = tmp_path / "other.pem"
    pem.write_text(Signer.from_seed(b"x" * 32).public.pem)
    done = unpack(str(file), "--key", str(pem), "--check", cwd=tmp_path)
    assert (done.returncode, "signed by" in done.stderr) == (1, True)


def test_a_copy_with_a_credential_is_recorded_as_made_from_the_output(host: hosts.Host, run: str) -> None:
    if not content.available():
        pytest.skip("c2pa-python is not installed here")
    (output,) = host.recorded(run)["outputs"]
    path = host.folder / output["type"] / output["file"]
    before = path.read_bytes()
    done = host.command("credential", str(path), "--label", "--producer", "studio", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    made = Path(told["file"]).read_bytes()
    assert path.read_bytes() == before
    found = content.read(made, "image/png")
    assert found is not None
    assert found.state == "Valid"
    assert [each["title"] for each in found.manifest["ingredients"]] == ["carried.png"]
    imports = [json.loads(line) for line in host.command("imports", "--json").stdout.splitlines()]
    (brought,) = [each for each in imports if each["sha256"] == hashlib.sha256(made).hexdigest()]
    assert (brought["basis"], [each["output"] for each in brought["of"]]) == ("declared", [output["sha256"]])
    again = host.command("credential", str(path))
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
