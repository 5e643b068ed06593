"""Every builder makes a body that its published schema accepts, and that canonical JSON can carry."""

from __future__ import annotations

import json

import pytest
from comfy_provenance.provenance.canonical import parse_json, sha256_hex, statement_bytes
from comfy_provenance.provenance.errors import NewerFormat, SchemaError
from comfy_provenance.provenance.model import (
    Asset,
    Basis,
    Decision,
    Edge,
    FileFacts,
    FileRef,
    Instant,
    Kind,
    ModelRef,
    Output,
    PromptVersion,
    Relation,
    SignedHead,
    Status,
    Token,
)
from comfy_provenance.provenance.record import attested, outcome, predicate, releases, schema
from comfy_provenance.provenance.record.redact import Mark

from . import brought

AT = Instant(1_795_000_000_123_456_789, 42)
HEX = sha256_hex(b"x")
OTHER = sha256_hex(b"y")
FACTS = FileFacts(HEX, 10, 5, "image/png", 8, 8, OTHER, "00ff00ff00ff00ff", None)
EDGE = Edge("e1", "e0", Relation.REVISION_OF, Basis.DECLARED, "workflow", None, ("1", "2"))


def completion(**changes):
    given = {
        "session": "s",
        "at": AT,
        "execution": "e1",
        "submission": 3,
        "prompt_document": OTHER,
        "status": Status.SUCCESS,
        "outputs": [Output("9", "images", 0, FileRef("output", "sub", "a.png"), FACTS, thumbnail=OTHER)],
        "used": [Asset("1", "image", "a.png", FileRef("input", "", "a.png"), FACTS, kept=HEX)],
        "prompts": [PromptVersion("6", "text", "CLIPTextEncode", "positive", "literal", "a cat")],
        "models": [ModelRef("4", "ckpt_name", "checkpoints", "m.safetensors", 5, 6, None)],
        "executed": ["4", "9"],
        "cached": ["6"],
        "timings": predicate.Timings(1.5, AT.wall_ns, AT.wall_ns, 3.25),
        "error": predicate.Failure("ValueError", "no", "3", "KSampler", "trace"),
        "observations": HEX,
        "edges": [EDGE],
    }
    return predicate.completion(**{**given, **changes})


BODIES = {
    Kind.GENESIS: predicate.genesis(
        at=AT, writer="w", public_key="-----BEGIN PUBLIC KEY-----\n", software="comfy-provenance", version="0.1.0"
    ),
    Kind.SESSION: predicate.session(session="s", at=AT, event="start", host="ComfyUI", host_version=None),
    Kind.SUBMISSION: predicate.submission(
        session="s",
        at=AT,
        execution="e1",
        prompt_id="p1",
        number=-3.0,
        accepted=AT,
        workflow=HEX,
        prompt=OTHER,
        extra=None,
        packs={"Fancy": "pack", "Gone": None},
        redactions=[Mark("workflow", "/nodes/0/widgets_values/1", "[redacted:hmac-sha256:0123456789abcdef]")],
        parent=predicate.Parent("e0", False, Basis.DECLARED, "workflow.extra.provenance"),
        edges=[EDGE],
    ),
    Kind.COMPLETION: completion(),
    Kind.MODEL: predicate.model(
        session="s",
        at=AT,
        folder="loras",
        name="a/b.safetensors",
        size=4,
        mtime_ns=5,
        sha256=HEX,
        header={"tensors": 1, "parameters": 2, "dtypes": {"F16": 1}, "metadata": {"a": "b"}, "trimmed": False},
        executions=["e1"],
        edges=[EDGE],
    ),
    Kind.INTENT: predicate.intent(session="s", at=AT, text="一只猫", title=None, node="1", execution="e1"),
    Kind.DECISION: predicate.decision(
        session="s",
        at=AT,
        execution="e1",
        prompt_document=OTHER,
        output=HEX,
        decision=Decision.RATE,
        rating=5,
        reason="光线最好",
    ),
    Kind.REPLAY: outcome.replay(
        session="s",
        at=AT,
        execution="e2",
        original="e1",
        completion=7,
        prompt_document=OTHER,
        comparison=outcome.Comparison(
            changed=[outcome.Changed("6", "text"), outcome.Changed("11", None)],
            cached=["4"],
            outputs=[
                outcome.OutputPair("9", "images", 0, HEX, OTHER, outcome.Verdict.DIFFERENT, 31.25, 0.91),
                outcome.OutputPair("9", "images", 1, HEX, None, outcome.Verdict.MISSING, problem="no such output"),
            ],
            tensors=[outcome.TensorPair("3", "latent_out", HEX, OTHER)],
            drift=[outcome.Drift("environment", "torch", "2.8.0", None)],
            not_compared=["model"],
        ),
    ),
    **brought.BODIES,
    Kind.GAP: predicate.gap(session="s", at=AT, reason="disk-full", missed=predicate.Missed(3, 1, 1), since=AT),
    Kind.RELEASE: releases.release(
        session="s",
        at=AT,
        wish=releases.Wish(rejected=True, before="2026-01-01T00:00:00.000000Z"),
        objects=[
            releases.Released(HEX, releases.Role.OUTPUT, releases.Reason.REJECTED, 12),
            releases.Released(OTHER, releases.Role.INPUT, releases.Reason.IN_PLACE, 30),
        ],
    ),
    Kind.ANCHOR: attested.anchor(
        session="s",
        at=AT,
        checkpoint=SignedHead(HEX, 7, OTHER),
        token=OTHER,
        said=Token("1.2.3.4.1", "0a", AT.wall_ns, 1_000_000, "f00d", "sha256", HEX, "CN=联合信任"),
        authority="Local",
        url="https://tsa.example/tsr",
        requested=True,
    ),
    Kind.WITNESS: attested.witness(
        session="s",
        at=AT,
        checkpoint=SignedHead(HEX, 7, OTHER),
        name="comfy-provenance/0123456789abcdef",
        public_key="-----BEGIN PUBLIC KEY-----\n",
        cosigned_s=1_795_000_000,
        label="李",
    ),
}


