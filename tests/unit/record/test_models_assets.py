"""Model files and loaded files that a graph names, on a real disk."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest
from comfy_provenance.provenance.model import FileRef, ModelRef, NodeInput
from comfy_provenance.provenance.record import assets, models
from comfy_provenance.provenance.record.graph import ApiGraph

ENDINGS = frozenset({".safetensors", ".pt", ".ckpt"})


def write(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def combo(*choices):
    return NodeInput("COMBO", {}, choices)


def graph(**inputs):
    return ApiGraph({"4": {"class_type": "Load", "inputs": inputs}})


@pytest.fixture
def folders(tmp_path):
    for name in (
        "checkpoints/a.safetensors",
        "loras/sub/l.safetensors",
        "embeddings/bad-hands.pt",
        "embeddings/e.safetensors",
    ):
        write(tmp_path / name, b"12345")
    for name in ("one.safetensors", "two.safetensors"):
        write(tmp_path / "vae" / name)
    write(tmp_path / "checkpoints/one.safetensors")
    write(tmp_path / "outside.safetensors")
    return {
        name: (str(tmp_path / "nowhere"), str(tmp_path / name))
        for name in ("checkpoints", "vae", "loras", "embeddings")
    }


def find(folders, declared=None, prompts=(), **inputs):
    return models.find(graph(**inputs), lambda name: declared, folders, ENDINGS, prompts)


def test_a_model_is_found_whatever_its_input_is_called(folders, tmp_path):
    state = (tmp_path / "checkpoints/a.safetensors").stat()
    expected = ModelRef("4", "anything", "checkpoints", "a.safetensors", 5, state.st_mtime_ns)
    assert find(folders, anything="a.safetensors", steps=4, other="a.png") == (expected,)
    assert find(folders, lora=os.path.join("sub", "l.safetensors"))[0].folder == "loras"  # noqa: PTH118


def test_the_choices_tell_which_folder_is_meant(folders):
    declared = {"name": combo("one.safetensors", "two.safetensors")}
    assert find(folders, declared, name="one.safetensors")[0].folder == "vae"
    assert (
        find(folders, {"name": combo("one.safetensors", "a.safetensors")}, name="one.safetensors")[0].folder
        == "checkpoints"
    )


def test_a_missing_file_counts_only_as_a_choice(folders):
    assert find(folders, name="gone.safetensors") == ()
    declared = {"name": combo("gone.safetensors", "two.safetensors")}
    assert find(folders, declared, name="gone.safetensors") == (
        ModelRef("4", "name", "vae", "gone.safetensors", None, None),
    )
    assert find(folders, {"name": combo("gone.ckpt")}, name="gone.ckpt")[0].folder == ""


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/x.safetensors", "x" * 5000 + ".pt", "a\0.pt", ".pt"])
def test_a_name_never_leaves_its_folder(folders, name):
    assert find(folders, name=name) == ()
    assert models.locate(folders, "checkpoints", name) is None


@pytest.mark.parametrize(
    "text",
    [
        "a cat, embedding:bad-hands",
        "(embedding:bad-hands:1.2)",
        "[embedding:bad-hands.pt], x",
        "\\(embedding:bad-hands\\)",
    ],
)
def test_embeddings_named_in_prompts_are_models(folders, text):
    declared = {"text": NodeInput("STRING", {"multiline": True})}
    (found,) = find(folders, declared, text=text)
    assert (found.folder, found.name, found.size) == ("embeddings", "bad-hands.pt", 5)
    assert find(folders, declared, text="embedding:unknown embedding: x a.safetensors") == ()


def safetensors(path, header, *, length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return write(path, struct.pack("<Q", len(raw) if length is None else length) + raw + b"\0" * 8)


def test_a_safetensors_header_is_summed_up(tmp_path):
    header = {
        "__metadata__": {
            "ss_tag": "t" * 600,
            "modelspec.title": "M",
            "modelspec.thumbnail": "data:image/png;base64,AAAA",
            "n": 7,
        },
        "a": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]},
        "b": {"dtype": "F16", "shape": [], "data_offsets": [0, 2]},
        "c": {"dtype": "I64", "shape": [True], "data_offsets": []},
    }
    found = models.safetensors_header(safetensors(tmp_path / "m.safetensors", header))
    assert (found["tensors"], found["parameters"], found["dtypes"]) == (3, 7, {"F16": 2, "I64": 1})
    assert list(found["metadata"]) == ["modelspec.thumbnail", "modelspec.title", "ss_tag"]
    assert found["metadata"]["modelspec.thumbnail"] == ""
    assert len(found["metadata"]["ss_tag"]) == 512
    assert found["trimmed"] is True


def test_much_metadata_is_cut_to_its_limit(tmp_path):
    header = {"__metadata__": {f"k{number}": "v" * 400 for number in range(100)}}
    found = models.safetensors_header(safetensors(tmp_path / "m.safetensors", header))
    assert sum(len(name) + len(text) for name, text in found["metadata"].items()) <= models.METADATA_LIMIT
    assert found["trimmed"] is True


@pytest.mark.parametrize(
    ("header", "length"),
    [(b"{}", 2**63), (b"{}", 200), (b"", 0), (b"[1]", None), (b"{", None), (b"\xff\xff", None), (b"[" * 9000, None)],
)
def test_a_damaged_header_is_no_header(tmp_path, header, length):
    assert models.safetensors_header(safetensors(tmp_path / "m.safetensors", header, length=length)) is None
    assert models.safetensors_header(write(tmp_path / "short", b"abc")) is None


@pytest.fixture
def directories(tmp_path):
    write(tmp_path / "in/a.png")
    write(tmp_path / "in/sub/dir/b.png")
    write(tmp_path / "in/clip.mp4")
    write(tmp_path / "in/x.latent")
    write(tmp_path / "out/o.png")
    write(tmp_path / "tmp/t.png")
    write(tmp_path / "elsewhere/photo.jpg")
    write(tmp_path / "elsewhere/notes.txt")
    return {"input": str(tmp_path / "in"), "output": str(tmp_path / "out"), "temp": str(tmp_path / "tmp")}


def names(directories, declared=None, **inputs):
    return [str(item.file) for item in assets.find(graph(**inputs), lambda name: declared, directories)]


@pytest.mark.parametrize(
    ("value", "file"),
    [
        ("a.png", "input/a.png"),
        ("a.png [input]", "input/a.png"),
        ("o.png [output]", "output/o.png"),
        ("o.png[output]", "output/o.png"),
        ("t.png [temp]", "temp/t.png"),
        ("sub/dir/b.png", "input/sub/dir/b.png"),
        ("clip.mp4", "input/clip.mp4"),
        ("x.latent", "input/x.latent"),
        (["a.png", "clip.mp4"], "input/a.png input/clip.mp4"),
    ],
)
def test_a_loaded_file_is_found_by_its_name(directories, value, file):
    assert " ".join(names(directories, whatever={"__value__": value} if isinstance(value, list) else value)) == file


@pytest.mark.parametrize(
    "value",
    [
        "o.png",
        "gone.png",
        "../out/o.png",
        "sub/../../out/o.png [input]",
        "sub",
        "",
        ".",
        "a.png\n",
        "x" * 3000 + ".png",
        "a\0.png",
        7,
        None,
    ],
)
def test_what_is_no_file_of_that_folder_is_not_found(directories, value):
    assert names(directories, image=value) == []


def test_prompts_and_prefixes_are_not_looked_at(directories):
    assert (
        names(directories, {"text": NodeInput("STRING", {"multiline": True})}, text="a.png", filename_prefix="a.png")
        == []
    )


def test_an_absolute_path_to_a_media_file_keeps_its_base_name_only(directories, tmp_path):
    (found,) = assets.find(graph(video=str(tmp_path / "elsewhere/photo.jpg")), lambda name: None, directories)
    assert (found.name, found.file, found.path) == ("photo.jpg", None, tmp_path / "elsewhere/photo.jpg")
    (inside,) = assets.find(graph(image=str(tmp_path / "out/o.png")), lambda name: None, directories)
    assert inside.file == FileRef("output", "", "o.png")
    assert names(directories, text=str(tmp_path / "elsewhere/notes.txt")) == []
    assert names(directories, text=str(tmp_path / "elsewhere/gone.jpg")) == []
