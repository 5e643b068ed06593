from __future__ import annotations

import pytest
from comfy_provenance.nodes.load_output import is_inside


def test_list_of_outputs_is_asked_for_anew_and_newest_first(port, nodes):
    wrapper = nodes["ProvenanceLoadOutput"]
    assert wrapper.INPUT_TYPES()["required"]["image"][0] == []
    port.outputs["image"] = ["b.png [output]", "sub/a.png [output]"]
    assert wrapper.INPUT_TYPES()["required"]["image"][0] == ["b.png [output]", "sub/a.png [output]"]


def test_decoding_and_change_detection_are_the_stock_loaders(nodes):
    wrapper = nodes["ProvenanceLoadOutput"]
    assert wrapper.RETURN_TYPES == ("IMAGE", "MASK")
    loaded = getattr(wrapper(), wrapper.FUNCTION)(image="a.png [output]")
    assert loaded == ("pixels of a.png [output]", "mask of a.png [output]")
    assert wrapper.IS_CHANGED(image="a.png [output]") == "digest of a.png [output]"


def test_outputs_older_than_the_list_are_valid_and_missing_ones_are_not(nodes):
    wrapper = nodes["ProvenanceLoadOutput"]
    assert wrapper.VALIDATE_INPUTS(image="older.png [output]") is True
    assert wrapper.VALIDATE_INPUTS(image="gone.png [output]") == "Invalid image file: gone.png [output]"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png [output]",
        "sub/../../secret.png [output]",
        "..\\secret.png [output]",
        "/etc/passwd",
        "C:\\secret.png [output]",
        "C:secret.png [output]",
        "\\\\server\\share\\a.png [output]",
        "a\0.png [output]",
        " [output]",
        "",
    ],
)
def test_names_that_leave_the_folder_are_refused(nodes, name):
    assert not is_inside(name)
    assert "Not the name of an output" in nodes["ProvenanceLoadOutput"].VALIDATE_INPUTS(image=name)


@pytest.mark.parametrize("name", ["a.png [output]", "sub/a b.png [temp]", "a[1].png", "v..2.png [output]"])
def test_ordinary_names_are_inside(name):
    assert is_inside(name)


def test_intent_runs_unconnected_and_tells_its_text(port, nodes):
    intent = nodes["ProvenanceIntent"]
    assert intent.OUTPUT_NODE is True
    assert intent.RETURN_TYPES == ()
    assert list(intent.INPUT_TYPES()["required"]) == ["title", "text"]
    assert intent().declare(title="水晶", text="a cat, {literally} braces") == ()
    [(context, class_type, values, tensors)] = port.seen
    assert (context.execution, class_type, tensors) == ("run-1", "ProvenanceIntent", {})
    assert values == {"kind": "intent", "title": "水晶", "text": "a cat, {literally} braces", "list_index": 0}
