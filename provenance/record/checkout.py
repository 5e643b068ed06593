"""Which version of itself a source folder holds: commit, uncommitted changes, project name and version. I/O.

The commit is read from git's own files, since git may not be installed or may distrust the folder's owner; only the
question whether tracked files were changed is asked of git.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

_TIMEOUT_S = 10
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LINE = re.compile(r"\s*(?P<name>name|version)\s*=\s*(?P<quote>[\"'])(?P<value>[^\"']*)(?P=quote)")
_SMALL = 1 << 22  # packed-refs of large projects are below this
_MOST_LINKS = 5


def commit(folder: Path) -> str | None:
    """The commit checked out in this very folder (not one around it), in hexadecimal; None when there is none.

    Reads `.git` as a folder or as a worktree's or submodule's pointer; loose and packed refs. Ref tables are not read.
    """
    git = _git_folder(folder)
    if git is None:
        return None
    common = git
    pointer = _text(git / "commondir")
    if pointer is not None:
        common = git / pointer
    value = _text(git / "HEAD")
    for _ in range(_MOST_LINKS):
        if value is None or not value.startswith("ref:"):
            break
        value = _ref(value[4:].strip(), git, common)
    return value if value is not None and _COMMIT.fullmatch(value) else None


def modified(folder: Path) -> bool | None:
    """Whether tracked files differ from the commit; None when there is no checkout or git cannot tell in 10 s."""
    git = shutil.which("git")
    if git is None or _git_folder(folder) is None:
        return None
    command = [git, "-c", "core.fsmonitor=false", "--no-optional-locks", "-C", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; the folder is one that ComfyUI has loaded code from
            [*command, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return bool(done.stdout.strip()) if done.returncode == 0 else None


def project(folder: Path) -> tuple[str | None, str | None]:
    """Name and version that `[project]` in the folder's pyproject.toml states as plain strings; None where it does not.

    A reader for these two lines, not for TOML (which Python knows from 3.11 on). Dynamic versions are not resolved.
    """
    text = _text(folder / "pyproject.toml")
    found: dict[str, str] = {}
    table = ""
    for line in (text or "").splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            table = stripped.partition("#")[0].strip()
        elif table == "[project]" and (match := _LINE.match(line)):
            found.setdefault(match["name"], match["value"])
    return found.get("name"), found.get("version")


def _git_folder(folder: Path) -> Path | None:
    place = folder / ".git"
    pointer = _text(place)
    if pointer is not None and pointer.startswith("gitdir:"):
        place = folder / pointer[7:].strip()
    return place if (place / "HEAD").is_file() else None


def _ref(name: str, git: Path, common: Path) -> str | None:
    if ".." in name.split("/") or name.startswith("/"):
        return None
    for base in (git, common):
        value = _text(base / name)
        if value is not None:
            return value
    for line in (_text(common / "packed-refs") or "").splitlines():
        value, _, packed = line.partition(" ")
        if packed == name:
            return value
    return None


def _text(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _SMALL:
            return None
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except (OSError, ValueError):  # gone meanwhile, unreadable, or a name no file can have
        return None
