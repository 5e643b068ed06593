"""A log of which only a part is shown: hashes stand for the rest, and every place stays bound."""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.seal.merkle import leaf_hash
from comfy_provenance.provenance.verify.verifier import Excerpt, verify
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog


@pytest.fixture
def log():
    return SimulatedLog().session(runs=3)


def excerpt_of(log, hidden, left_out=()):
    leaves = [leaf_hash(entry) for entry in log.entries]
    for index in hidden:
        log.entries[index] = b""
    return Excerpt(lambda index: leaves[index] if index in hidden else None, left_out)


def test_a_part_of_a_log_verifies_by_the_hashes_of_the_rest(log):
    report = verify(log, log.public, excerpt=excerpt_of(log, {3, 4, len(log.entries) - 1}))
    assert report.ok
    assert not report.findings
    assert report.entries == len(log.entries) - 3


def test_a_hash_that_is_not_the_hidden_entrys_breaks_the_tree(log):
    hidden = excerpt_of(log, {3})
    report = verify(log, log.public, excerpt=Excerpt(lambda index: bytes(32) if index == 3 else hidden.leaf(index)))
    assert {found.code for found in report.findings} == {"log-root", "checkpoint-root"}


def test_an_entry_that_is_neither_shown_nor_hashed_is_missing(log):
    hidden = excerpt_of(log, {3})
    log.entries[5] = b""
    report = verify(log, log.public, excerpt=hidden)
    assert [(found.code, found.entry) for found in report.findings] == [("entry-missing", 5)]


def test_an_object_is_left_out_on_purpose_or_missing(log):
    digest = sorted(log.objects)[0]
    del log.objects[digest]
    assert not verify(log, log.public).ok
    assert verify(log, log.public, excerpt=Excerpt(left_out={digest})).ok
