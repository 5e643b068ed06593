"""Word-level prompt differences."""

from __future__ import annotations

from itertools import pairwise

import pytest
from comfy_provenance.provenance.lineage.words import hunks
from hypothesis import given
from hypothesis import strategies as st


def _side(result, dropped):
    return "".join(hunk["text"] for hunk in result if hunk["op"] != dropped)


def _compact(result):
    return [({"equal": "=", "delete": "-", "insert": "+"}[hunk["op"]], hunk["text"]) for hunk in result]


prompts = st.lists(
    st.sampled_from(
        [
            "cat",
            "fog",
            " ",
            "  ",
            ", ",
            "(",
            ":1.2)",
            "1.35",
            "猫",
            "在",
            "雾",
            "，",
            "\n",
            "é",
            "e\u0301",
            "👩\u200d🎨",
            "\ud800",
        ]
    )
).map("".join)


@given(st.text(), st.text())
def test_hunks_join_to_both_texts_exactly(before, after):
    result = hunks(before, after)
    assert _side(result, "insert") == before
    assert _side(result, "delete") == after


@given(prompts, prompts)
def test_hunks_are_in_normal_form(before, after):
    result = hunks(before, after)
    assert _side(result, "insert") == before
    assert _side(result, "delete") == after
    assert all(hunk["text"] for hunk in result)
    ops = [hunk["op"] for hunk in result]
    for first, second in pairwise(ops):
        assert (first, second) in {
            ("equal", "delete"),
            ("equal", "insert"),
            ("delete", "insert"),
            ("delete", "equal"),
            ("insert", "equal"),
        }


@given(prompts)
def test_equal_texts_have_no_change(text):
    assert hunks(text, text) == ([{"op": "equal", "text": text}] if text else [])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a castle in fog", "a castle in rain", [("=", "a castle in "), ("-", "fog"), ("+", "rain")]),
        ("a castle", "a castle, golden hour", [("=", "a castle"), ("+", ", golden hour")]),
        ("fog over hills", "golden hour over hills", [("-", "fog"), ("+", "golden hour"), ("=", " over hills")]),
        ("red cat", "blue dog", [("-", "red cat"), ("+", "blue dog")]),
        ("cat, fog", "dog, sun", [("-", "cat"), ("+", "dog"), ("=", ", "), ("-", "fog"), ("+", "sun")]),
        ("a (cat:1.2)", "a (cat:1.35)", [("=", "a (cat:"), ("-", "1.2"), ("+", "1.35"), ("=", ")")]),
        ("一只猫在月光下", "一只狗在月光下", [("=", "一只"), ("-", "猫"), ("+", "狗"), ("=", "在月光下")]),
        ("水晶吊坠，猫", "水晶吊坠，金色的猫", [("=", "水晶吊坠，"), ("+", "金色的"), ("=", "猫")]),
        (
            "a cat wearing a red hat",
            "a dog under a blue sky",
            [("=", "a "), ("-", "cat wearing a red hat"), ("+", "dog under a blue sky")],
        ),
        (
            "cat wearing, a red hat",
            "dog under, a blue sky",
            [("-", "cat wearing"), ("+", "dog under"), ("=", ", a "), ("-", "red hat"), ("+", "blue sky")],
        ),
        ("猫在月光下", "狗在日光下", [("-", "猫"), ("+", "狗"), ("=", "在"), ("-", "月"), ("+", "日"), ("=", "光下")]),
        ("", "fog", [("+", "fog")]),
        ("fog", "", [("-", "fog")]),
        ("don't", "don’t", [("-", "don't"), ("+", "don’t")]),
        ("e\u0301", "e", [("-", "e\u0301"), ("+", "e")]),
    ],
)
def test_examples(before, after, expected):
    assert _compact(hunks(before, after)) == expected


def test_emoji_sequences_are_not_cut_apart():
    assert _compact(hunks("👩\u200d🎨!", "👩\u200d🚀!")) == [("-", "👩\u200d🎨"), ("+", "👩\u200d🚀"), ("=", "!")]


def test_long_unrelated_texts_end_in_one_change():
    before, after = " ".join(f"a{n}" for n in range(20_000)), " ".join(f"b{n}" for n in range(20_000))
    result = hunks(before, after)
    assert _side(result, "insert") == before
    assert _side(result, "delete") == after


def test_long_texts_that_differ_in_most_phrases_keep_only_what_both_ends_share():
    before, after = ("same, " + ", ".join(f"{x}{n}" for n in range(3_000)) + ", end" for x in "ab")
    assert [hunk["op"] for hunk in hunks(before, after)] == ["equal", "delete", "insert", "equal"]
    assert _side(hunks(before, after), "delete") == after


def test_a_long_text_with_many_changed_words_still_shows_unchanged_phrases():
    old = [f"keep {n}, " if n % 9 else "old " * 200 + ", " for n in range(60)]
    new = [text.replace("old", "new") for text in old]
    result = hunks("".join(old), "".join(new))
    assert sum(hunk["op"] == "equal" for hunk in result) >= 6
    assert _side(result, "delete") == "".join(new)


def test_one_word_changed_in_a_very_long_text_is_found():
    text = "word, " * 100_000
    assert _compact(hunks(text + "fog, " + text, text + "sun, " + text))[1:3] == [("-", "fog"), ("+", "sun")]
