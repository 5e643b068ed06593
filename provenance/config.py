"""Where things are and how much is kept. Read once at start; frozen afterwards.

Settings come from `settings.json` in the ledger's folder; a missing file means the defaults below. Unknown members
are refused, so that a misspelt setting is not silently ignored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from .errors import InputError

SOFTWARE = "comfy-provenance"
VERSION = "0.1.0"
MEBIBYTE = 1 << 20
DATABASE_NAME = "ledger.sqlite3"  # in the ledger's folder


@dataclass(frozen=True, slots=True)
class Settings:
    """What the author may choose.

    enabled: record at all. thumbnails: make a small picture of each image output. keep_outputs: also keep the full
    file of every saved output (files in ComfyUI's temp folder are always kept). keep_inputs: keep a copy of every
    file a run loaded. keep_limit_mib: larger files are recorded by hash only. fingerprint_models: hash model files.
    queue_capacity: events held in memory while writing is slow or impossible.
    """

    enabled: bool = True
    thumbnails: bool = True
    keep_outputs: bool = False
    keep_inputs: bool = True
    keep_limit_mib: int = 512
    fingerprint_models: bool = True
    queue_capacity: int = 10_000


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
        return self.ledger / "settings.json"


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
    """Check names, types and ranges of given settings and lay them over the defaults."""
    defaults = Settings()
    known = {field.name: type(getattr(defaults, field.name)) for field in fields(Settings)}
    for name, value in given.items():
        if name not in known:
            raise InputError(f"unknown setting: {name}")
        if type(value) is not known[name]:
            raise InputError(f"setting {name} must be {known[name].__name__}, not {type(value).__name__}")
        if isinstance(value, int) and not isinstance(value, bool) and value < 1:
            raise InputError(f"setting {name} must be at least 1")
    return replace(defaults, **given)
