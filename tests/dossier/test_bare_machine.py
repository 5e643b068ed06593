"""A dossier is checked where nothing is installed but what checking needs."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("cryptography", "rfc3161-client", "jsonschema")
ABSENT = ("sqlalchemy", "torch", "numpy", "PIL", "tqdm", "safetensors", "aiohttp")


def closure(names):
    """These distributions and all that they require here."""
    waiting, found = list(names), {}
    while waiting:
        name = waiting.pop()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # required on another system or Python only
        if distribution.name.lower() not in found:
            found[distribution.name.lower()] = distribution
            needs = (each for each in distribution.requires or () if "extra ==" not in each)
            waiting += [re.split(r"[\s<>=!~;\[(]", need, maxsplit=1)[0] for need in needs]
    return found.values()


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """The interpreter of a virtual environment that has those distributions and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    builder = venv.EnvBuilder(symlinks=sys.platform != "win32")
    builder.create(folder)
    found = builder.ensure_directories(folder)
    site = next(path for path in Path(folder).rglob("site-packages") if path.is_dir())
    for distribution in closure(NEEDED):
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))).resolve())
    return Path(found.env_exe)


def run(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-B", *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", cwd=python.parent
    )


def test_the_environment_is_bare(python):
    code = f"import importlib.util; print([n for n in {ABSENT!r} if importlib.util.find_spec(n)])"
    assert run(python, "-c", code).stdout.strip() == "[]"


def test_a_dossier_verifies_there(python, made):
    roots = [] if made.roots is None else ["--root", made.roots]
    done = run(python, ROOT, "verify", made.zip, "--json", *roots)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["ok"], found["findings"]
    if made.roots is not None:
        assert {anchor["trust"] for anchor in found["dossier"]["anchors"]} == {"trusted"}


def test_it_tells_people_there(python, made):
    done = run(python, ROOT, "verify", made.zip)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "good"
    assert "as the dossier states: compare it" in done.stdout


def test_a_changed_one_fails_there(python, made, tmp_path):
    data = bytearray(made.zip.read_bytes())
    data[len(data) // 2] ^= 4
    path = tmp_path / "changed.zip"
    path.write_bytes(data)
    done = run(python, ROOT, "verify", path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "NOT GOOD"


@pytest.mark.parametrize("data", [b"", b"PK", b"%PDF-1.7 not a zip at all", bytes(100)])
def test_what_is_no_dossier_is_refused_with_a_reason(python, tmp_path, data):
    path = tmp_path / "no.zip"
    path.write_bytes(data)
    done = run(python, ROOT, "verify", path)
    assert done.returncode == 1
    assert "zip-form" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_file_that_is_not_there_is_unusable_input(python, tmp_path):
    done = run(python, ROOT, "verify", tmp_path / "none.zip")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot read" in done.stderr
