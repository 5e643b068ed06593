"""From an entry's bytes to what it says: signature, shape, kind, and the members that every kind has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..canonical import is_sha256_hex
from ..errors import IntegrityError, NewerFormat, SchemaError
from ..model import Json, Kind
from ..record import schema
from ..seal import dsse
from ..seal.keys import PublicKey
from .policy import LOG_FORMAT, Rejected, shown

_KINDS = {schema.predicate_type(kind): kind for kind in Kind}
_MEMBERS = frozenset({"_type", "subject", "predicateType", "predicate"})
_RECORDED_AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Statement:
    """A signed statement whose common members have the right types. `session` is None in a genesis only."""

    kind: Kind
    predicate_type: str
    predicate: dict[str, Json]
    origin: str
    index: int
    root: str
    session: str | None
    recorded_at: str
    monotonic_ns: int


@dataclass(frozen=True, slots=True)
class Named:
    """An object that an entry says is kept. `required`: the record is not whole without it."""

    digest: str
    role: str
    required: bool


def read(envelope: bytes, public: PublicKey) -> Statement:
    """Check the signature and the shape of one entry. Raises Rejected. Not checked: its schema and its place."""
    return _statement(_payload(envelope, public))


def read_again(envelope: bytes) -> Statement:
    """The same for an entry whose very bytes were checked before: its signature is not checked again."""
    try:
        return _statement(dsse.read_unverified(envelope).payload)
    except IntegrityError as error:
        raise error if isinstance(error, Rejected) else Rejected("envelope-malformed", str(error)) from error


def objects(statement: Statement) -> Iterator[Named]:
    """The objects that an entry names. Raises as `named_by`."""
    return named_by(statement.kind, statement.predicate)


def named_by(kind: Kind, predicate: dict[str, Json]) -> Iterator[Named]:
    """The objects that an entry of a kind names. Raises Rejected for a digest that is neither a digest nor null."""
    match kind:
        case Kind.SESSION:
            yield from _named(predicate, "environment", required=True)
        case Kind.SUBMISSION:
            snapshot = _part(predicate, "snapshot")
            for document in ("workflow", "prompt", "extra"):
                yield from _named(snapshot, document, required=True)
        case Kind.COMPLETION:
            yield from _named(predicate, "observations", required=True)
            for output in items(predicate, "outputs"):
                yield from _named(output, "thumbnail", required=False)
                yield from _named(output, "kept", required=False)
            for asset in items(predicate, "used"):
                yield from _named(asset, "kept", required=False)
                yield from _named(_object(asset, "mask"), "picture", required=False)
        case Kind.INTENT:
            yield from _pictures(items(predicate, "references") if "references" in predicate else ())
        case Kind.IMPORT:
            yield from _pictures(_object(predicate, member) for member in ("file", "project"))
            yield from _pictures(items(predicate, "of"))
            for document in ("prompt", "workflow", "text", "flow"):
                yield from _named(_object(predicate, "claims"), document, required=True)
        case Kind.RECORDING:
            chunk = _object(predicate, "chunk")
            yield from (Named(each.digest, "chunk", True) for each in _named(chunk, "sha256", required=True))
        case Kind.ANCHOR:
            yield from _named(_part(predicate, "checkpoint"), "object", required=True)
            yield from _named(predicate, "token", required=True)
        case Kind.WITNESS:
            yield from _named(_part(predicate, "checkpoint"), "object", required=True)


def check_genesis(statement: Statement, public: PublicKey) -> None:
    """A genesis must declare the key that signs the log, in a format that this release knows. Raises Rejected."""
    if statement.predicate.get("public_key") != public.pem:
        raise Rejected("genesis-key", "the genesis declares another public key than the one this log is checked with")
    log_format = statement.predicate.get("format")
    if log_format != LOG_FORMAT:
        raise Rejected("format-newer", f"log format {shown(log_format)} is not {LOG_FORMAT}, the one known here")


def _payload(envelope: bytes, public: PublicKey) -> bytes:
    try:
        claimed = dsse.read_unverified(envelope)
    except IntegrityError as error:
        raise Rejected("envelope-malformed", str(error)) from error
    if claimed.key_id != public.key_id:
        raise Rejected("foreign-key", f"signed by key {claimed.key_id[:16]}, not by {public.key_id[:16]}")
    try:
        public.verify(claimed.signature, dsse.pae(claimed.payload))
    except IntegrityError as error:
        raise Rejected("envelope-signature", str(error)) from error
    return claimed.payload


def _statement(payload: bytes) -> Statement:
    try:
        document = dsse.parse_strict(payload)
    except IntegrityError as error:
        raise Rejected("statement-malformed", str(error)) from error
    if isinstance(document, dict) and document.keys() == _MEMBERS and document["_type"] == dsse.STATEMENT_TYPE:
        subject, predicate_type, predicate = document["subject"], document["predicateType"], document["predicate"]
        rightly = isinstance(subject, list) and isinstance(predicate_type, str) and isinstance(predicate, dict)
        if rightly and subject and all(map(dsse.is_subject, subject)):
            return _common(_kind(predicate_type), predicate_type, predicate)
    raise Rejected("statement-malformed", "the payload is not an in-toto Statement v1 with digests")


def _kind(predicate_type: str) -> Kind:
    kind = _KINDS.get(predicate_type)
    if kind is not None:
        return kind
    try:
        return schema.kind_of(predicate_type)
    except NewerFormat as error:
        raise Rejected("format-newer", str(error)) from error
    except SchemaError as error:
        raise Rejected("kind-unknown", str(error)) from error


def _common(kind: Kind, predicate_type: str, predicate: dict[str, Json]) -> Statement:
    session, at, monotonic_ns = (predicate.get(name) for name in ("session", "recorded_at", "monotonic_ns"))
    if not (isinstance(session, str) or (session is None and kind is Kind.GENESIS)):
        raise Rejected("predicate-malformed", "the entry names no session")
    if not isinstance(at, str) or not _RECORDED_AT.fullmatch(at) or type(monotonic_ns) is not int:
        raise Rejected("predicate-malformed", "the entry has no readable clocks")
    log = predicate.get("log")
    if isinstance(log, dict):
        origin, index, root = (log.get(name) for name in ("origin", "index", "root"))
        if isinstance(origin, str) and type(index) is int and isinstance(root, str) and is_sha256_hex(root):
            return Statement(kind, predicate_type, predicate, origin, index, root, session, at, monotonic_ns)
    raise Rejected("predicate-malformed", "the entry does not say where in which log it belongs")


def _pictures(holders: Iterable[dict[str, Json]]) -> Iterator[Named]:
    for holder in holders:
        yield from _named(holder, "thumbnail", required=False)
        yield from _named(holder, "kept", required=False)


def _object(predicate: dict[str, Json], member: str) -> dict[str, Json]:
    """An optional object; empty when it is null or absent. Raises Rejected when it is something else."""
    found = predicate.get(member)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Rejected("predicate-malformed", f"{member} is not an object: {shown(found)}")
    return found


def _named(holder: dict[str, Json], member: str, *, required: bool) -> Iterator[Named]:
    digest = holder.get(member)
    if digest is None:
        return
    if not is_sha256_hex(digest):
        raise Rejected("predicate-malformed", f"{member} is not a digest: {shown(digest)}")
    yield Named(digest, member, required)


def _part(predicate: dict[str, Json], member: str) -> dict[str, Json]:
    part = predicate.get(member)
    if not isinstance(part, dict):
        raise Rejected("predicate-malformed", f"{member} is not an object")
    return part


def items(predicate: dict[str, Json], member: str) -> Iterator[dict[str, Json]]:
    """The objects of a list that a predicate must have. Raises Rejected."""
    found = predicate.get(member)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Rejected("predicate-malformed", f"{member} is not a list of objects")
    yield from found
