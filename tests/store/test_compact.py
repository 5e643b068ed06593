"""What the database stores smaller than it is comes back to the byte, and damage to it is bounded and named."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import uuid
from contextlib import suppress

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store import bases, envelopes, fields
from comfy_provenance.provenance.store.deltas import difference, restored
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.provenance.store.names import id_ranges, pack, unpack
from comfy_provenance.provenance.verify import verifier
from comfy_provenance.tests.store.recording import Recorder
from hypothesis import given
from hypothesis import strategies as st

HEX = "0123456789abcdef"
ODD_NAMES = ["", "a", "-", "A" * 64, "g" * 64, "sha256:", "sha256:" + "AB" * 32, "run-1", "猫", "0" * 15, "x" * 36]
NAMES = st.one_of(
    st.text(max_size=80).filter(lambda text: text.isprintable()),
    st.text(HEX, min_size=64, max_size=64),
    st.text(HEX, min_size=16, max_size=16),
    st.text(HEX, min_size=64, max_size=64).map("sha256:".__add__),
    st.uuids().map(str),
    st.uuids().map(lambda value: str(value).upper()),
)


def graph(seed: int, text: str = "a cat") -> bytes:
    """A workflow that differs from others of its kind in its seed."""
    nodes = [{"id": number, "widgets_values": [hashlib.sha256(b"%d" % number).hexdigest()]} for number in range(40)]
    return json.dumps({"nodes": nodes[:20], "seed": seed, "text": text, "more": nodes[20:]}).encode()


def stored(ledger: Ledger, statement: str, *values: object) -> list[tuple[object, ...]]:
    with sqlite3.connect(ledger.root / "ledger.sqlite3") as connection:
        return connection.execute(statement, values).fetchall()


# names


@given(NAMES)
def test_a_name_comes_back_as_it_was(name: str) -> None:
    assert unpack(pack(name)) == name


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_comes_back_as_it_was(name: str) -> None:
    assert unpack(pack(name)) == name


@given(st.binary(max_size=70))
def test_bytes_that_no_name_is_stored_as_read_as_no_name(data: bytes) -> None:
    assert pack(unpack(data)) == data or unpack(data).startswith("\N{REPLACEMENT CHARACTER}")


def test_ids_and_digests_take_half_the_space_or_less() -> None:
    assert [len(pack(name)) for name in ("ab" * 32, "sha256:" + "ab" * 32, str(uuid.UUID(int=5)), "0" * 16)] == [
        33, 33, 17, 9,
    ]  # fmt: skip


@given(st.uuids().map(str), st.integers(1, 36))
def test_the_ranges_of_a_prefix_hold_just_the_names_that_begin_so(name: str, length: int) -> None:
    other = str(uuid.UUID(int=uuid.UUID(name).int ^ 1 << 127))
    within = [any(low <= pack(each) < high for low, high in id_ranges(name[:length])) for each in (name, other)]
    assert within == [True, False]


# differences


@given(st.binary(max_size=3000), st.binary(max_size=3000), st.binary(max_size=300), st.binary(max_size=300))
def test_a_difference_gives_the_data_back(front: bytes, back: bytes, old: bytes, new: bytes) -> None:
    base, data = front + old + back, front + new + back
    assert restored(base, difference(base, data), len(data)) == data


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_bytes_that_are_no_difference_raise_or_give_bytes_within_the_limit(base: bytes, delta: bytes) -> None:
    with suppress(IntegrityError):
        assert len(restored(base, delta, 500)) <= 500 + 1 + len(base) + len(delta)


# fields

VALUES = st.one_of(
    NAMES,
    st.text(alphabet='ab"\\:1, 猫', max_size=120),
    st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='microseconds')}Z"),
    st.sampled_from(["2026-11-26T23:59:59.999999Z", "2026-11-26T00:00:00.000000Z", "2026-11-26T99:00:00.000000Z"]),
    st.integers(0, 10**30).map(lambda number: f"ComfyUI_{number:05}_.png"),
)


@given(st.lists(st.tuples(VALUES, VALUES, st.integers(-(10**25), 10**25)), max_size=30), st.randoms())
def test_fields_give_the_payload_back(values: list[tuple[str, str, int]], dice: random.Random) -> None:
    old = json.dumps([[before, number] for before, _, number in values]).encode()
    again = [after if dice.random() < 0.7 else f"sha256:{dice.choice(values)[1]}" for _, after, _ in values]
    new = json.dumps(
        [[after, number * dice.randrange(3)] for after, (*_, number) in zip(again, values, strict=True)]
    ).encode()
    delta = fields.difference(fields.pieces(old), new)
    if old.count(b'"') == new.count(b'"'):
        assert delta is not None
        assert fields.restored(fields.pieces(old), delta, len(new)) == new
        with pytest.raises(IntegrityError):
            fields.restored(fields.pieces(old), delta, len(new) - 1)
    else:
        assert delta is None


@given(st.lists(st.binary(max_size=40), max_size=6), st.binary(max_size=60))
def test_bytes_that_are_no_fields_raise_or_stay_within_the_limit(pattern: list[bytes], delta: bytes) -> None:
    with suppress(IntegrityError):
        assert len(fields.restored(pattern, bytes([len(pattern)]) + delta, 500)) <= 500


def test_a_statement_that_differs_in_digests_takes_no_more_than_they_do() -> None:
    def statement(seed: int) -> bytes:
        digests = [hashlib.sha256(b"%d %d" % (seed, number)).hexdigest() for number in range(4)]
        said = {"run": str(uuid.UUID(int=seed)), "made": digests, "of": [f"sha256:{digest}" for digest in digests]}
        return json.dumps(said).encode()

    delta = fields.difference(fields.pieces(statement(1)), statement(2**100))
    assert delta is not None
    assert len(delta) < 4 * 32 + 16 + 2 * 10


# objects


def test_snapshots_that_differ_in_their_seed_are_kept_as_differences(ledger: Ledger) -> None:
    graphs = [graph(seed) for seed in range(100)]
    digests = [ledger.objects.put(each, "application/json") for each in graphs]
    assert [ledger.objects.get(digest) for digest in digests] == graphs
    kinds = dict(stored(ledger, "SELECT encoding, count(*) FROM objects GROUP BY encoding"))
    assert kinds == {"zlib": 2, "delta": 98}  # a base serves a limited number of others
    ((longest,),) = stored(ledger, "SELECT max(length(data)) FROM objects WHERE encoding = 'delta'")
    assert longest < 64


def test_a_difference_is_only_taken_from_what_was_committed(ledger: Ledger) -> None:
    ledger.objects.prepare(graph(1), "application/json")
    assert ledger.objects.prepare(graph(2), "application/json").encoding == "zlib"


def test_a_damaged_base_takes_a_limited_number_along(ledger: Ledger, signer: Signer) -> None:
    digests = [ledger.objects.put(graph(seed), "application/json") for seed in range(150)]
    stored(ledger, "UPDATE objects SET data = zeroblob(9) WHERE digest = ?", bytes.fromhex(digests[0]))
    lost = 0
    reopened = Ledger.open(ledger.root, signer)
    for digest in digests:
        try:
            reopened.objects.get(digest)
        except IntegrityError:
            lost += 1
    reopened.close()
    assert lost == bases.MOST_USES + 1


def test_graphs_that_are_not_alike_are_kept_whole(ledger: Ledger) -> None:
    for name in ("a", "b", "c"):
        data = b"".join(hashlib.sha256(b"%b %d" % (name.encode(), number)).digest() for number in range(200))
        assert ledger.objects.get(ledger.objects.put(data, "application/json")) == data
    assert stored(ledger, "SELECT count(*) FROM objects WHERE encoding = 'delta'") == [(0,)]


# envelopes


def runs(recorder: Recorder, count: int) -> list[bytes]:
    """Record some runs; the envelopes of all entries, as `append` gave them to the index's reader."""
    for number in range(count):
        recorder.run(f"run-{number}", made=[f"{number}.png"])
    return [recorder.ledger.index.entry(index).envelope for index in range(2 * count + 1)]


