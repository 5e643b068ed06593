"""Redaction over any JSON: never changes its input, hides every planted secret, and has nothing left to do."""

from __future__ import annotations

import copy
import json

from comfy_provenance.provenance.record.redact import Redactor
from hypothesis import given, settings
from hypothesis import strategies as st

SECRETS = (
    "sk-ant-api03-" + "Ab1" * 12,
    "hf_" + "Zx9" * 12,
    "ghp_" + "0aB" * 12,
    "AKIA" + "Q7" * 8,
    "eyJ" + "hbGci1" * 4 + ".eyJ" + "zdWIi2" * 4 + "." + "sig3" * 8,
)
NAMED = "plain words"
NAMES = ("api_key", "password", "clientSecret", "auth_token_comfy_org")
OTHERS = (
    "text",
    "nodes",
    "links",
    "inputs",
    "widgets_values",
    "type",
    "value",
    "name",
    "title",
    "definitions",
    "max_tokens",
)

words = st.text(max_size=12) | st.sampled_from(["a cat", "KSampler", "randomize", "key: 1", "x=y", "[redacted:"])
planted = st.tuples(st.text(max_size=4), st.sampled_from(SECRETS), st.text(max_size=4)).map(
    lambda parts: f"{parts[0]} {parts[1]} {parts[2]}"
)
leaves = words | planted | st.integers() | st.none() | st.booleans() | st.just(["1", 0])
keys = st.sampled_from(OTHERS) | st.text(max_size=6)


def containers(inner):
    plain = st.dictionaries(keys, inner, max_size=4)
    named = st.tuples(plain, st.sampled_from(NAMES)).map(lambda pair: {**pair[0], pair[1]: NAMED})
    return st.lists(inner, max_size=4) | plain | named


documents = st.recursive(leaves, containers, max_leaves=25)


@settings(max_examples=300, deadline=None)
@given(prompt=documents, workflow=documents, extra=documents)
def test_planted_secrets_never_survive(prompt, workflow, extra):
    before = copy.deepcopy((prompt, workflow, extra))
    redactor = Redactor(b"salt", lambda class_type: ("api_key", "text") if class_type == "KSampler" else None)
    result = redactor.graph(prompt, workflow, extra)
    assert (prompt, workflow, extra) == before
    text = json.dumps([result.prompt, result.workflow, result.extra], ensure_ascii=False)
    for secret in SECRETS:
        assert secret not in text
    if any(f'"{name}": "{NAMED}"' in json.dumps(before) for name in NAMES):
        assert NAMED not in text
    if not result.marks:
        assert result.prompt is prompt
        assert result.workflow is workflow
        assert result.extra is extra
    again = redactor.graph(result.prompt, result.workflow, result.extra)
    assert again.marks == ()
    assert again.workflow is result.workflow


@settings(max_examples=300, deadline=None)
@given(text=st.lists(words | planted).map(" ".join))
def test_texts_lose_their_secrets_once_and_for_all(text):
    redactor = Redactor(b"salt", lambda class_type: None)
    cleaned = redactor.text(text)
    assert not any(secret in cleaned for secret in SECRETS)
    assert redactor.text(cleaned) == cleaned
