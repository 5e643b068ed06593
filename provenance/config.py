"""Where things are and how much is kept. Read once at start; frozen afterwards.

Settings come from `settings.json` in the ledger's folder; a missing file means the defaults below. Unknown members
are refused, so that a misspelt setting is not silently ignored.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import InputError

SOFTWARE = "comfy-provenance"
VERSION = "0.1.0"
MEBIBYTE = 1 << 20
MOST_LISTED = 20
AT_ONCE = ("authorities", "anchor_minutes", "trust_roots")  # settings that count without a restart
DATABASE_NAME = "ledger.sqlite3"  # in the ledger's folder
SETTINGS_NAME = "settings.json"  # there too


@dataclass(frozen=True, slots=True)
class Authority:
    """A time-stamping authority (RFC 3161): what the author calls it, and where it answers."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the author may choose.

    enabled: record at all. thumbnails: make a small picture of each image output. keep_outputs: also keep the full
    file of every saved output (files in ComfyUI's temp folder are always kept). keep_inputs: keep a copy of every
    file a run loaded. keep_limit_mib: larger files are recorded by hash only. fingerprint_models: hash model files.
    queue_capacity: events held in memory while writing is slow or impossible. authorities: who is asked for
    time-stamps; None until the author has chosen, which may be nobody. anchor_minutes: how long what is new may wait
    for a time-stamp. trust_roots: PEM files with the certificates of authorities that this machine trusts.
    screen_limit_mib: size of one screen recording. watch_folder: absolute path of a folder whose files are brought in
    as later edits; empty for none. watch_seconds: how often it is looked at.
    """

    enabled: bool = True
    thumbnails: bool = True
    keep_outputs: bool = False
    keep_inputs: bool = True
    keep_limit_mib: int = 512
    fingerprint_models: bool = True
    queue_capacity: int = 10_000
    authorities: tuple[Authority, ...] | None = None
    anchor_minutes: int = 5
    trust_roots: tuple[str, ...] = ()
    screen_limit_mib: int = 2048
    watch_folder: str = ""
    watch_seconds: int = 5


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths of two folders: the ledger's, and the one that holds the signing key."""

    ledger: Path
    secrets: Path

    @property
    def key(self) -> Path:
        return self.secrets / "signing-key.pem"

    @property
    def settings(self) -> Path:
        return self.ledger / SETTINGS_NAME


def load_settings(path: Path) -> Settings:
    """Read settings.json. Raises InputError with one clear line when it is not what it should be."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"settings cannot be read: {path}: {error}") from error
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"settings are not JSON: {path}: {error}") from error
    if not isinstance(given, dict):
        raise InputError(f"settings must be a JSON object: {path}")
    return settings_from(given)


def settings_from(given: dict[str, Any]) -> Settings:
    """Check names, types and ranges of given settings and lay them over the defaults. Raises InputError."""
    chosen = {}
    for name, value in given.items():
        if name not in _READERS:
            raise InputError(f"unknown setting: {name}")
        chosen[name] = _READERS[name](name, value)
    return replace(Settings(), **chosen)


def _switch(name: str, value: Any) -> bool:
    if type(value) is not bool:
        raise InputError(f"setting {name} must be bool, not {type(value).__name__}")
    return value


def _number(name: str, value: Any) -> int:
    if type(value) is not int:
        raise InputError(f"setting {name} must be int, not {type(value).__name__}")
    if value < 1:
        raise InputError(f"setting {name} must be at least 1")
    return value


def _folder(name: str, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value or (value and not Path(value).is_absolute()):
        raise InputError(f"setting {name} must be the absolute path of a folder, or empty")
    return value


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > MOST_LISTED:
        raise InputError(f"setting {name} must be a list of at most {MOST_LISTED}")
    return list(value)


def _paths(name: str, value: Any) -> tuple[str, ...]:
    paths = _list(name, value)
    if not all(isinstance(path, str) and path and "\0" not in path for path in paths):
        raise InputError(f"setting {name} must be a list of file names")
    return tuple(dict.fromkeys(paths))


def _authorities(name: str, value: Any) -> tuple[Authority, ...] | None:
    if value is None:
        return None
    found: dict[str, Authority] = {}
    for item in _list(name, value):
        match item:
            case {"name": str(called), "url": str(url), **rest} if not rest and called.strip() and len(called) <= 100:
                found.setdefault(url, Authority(called.strip(), checked_url(url)))
            case _:
                raise InputError(f"setting {name} must be null or a list of objects with name and url")
    return tuple(found.values())


def checked_url(url: str) -> str:
    """The address of an authority, if it can be one. Raises InputError. One that carries a password is refused, since
    it would be kept and shown."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(f"not an address: {url[:80]!r}") from error
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= 500
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or port == 0:
        raise InputError(f"an authority's address begins with http:// or https://, not {url[:80]!r}")
    if parts.username is not None or parts.password is not None:
        raise InputError("an authority's address must not hold a user name or password")
    return url


_Reader = Callable[[str, Any], Any]
_READERS: dict[str, _Reader] = {
    **{field.name: {bool: _switch, int: _number}.get(type(field.default), _list) for field in fields(Settings)},
    "authorities": _authorities,
    "trust_roots": _paths,
    "watch_folder": _folder,
}
