"""Where the ledger is when nobody says: inside a ComfyUI folder it lies below the user directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..config import DATABASE_NAME
from ..errors import NotALedger

VARIABLE = "COMFY_PROVENANCE_LEDGER"
_IN_TREE = ("user", "__provenance")


def find_ledger(given: str | None, environment: Mapping[str, str], starts: Iterable[Path]) -> Path:
    """The ledger's folder: as given, else from the environment, else of the nearest ComfyUI folder above a start.

    Raises NotALedger with one line that says what to do. Not checked for what was given: that a ledger is there.
    """
    named = given or environment.get(VARIABLE)
    if named:
        return Path(named).absolute()
    looked: list[Path] = []
    for start in starts:
        for folder in (start.absolute(), *start.absolute().parents):
            if is_comfyui(folder):
                ledger = folder.joinpath(*_IN_TREE)
                if (ledger / DATABASE_NAME).is_file():
                    return ledger
                looked.append(ledger)
    if looked:
        raise NotALedger(f"no ledger in {looked[0]} yet: start ComfyUI once, or give --ledger DIR")
    raise NotALedger(f"no ledger given: use --ledger DIR, set {VARIABLE}, or run inside a ComfyUI folder")


def is_comfyui(folder: Path) -> bool:
    """Whether the folder looks like ComfyUI's."""
    source = (folder / "main.py").is_file() and (folder / "folder_paths.py").is_file()
    return source or (folder / "custom_nodes").is_dir()


def tree_of(ledger: Path) -> Path | None:
    """The ComfyUI folder that a ledger belongs to by its place; None where it lies elsewhere."""
    root = ledger.parent.parent
    if (ledger.parent.name, ledger.name) == _IN_TREE and ((root / "output").is_dir() or is_comfyui(root)):
        return root
    return None
