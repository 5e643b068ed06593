"""Texts are found by any piece of them, whichever of the ways the search takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from comfy_provenance.provenance.store import search
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.provenance.store.values import fold
from comfy_provenance.provenance.store.words import Piece, pieces_of, words_of
from comfy_provenance.tests.store.recording import Recorder, prompt
from hypothesis import given
from hypothesis import strategies as st

LETTERS = "ab c_1 .(:é猫水晶ねハ한글ภ𠀋"
LONG = st.lists(st.text("ab", max_size=90), max_size=4).map(" ".join)
TEXTS = st.text(LETTERS, max_size=150) | LONG

WRITTEN = [
    "a crystal pendant, (soft light:1.2)",
    "crystal clear water",
    "猫水晶吊坠，柔和的光影",
    "光影与猫",
    "embedding:easy_negative_v2, masterpiece",
    "ＷＩＤＥ letters",
    "x" * 300 + "needle" + "y" * 300,
    "crystal",
]
QUESTIONS = [
    "crystal", "rysta", "crystal pendant", "pendant, (so", "c", "t:1.2)", ",", "水晶", "猫", "影", "光影", "猫水晶吊",
    "坠，柔", "negative_v", "easy_negative_v2", "wide", "zeppelin", "xxneedle", "xneedley", "needle", "y" * 100, "1.2",
    "crystal water",
]  # fmt: skip


def holds(word: str, piece: Piece) -> bool:
    if piece.begins:
        return word == piece.text if piece.ends else word.startswith(piece.text)
    return word.endswith(piece.text) if piece.ends else piece.text in word


@given(TEXTS, st.integers(0, 300), st.integers(0, 300))
def test_a_questions_pieces_stand_in_words_of_every_text_that_contains_it(text: str, at: int, to: int) -> None:
    text = fold(text)
    words, question = words_of(text), text[min(at, to) : max(at, to)]
    holding: set[int] = set()
    for piece in pieces_of(question):
        after = {place + 1 for place in holding}
        holding = {place for place, word in enumerate(words) if holds(word, piece)}
        assert holding, (question, piece)
        if piece.follows:
            holding &= after
            assert holding, (question, piece)


@pytest.fixture
def written(ledger: Ledger, recorder: Recorder) -> Ledger:
    """Each text in several runs, most of them beside another one."""
    for number in range(3 * len(WRITTEN)):
        texts = (WRITTEN[number % len(WRITTEN)], WRITTEN[number * 5 % 7])
        recorder.run(f"run-{number}", prompts=[prompt(text, node=str(node)) for node, text in enumerate(texts)])
    return ledger


def expected(question: str, limit: int) -> list[tuple[str, str]]:
    runs = range(3 * len(WRITTEN) - 1, -1, -1)
    said = [(f"run-{run}", WRITTEN[place]) for run in runs for place in (run * 5 % 7, run % len(WRITTEN))]
    return [(run, text) for run, text in said if fold(question) in fold(text)][:limit]


@pytest.mark.parametrize("limit", [2, 50])
@pytest.mark.parametrize("few", [0, 1000], ids=["words are common", "words are rare"])
@pytest.mark.parametrize("narrow", [0, 30], ids=["pieces alone", "pieces side by side"])
@pytest.mark.parametrize("newest", [(), (3, 4), (2000,)], ids=["look at all", "look at the newest", "look at many"])
def test_what_contains_the_question_is_found_newest_first(
    written: Ledger, monkeypatch: pytest.MonkeyPatch, few: int, newest: tuple[int, ...], narrow: int, limit: int
) -> None:
    monkeypatch.setattr(search, "_NARROW", narrow)
    monkeypatch.setattr(search, "_FEW", few)
    monkeypatch.setattr(search, "_NEWEST", newest)
    for question in QUESTIONS:
        found = [(hit.execution, hit.text) for hit in written.index.search(question, limit)]
        wanted = expected(question, limit)
        assert found == wanted, question


@pytest.mark.parametrize("few", [0, 1000], ids=["words are common", "words are rare"])
def test_many_runs_of_the_same_prompts_come_before_older_ones(
    ledger: Ledger, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(search, "_FEW", few)
    for number, text in enumerate(["crystal ball", "a crystal", "crystal clear", "crystal clear", "crystal clear"]):
        recorder.run(f"run-{number}", prompts=[prompt(text)])
    assert [hit.execution for hit in ledger.index.search("crystal", 2)] == ["run-4", "run-3"]
    assert [hit.execution for hit in ledger.index.search("crystal", 4)] == ["run-4", "run-3", "run-2", "run-1"]


@pytest.mark.parametrize("text", ["", " ", ", .!", "\n"])
def test_a_run_whose_text_has_no_word_in_it_is_recorded_and_sound(
    ledger: Ledger, recorder: Recorder, text: str
) -> None:
    """As an empty negative prompt: its completion could not be indexed, and so was not recorded."""
    recorder.run("run-1", prompts=[prompt("a cat", node="6"), replace(prompt("x", node="7"), text=text)])
    row = ledger.index.execution("run-1")
    assert row is not None and row.completion is not None
    assert list(ledger.check_index()) == []
