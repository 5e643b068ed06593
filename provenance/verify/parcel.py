"""A snapshot file: one recorded run as one small file that verifies offline and restores on another machine. Pure.

A zip in the one form that `container` reads:

    parcel.json                       {"format", "version", "execution"}
    public.pem, checkpoint            the writer's key, and the signed tree head that the proofs lead to
    entries/<index>.dsse.json         genesis, the newest survey of the machine, the run's submission, its completion,
                                      fingerprints of its models
    proofs/<index>.tlog-proof         for each of them
    objects/<sha256>                  workflow, prompt, survey, observations, kept inputs, thumbnails

Every byte is checked: entries by signature and place, objects by digest, the rest by having one spelling. What the
check does not say: who holds the key, and that these are all the entries of that log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from ..canonical import parse_json, statement_bytes
from ..errors import InputError, IntegrityError, SchemaError
from ..model import Json, Kind
from ..record import schema
from ..seal import checkpoint, merkle, tlog_proof
from ..seal.keys import PublicKey, public_from_pem
from . import statements
from .container import Container
from .policy import Rejected

FORMAT, VERSION = "comfy-provenance-parcel", 1
ABOUT, KEY, HEAD = "parcel.json", "public.pem", "checkpoint"
_ENTRY = re.compile(r"entries/(\d{8,})\.dsse\.json", re.ASCII)
_OBJECT = re.compile(r"objects/([0-9a-f]{64})", re.ASCII)


def entry_name(index: int) -> str:
    """The file of an entry."""
    return f"entries/{index:08d}.dsse.json"


def proof_name(index: int) -> str:
    """The file with the proof of an entry's place."""
    return f"proofs/{index:08d}.tlog-proof"


def object_name(digest: str) -> str:
    """The file of an object."""
    return f"objects/{digest}"


def about(execution: str) -> bytes:
    """The file that says what this is."""
    return statement_bytes({"format": FORMAT, "version": VERSION, "execution": execution})


@dataclass(frozen=True, slots=True)
class Said:
    """What the signed entries of a snapshot file say."""

    submission: Mapping[str, Json]
    completion: Mapping[str, Json] | None
    environment: str | None
    models: Mapping[tuple[str, str, int, int], str]  # (folder, name, size, mtime) -> SHA-256
    entries: tuple[int, ...]
    recorded_at: str


