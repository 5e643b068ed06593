"""The machine of today, as far as it can be asked from here: inside a host everything, on the command line less."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..canonical import parse_json
from ..hosting import Host
from ..lineage.restore import INPUTS, MODELS, NODES, PACKS, ModelHere
from ..model import Asset, FileRef
from ..store.index import Index
from ..store.objects import Objects
from .details import versions_in
from .disk import inside, sha256_of


@dataclass(frozen=True, slots=True)
class Machine:
    """`lineage.restore.Present` over one ledger. None means: cannot be told here.

    folders: model folder name to its search paths. directories: the `output`, `temp` and `input` folders. A model's
    hash is what the ledger knows of this version of the file (path, size, time); nothing is hashed for it here.
    """

    index: Index
    objects: Objects
    classes: Collection[str] | None = None
    packs: Mapping[str, str] | None = None
    folders: Mapping[str, Sequence[str]] | None = None
    directories: Mapping[str, str] | None = None

    def checks(self) -> Collection[str]:
        asked = {NODES: self.classes, PACKS: self.packs, MODELS: self.folders, INPUTS: self.directories}
        return [name for name, known in asked.items() if known is not None]

    def node_classes(self) -> Collection[str]:
        return self.classes or ()

    def versions(self) -> Mapping[str, str]:
        return self.packs or {}

    def model(self, folder: str, name: str) -> ModelHere | None:
        for place in (self.folders or {}).get(folder, ()):
            path = inside(Path(place), name)
            if path is not None and path.is_file():
                facts = path.stat()
                known = self.index.model_sha(folder, name, facts.st_size, facts.st_mtime_ns)
                return ModelHere(facts.st_size, facts.st_mtime_ns, known)
        return None

    def model_with_hash(self, folder: str, sha256: str) -> str | None:
        for file in self.index.model_files(sha256):
            here = self.model(file.folder, file.name) if file.folder == folder else None
            if here is not None and here.sha256 == sha256:
                return file.name
        return None

    def model_of_that_name(self, folder: str, name: str) -> str | None:
        last = PurePosixPath(name.replace("\\", "/")).name
        for place in (self.folders or {}).get(folder, ()):
            for at, _, files in os.walk(place):  # links to folders are not followed: they may lead round in circles
                if last in files:
                    return str((Path(at) / last).relative_to(place))  # as ComfyUI lists it
        return None

    def input_sha256(self, asset: Asset) -> str | None:
        path = None if asset.file is None else self.path_of(asset.file)
        return sha256_of(path) if path is not None and path.is_file() else None

    def is_kept(self, digest: str) -> bool:
        return self.objects.has(digest)

    def path_of(self, file: FileRef) -> Path | None:
        """Where a file of ComfyUI's lies; None for a name that leads out of its folder."""
        folder = (self.directories or {}).get(file.type)
        return None if folder is None else inside(Path(folder), f"{file.subfolder}/{file.filename}".lstrip("/"))


def of_host(host: Host, index: Index, objects: Objects) -> Machine:
    """The machine as the host knows it; versions are those of the newest survey."""
    surveyed = next((row.environment for row in reversed(index.sessions()) if row.environment is not None), None)
    survey = None if surveyed is None else objects.get(surveyed)
    return Machine(
        index,
        objects,
        classes=frozenset(host.node_classes()),
        packs=None if survey is None else versions_in(parse_json(survey)),
        folders=host.model_folders(),
        directories=host.directories(),
    )


def of_tree(root: Path, index: Index, objects: Objects) -> Machine:
    """A ComfyUI folder that is not running. Folders given by command line or extra_model_paths.yaml are not known:
    with such a file, models are not checked."""
    models = root / "models"
    plain = models.is_dir() and not (root / "extra_model_paths.yaml").exists()
    folders = {path.name: [str(path)] for path in models.iterdir() if path.is_dir()} if plain else None
    return Machine(index, objects, folders=folders, directories=tree_directories(root))


def tree_directories(root: Path) -> dict[str, str]:
    """ComfyUI's default folders below its root."""
    return {name: str(root / name) for name in ("output", "temp", "input")}
