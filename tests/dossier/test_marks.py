"""Kinds of entries in one byte each."""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.dossier.marks import Marks
from comfy_provenance.provenance.model import Kind


def test_marks_tell_which_entries_are_meant_and_of_which_kind():
    marks = Marks(5)
    marks.update({4: Kind.GENESIS.value, 1: Kind.RELEASE.value, 2: "of a later release"})
    assert dict(marks) == {1: "release", 2: "other", 4: "genesis"}
    assert list(marks) == [1, 2, 4] and len(marks) == 3
    del marks[2]
    assert 2 not in marks and -1 not in marks and 5 not in marks and None not in marks
    with pytest.raises(KeyError):
        marks[2]


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_mark(kind):
    marks = Marks(1)
    marks[0] = kind.value
    assert marks[0] == kind.value
