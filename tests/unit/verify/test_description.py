"""What a dossier says of itself is read in one spelling, and whatever else stands there is refused in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from comfy_provenance.provenance.canonical import statement_bytes
from comfy_provenance.provenance.verify import description
from comfy_provenance.provenance.verify.description import Description, Work
from comfy_provenance.provenance.verify.policy import Rejected

DIGEST = "ab" * 32
SAID = Description(
    works=(Work("run-1", DIGEST, "cat.png"), Work(None, None, None)),
    scope="tree",
    language="zh",
    withheld={"ideas": (3, 5)},
    left_out={"inputs": (DIGEST,)},
    title="Die Hüterin des Lichts",
)


def saying(**members: Any) -> bytes:
    """The description with members replaced, in the right spelling."""
    return statement_bytes({**json.loads(SAID.to_bytes()), **members})


def refused(data: bytes) -> str:
    with pytest.raises(Rejected) as error:
        description.read(data)
    assert str(error.value).isprintable()
    return error.value.code


def test_it_is_read_as_it_was_written() -> None:
    assert description.read(SAID.to_bytes()) == SAID


def test_a_later_format_is_told_apart_from_nonsense() -> None:
    assert refused(saying(format=description.FORMAT + 1)) == "dossier-newer"


WORK = {"execution": None, "sha256": None, "name": None}
MALFORMED = {
    "no JSON": b"dossier",
    "no object": b"[]",
    "nothing": b"{}",
    "another spelling": json.dumps(json.loads(SAID.to_bytes())).encode(),
    "an unknown member": saying(note="more"),
    "no works": saying(works=None),
    "a work that is a text": saying(works=["cat.png"]),
    "a name that is no text": saying(works=[{**WORK, "name": 7}]),
    "a digest that is none": saying(works=[{**WORK, "sha256": "cat.png"}]),
    "a title that is no text": saying(title=["a"]),
    "a title with half a character": saying(title="?").replace(b'"?"', rb'"\ud800"'),
    "another scope": saying(scope="everything"),
    "another language": saying(language="de"),
    "a choice that there is not": saying(withheld={"names": [1]}),
    "entries that are a list": saying(withheld=[1]),
    "objects that are a list": saying(left_out=[DIGEST]),
    "an entry before the first": saying(withheld={"ideas": [-1]}),
    "an entry that is a text": saying(withheld={"ideas": ["1"]}),
    "an object that is no digest": saying(left_out={"inputs": [7]}),
    "software that is a text": saying(software="comfy-provenance"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_anything_else_is_refused(what: str) -> None:
    assert refused(MALFORMED[what]) == "dossier-malformed"
