"""The quick check of predicates never says yes where jsonschema says no."""

from __future__ import annotations

import copy

import pytest
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.record import accepts, schema
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

HEX = "0" * 64
AT = "2026-11-23T02:40:00.123456Z"
SAMPLES = {
    "string": [
        "",
        "x",
        HEX,
        HEX + "\n",
        HEX.upper(),
        AT,
        AT + "\n",
        "success",
        "declared",
        "00ff00ff00ff00ff",
        "sha256:x",
    ],
    "integer": [0, 1, -1, 2**70],
    "number": [0, 0.5, 1, 2.5, -1],
    "boolean": [True, False],
    "null": [None],
    "object": [{}, {"surprise": 1}],
    "array": [[], [None]],
}
ANYTHING = [value for values in SAMPLES.values() for value in values]
NAMES = [*(kind.value for kind in Kind), "statement"]


def fitting(part, defs):
    """Values that often, not always, fit a schema."""
    if "$ref" in part:
        return fitting(defs[part["$ref"].removeprefix("#/$defs/")], defs)
    names = part["type"] if isinstance(part["type"], list) else [part["type"]]
    choices = [st.sampled_from(part["enum"])] if "enum" in part else []
    choices += [st.just(part["const"])] if "const" in part else []
    if "object" in names:
        choices.append(st.fixed_dictionaries({k: fitting(v, defs) for k, v in part.get("properties", {}).items()}))
    if "array" in names:
        choices.append(st.lists(fitting(part["items"], defs), max_size=2) if "items" in part else st.just([]))
    if not choices:
        choices = [st.sampled_from([v for name in names for v in SAMPLES[name]])]
    return st.one_of(*choices, *([st.none()] if "null" in names else []))


def places(value, path=()):
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = replaced(value[path[0]], path[1:], new)
    return value


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_quick_yes_is_a_yes(name, data):
    document = schema.document(name)
    quick, judge = accepts.compiled(document), Draft202012Validator(document)
    value = data.draw(fitting(document, document.get("$defs", {})))
    for _ in range(data.draw(st.integers(0, 2))):
        path = data.draw(st.sampled_from(list(places(value))))
        value = replaced(value, path, data.draw(st.sampled_from(ANYTHING)))
    if quick(value):
        assert judge.is_valid(value)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "string", "format": "date"},
        {"type": ["string", "integer"], "pattern": "x"},
        {"type": ["string", "null"], "enum": ["x"]},
        {"type": "string", "minimum": 1},
        {"type": "object", "properties": {"x": {"anyOf": []}}},
        {"minimum": 1},
    ],
)
def test_a_schema_it_does_not_understand_is_refused(part):
    with pytest.raises(ValueError, match="schema"):
        accepts.compiled(part)
