"""Changed copies of everything that comes from outside, at every door: refused in our own words, or taken."""

from __future__ import annotations

import pytest
from comfy_provenance.tests.fuzz.doors import DOORS, try_door
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SLOW = frozenset({"entry", "image", "project", "workflow"})


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A sound document with pieces taken out, doubled, or put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 2, 8, 64])))
        piece = draw(
            st.binary(max_size=6)
            | st.sampled_from([b"\0", b'"', b"{}", b"[[", b"NaN", b"1e999", b"\\ud800", b"\xff\xff\xff\xff", b"\n\n"])
            | st.just(bytes(data[start:end]) * 2)
        )
        data[start:end] = piece
    return bytes(data)


@pytest.mark.parametrize("name", DOORS)
def test_a_door_takes_sound_bytes(name: str) -> None:
    for seed in DOORS[name].seeds():
        try_door(name, seed)


@pytest.mark.parametrize("name", DOORS)
def test_nothing_but_our_own_errors_comes_out(name: str) -> None:
    @settings(
        max_examples=60 if name in SLOW else 200,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(data=changed(DOORS[name].seeds()) | st.binary(max_size=200))
    def try_all(data: bytes) -> None:
        try_door(name, data)

    try_all()
