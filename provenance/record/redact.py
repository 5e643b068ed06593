"""Secrets never enter: they are replaced before anything is stored or signed.

A text is a secret by the name it stands under (`secret_names`), by its own shape (`secret_shapes`), or because it was
found to be one elsewhere in the same graph. The marker that replaces it carries a salted digest, so that equal
secrets can be told to be equal and none can be guessed without the ledger's salt.

What is not promised: a secret of less than 6 characters is replaced only where its name gives it away; a secret that
is split over several values, encoded, or drawn in a picture is not found; numbers are never secrets.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..model import Json, NodeInput
from .secret_places import Document, survey
from .secret_shapes import scan

_MARKER = re.compile(r"\[redacted:hmac-sha256:[0-9a-f]{16}\]")
_RESERVED = re.compile(rb"[^A-Za-z0-9_.~-]")  # what a URL escapes: all but RFC 3986 section 2.3
_SHORTEST_KNOWN = 6
_KNOWN_LIMIT = 4096
_WIDGET_TYPES = frozenset({"STRING", "INT", "FLOAT", "BOOLEAN", "COMBO"})


@dataclass(frozen=True, slots=True)
class Mark:
    """One replaced value: which document (`prompt`, `workflow`, `extra`), where (JSON pointer), what stands there."""

    document: str
    path: str
    marker: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """A graph without its secrets. A document in which nothing was replaced is the very object that was given."""

    prompt: Json
    workflow: Json
    extra: Json
    marks: tuple[Mark, ...]


class Redactor:
    """Replaces secrets in graphs and in the texts that come out of running them.

    `salt` belongs to one ledger and stays secret. `names` gives the input names of a class in declaration order, or
    None for an unknown class; what a node shows as a plain socket is left out here, and `widget_names` leaves it out
    beforehand, which also serves nodes that list no sockets.
    Remembers the secrets it saw, in memory only, for `text` and `value`. For one thread at a time.
    """

    def __init__(self, salt: bytes, names: Callable[[str], Sequence[str] | None]) -> None:
        self._salt = salt
        self._names = names
        self._known: dict[str, None] = {}

    def graph(self, prompt: Json, workflow: Json, extra: Json) -> Redacted:
        """The three documents of one run, with every secret replaced. The inputs are never changed.

        Dicts keep their order. Secrets are looked for in keys too; a key that holds one is renamed.
        """
        given = {"prompt": prompt, "workflow": workflow, "extra": extra}
        surveyed = {name: survey(document, self._names, api=name == "prompt") for name, document in given.items()}
        found = scan(set().union(*(document.texts for document in surveyed.values())))
        known = self._secrets(surveyed.values(), found)
        if not known and not any(document.hits for document in surveyed.values()):
            return Redacted(prompt, workflow, extra, ())
        self._remember(known)
        replace = _Replacement(self._salt, known, found)
        marks: list[Mark] = []
        clean: dict[str, Json] = {}
        for name, document in surveyed.items():
            clean[name], changed = document.rewritten(replace.whole, replace.inside)
            marks += [Mark(name, path, marker) for path, text in changed for marker in _MARKER.findall(text)]
        return Redacted(clean["prompt"], clean["workflow"], clean["extra"], tuple(marks))

    def text(self, text: str) -> str:
        """An error message, traceback or file name without secrets, including those that `graph` met earlier."""
        return _Replacement(self._salt, self._known).inside(text)

    def value(self, value: Json) -> Json:
        """Any JSON value without secrets; the same object when there were none."""
        document = survey(value, self._names, api=False)
        found = scan(document.texts)
        replace = _Replacement(self._salt, {**self._known, **self._secrets([document], found)}, found)
        return document.rewritten(replace.whole, replace.inside)[0]

    def _secrets(self, documents: Iterable[Document], found: Mapping[str, list[tuple[int, int]]]) -> dict[str, None]:
        secrets = {text[start:end]: None for text, places in found.items() for start, end in places}
        for document in documents:
            secrets.update(dict.fromkeys(document.secrets))
        return {secret: None for secret in secrets if _MARKER.search(secret) is None}

    def _remember(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            self._known.pop(secret, None)
            self._known[secret] = None
        while len(self._known) > _KNOWN_LIMIT:
            del self._known[next(iter(self._known))]


def widget_names(inputs: Mapping[str, NodeInput] | None) -> tuple[str, ...] | None:
    """Names of the inputs that the page shows as widgets, in declaration order; None for an unknown class."""
    if inputs is None:
        return None
    return tuple(
        name
        for name, declared in inputs.items()
        if (declared.type in _WIDGET_TYPES or declared.choices is not None) and not declared.options.get("forceInput")
    )


class _Replacement:
    """Turns texts into texts with markers, for one salt and one set of known secrets.

    `shaped` are the texts known to hold secrets by shape; None when nobody has looked yet.
    """

    def __init__(self, salt: bytes, known: Iterable[str], shaped: Container[str] | None = None) -> None:
        self._salt = salt
        self._shaped = shaped
        forms = {form for secret in known if len(secret) >= _SHORTEST_KNOWN for form in _written(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._done: dict[str, str] = {}

    def whole(self, text: str) -> str:
        """A text that is a secret as a whole. One that is a marker already stays."""
        if _MARKER.fullmatch(text):
            return text
        digest = hmac.new(self._salt, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"[redacted:hmac-sha256:{digest[:16]}]"

    def inside(self, text: str) -> str:
        """A text that may hold secrets; what is around them stays."""
        if self._shaped is not None and text not in self._shaped and not (self._known and self._known.search(text)):
            return text
        if text not in self._done:
            before, after = text, self._once(text)
            while after != before:  # a cut can bare what a longer match had covered
                before, after = after, self._once(after)
            self._done[text] = after
        return self._done[text]

    def _once(self, text: str) -> str:
        kept = [match.span() for match in _MARKER.finditer(text)]
        out: list[str] = []
        start = 0
        for marker_start, marker_end in [*kept, (len(text), len(text))]:
            out += [self._segment(text[start:marker_start]), text[marker_start:marker_end]]
            start = marker_end
        return "".join(out)

    def _segment(self, text: str) -> str:
        places = list(scan((text,)).get(text, ()))
        if self._known is not None:
            places += [match.span() for match in self._known.finditer(text)]
        out: list[str] = []
        position = 0
        for start, end in _merged(places):
            out += [text[position:start], self.whole(text[start:end])]
            position = end
        return "".join([*out, text[position:]])


def _merged(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def _written(secret: str) -> set[str]:
    """The secret as it may stand in JSON text, in a traceback's repr or in a URL."""
    in_url = _RESERVED.sub(lambda match: f"%{match[0][0]:02X}".encode(), secret.encode("utf-8", "replace")).decode()
    return {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], in_url}
