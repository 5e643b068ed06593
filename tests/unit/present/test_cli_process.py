"""The command line as a process: pipes, terminals, full disks, running the folder itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import run_id

REPOSITORY = Path(__file__).resolve().parents[3]

_MAIN = (
    "import importlib.util, sys\n"
    f"spec = importlib.util.spec_from_file_location('comfy_provenance', {str(REPOSITORY / '__init__.py')!r},"
    f" submodule_search_locations=[{str(REPOSITORY)!r}])\n"
    "module = importlib.util.module_from_spec(spec); sys.modules['comfy_provenance'] = module\n"
    "spec.loader.exec_module(module)\n"
    "from comfy_provenance.provenance.present.cli import main\n"
    "sys.exit(main())\n"
)


def process(*arguments, **more):
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows makes links for administrators only")
def test_running_the_folder_needs_no_install_and_hides_no_module_of_comfyui(recorded, tmp_path):
    pack = recorded.root / "custom_nodes" / "comfy-provenance"
    if not pack.exists():
        pack.symlink_to(REPOSITORY, target_is_directory=True)
    run = process(pack, "log", "--json", cwd=tmp_path)
    out, err = run.communicate()
    assert (run.returncode, err) == (0, b"")
    assert len(out.splitlines()) == 9


def test_output_that_nobody_reads_any_more_is_no_error(recorded):
    ledger = recorded.root / "user" / "__provenance"
    run = process("-c", _MAIN, "--ledger", ledger, "show", run_id(1))
    run.stdout.close()
    err = run.stderr.read()
    assert (run.wait(), err) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_one_line(recorded):
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            [sys.executable, "-c", _MAIN, "--ledger", recorded.root / "user" / "__provenance", "log"],
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert run.returncode == 2
    assert run.stderr.count(b"\n") == 1


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "gbk"])
def test_terminals_that_lack_characters_still_get_their_lines(recorded, encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    ledger = recorded.root / "user" / "__provenance"
    for command in (["log", "--graph"], ["log", "--json"]):
        run = process("-c", _MAIN, "--ledger", ledger, *command, env=environment)
        out, err = run.communicate()
        assert (run.returncode, err) == (0, b"")
        if command[1] == "--json":
            assert [json.loads(line)["changes"] for line in out.splitlines()][1] == ["seed 1 → 2"]
        else:
            assert b"*" in out


def test_restore_to_stdout_is_exact(recorded):
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, "--ledger", recorded.root / "user" / "__provenance", "restore", run_id(1), "-o-"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == b'{"nodes":[],"seed":18446744073709551615,"run":1}'
