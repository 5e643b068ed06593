"""A ledger with a small work in it, exported once, and what changes copies of the zip."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from comfy_provenance.provenance.dossier.options import Options
from comfy_provenance.provenance.present import dossiers, exporting
from comfy_provenance.provenance.present.refs import Resolver
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests import authorities
from comfy_provenance.tests.dossier import works


@dataclass
class Exported:
    """One made work: the ComfyUI folder, the ledger, the dossier, the authority's root certificate (PEM)."""

    root: Path
    final: str
    zip: Path
    roots: Path | None

    @property
    def ledger(self) -> Path:
        return self.root / "user" / "__provenance"

    def export(self, path: Path, refs=None, **choices):
        """Another dossier of the same ledger."""
        return export(self.ledger, path, refs or [self.final], **choices)


def export(ledger: Path, path: Path, refs, signed=True, **choices):
    opened = Ledger.open(ledger, read_only=True)
    try:
        resolver = Resolver(opened.index)
        chosen = exporting.options(resolver, **choices)
        assert isinstance(chosen, Options)
        signer = exporting.signer_of(opened) if signed else None
        return exporting.export(opened, exporting.works(resolver, refs), chosen, path, signer, lambda *told: None)
    finally:
        opened.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Exported:
    root = tmp_path_factory.mktemp("work") / "comfy"
    roots = None
    if authorities.has_openssl():
        with authorities.authority(tmp_path_factory.mktemp("pki")) as authority:
            story = works.make(root, authority)
            roots = authority.pki.root
    else:
        story = works.make(root)
    story.ledger.close()
    path = tmp_path_factory.mktemp("dossier") / "dossier.zip"
    done = Exported(root, story.final, path, roots)
    done.export(path, title="Keeper of the light")
    return done


@pytest.fixture(scope="session")
def unpacked(made, tmp_path_factory) -> Path:
    """The dossier's folder, unpacked. Do not change it: `copied` gives a copy."""
    folder = tmp_path_factory.mktemp("unpacked")
    shutil.unpack_archive(made.zip, folder)
    return folder / "dossier"


@pytest.fixture
def copied(unpacked, tmp_path) -> Path:
    """A private copy of the unpacked dossier."""
    return Path(shutil.copytree(unpacked, tmp_path / "dossier"))


@pytest.fixture(scope="session")
def check():
    """Checks a zip and gives the finding codes and messages of errors."""

    def run(path: Path, **with_):
        found = dossiers.verify(path, **with_)
        return found, {each["code"] for each in found["findings"] if each["severity"] == "error"}

    return run
