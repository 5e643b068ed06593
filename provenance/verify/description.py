"""What a dossier says of itself: `dossier.json`. Pure.

It is not signed by itself and states nothing that counts as evidence: which works it is about, how far it looks
around them, and which entries and objects of the log are left out on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..canonical import is_sha256_hex, parse_json, statement_bytes
from ..config import SOFTWARE, VERSION
from ..errors import InputError
from ..model import Json
from .policy import Rejected

FORMAT = 1
SCOPES = ("tree", "path", "ledger")
LANGUAGES = ("en", "zh")
KINDS = ("prompts", "ideas", "reasons", "inputs", "candidates", "recordings", "projects", "chosen")


@dataclass(frozen=True, slots=True)
class Work:
    """What a dossier is about: bytes, or a run. `name` is a file name; any member may be withheld."""

    execution: str | None
    sha256: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Description:
    """A dossier's own words.

    scope: `tree` (all runs that descend from the first canvases of the works), `path` (only what leads to the works),
    `ledger`. language: in which the report opens. withheld: entries left out by choice, by what was chosen; the rest of
    the log, about other things, is left out without a word. left_out: objects that shown entries name, likewise.
    """

    works: tuple[Work, ...]
    scope: str
    language: str
    withheld: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    title: str | None = None
    software: str = SOFTWARE
    version: str = VERSION

    def to_bytes(self) -> bytes:
        """As `dossier.json`."""
        return statement_bytes(
            {
                "format": FORMAT,
                "software": {"name": self.software, "version": self.version},
                "works": [{"execution": w.execution, "sha256": w.sha256, "name": w.name} for w in self.works],
                "title": self.title,
                "scope": self.scope,
                "language": self.language,
                "withheld": {name: list(entries) for name, entries in self.withheld.items()},
                "left_out": {name: list(digests) for name, digests in self.left_out.items()},
            }
        )


def read(data: bytes) -> Description:
    """What `to_bytes` wrote. Raises Rejected: `dossier-newer`, or `dossier-malformed` for anything else."""
    try:
        value = parse_json(data)
        if isinstance(value, dict) and isinstance(value.get("format"), int) and value["format"] > FORMAT:
            raise Rejected("dossier-newer", f"dossier format {value['format']}, this release knows {FORMAT}")
        described = _from_json(value)
        written = described.to_bytes()
    except (InputError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Rejected("dossier-malformed", "dossier.json is not what a dossier says of itself") from error
    if written != data:
        raise Rejected("dossier-malformed", "dossier.json has unknown members or another spelling")
    return described


def _from_json(value: Json) -> Description:
    works = tuple(Work(_text(w["execution"]), _digest(w["sha256"]), _text(w["name"])) for w in value["works"])
    withheld = {_one_of(name, KINDS): tuple(map(_entry, found)) for name, found in value["withheld"].items()}
    left_out = {_one_of(name, KINDS): tuple(map(_need_digest, found)) for name, found in value["left_out"].items()}
    return Description(
        works,
        _one_of(value["scope"], SCOPES),
        _one_of(value["language"], LANGUAGES),
        withheld,
        left_out,
        _text(value["title"]),
        str(value["software"]["name"]),
        str(value["software"]["version"]),
    )


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError
    return str(value)


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value


def _digest(value: Any) -> str | None:
    return None if value is None else _need_digest(value)


def _need_digest(value: Any) -> str:
    if not is_sha256_hex(value):
        raise ValueError
    return str(value)


def _entry(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value
