"""What the author says and brings in: members that may be left out, and what may never be said."""

from __future__ import annotations

import json

import pytest
from comfy_provenance.provenance.canonical import statement_bytes
from comfy_provenance.provenance.errors import InputError, SchemaError
from comfy_provenance.provenance.model import Asset, Basis, Decision, FileRef, Kind, Mask, Status
from comfy_provenance.provenance.record import imports, predicate, recordings, schema

from .brought import AT, FACTS, HEX, OTHER


def completion(**changes):
    given = {"session": "s", "at": AT, "execution": "e1", "submission": 3, "prompt_document": OTHER}
    return predicate.completion(**{**given, "status": Status.SUCCESS, **changes})


# The same kinds with every member that may be left out.
OPTIONAL = {
    "references and version": (
        Kind.INTENT,
        predicate.intent(
            session="s",
            at=AT,
            text="a cat",
            references=[imports.BroughtFile("sketch.png", FACTS, OTHER, HEX)],
            revises=3,
            source="page",
        ),
    ),
    "choice": (
        Kind.DECISION,
        predicate.decision(
            session="s",
            at=AT,
            execution="e1",
            prompt_document=OTHER,
            output=HEX,
            decision=Decision.KEEP,
            reason="calmer",
            over=[("e2", OTHER), ("e3", None)],
        ),
    ),
    "mask": (
        Kind.COMPLETION,
        completion(
            used=[
                Asset(
                    "1",
                    "image",
                    "a.png",
                    FileRef("input", "clipspace", "a.png"),
                    FACTS,
                    mask=Mask("alpha", OTHER, 0.25, Basis.OBSERVED, ("1", "5")),
                )
            ]
        ),
    ),
    "start of a recording": (
        Kind.RECORDING,
        recordings.predicate(
            session="s",
            at=AT,
            recording="r1",
            step=recordings.Capture("video/webm;codecs=vp9", "window", 1280, 720, 15.0),
            previous=None,
            note="painting the mask",
        ),
    ),
    "end of a recording": (
        Kind.RECORDING,
        recordings.predicate(
            session="s",
            at=AT,
            recording="r1",
            step=recordings.Ending("page-gone", 2, 15, None),
            previous=recordings.Previous(8, HEX),
        ),
    ),
}


def sealed(body):
    return json.loads(statement_bytes({**body[1], "log": {"origin": "o", "index": 0, "root": HEX}}))


@pytest.mark.parametrize("name", OPTIONAL)
def test_members_that_may_be_left_out_validate_too(name):
    kind, body = OPTIONAL[name]
    assert body[0]
    schema.validate(schema.predicate_type(kind), sealed(body))


def test_what_is_brought_in_is_never_observed():
    file = imports.BroughtFile("old.png", FACTS)
    given = {"session": "s", "at": AT, "file": file, "source": "cli"}
    with pytest.raises(InputError, match="not observed"):
        imports.predicate(**given, basis=Basis.OBSERVED)
    observed = imports.Source(OTHER, "e1", None, Basis.OBSERVED, "sha256")
    with pytest.raises(InputError, match="not observed"):
        imports.predicate(**given, basis=Basis.DECLARED, of=[observed])
    declared = imports.Source(OTHER, "e1", None, Basis.DECLARED, "author")
    with pytest.raises(InputError, match="from before"):
        imports.predicate(**given, basis=Basis.AFTER_THE_FACT, of=[declared])
    body = sealed(imports.predicate(**given, basis=Basis.DECLARED, of=[declared]))
    body["edges"][0]["basis"] = "observed"
    with pytest.raises(SchemaError, match=r"edges\[0\]\.basis"):
        schema.validate(schema.predicate_type(Kind.IMPORT), body)