def sealed(body):
    """The body as the ledger completes it and as a reader gets it back."""
    return json.loads(statement_bytes({**body[1], "log": {"origin": "o", "index": 0, "root": HEX}}))


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_validates_and_has_a_subject(kind):
    subject, _ = BODIES[kind]
    assert subject
    statement = {
        "_type": schema.STATEMENT_TYPE,
        "subject": subject,
        "predicateType": schema.predicate_type(kind),
        "predicate": sealed(BODIES[kind]),
    }
    schema.validate_statement(parse_json(statement_bytes(statement)))


@pytest.mark.parametrize("kind", list(Kind))
def test_every_property_is_required_described_and_closed(kind):
    body = sealed(BODIES[kind])
    for name in body:
        with pytest.raises(SchemaError, match="required"):
            schema.validate(schema.predicate_type(kind), {k: v for k, v in body.items() if k != name})
    with pytest.raises(SchemaError, match="unexpected"):
        schema.validate(schema.predicate_type(kind), {**body, "surprise": 1})
    waiting = [schema.document(kind.value)]
    while waiting:
        part = waiting.pop()
        for inner in (*part.get("properties", {}).values(), *part.get("$defs", {}).values()):
            assert inner.get("description") or "$ref" in inner
            waiting.append(inner)
        if part.get("type") in ("object", ["object", "null"]) and "properties" in part:
            assert part["additionalProperties"] is False


def test_a_decision_names_what_it_is_about_as_its_subject():
    said = {"session": "s", "at": AT, "execution": "e1", "prompt_document": OTHER, "decision": Decision.KEEP}
    assert predicate.decision(**said, output=HEX)[0] == [{"name": "output", "digest": {"sha256": HEX}}]
    assert predicate.decision(**said, output=None)[0] == [{"name": "prompt", "digest": {"sha256": OTHER}}]


def test_a_run_that_repeats_another_says_so():
    repeats = predicate.Repeats("e0", True, "sheet-1", 2, 9)
    body = sealed(
        predicate.submission(
            session="s",
            at=AT,
            execution="e1",
            prompt_id="p1",
            number=1,
            accepted=AT,
            workflow=None,
            prompt=OTHER,
            extra=None,
            packs={},
            redactions=(),
            parent=None,
            repeats=repeats,
        )
    )
    schema.validate(schema.predicate_type(Kind.SUBMISSION), body)
    assert body["replay"] == {
        "of": "e0", "known": True, "sheet": {"id": "sheet-1", "cell": 2, "cells": 9}, "basis": "declared"
    }  # fmt: skip
    with pytest.raises(SchemaError):
        schema.validate(
            schema.predicate_type(Kind.SUBMISSION), {**body, "replay": {**body["replay"], "basis": "observed"}}
        )


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((), "not-compared"),
        (("same-bytes",), "same-bytes"),
        (("same-bytes", "same-pixels"), "same-content"),
        (("same-tensors",), "same-content"),
        (("same-bytes", "not-compared"), "not-compared"),
        (("different", "not-compared"), "different"),
        (("different", "missing"), "incomplete"),
        (("same-bytes", "added"), "incomplete"),
    ],
)
def test_an_outcome_is_the_least_of_what_holds(verdicts, expected):
    assert outcome.outcome(map(outcome.Verdict, verdicts)).value == expected


