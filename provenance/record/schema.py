"""The published schemas, and the check of a predicate against its own.

A published version is never edited. `jsonschema` is the judge; it is asked, and imported, only about documents that
`accepts` does not wave through, because it is slow to import and to run.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..canonical import parse_json
from ..errors import NewerFormat, SchemaError
from ..model import Json, Kind
from .accepts import Accepts, compiled

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

PREFIX = "https://w3id.org/comfy-provenance/"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
FOLDER = Path(__file__).resolve().parents[2] / "schemas"

_VERSION = 1
_URI = re.compile(re.escape(PREFIX) + r"([a-z][a-z-]*)/v([1-9][0-9]*)", re.ASCII)
_VALUE_LIMIT = 120


def predicate_type(kind: Kind) -> str:
    """The predicate type URI that this release writes for a kind of entry."""
    return f"{PREFIX}{kind.value}/v{_VERSION}"


def kind_of(uri: str) -> Kind:
    """The kind that a predicate type URI names.

    Raises SchemaError when the URI is not one of ours, NewerFormat when it is but this release does not know the
    kind or the version.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise SchemaError(f"predicate type is not one of comfy-provenance: {_shown(uri)}")
    name, version = match.groups()
    if name not in Kind._value2member_map_ or int(version) != _VERSION:
        raise NewerFormat(f"predicate type {_shown(uri)} needs a newer release of comfy-provenance")
    return Kind(name)


def validate(predicate_type: str, predicate: Json) -> None:
    """Check a predicate against the schema of its type.

    Raises SchemaError with one line that names the first offending place as a JSON path, and what `kind_of` raises.
    Not checked: that digests, edges or ids point to anything.
    """
    _check(kind_of(predicate_type).value, predicate)


def validate_statement(statement: Json) -> None:
    """Check a whole statement: the in-toto shell, then its predicate. Raises as `validate` does."""
    _check("statement", statement)
    validate(statement["predicateType"], statement["predicate"])


def document(name: str) -> dict[str, Json]:
    """The published schema of a kind, or of the `statement` shell, as parsed JSON."""
    loaded: dict[str, Json] = parse_json((FOLDER / f"{name}.v{_VERSION}.json").read_bytes())
    return loaded


def _check(name: str, value: Json) -> None:
    if not _quick(name)(value):
        _ask_jsonschema(name, value)


@cache
def _quick(name: str) -> Accepts:
    return compiled(document(name))


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(document(name))


def _ask_jsonschema(name: str, value: Json) -> None:
    for error in _validator(name).iter_errors(value):
        raise SchemaError(f"{error.json_path}: {_shown(error.message)}")


def _shown(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= _VALUE_LIMIT else line[: _VALUE_LIMIT - 1] + "…"
