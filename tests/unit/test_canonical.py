"""The only maker of bytes: what it writes, what it refuses, and that nothing is lost on the way."""

from __future__ import annotations

import hashlib

import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)
DEEP = b"[" * 200_000


def _nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


@given(VALUES)
def test_statements_and_snapshots_keep_every_value(value: object) -> None:
    assert canonical.parse_json(canonical.statement_bytes(value)) == value
    assert canonical.parse_json(canonical.snapshot_bytes(value)) == value
    assert canonical.thaw(canonical.freeze(value)) == value


@given(VALUES)
def test_statements_have_one_spelling(value: object) -> None:
    written = canonical.statement_bytes(value)
    assert canonical.statement_bytes(canonical.parse_json(written)) == written


def test_statements_are_sorted_and_snapshots_are_not() -> None:
    value = {"b": 1, "a": {"d": 2, "c": "猫"}}
    assert canonical.statement_bytes(value) == '{"a":{"c":"猫","d":2},"b":1}'.encode()
    assert canonical.snapshot_bytes(value) == '{"b":1,"a":{"d":2,"c":"猫"}}'.encode()


def test_snapshots_keep_number_kinds_and_64_bit_seeds() -> None:
    text = b'{"seed":18446744073709551615,"cfg":8.0,"steps":8,"tiny":1e-07,"nan":NaN,"far":-Infinity}'
    assert canonical.snapshot_bytes(canonical.parse_json(text)) == text


def test_a_lone_surrogate_turns_a_snapshot_into_ascii() -> None:
    value = {"text": "猫\ud800"}
    assert canonical.snapshot_bytes(value) == b'{"text":"\\u732b\\ud800"}'
    assert canonical.parse_json(canonical.snapshot_bytes(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"a": b"x"}, {1j: 1}, _nested(100_000)])
def test_what_a_statement_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="JSON"):
        canonical.statement_bytes(value)


@pytest.mark.parametrize("value", [{"a": {1, 2}}, {(1, 2): 3}, _nested(100_000)])
def test_what_a_snapshot_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="JSON"):
        canonical.snapshot_bytes(value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", DEEP, b"{} {}"])
def test_what_is_not_json_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="not JSON"):
        canonical.parse_json(data)


def test_frozen_bytes_are_a_copy() -> None:
    value = {"prompt": {"1": {"inputs": {"seed": 1}}}, "tuple": (1, 2), "data": b"x"}
    frozen = canonical.freeze(value)
    value["prompt"]["1"]["inputs"]["seed"] = 2  # type: ignore[index]
    assert canonical.thaw(frozen) == {"prompt": {"1": {"inputs": {"seed": 1}}}, "tuple": (1, 2), "data": b"x"}


def test_a_value_that_holds_itself_is_copied_as_far_as_json_can_have_it() -> None:
    extra: dict[str, object] = {"pack": "x"}
    extra["self"] = extra
    copied = canonical.thaw(canonical.freeze({"extra": extra}))
    assert copied["extra"]["self"]["pack"] == "x"
    assert b"$unrecorded" in canonical.snapshot_bytes(copied)


@pytest.mark.parametrize("value", [object(), {"a": object()}, _nested(3_000)])
def test_what_cannot_be_frozen_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="cannot be copied"):
        canonical.freeze(value)


def test_digests() -> None:
    assert canonical.sha256_hex(b"cat") == hashlib.sha256(b"cat").hexdigest()
    assert canonical.is_sha256_hex(canonical.sha256_hex(b"cat"))
    for wrong in ("", "ab", "AB" * 32, "ab" * 33, "zz" * 32, "ab" * 31 + "a\n", b"ab" * 32, None, 7):
        assert not canonical.is_sha256_hex(wrong)


def test_timestamps_are_utc_with_microseconds() -> None:
    assert canonical.timestamp(0) == "1970-01-01T00:00:00.000000Z"
    assert canonical.timestamp(1_795_401_600_123_456_789) == "2026-11-23T02:40:00.123456Z"
    assert canonical.timestamp(999) == "1970-01-01T00:00:00.000000Z"


class _Text(str):
    """A string type of somebody else's library."""


def test_plain_keeps_what_json_knows_and_names_the_rest() -> None:
    given = {1: (True, None, 2, 0.5, _Text("x")), "tensor": {1, 2}, "nested": {"bytes": b"x"}}
    made = canonical.plain(given)
    assert made == {
        "1": [True, None, 2, 0.5, "x"],
        "tensor": {"$unrecorded": "set"},
        "nested": {"bytes": {"$unrecorded": "bytes"}},
    }
    assert type(made["1"][4]) is str and made["1"][0] is True


def test_plain_cuts_what_nests_too_deep() -> None:
    assert canonical.plain([[[]]], depth=1) == [{"$unrecorded": "list"}]
    assert canonical.plain({"a": {}}, depth=1) == {"a": {"$unrecorded": "dict"}}
    canonical.statement_bytes(canonical.plain(_nested(10_000)))
