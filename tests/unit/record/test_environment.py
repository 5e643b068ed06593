"""What a run ran on, read from real checkouts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from comfy_provenance.provenance.canonical import statement_bytes
from comfy_provenance.provenance.record import checkout, environment

HEX = "a1" * 20
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.net", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def pack(tmp_path):
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "__init__.py").write_text("x = 1\n", encoding="utf-8")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    return folder


@needs_git
def test_the_commit_is_read_from_loose_and_packed_refs_detached_heads_and_worktrees(pack, tmp_path):
    head = git(pack, "rev-parse", "HEAD")
    assert checkout.commit(pack) == head
    git(pack, "pack-refs", "--all")
    assert checkout.commit(pack) == head
    git(pack, "worktree", "add", "-q", "-b", "side", str(tmp_path / "tree"))
    git(tmp_path / "tree", "commit", "-q", "--allow-empty", "-m", "two")
    assert checkout.commit(tmp_path / "tree") == git(tmp_path / "tree", "rev-parse", "HEAD") != head
    git(pack, "checkout", "-q", "--detach")
    assert checkout.commit(pack) == head
    (pack / "inner").mkdir()
    assert checkout.commit(pack / "inner") is None, "a folder inside a checkout has no commit of its own"


@needs_git
def test_modified_means_tracked_files_differ(pack, monkeypatch):
    assert checkout.modified(pack) is False
    (pack / "new.txt").write_text("untracked", encoding="utf-8")
    assert checkout.modified(pack) is False
    (pack / "__init__.py").write_text("x = 2\n", encoding="utf-8")
    assert checkout.modified(pack) is True
    monkeypatch.setenv("PATH", "")
    assert checkout.modified(pack) is None


@pytest.mark.parametrize(
    "files",
    [
        {},
        {".git": "gitdir: gone"},
        {".git": ""},
        {".git/HEAD": ""},
        {".git/HEAD": "ref: refs/heads/gone"},
        {".git/HEAD": "ref: ../../outside"},
        {".git/HEAD": "ref: refs/heads/a", ".git/refs/heads/a": "ref: refs/heads/a"},
        {".git/HEAD": "no commit"},
        {".git/HEAD": "ref: refs/heads/\0"},
    ],
)
def test_a_broken_checkout_has_no_commit(tmp_path, files):
    (tmp_path / "outside").write_text(HEX, encoding="utf-8")
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    assert checkout.commit(folder) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[project]\nname = "p"\nversion = "1.2"\n', ("p", "1.2")),
        ("[project] # x\nversion='2' # y\n[tool.x]\nname = 'no'\nversion = '9'\n", (None, "2")),
        ('[tool.poetry]\nversion = "9"\n', (None, None)),
        ('[project]\ndynamic = ["version"]\nversion_file = "x"\n', (None, None)),
        ("\0\xff[project", (None, None)),
        ("", (None, None)),
    ],
)
def test_name_and_version_of_a_project(tmp_path, text, expected):
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert checkout.project(tmp_path) == expected
    assert checkout.project(tmp_path / "gone") == (None, None)


@needs_git
def test_a_survey_is_plain_repeatable_and_without_paths(pack, tmp_path):
    (pack / "pyproject.toml").write_text('[project]\nname = "pack"\nversion = "3"\n', encoding="utf-8")
    host = {
        "comfyui": {"version": "0.3.64", "folder": str(tmp_path)},
        "device": "cpu",
        "packs": {"b": str(tmp_path / "gone"), "a": str(pack), "odd": 7},
        "classes": {"X": "a"},
    }
    found = environment.survey(host)
    assert found == environment.survey(host)
    assert list(found["packs"]) == ["a", "b"]
    commit = git(pack, "rev-parse", "HEAD")
    assert found["packs"]["a"] == {"registry": "pack", "version": "3", "commit": commit, "modified": False}
    assert found["packs"]["b"] == {"registry": None, "version": None, "commit": None, "modified": None}
    assert found["comfyui"] == {"version": "0.3.64", "commit": None, "modified": None}
    assert found["device"] == "cpu"
    assert found["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert "pillow" in found["distributions"]
    assert str(tmp_path) not in json.dumps(found)
    statement_bytes(found)
    assert environment.survey({})["comfyui"] is None
