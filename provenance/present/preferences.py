"""The author's settings over HTTP: what is saved, what runs, and saving others. Settings apply at the next start."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from ..config import Settings, load_settings, settings_from
from ..model import Json
from .disk import make_folder, write_new

_CHANGING = threading.Lock()  # two changes at once must both stay
APPLIES = "at the next start"


def read(path: Path, running: Settings) -> dict[str, Json]:
    """{"settings", "running", "defaults", "applies", "restart_needed", "file"}. Raises InputError for a file that is
    not what it should be: it is mended by hand or removed."""
    saved = load_settings(path)
    return {
        "settings": asdict(saved),
        "running": asdict(running),
        "defaults": asdict(Settings()),
        "applies": APPLIES,
        "restart_needed": saved != running,
        "file": str(path),
    }


def change(path: Path, running: Settings, changes: Mapping[str, Json]) -> dict[str, Json]:
    """Lay changes over what is saved, save that durably, and give what `read` gives.

    Raises InputError for an unknown name, a wrong type or a value out of range; then nothing is saved.
    """
    with _CHANGING:
        chosen = settings_from({**asdict(load_settings(path)), **changes})
        text = json.dumps(asdict(chosen), indent=2) + "\n"
        make_folder(path.parent)
        write_new(path, [text.encode()], replace=True)
        return read(path, running)
