"""The grid of variations: which cells, which texts, what is refused. On literal graphs."""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.errors import InputError
from comfy_provenance.provenance.lineage import vary

TEXT = "a crystal cat, soft light, soft shadow"
PROMPT = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd.safetensors"}},
    "3": {"class_type": "KSampler", "inputs": {"seed": 2**64 - 1, "cfg": 7.0, "model": ["4", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": TEXT, "clip": ["4", 1]}},
}


def texts(axis: vary.Axis) -> list[str]:
    return [variant.value for variant in axis.variants]


def test_every_phrase_is_left_out_once() -> None:
    assert texts(vary.without(PROMPT, "6", "text")) == [
        "soft light, soft shadow",
        "a crystal cat, soft shadow",
        "a crystal cat, soft light",
    ]


@pytest.mark.parametrize(
    ("text", "piece", "left"),
    [
        ("a crystal cat", "crystal", "a cat"),
        ("a crystal cat", "a", "crystal cat"),
        ("a crystal cat", "cat", "a crystal"),
        ("水晶猫吊坠，柔光，白色", "柔光", "水晶猫吊坠，白色"),
        ("水晶猫吊坠", "水晶", "猫吊坠"),
        ("cat, fog", "fog", "cat"),
        ("cat, fog", "cat", "fog"),
        ("a fog. And cats", "fog", "a. And cats"),
        ("lonely", "lonely", ""),
    ],
)
def test_what_is_left_reads_as_if_the_piece_had_never_been_there(text: str, piece: str, left: str) -> None:
    graph = {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": text}}}
    assert texts(vary.without(graph, "6", "text", [piece])) == [left]


def test_a_text_of_one_phrase_is_taken_word_by_word() -> None:
    graph = {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a crystal cat"}}}
    assert texts(vary.without(graph, "6", "text")) == ["crystal cat", "a cat", "a crystal"]


def test_one_axis_gives_the_recorded_value_first() -> None:
    cells = vary.grid([vary.instead(PROMPT, "3", "cfg", [5, 9.5])])
    assert [(cell.place, cell.row, cell.column, cell.name) for cell in cells] == [
        (0, 0, 0, ""), (1, 1, 0, "cfg 5"), (2, 2, 0, "cfg 9.5"),
    ]  # fmt: skip


def test_two_axes_give_rows_and_columns() -> None:
    cells = vary.grid([vary.without(PROMPT, "6", "text", ["crystal"]), vary.instead(PROMPT, "3", "cfg", [5])])
    assert [(cell.row, cell.column, cell.name) for cell in cells] == [
        (0, 0, ""), (0, 1, "cfg 5"), (1, 0, "without “crystal”"), (1, 1, "without “crystal”; cfg 5"),
    ]  # fmt: skip


def test_a_cell_changes_nothing_else_and_not_the_graph_it_was_made_from() -> None:
    cells = vary.grid([vary.instead(PROMPT, "3", "seed", [1, 2**64 - 2])])
    varied = vary.applied(PROMPT, vary.changes_of(cells[2]))
    assert varied["3"]["inputs"] == {"seed": 2**64 - 2, "cfg": 7.0, "model": ["4", 0]}
    assert varied["6"] == PROMPT["6"]
    assert PROMPT["3"]["inputs"]["seed"] == 2**64 - 1
    assert vary.applied(PROMPT, vary.changes_of(cells[0])) == PROMPT


def test_a_text_in_the_place_of_a_number_is_read_as_one_however_large() -> None:
    axis = vary.instead(PROMPT, "3", "seed", ["18446744073709551614", " 7 ", "no number"])
    assert [variant.value for variant in axis.variants] == [2**64 - 2, 7, "no number"]
    assert vary.instead(PROMPT, "6", "text", ["7"]).variants[0].value == "7"


def test_the_recorded_value_is_no_variation_but_another_kind_of_the_same_number_is() -> None:
    axis = vary.instead(PROMPT, "3", "cfg", [7.0, 7])
    assert [variant.value for variant in axis.variants] == [7]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: vary.grid([]), "one or 2 inputs"),
        (lambda: vary.grid([vary.instead(PROMPT, "3", "cfg", [1])] * 2), "same input"),
        (lambda: vary.grid([vary.instead(PROMPT, "3", "cfg", range(10))], most=10), "11 runs"),
        (lambda: vary.grid([vary.instead(PROMPT, "3", "cfg", [1])], most=101), "2 to 100"),
        (lambda: vary.without(PROMPT, "6", "text", ["dog"]), "does not contain"),
        (lambda: vary.without(PROMPT, "3", "cfg"), "holds no text"),
        (lambda: vary.instead(PROMPT, "6", "clip", [1]), "from another node"),
        (lambda: vary.instead(PROMPT, "6", "gone", [1]), "no input gone"),
        (lambda: vary.instead(PROMPT, "99", "text", ["x"]), "no input text at a node 99"),
        (lambda: vary.instead(PROMPT, "3", "cfg", [7.0]), "no value but the recorded one"),
    ],
)
def test_what_makes_no_sheet_is_refused(make, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        make()