class Parcel:
    """A snapshot file whose form, key and checkpoint have been read. Raises Rejected for what is none.

    Nothing that it says may be used before `check` has returned.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._container = Container(file)
        names = self._container.members
        for needed in (ABOUT, KEY, HEAD):
            if needed not in names:
                raise Rejected("parcel-form", f"this is no snapshot file: it has no {needed}")
        try:
            told = parse_json(self._data(ABOUT))
            self.execution = str(told["execution"])
            written = about(self.execution)
            self.public = public_from_pem(self._data(KEY).decode("ascii"))
            self.head = checkpoint.open(self._data(HEAD), self.public)
        except (InputError, UnicodeDecodeError, TypeError, KeyError) as error:
            raise Rejected("parcel-form", f"this is no snapshot file: {error}") from error
        except IntegrityError as error:
            raise Rejected("checkpoint-invalid", str(error)) from error
        if self._data(ABOUT) != written or self._data(KEY) != self.public.pem.encode("ascii"):
            raise Rejected("parcel-form", "the snapshot file is not written as this software writes it")
        self.entries = tuple(sorted(int(found[1]) for found in map(_ENTRY.fullmatch, names) if found))
        self.objects = frozenset(found[1] for found in map(_OBJECT.fullmatch, names) if found)

    def check(self, key: PublicKey | None = None) -> Said:
        """Check everything and give what the entries say. key: the one that must have signed.

        Raises Rejected with the first thing that does not hold.
        """
        if key is not None and key != self.public:
            raise Rejected("foreign-key", f"signed by {self.public.fingerprint}, not by {key.fingerprint}")
        known = {ABOUT, KEY, HEAD, *map(object_name, self.objects)}
        known |= {name(index) for index in self.entries for name in (entry_name, proof_name)}
        if known != set(self._container.members):
            odd = sorted(known ^ set(self._container.members))
            raise Rejected("parcel-form", f"a file is missing or does not belong here: {odd[0]}")
        if list(self._container.members) != sorted(known):
            raise Rejected("parcel-form", "the files are not in their order")
        said = [self._entry(index) for index in self.entries]
        if not said or said[0].kind is not Kind.GENESIS:
            raise Rejected("genesis-missing", "the genesis of the log is not here")
        statements.check_genesis(said[0], self.public)
        named = {each.digest for statement in said for each in statements.objects(statement)}
        for digest in sorted(self.objects):
            if digest not in named:
                raise Rejected("parcel-form", f"no entry names object {digest}")
            if sha256(self.object(digest) or b"").hexdigest() != digest:
                raise Rejected("object-altered", f"object {digest} has changed")
        return self._said(said)

    def object(self, digest: str) -> bytes | None:
        """An object's bytes; None when it is not in the file."""
        return self._data(object_name(digest)) if digest in self.objects else None

    def has(self, digest: str) -> bool:
        """Whether an object is in the file."""
        return digest in self.objects

    def iterate(self, digest: str) -> Iterator[bytes] | None:
        """An object piece by piece; None when it is not in the file."""
        return iter((self._data(object_name(digest)),)) if digest in self.objects else None

    def _data(self, name: str) -> bytes:
        return b"".join(self._container.blocks(name))

    def _entry(self, index: int) -> statements.Statement:
        envelope = self._data(entry_name(index))
        statement = statements.read(envelope, self.public)
        if (statement.index, statement.origin) != (index, self.head.origin):
            raise Rejected("log-index", f"entry {index} was signed for another place or log")
        try:
            schema.validate(statement.predicate_type, statement.predicate)
            proof = tlog_proof.read(self._data(proof_name(index)))
            same = (proof.index, proof.checkpoint) == (index, self._data(HEAD))
            if not same or tlog_proof.write(index, proof.hashes, proof.checkpoint) != self._data(proof_name(index)):
                raise IntegrityError("the proof is for another entry or checkpoint")
            leaf = merkle.leaf_hash(envelope)
            merkle.verify_inclusion(leaf, index, self.head.size, proof.hashes, self.head.root)
        except SchemaError as error:
            raise Rejected("schema-invalid", f"entry {index}: {error}") from error
        except IntegrityError as error:
            raise Rejected("proof-other", f"entry {index}: {error}") from error
        return statement

    def _said(self, said: list[statements.Statement]) -> Said:
        by_kind: dict[Kind, list[Mapping[str, Json]]] = {}
        for statement in said:
            by_kind.setdefault(statement.kind, []).append(statement.predicate)
        submissions = [each for each in by_kind.get(Kind.SUBMISSION, ()) if each["execution"] == self.execution]
        completions = [each for each in by_kind.get(Kind.COMPLETION, ()) if each["execution"] == self.execution]
        sessions = [each for each in by_kind.get(Kind.SESSION, ()) if each["environment"] is not None]
        fingerprints = [each for each in by_kind.get(Kind.MODEL, ()) if self.execution in each["executions"]]
        needed = 1 + len(submissions) + len(completions) + len(sessions) + len(fingerprints)
        if len(submissions) != 1 or len(completions) > 1 or len(sessions) > 1 or needed != len(said):
            raise Rejected("parcel-form", "the file does not hold one run and nothing else")
        submission = submissions[0]
        prompt, workflow = submission["snapshot"]["prompt"], submission["snapshot"]["workflow"]
        if any(digest is not None and digest not in self.objects for digest in (prompt, workflow)):
            raise Rejected("object-missing", "the run's graph is not in the file")
        models = {
            (str(each["folder"]), str(each["name"]), int(each["size"]), int(each["mtime_ns"])): str(each["sha256"])
            for each in fingerprints
        }
        environment = sessions[0]["environment"] if sessions else None
        return Said(
            submission,
            completions[0] if completions else None,
            environment,
            models,
            self.entries,
            str(submission["recorded_at"]),
        )
