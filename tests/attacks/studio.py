"""A ledger that a real session recorded, closed, and what an attacker and an auditor do with it."""

from __future__ import annotations

import io
import random
import sqlite3
import struct
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import bare
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.config import Places
from comfy_provenance.provenance.errors import InputError, StorageError
from comfy_provenance.provenance.model import (
    Accepted,
    Clock,
    Decision,
    Finished,
    Judged,
    Kind,
    NodeInput,
    Ready,
    Switched,
    system_clock,
)
from comfy_provenance.provenance.present import checking
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.seal import checkpoint, keys
from comfy_provenance.provenance.seal.keys import PublicKey, Signer
from comfy_provenance.provenance.store.index_write import Rebuilt
from comfy_provenance.provenance.store.ledger import OBJECTS_NAME, Ledger
from comfy_provenance.provenance.store.objects import Objects
from comfy_provenance.provenance.verify import verifier
from PIL import Image

DATABASE = "ledger.sqlite3"


class Studio(bare.BareHost):
    """The bare host with a checkpoint folder, a loader of checkpoints and one of images."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "models").mkdir(exist_ok=True)
        header = b'{"__metadata__":{"modelspec.title":"tiny"}}'
        (folder / "models" / "tiny.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)

    def node_inputs(self, class_type: str) -> Mapping[str, NodeInput] | None:
        if class_type == "Loader":
            return {"name": NodeInput("COMBO", {}, ("tiny.safetensors",))}
        if class_type == "LoadImage":
            return {"image": NodeInput("COMBO", {"image_upload": True}, ())}
        return super().node_inputs(class_type)

    def model_folders(self) -> Mapping[str, tuple[str, ...]]:
        return {"checkpoints": (str(self.folder / "models"),)}

    def model_extensions(self) -> frozenset[str]:
        return frozenset({".safetensors"})


class Session(bare.Bench):
    """A bench whose runs have a UI workflow, a prompt, a model, an intent and pictures."""

    def __init__(self, folder: Path, **options: Clock) -> None:
        super().__init__(folder, **options)
        self.service._host = self.host = Studio(folder)

    def work(self, run: str, text: str, *, parent: str | None = None, seed: int = 1, big: bool = False) -> None:
        node = "Big" if big else "SaveImage"
        prompt = {
            "1": {"class_type": "Text", "inputs": {"text": text, "seed": seed}},
            "2": {"class_type": "Loader", "inputs": {"name": "tiny.safetensors"}},
            "3": {"class_type": "LoadImage", "inputs": {"image": "given.png"}},
            "4": {"class_type": "ProvenanceIntent", "inputs": {"text": "a cat of crystal", "title": "idea"}},
            "5": {"class_type": node, "inputs": {"images": ["3", 0], "text": ["1", 0], "model": ["2", 0]}},
        }
        notes = [{"id": place, "type": "Note", "widgets_values": [f"note {place}, as it was"]} for place in range(40)]
        notes[20]["widgets_values"] = [run]
        workflow = {"nodes": notes, "links": [], "extra": {"provenance": {"execution": parent}} if parent else {}}
        frozen = canonical.freeze({"prompt": prompt, "workflow": workflow, "extra": {}, "outputs": ["5"]})
        self.service.offer(Accepted(run, run, 1.0, parent, "workflow" if parent else None, frozen, self.clock()))
        kind = "temp" if big else "output"
        picture(self.host.folder / kind / f"{run}.png", seed, 220 if big else 24)
        images = [{"filename": f"{run}.png", "subfolder": "", "type": kind}]
        report = {"outputs": {"5": {"images": images}}, "messages": [], "status_str": "success", "completed": True}
        self.service.offer(Finished(run, canonical.freeze(report), self.clock()))
        self.settle()

    def judge(self, run: str, decision: Decision, **said: Any) -> None:
        given = {"output": None, "rating": None, "reason": None, "label": None, **said}
        self.service.say(Judged(run, answer=Future(), decision=decision, **given))


def picture(path: Path, seed: int, size: int) -> None:
    """Noise, so that nothing compresses."""
    image = Image.frombytes("RGB", (size, size), random.Random(seed).randbytes(size * size * 3))
    data = io.BytesIO()
    image.save(data, "PNG")
    path.write_bytes(data.getvalue())


def record(folder: Path) -> None:
    """Two sessions in a folder: entries of every kind, objects of every form, one run that was lost."""
    session = Session(folder)
    picture(folder / "input" / "given.png", 7, 30)
    session.service.start()
    session.service.offer(Ready(session.clock()))
    session.work("first", "a cat")
    session.work("second", "a cat of crystal", parent="first", seed=2)
    session.work("third", "a cat of crystal, at night", parent="second", seed=3)
    session.work("large", "a large one", parent="first", seed=4, big=True)
    session.judge("first", Decision.KEEP, reason="the light")
    session.judge("second", Decision.RATE, rating=4)
    session.judge("third", Decision.LABEL, label="Evening")
    session.service.say(Switched(True, "lunch", Future()))
    session.service.say(Switched(False, None, Future()))
    session.service.problem("something of ours failed")
    session.settle()
    session.accept("open")
    session.settle()
    session.service.close()
    session = Session(folder)
    session.service.start()
    session.work("next", "a dog", seed=5)
    session.service.close()


class Victim:
    """One ledger on disk, closed. What is done to it goes straight to the files."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(folder / "ledger", folder / "secrets")
        self.root = self.places.ledger

    @property
    def signer(self) -> Signer:
        """The author's key: for attacks by the author himself."""
        return keys.load(self.places.key)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Change the database as its owner can."""
        with sqlite3.connect(self.root / DATABASE) as connection:
            rows = connection.execute(statement, values).fetchall()
        connection.close()
        return rows

    def checked(self, key: PublicKey | None = None) -> dict[str, Any]:
        """What `comfy-provenance verify --json` answers."""
        opened = Ledger.open(self.root, read_only=True)
        try:
            return checking.verify(opened, key=key)
        finally:
            opened.close()

    def found(self, key: PublicKey | None = None) -> list[tuple[str, int | None]]:
        """(code, entry) of each finding."""
        return [(each["code"], each["entry"]) for each in self.checked(key)["findings"]]

    def codes(self, key: PublicKey | None = None) -> set[str]:
        """Codes of the findings; `unusable` when it says in one line why there is nothing to check."""
        try:
            return _codes(self.checked(key))
        except (InputError, StorageError) as error:
            assert "\n" not in str(error)
            return {"unusable"}

    def rebuilt(self) -> Rebuilt:
        """What `comfy-provenance fsck --rebuild-index` does."""
        opened = Ledger.open(self.root)
        try:
            return opened.rebuild_index()
        finally:
            opened.close()

    def append(self, text: str, signer: Signer | None = None) -> None:
        """Add an entry as the author's software does: the start of a session of that name."""
        opened = Ledger.open(self.root, signer or self.signer)
        try:
            body = predicate.session(
                session=text, at=system_clock(), event="start", host="ComfyUI", host_version=None, environment=None
            )
            opened.append(Kind.SESSION, lambda binding: body)
        finally:
            opened.close()

    def seen(self) -> checkpoint.Checkpoint:
        """The newest tree head, as somebody else may have kept it."""
        opened = Ledger.open(self.root, read_only=True)
        try:
            return checkpoint.open(opened.index.latest_checkpoint(), opened.public)
        finally:
            opened.close()

    def forks(self, *seen: checkpoint.Checkpoint) -> set[str]:
        """Codes of the findings of somebody who has kept tree heads."""
        opened = Ledger.open(self.root, read_only=True)
        try:
            return {found.code for found in verifier.verify(opened.reader(), opened.public, seen=seen).findings}
        finally:
            opened.close()

    def entries(self) -> list[bytes]:
        """All envelopes."""
        opened = Ledger.open(self.root, read_only=True)
        try:
            return [opened.index.entry(place).envelope for place in range(opened.index.counts().entries)]
        finally:
            opened.close()

    def put_entry(self, index: int, envelope: bytes) -> None:
        """Replace the stored bytes of one entry."""
        self.sql("UPDATE entries SET envelope = ? WHERE number = ?", envelope, index)


class Auditor:
    """Checks one ledger many times: the database stays open, and nothing that was read before is remembered."""

    def __init__(self, victim: Victim) -> None:
        self._root = victim.root
        self._ledger = Ledger.open(victim.root, read_only=True)

    def codes(self) -> set[str]:
        """As `Victim.codes`."""
        self._ledger.objects = Objects(self._ledger._database, self._root / OBJECTS_NAME)
        try:
            return _codes(checking.verify(self._ledger))
        except (InputError, StorageError) as error:
            assert "\n" not in str(error)
            return {"unusable"}

    def close(self) -> None:
        self._ledger.close()


def _codes(found: dict[str, Any]) -> set[str]:
    assert found["ok"] == all(each["severity"] == "warning" for each in found["findings"])
    return {each["code"] for each in found["findings"]}