def test_envelopes_come_back_as_they_were_sealed(recorder: Recorder, signer: Signer) -> None:
    before = runs(recorder, 20)
    for envelope in before:
        dsse.open(envelope, signer.public)
    reopened = Ledger.open(recorder.ledger.root, signer)
    assert [reopened.reader().entry(index) for index in range(len(before))] == before
    reopened.close()
    ((small,),) = stored(recorder.ledger, "SELECT sum(length(envelope)) FROM entries")
    assert small < sum(map(len, before)) / 3


def test_a_damaged_pattern_loses_no_entry_and_is_named_and_repaired(recorder: Recorder, signer: Signer) -> None:
    before = runs(recorder, 5)
    stored(recorder.ledger, "UPDATE patterns SET payload = zeroblob(20)")
    ledger = Ledger.open(recorder.ledger.root, signer)
    assert [ledger.reader().entry(index) for index in range(len(before))] == before
    assert verifier.verify(ledger.reader(), signer.public, schema_check=None).entries == len(before)
    assert [each.code for each in ledger.check_index()] == ["index-row-changed", "index-row-changed"]
    ledger.rebuild_index()
    assert list(ledger.check_index()) == []
    ledger.close()


def test_a_damaged_entry_takes_no_other_entry_along(recorder: Recorder, signer: Signer) -> None:
    before = runs(recorder, 5)
    for index in range(1, len(before)):
        ledger = Ledger.open(recorder.ledger.root, signer)
        ((sound,),) = stored(ledger, "SELECT envelope FROM entries WHERE number = ?", index)
        stored(ledger, "UPDATE entries SET envelope = substr(envelope, 2) WHERE number = ?", index)
        reader = ledger.reader()
        assert [place for place in range(len(before)) if reader.entry(place) != before[place]] == [index]
        stored(ledger, "UPDATE entries SET envelope = ? WHERE number = ?", sound, index)
        ledger.close()


@pytest.mark.parametrize("index", [1, 4])  # kept alone, kept as a difference
def test_any_changed_byte_of_a_stored_entry_is_found(recorder: Recorder, signer: Signer, index: int) -> None:
    before = runs(recorder, 3)
    ((sound,),) = stored(recorder.ledger, "SELECT envelope FROM entries WHERE number = ?", index)
    with recorder.ledger._database.read() as connection:
        reading = envelopes.Envelopes(connection)
        for place in range(len(sound)):
            changed = bytearray(sound)
            changed[place] ^= 1
            envelope = reading.envelope(bytes(changed))
            assert envelope != before[index]
            with pytest.raises(IntegrityError):
                dsse.open(envelope, signer.public)


def test_an_append_that_failed_leaves_nothing_that_later_ones_build_on(recorder: Recorder, signer: Signer) -> None:
    recorder.run("one", made=["a.png"])
    fresh = Ledger.open(recorder.ledger.root, signer)
    again = Recorder(fresh, recorder.ticks)
    with pytest.raises(InputError, match="already recorded"):
        again.submit("one")
    again.run("two", made=["b.png"])
    for index in range(5):
        dsse.open(fresh.index.entry(index).envelope, signer.public)
    fresh.close()