def test_a_replay_speaks_of_its_own_outputs_or_else_of_its_graph():
    said = {"session": "s", "at": AT, "execution": "e2", "original": "e1", "completion": 7, "prompt_document": OTHER}
    pair = outcome.OutputPair("9", "images", 0, HEX, HEX, outcome.Verdict.SAME_BYTES)
    named, body = outcome.replay(**said, comparison=outcome.Comparison(outputs=[pair]))
    assert named == [{"name": f"output:{HEX}", "digest": {"sha256": HEX}}]
    assert (body["outcome"], body["graph"]) == ("same-bytes", {"same": True, "changed": []})
    named, body = outcome.replay(**said, comparison=outcome.Comparison())
    assert named == [{"name": "prompt", "digest": {"sha256": OTHER}}]
    assert body["outcome"] == "not-compared"


def test_a_pause_may_say_why():
    said = {"session": "s", "at": AT, "host": "ComfyUI", "host_version": None}
    body = sealed(predicate.session(**said, event="pause", reason="客户保密"))
    schema.validate(schema.predicate_type(Kind.SESSION), body)
    assert body["reason"] == "客户保密"
    assert "reason" not in sealed(predicate.session(**said, event="start"))


def test_an_error_names_the_place_in_one_line():
    body = sealed(BODIES[Kind.COMPLETION])
    body["outputs"][0]["sha256"] = "not a\ndigest"
    with pytest.raises(SchemaError) as caught:
        schema.validate(schema.predicate_type(Kind.COMPLETION), body)
    assert str(caught.value).startswith("$.outputs[0].sha256: ")
    assert "\n" not in str(caught.value)


def test_a_true_is_no_integer():
    body = sealed(BODIES[Kind.COMPLETION])
    body["submission"] = True
    with pytest.raises(SchemaError, match="submission"):
        schema.validate(schema.predicate_type(Kind.COMPLETION), body)


@pytest.mark.parametrize("uri", ["", "https://example.com/x/v1", schema.PREFIX + "completion/v1\n"])
def test_a_foreign_predicate_type_is_refused(uri):
    with pytest.raises(SchemaError):
        schema.validate(uri, {})


@pytest.mark.parametrize("name", ["completion/v2", "key-change/v1"])
def test_a_newer_predicate_type_is_told_apart(name):
    with pytest.raises(NewerFormat):
        schema.validate(schema.PREFIX + name, {})


def test_without_outputs_the_prompt_document_is_the_subject():
    subject, _ = completion(outputs=[Output("9", "images", 0, FileRef("temp", "", "gone.png"), None, problem="gone")])
    assert subject == [{"name": "prompt", "digest": {"sha256": OTHER}}]


def test_one_name_written_twice_with_other_bytes_keeps_both_subjects():
    ref = FileRef("output", "", "a.png")
    second = FileFacts(OTHER, 1, 1, "image/png")
    outputs = [Output("1", "images", 0, ref, FACTS), Output("2", "images", 0, ref, second)]
    subject, _ = completion(outputs=[*outputs, Output("3", "images", 0, ref, FACTS)])
    assert sorted(item["digest"]["sha256"] for item in subject) == sorted([HEX, OTHER])
    assert len({item["name"] for item in subject}) == 2


def test_lone_surrogates_do_not_stop_a_statement():
    version = PromptVersion("6", "text", "CLIPTextEncode", "positive", "literal", "a \udcff cat")
    _, body = completion(prompts=[version])
    assert body["prompts"][0]["text"] == "a \\udcff cat"
    statement_bytes(body)


def test_a_queue_number_that_json_cannot_carry_becomes_null():
    _, body = predicate.submission(
        session="s",
        at=AT,
        execution="e",
        prompt_id="p",
        number=float("nan"),
        accepted=AT,
        workflow=None,
        prompt=HEX,
        extra=None,
        packs={},
        redactions=[],
        parent=None,
    )
    assert body["number"] is None
